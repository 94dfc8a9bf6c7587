//! Statements about `prompt_stats`.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::{integer, optional_text, run, statement, text};
use crate::counting::snapshot::Snapshot;
use crate::time::timestamp_from_ms;

/// Stores the snapshot of a counter, unless a newer one is there or its prompt is gone.
pub(in crate::edge) async fn store(
    database: &D1Database,
    prompt_id: Uuid,
    snapshot: &Snapshot,
    now_ms: i64,
) -> Result<()> {
    let sql = "insert into prompt_stats \
            (prompt_id, view_count, copy_count, fork_count, compare_count, version, updated_at) \
        select id, ?2, ?3, ?4, ?5, ?6, ?7 from prompts where id = ?1 \
        on conflict (prompt_id) do update set view_count = excluded.view_count, copy_count = excluded.copy_count, \
            fork_count = excluded.fork_count, compare_count = excluded.compare_count, version = excluded.version, \
            updated_at = excluded.updated_at \
        where excluded.version > prompt_stats.version";
    let Snapshot { tally, version, .. } = *snapshot;
    let count = |count: u64| integer(i64::try_from(count).unwrap_or(i64::MAX));
    let parameters = [
        text(&prompt_id.to_string()),
        count(tally.views),
        count(tally.copies),
        count(tally.forks),
        count(tally.compares),
        count(version),
        optional_text(timestamp_from_ms(now_ms).as_deref()),
    ];
    run(statement(database, sql, &parameters)?).await.map(drop)
}
