//! Statements about the log of rollup runs.

use worker::{D1Database, Env, Error, Result};

use super::rows::{Columns, read_all};
use super::{database, integer, optional_text, statement, transact};
use crate::experiments::runs::{Page, Run};

/// Whether one of so many last runs failed, or did not come to its end.
pub(in crate::edge) async fn failed_of_last(database: &D1Database, runs: i64) -> Result<bool> {
    let sql = "select 1 from (select error, finished_ms from rollup_runs order by id desc limit ?1) \
        where error is not null or finished_ms is null limit 1";
    let found = super::run(statement(database, sql, &[integer(runs)])?).await?;
    Ok(!read_all(&found, Columns::integer)?.is_empty())
}

/// Notes that a run started, forgets runs before `kept_ms`, and gives the run's number.
pub(in crate::edge) async fn start(database: &D1Database, started_ms: i64, kept_ms: i64) -> Result<i64> {
    let batch = vec![
        statement(database, FORGET, &[integer(kept_ms)])?,
        statement(database, "insert into rollup_runs (started_ms) values (?1) returning id", &[integer(started_ms)])?,
    ];
    let started = transact(database, batch).await?.pop().ok_or_else(|| Error::from("a run was not noted"))?;
    read_all(&started, Columns::integer)?.pop().ok_or_else(|| Error::from("a run has no number"))
}

/// Runs are numbered in the order of their time: the first that is kept is found from the oldest on, of which there are
/// few, and those before it go by their numbers.
const FORGET: &str = "delete from rollup_runs where id < \
    (select id from rollup_runs where started_ms >= ?1 order by id limit 1)";

/// Notes how a run ended.
pub(in crate::edge) async fn finish(
    database: &D1Database,
    run: i64,
    finished_ms: i64,
    (events_read, rows_written): (i64, i64),
    error: Option<&str>,
) -> Result<()> {
    let sql = "update rollup_runs set finished_ms = ?2, events_read = ?3, rows_written = ?4, error = ?5 where id = ?1";
    let parameters =
        [integer(run), integer(finished_ms), integer(events_read), integer(rows_written), optional_text(error)];
    super::run(statement(database, sql, &parameters)?).await.map(drop)
}

/// The runs of a page, and one more where there are more.
pub(in crate::edge) async fn page(env: &Env, page: &Page) -> Result<Vec<Run>> {
    let sql = "select id, started_ms, finished_ms, events_read, rows_written, error from rollup_runs \
        where id < cast(?1 as integer) order by id desc limit ?2";
    let parameters = [integer(page.before), integer(page.limit + 1)];
    let found = super::run(statement(&database(env)?, sql, &parameters)?).await?;
    read_all(&found, |columns| {
        Some(Run {
            id: columns.integer()?,
            started_ms: columns.integer()?,
            finished_ms: columns.optional_integer()?,
            events_read: columns.integer()?,
            rows_written: columns.integer()?,
            error: columns.optional_text()?,
        })
    })
}
