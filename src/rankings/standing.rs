//! How a prompt stands in the rankings, as its counter tells it, and when.

use serde::Serialize;

use super::list::List;
use crate::counting::snapshot::Snapshot;
use crate::counting::tally::Tally;

/// A row of `prompt_rankings`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What is counted.
    pub metric: &'static str,
    /// Since the beginning.
    pub total: u64,
    /// In 24 hours.
    pub last_24h: u64,
    /// In 7 days.
    pub last_7d: u64,
    /// In 30 days.
    pub last_30d: u64,
    /// Of visits, see [`crate::counting::windows::trend`]; `None` leaves what is stored as it is.
    pub trend: Option<i64>,
}

/// The rows that a snapshot tells.
#[must_use]
pub fn standings(snapshot: &Snapshot) -> [Standing; 4] {
    let of = |list: List, count: fn(&Tally) -> u64, trend: Option<i64>| {
        let [day, week, month] = snapshot.recent.counts.map(|tally| count(&tally));
        Standing {
            metric: list.names().metric,
            total: count(&snapshot.tally),
            last_24h: day,
            last_7d: week,
            last_30d: month,
            trend,
        }
    };
    [
        of(List::Viewed, |tally| tally.views, None),
        of(List::Visited, |tally| tally.visits, snapshot.recent.trend),
        of(List::Copied, |tally| tally.copies, None),
        of(List::Forked, |tally| tally.forks, None),
    ]
}

/// When a counter is to tell the rankings again, in milliseconds since 1970: the rest, where these were told before, `told_ms`,
/// and not now; else when what it counted leaves a window.
#[must_use]
pub fn due_ms(told_ms: Option<i64>, now_ms: i64, interval_ms: i64, changes_ms: Option<i64>) -> Option<i64> {
    told_ms.filter(|told_ms| *told_ms != now_ms).map(|told_ms| told_ms + interval_ms).or(changes_ms)
}
