//! The lists that can be asked for, and over what time.

use crate::counting::windows::WINDOWS;
use crate::http::problem::{Code, Problem};

/// A list of prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// By uses.
    Used,
    /// By views.
    Viewed,
    /// By visits.
    Visited,
    /// By copies.
    Copied,
    /// By forks.
    Forked,
    /// By likes of their templates.
    Liked,
    /// By visits, each worth half as much with each day of its age.
    Trending,
}

/// What is named after a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListNames {
    /// The list, in the path.
    pub name: &'static str,
    /// What it is of, in `prompt_rankings`.
    pub metric: &'static str,
    /// How often that was, in the answer.
    pub count: &'static str,
    /// What is told beside it.
    pub beside: Option<Beside>,
}

/// Another count of the prompts in a list, over the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beside {
    /// What it is of, in `prompt_rankings`.
    pub metric: &'static str,
    /// Its name in the answer.
    pub count: &'static str,
}

const VIEWS: Beside = Beside { metric: "view", count: "view_count" };
const VISITS: Beside = Beside { metric: "visit", count: "visit_count" };
const SUCCESSES: Beside = Beside { metric: "success", count: "success_count" };

/// The time that a list looks back on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// One of [`WINDOWS`], by its place.
    Window(usize),
    /// Since the beginning.
    All,
}

/// What is named after a window.
#[derive(Debug)]
pub struct WindowNames {
    /// The window, as callers name it.
    pub name: &'static str,
    /// The column of `prompt_rankings` that counts in it.
    pub counted: &'static str,
    /// The column of `ranking_windows` that tells what has left it.
    pub left: &'static str,
}

/// The names of [`WINDOWS`].
pub const WINDOWS_BY_NAME: [WindowNames; WINDOWS.len()] = [
    WindowNames { name: "24h", counted: "last_24h", left: "left_24h" },
    WindowNames { name: "7d", counted: "last_7d", left: "left_7d" },
    WindowNames { name: "30d", counted: "last_30d", left: "left_30d" },
];

impl List {
    /// Every list.
    pub const ALL: [Self; 7] =
        [Self::Used, Self::Viewed, Self::Visited, Self::Copied, Self::Forked, Self::Liked, Self::Trending];

    /// What is named after it.
    #[must_use]
    pub fn names(self) -> ListNames {
        let (name, metric, count, beside) = match self {
            Self::Used => ("used", "use", "usage_count", Some(SUCCESSES)),
            Self::Viewed => ("viewed", VIEWS.metric, VIEWS.count, Some(VISITS)),
            Self::Visited => ("visited", VISITS.metric, VISITS.count, Some(VIEWS)),
            Self::Copied => ("copied", "copy", "copy_count", None),
            Self::Forked => ("forked", "fork", "fork_count", None),
            Self::Liked => ("liked", "like", "like_count", None),
            Self::Trending => ("trending", VISITS.metric, VISITS.count, Some(VIEWS)),
        };
        ListNames { name, metric, count, beside }
    }

    /// The list of this name.
    ///
    /// # Errors
    /// [`Code::UnknownRoute`], for it stands in the path.
    pub fn of_name(name: &str) -> Result<Self, Problem> {
        let names = || Self::ALL.map(|list| list.names().name).join(", ");
        let unknown = || Problem::new(Code::UnknownRoute, format!("The lists are {}.", names()));
        Self::ALL.into_iter().find(|list| list.names().name == name).ok_or_else(unknown)
    }
}

impl Span {
    /// The span of this name; without one, all.
    ///
    /// # Errors
    /// [`Code::InvalidValue`].
    pub fn of_name(name: Option<&str>) -> Result<Self, Problem> {
        let Some(name) = name.filter(|name| *name != "all") else { return Ok(Self::All) };
        let place = WINDOWS_BY_NAME.iter().position(|window| window.name == name);
        let unknown = || Problem::new(Code::InvalidValue, "window is 24h, 7d, 30d or all.");
        place.map(Self::Window).ok_or_else(unknown)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.window().map_or("all", |window| window.name)
    }

    /// The column that counts over it.
    #[must_use]
    pub fn column(self) -> &'static str {
        self.window().map_or("total", |window| window.counted)
    }

    fn window(self) -> Option<&'static WindowNames> {
        match self {
            Self::Window(place) => WINDOWS_BY_NAME.get(place),
            Self::All => None,
        }
    }
}
