//! The counts of one prompt.

use serde::{Deserialize, Serialize};

/// What is counted per prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Somebody looked at the prompt.
    View,
    /// Somebody copied its text.
    Copy,
    /// Somebody made a prompt of their own from it.
    Fork,
    /// Somebody put it beside others.
    Compare,
    /// A view that is the first of its visitor for some time.
    Visit,
    /// What would have been a view or a copy, but came from a robot that says so.
    Bot,
    /// The same, from a browser that a program steers.
    Headless,
    /// The same, from a browser that loads a page in case somebody looks at it.
    Prefetch,
}

/// How often each metric was counted: since the beginning, or in some time. Counts never pass 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Views.
    pub views: u64,
    /// Copies.
    pub copies: u64,
    /// Forks.
    pub forks: u64,
    /// Comparisons.
    pub compares: u64,
    /// Visits: views, at most one of a visitor in some time.
    pub visits: u64,
    /// Events of robots, which are neither views nor copies.
    pub bots: u64,
    /// Events of steered browsers, likewise.
    pub headless: u64,
    /// Events of pages that were loaded ahead, likewise.
    pub prefetches: u64,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 8] =
        [Self::View, Self::Copy, Self::Fork, Self::Compare, Self::Visit, Self::Bot, Self::Headless, Self::Prefetch];

    /// The name under which it is asked for and told.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Copy => "copy",
            Self::Fork => "fork",
            Self::Compare => "compare",
            Self::Visit => "visit",
            Self::Bot => "bot",
            Self::Headless => "headless",
            Self::Prefetch => "prefetch",
        }
    }

    /// The name of the events that it counts.
    #[must_use]
    pub fn event_name(self) -> &'static str {
        if self == Self::Compare { "compare_add" } else { self.name() }
    }

    /// The metric of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

impl Tally {
    /// How often `metric` was counted.
    #[must_use]
    pub fn count(&self, metric: Metric) -> u64 {
        match metric {
            Metric::View => self.views,
            Metric::Copy => self.copies,
            Metric::Fork => self.forks,
            Metric::Compare => self.compares,
            Metric::Visit => self.visits,
            Metric::Bot => self.bots,
            Metric::Headless => self.headless,
            Metric::Prefetch => self.prefetches,
        }
    }

    /// Counts `metric` `times` more.
    pub fn add(&mut self, metric: Metric, times: u64) {
        let count = match metric {
            Metric::View => &mut self.views,
            Metric::Copy => &mut self.copies,
            Metric::Fork => &mut self.forks,
            Metric::Compare => &mut self.compares,
            Metric::Visit => &mut self.visits,
            Metric::Bot => &mut self.bots,
            Metric::Headless => &mut self.headless,
            Metric::Prefetch => &mut self.prefetches,
        };
        *count = count.saturating_add(times);
    }

    /// What is left without what another tally counts; nothing falls below 0.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Self::default();
        for metric in Metric::ALL {
            left.add(metric, self.count(metric).saturating_sub(other.count(metric)));
        }
        left
    }

    /// Counts all of another tally more.
    pub fn add_all(&mut self, other: &Self) {
        for metric in Metric::ALL {
            self.add(metric, other.count(metric));
        }
    }
}
