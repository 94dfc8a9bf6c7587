//! Why what would be a view or a copy is none.

use crate::counting::tally::Metric;

/// Why what would be a view or a copy is none. Such an event is counted, too, but as what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its user agent is that of a robot.
    Bot,
    /// A program steers the browser.
    Headless,
    /// The page was loaded in case somebody looks at it.
    Prefetch,
}

impl Reason {
    const ALL: [Self; 3] = [Self::Bot, Self::Headless, Self::Prefetch];

    /// The name by which callers are told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Headless => "headless",
            Self::Prefetch => "prefetch",
        }
    }

    /// What is counted in the place of a view or a copy.
    #[must_use]
    pub fn metric(self) -> Metric {
        match self {
            Self::Bot => Metric::Bot,
            Self::Headless => Metric::Headless,
            Self::Prefetch => Metric::Prefetch,
        }
    }

    /// The reason for which this is counted; `None` for what is counted as what it was told.
    #[must_use]
    pub fn of(metric: Metric) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.metric() == metric)
    }
}

/// The value of the header `X-Promptmeter-Dropped`: the names of these reasons, each once, in alphabetical order.
/// `None` if there are none.
pub fn header(reasons: impl IntoIterator<Item = Reason>) -> Option<String> {
    let mut given = [None; Reason::ALL.len()];
    for reason in reasons {
        if let Some(place) = given.get_mut(reason as usize) {
            *place = Some(reason.name());
        }
    }
    let mut names = String::new();
    for name in given.into_iter().flatten() {
        names.push_str(if names.is_empty() { "" } else { ", " });
        names.push_str(name);
    }
    Some(names).filter(|names| !names.is_empty())
}
