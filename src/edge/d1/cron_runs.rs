//! Statements about the log of the cron's runs.

use worker::{D1Database, Result};

use super::{integer, statement, text, transact};

/// A run of the cron.
pub(in crate::edge) struct CronRun<'a> {
    /// When it began, in milliseconds since 1970.
    pub(in crate::edge) started_ms: i64,
    /// When it ended.
    pub(in crate::edge) finished_ms: i64,
    /// The names of what failed, with commas between them.
    pub(in crate::edge) failures: &'a str,
    /// How many rows were removed for their age, a JSON object by table.
    pub(in crate::edge) removed: &'a str,
}

/// Notes a run, and forgets those from before `kept_ms`.
pub(in crate::edge) async fn note(database: &D1Database, run: &CronRun<'_>, kept_ms: i64) -> Result<()> {
    let note = "insert into cron_runs (started_ms, finished_ms, failures, removed) values (?1, ?2, ?3, ?4) \
        on conflict (started_ms) do nothing";
    let parameters = [integer(run.started_ms), integer(run.finished_ms), text(run.failures), text(run.removed)];
    let batch = vec![
        statement(database, note, &parameters)?,
        statement(database, "delete from cron_runs where started_ms < ?1", &[integer(kept_ms)])?,
    ];
    transact(database, batch).await.map(drop)
}
