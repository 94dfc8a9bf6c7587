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

/// Notes that the rankings are told of the prompt `?1` at `?3`, if they were not since `?4`, in milliseconds since 1970, and the
/// snapshot that stands is of the version `?2`. Snapshots come once in ten seconds; most of what one writes would be these
/// rows and their indexes.
pub const BEGIN_TELLING: &str = "update prompt_stats set ranked_ms = ?3 \
    where prompt_id = ?1 and version = cast(?2 as integer) and coalesce(ranked_ms, 0) <= cast(?4 as integer)";

/// When the rankings were last told of the prompt `?1`, if the snapshot that stands is of the version `?2`.
pub const TOLD: &str = "select ranked_ms from prompt_stats where prompt_id = ?1 and version = cast(?2 as integer)";

/// When a counter is to tell the rankings again, in milliseconds since 1970: the rest, where these were told before, `told_ms`,
/// and not now; else when what it counted leaves a window.
#[must_use]
pub fn due_ms(told_ms: Option<i64>, now_ms: i64, interval_ms: i64, changes_ms: Option<i64>) -> Option<i64> {
    told_ms.filter(|told_ms| *told_ms != now_ms).map(|told_ms| told_ms + interval_ms).or(changes_ms)
}

/// Stores the rows `?2`, a JSON array, of the prompt `?1`, if the snapshot that stands is of the version `?3` and the rankings
/// were last told of it at `?4`; null where no snapshot did. So rankings follow the counts that stand, and what leaves a window
/// leaves it without a newer version. What is as it was is not written. A
/// count that was never more than 0 has no row; only what is taken back lowers one, and leaves no trend where none is told.
pub const STORE_STANDINGS: &str = "insert into prompt_rankings \
        (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d, trend) \
    select p.id, value ->> 'metric', p.is_public and p.is_active, value ->> 'total', value ->> 'last_24h', \
        value ->> 'last_7d', value ->> 'last_30d', value ->> 'trend' \
    from prompts p join json_each(?2) where p.id = ?1 \
        and (value ->> 'total' > 0 or exists (select 1 from prompt_rankings r \
            where r.prompt_id = p.id and r.metric = value ->> 'metric')) \
        and exists (select 1 from prompt_stats where prompt_id = ?1 \
            and version = cast(?3 as integer) and ranked_ms is cast(?4 as integer)) \
    on conflict (prompt_id, metric) do update set total = excluded.total, last_24h = excluded.last_24h, \
        last_7d = excluded.last_7d, last_30d = excluded.last_30d, \
        trend = coalesce(excluded.trend, iif(excluded.total < prompt_rankings.total, null, trend)) \
    where (total, last_24h, last_7d, last_30d) \
        is not (excluded.total, excluded.last_24h, excluded.last_7d, excluded.last_30d)";
