//! The names that the events of an experiment use and that are kept for ever: they may not be named without end.

use crate::limits::{EXPERIMENT_METRICS, VARIANTS};

/// What an experiment's events name, and may not name without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A variant, while it is not declared which there are.
    Variant,
    /// A metric.
    Metric,
}

impl NameKind {
    /// The name under which it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Variant => "variant",
            Self::Metric => "metric",
        }
    }

    /// The kind that is stored under this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Variant, Self::Metric].into_iter().find(|kind| kind.name() == name)
    }

    /// Whether a name may be used: it was before, or there is room for one more.
    #[must_use]
    pub fn has_room(self, names: &Names, name: Option<&String>) -> bool {
        let most = match self {
            Self::Variant => VARIANTS,
            Self::Metric => EXPERIMENT_METRICS,
        };
        let count = || names.iter().filter(|(kind, _)| *kind == self).count();
        name.is_none_or(|name| self.has(names, name) || count() < most)
    }

    /// Adds a name to those that are used, unless it is among them.
    pub fn note(self, names: &mut Names, name: Option<&String>) {
        if let Some(name) = name.filter(|name| !self.has(names, name)) {
            names.push((self, name.clone()));
        }
    }

    fn has(self, names: &Names, name: &str) -> bool {
        names.iter().any(|(kind, known)| *kind == self && known == name)
    }
}

/// The names that an experiment's events have used.
pub type Names = Vec<(NameKind, String)>;
