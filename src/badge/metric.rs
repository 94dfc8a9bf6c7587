//! What a badge may tell.

use crate::counting::stats::Stats;
use crate::counting::tally::Metric;

/// What a badge tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadgeMetric {
    /// What a counter counts.
    Counted(Metric),
    /// Likes of the prompt's templates.
    Like,
    /// Unique visitors.
    Visitor,
}

impl BadgeMetric {
    /// Every one, with the name under which it is asked for, and the label that it has unless another is asked for.
    pub const ALL: [(Self, &str, &str); 7] = [
        (Self::Counted(Metric::View), "view", "views"),
        (Self::Counted(Metric::Copy), "copy", "copies"),
        (Self::Counted(Metric::Fork), "fork", "forks"),
        (Self::Counted(Metric::Compare), "compare", "comparisons"),
        (Self::Counted(Metric::Visit), "visit", "visits"),
        (Self::Like, "like", "likes"),
        (Self::Visitor, "visitor", "visitors"),
    ];

    /// How often it was counted.
    #[must_use]
    pub fn of(self, stats: &Stats) -> u64 {
        match self {
            Self::Counted(metric) => stats.tally().count(metric),
            Self::Like => stats.like_count(),
            Self::Visitor => stats.unique_visitors(),
        }
    }
}
