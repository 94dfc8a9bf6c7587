//! What the database tells of itself and of the work on it.

use worker::{D1Database, Error, Result};

use super::rows::{read_all, storage_bytes};
use super::{run, statement};
use crate::health::state::State;

/// The last migration that was applied, and when, in milliseconds since 1970. `None` if none was.
pub(in crate::edge) async fn last_migration(database: &D1Database) -> Result<Option<(String, i64)>> {
    let sql = "select name, cast(unixepoch(applied_at) * 1000 as integer) from d1_migrations order by id desc limit 1";
    match run(statement(database, sql, &[])?).await {
        Ok(found) => Ok(read_all(&found, |columns| Some((columns.text()?, columns.integer()?)))?.pop()),
        Err(error) if error.to_string().contains("no such table") => Ok(None),
        Err(error) => Err(error),
    }
}

/// How the database is, which may have `storage_limit` bytes.
pub(in crate::edge) async fn state(database: &D1Database, storage_limit: u64) -> Result<State> {
    let sql = "select (select received_ms from experiment_batches \
            where seq > (select seq from rollup_watermark where id = 1) order by seq limit 1), \
            started_ms, coalesce(failures, '') \
        from (select 1) left join (select started_ms, failures from cron_runs order by started_ms desc limit 1)";
    let found = run(statement(database, sql, &[])?).await?;
    let storage_bytes = storage_bytes(&found)?;
    let state = |columns: &mut super::rows::Columns| {
        Some(State {
            waiting_since_ms: columns.optional_integer()?,
            cron_ms: columns.optional_integer()?,
            cron_failures: columns.text()?,
            storage_bytes,
            storage_limit,
        })
    };
    read_all(&found, state)?.pop().ok_or_else(|| Error::from("the database tells nothing of itself"))
}
