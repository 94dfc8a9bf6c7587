//! The statements by which counters tell the database what they counted: `prompt_stats`, and the rows of the rankings. Each is given
//! snapshots of many counters, as one JSON array.

use serde::Serialize;
use uuid::Uuid;

use super::standing::{Standing, standings};
use crate::counting::snapshot::Snapshot;
use crate::counting::tally::Tally;

/// A snapshot that tells the rankings, as the statements take it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Telling<T> {
    /// The prompt.
    pub prompt_id: Uuid,
    /// The counter's version.
    pub version: u64,
    /// The rows: an array of [`Standing`].
    pub standings: T,
}

/// A snapshot, with all that it tells; a [`Telling`] as well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SnapshotRow {
    prompt_id: Uuid,
    version: u64,
    views: u64,
    copies: u64,
    forks: u64,
    compares: u64,
    visits: u64,
    unique_visitors: u64,
    standings: [Standing; 4],
}

impl SnapshotRow {
    /// That of a prompt.
    #[must_use]
    pub fn of(prompt_id: Uuid, snapshot: &Snapshot) -> Self {
        let Tally { views, copies, forks, compares, visits, .. } = snapshot.tally;
        let Snapshot { version, unique_visitors, .. } = *snapshot;
        let standings = standings(snapshot);
        Self { prompt_id, version, views, copies, forks, compares, visits, unique_visitors, standings }
    }
}

/// Stores the snapshots `?1`, an array of [`SnapshotRow`], at the timestamp `?2`, each unless a newer one is there or the prompt is gone.
pub const STORE_COUNTS: &str = "insert into prompt_stats \
        (prompt_id, view_count, copy_count, fork_count, compare_count, visit_count, unique_visitors, version, \
            updated_at) \
    select p.id, value ->> 'views', value ->> 'copies', value ->> 'forks', value ->> 'compares', value ->> 'visits', \
        value ->> 'unique_visitors', value ->> 'version', ?2 \
    from json_each(?1) cross join prompts p on p.id = value ->> 'prompt_id' where true \
    on conflict (prompt_id) do update set view_count = excluded.view_count, copy_count = excluded.copy_count, \
        fork_count = excluded.fork_count, compare_count = excluded.compare_count, \
        visit_count = excluded.visit_count, unique_visitors = excluded.unique_visitors, version = excluded.version, \
        updated_at = excluded.updated_at \
    where excluded.version > prompt_stats.version";

/// Notes that the rankings are told at `?2` of those prompts of the snapshots `?1`, a JSON array of [`Telling`], of which they were
/// not since `?3`, in milliseconds since 1970, if a snapshot of this version stands. Snapshots come once in ten seconds; most of
/// what one writes would be these rows and their indexes.
pub const BEGIN_TELLING: &str = "update prompt_stats set ranked_ms = ?2 from json_each(?1) \
    where prompt_id = value ->> 'prompt_id' and version = value ->> 'version' \
        and coalesce(ranked_ms, 0) <= cast(?3 as integer)";

/// The prompts of the snapshots `?1`, and when the rankings were last told of each, of those that stand.
pub const TOLD: &str = "select prompt_id, ranked_ms from json_each(?1) cross join prompt_stats \
    on prompt_id = value ->> 'prompt_id' and version = value ->> 'version'";

/// Stores the rows of the snapshots `?1`, a JSON array of [`Telling`], of those that stand and of whose prompts the rankings were
/// last told at `?2`; null where no snapshot did. So rankings follow the counts that stand, and what leaves a window leaves it
/// without a newer version. What is as it was is not written. A
/// count that was never more than 0 has no row; only what is taken back lowers one, and leaves no trend where none is told.
pub const STORE_STANDINGS: &str = "insert into prompt_rankings \
        (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d, trend) \
    select p.id, s.value ->> 'metric', p.is_public and p.is_active, s.value ->> 'total', s.value ->> 'last_24h', \
        s.value ->> 'last_7d', s.value ->> 'last_30d', s.value ->> 'trend' \
    from json_each(?1) t cross join prompt_stats c on c.prompt_id = t.value ->> 'prompt_id' \
            and c.version = t.value ->> 'version' and c.ranked_ms is cast(?2 as integer) \
        cross join prompts p on p.id = c.prompt_id cross join json_each(t.value -> 'standings') s \
    where s.value ->> 'total' > 0 or exists (select 1 from prompt_rankings r \
        where r.prompt_id = p.id and r.metric = s.value ->> 'metric') \
    on conflict (prompt_id, metric) do update set total = excluded.total, last_24h = excluded.last_24h, \
        last_7d = excluded.last_7d, last_30d = excluded.last_30d, \
        trend = coalesce(excluded.trend, iif(excluded.total < prompt_rankings.total, null, trend)) \
    where (total, last_24h, last_7d, last_30d) \
        is not (excluded.total, excluded.last_24h, excluded.last_7d, excluded.last_30d)";
