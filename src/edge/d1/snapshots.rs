//! Statements about the snapshots of counters: `prompt_stats`, and what counters tell the rankings.

use std::collections::HashMap;

use uuid::Uuid;
use worker::{D1Database, Error, Result};

use super::rows::{Columns, read_all};
use super::{arrays, integer, optional_text, run, statement, text, transact};
use crate::counting::snapshot::Snapshot;
use crate::rankings::telling::{BEGIN_TELLING, STORE_COUNTS, STORE_STANDINGS, SnapshotRow, TOLD};
use crate::time::timestamp_from_ms;

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

/// Stores snapshots of counters, and tells the rankings of those prompts of which they were told `interval_ms` ago or before; gives
/// when they were last told of each, but of those of which a newer snapshot is there, or which are gone.
pub(in crate::edge) async fn store(
    database: &D1Database,
    snapshots: &[(Uuid, Snapshot)],
    (now_ms, interval_ms): (i64, i64),
) -> Result<HashMap<Uuid, Option<i64>>> {
    let (now, until) = (integer(now_ms), integer(now_ms - interval_ms));
    let updated_at = optional_text(timestamp_from_ms(now_ms).as_deref());
    let mut told = HashMap::new();
    for rows in arrays(snapshots.iter().map(|(prompt_id, snapshot)| SnapshotRow::of(*prompt_id, snapshot)))? {
        let batch = vec![
            statement(database, STORE_COUNTS, &[rows.clone(), updated_at.clone()])?,
            statement(database, BEGIN_TELLING, &[rows.clone(), now.clone(), until.clone()])?,
            statement(database, STORE_STANDINGS, &[rows.clone(), now.clone()])?,
            statement(database, TOLD, &[rows])?,
        ];
        let result = transact(database, batch).await?.pop().ok_or_else(|| Error::from("no result"))?;
        told.extend(read_all(&result, |columns| Some((columns.uuid()?, columns.optional_integer()?)))?);
    }
    Ok(told)
}
