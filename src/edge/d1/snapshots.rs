//! Statements about the snapshots of counters: `prompt_stats`, and what counters tell the rankings.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::{array, integer, optional_text, statement, text, transact};
use crate::counting::snapshot::Snapshot;
use crate::rankings::standing::standings;
use crate::time::timestamp_from_ms;

/// Counts are stored unless newer ones are there, or the prompt is gone.
const COUNTS: &str = "insert into prompt_stats \
        (prompt_id, view_count, copy_count, fork_count, compare_count, visit_count, unique_visitors, version, \
            updated_at) \
    select id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 from prompts where id = ?1 \
    on conflict (prompt_id) do update set view_count = excluded.view_count, copy_count = excluded.copy_count, \
        fork_count = excluded.fork_count, compare_count = excluded.compare_count, \
        visit_count = excluded.visit_count, unique_visitors = excluded.unique_visitors, version = excluded.version, \
        updated_at = excluded.updated_at \
    where excluded.version > prompt_stats.version";

/// The rankings follow the counts that stand, and what leaves a window leaves it without a newer version. What is as it
/// was is not written. A count that was never more than 0 has no row; only what is taken back lowers one, and a trend of
/// what was taken back is none.
const STANDINGS: &str = "insert into prompt_rankings \
        (prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d, trend) \
    select p.id, value ->> 'metric', p.is_public and p.is_active, value ->> 'total', value ->> 'last_24h', \
        value ->> 'last_7d', value ->> 'last_30d', value ->> 'trend' \
    from prompts p join json_each(?2) where p.id = ?1 \
        and (value ->> 'total' > 0 or exists (select 1 from prompt_rankings r \
            where r.prompt_id = p.id and r.metric = value ->> 'metric')) \
        and (select version from prompt_stats where prompt_id = ?1) = cast(?3 as integer) \
    on conflict (prompt_id, metric) do update set total = excluded.total, last_24h = excluded.last_24h, \
        last_7d = excluded.last_7d, last_30d = excluded.last_30d, \
        trend = coalesce(excluded.trend, iif(excluded.total < prompt_rankings.total, null, trend)) \
    where (total, last_24h, last_7d, last_30d) \
        is not (excluded.total, excluded.last_24h, excluded.last_7d, excluded.last_30d)";

/// Stores the snapshot of a counter.
pub(in crate::edge) async fn store(
    database: &D1Database,
    prompt_id: Uuid,
    snapshot: &Snapshot,
    now_ms: i64,
) -> Result<()> {
    let count = |count: u64| integer(i64::try_from(count).unwrap_or(i64::MAX));
    let prompt_id = text(&prompt_id.to_string());
    let tally = snapshot.tally;
    let counts = [
        prompt_id.clone(),
        count(tally.views),
        count(tally.copies),
        count(tally.forks),
        count(tally.compares),
        count(tally.visits),
        count(snapshot.unique_visitors),
        count(snapshot.version),
        optional_text(timestamp_from_ms(now_ms).as_deref()),
    ];
    let standings = [prompt_id, array(&standings(snapshot))?, count(snapshot.version)];
    let batch = vec![statement(database, COUNTS, &counts)?, statement(database, STANDINGS, &standings)?];
    transact(database, batch).await.map(drop)
}
