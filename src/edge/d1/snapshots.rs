//! Statements about the snapshots of counters: `prompt_stats`, and what counters tell the rankings.

use uuid::Uuid;
use worker::{D1Database, Error, Result};

use super::rows::{Columns, read_all};
use super::{array, integer, optional_text, run, statement, text, transact};
use crate::counting::snapshot::Snapshot;
use crate::rankings::standing::{BEGIN_TELLING, STORE_STANDINGS, TOLD, standings};
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

/// The prompts after this id whose snapshots were written since an instant, in the order of their ids, as many as a limit
/// says. Rows are walked in that order, so that writing a snapshot keeps no index of its time.
pub(in crate::edge) async fn written_since(
    database: &D1Database,
    since_ms: i64,
    (after, limit): (Uuid, i64),
) -> Result<Vec<Uuid>> {
    let sql =
        "select prompt_id from prompt_stats where prompt_id > ?1 and updated_at >= ?2 order by prompt_id limit ?3";
    let since = optional_text(timestamp_from_ms(since_ms).as_deref());
    let found = run(statement(database, sql, &[text(&after.to_string()), since, integer(limit)])?).await?;
    read_all(&found, Columns::uuid)
}

/// Stores the snapshot of a counter, and tells the rankings, if they were told `interval_ms` ago or before; gives when they were
/// last told, unless a newer snapshot is there or the prompt is gone.
pub(in crate::edge) async fn store(
    database: &D1Database,
    prompt_id: Uuid,
    snapshot: &Snapshot,
    (now_ms, interval_ms): (i64, i64),
) -> Result<Option<i64>> {
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
    let (version, now) = (count(snapshot.version), integer(now_ms));
    let begin = [prompt_id.clone(), version.clone(), now.clone(), integer(now_ms - interval_ms)];
    let standings = [prompt_id.clone(), array(&standings(snapshot))?, version.clone(), now];
    let batch = vec![
        statement(database, COUNTS, &counts)?,
        statement(database, BEGIN_TELLING, &begin)?,
        statement(database, STORE_STANDINGS, &standings)?,
        statement(database, TOLD, &[prompt_id, version])?,
    ];
    let told = transact(database, batch).await?.pop().ok_or_else(|| Error::from("no result"))?;
    Ok(read_all(&told, Columns::optional_integer)?.pop().flatten())
}
