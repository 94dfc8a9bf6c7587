//! Statements that remove what is kept for a time only.

use worker::worker_sys::D1Result;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{integer, run, statement, text, transact};

/// Of an experiment `e` and what is rolled up of it, `r`: stopped before `?1`, with all sessions judged by the rules that are
/// declared.
const IS_TO_LOSE_SESSIONS: &str = "(e.stopped_ms < cast(?1 as integer) and r.next_multi_variant is null \
    and r.multi_variant = e.multi_variant and r.conversion_window_hours is e.conversion_window_hours)";

/// Of what is rolled up, `r`, of an experiment that is not declared: since `?1` nothing arrived that is still stored, and nothing
/// happened of which there are hourly rows.
const IS_IDLE: &str = "(r.sessions_removed_ms is null and r.next_multi_variant is null \
    and not exists (select 1 from experiments e where e.id = r.experiment_id) \
    and not exists (select 1 from experiment_analytics_summary s where s.experiment_id = r.experiment_id \
        and s.date >= date(cast(?1 as integer) / 1000, 'unixepoch')) \
    and coalesce((select b.received_ms from experiment_batches b where b.experiment_id = r.experiment_id \
        order by b.number desc limit 1), 0) < cast(?1 as integer))";

const INTERRUPT_ROLLUP: &str = "update rollup_watermark set version = version + 1 where id = 1";

/// Removes up to `limit` batches that are rolled up and arrived before `before_ms`, oldest first; gives how many. The
/// batch at the watermark stays: the next one is numbered after it.
pub(in crate::edge) async fn remove_batches(database: &D1Database, before_ms: i64, limit: i64) -> Result<i64> {
    let oldest = "select received_ms from experiment_batches order by seq limit 1";
    let oldest = read_all(&run(statement(database, oldest, &[])?).await?, Columns::integer)?;
    if oldest.first().is_none_or(|received_ms| *received_ms >= before_ms) {
        return Ok(0);
    }
    let sql = "delete from experiment_batches where seq in ( \
            select seq from experiment_batches where seq < (select seq from rollup_watermark where id = 1) \
            order by seq limit cast(?2 as integer)) \
        and received_ms < cast(?1 as integer) returning seq";
    removed(&run(statement(database, sql, &[integer(before_ms), integer(limit)])?).await?)
}

/// Experiments that were stopped before `stopped_ms` and were not noted to lose their sessions, but not those whose sessions are
/// still to be judged by other rules; and those that were noted and have sessions left, also if their declaration is gone.
pub(in crate::edge) async fn forgotten(database: &D1Database, stopped_ms: i64) -> Result<Vec<i64>> {
    let sql = format!(
        "select r.experiment from experiment_rollups r left join experiments e on e.id = r.experiment_id \
        where iif(r.sessions_removed_ms is null, {IS_TO_LOSE_SESSIONS}, exists ( \
            select 1 from session_states s where s.experiment = r.experiment)) order by 1 limit 100"
    );
    read_all(&run(statement(database, &sql, &[integer(stopped_ms)])?).await?, Columns::integer)
}

/// Removes up to `limit` sessions of an experiment that is still stopped since before `stopped_ms`, and notes since when
/// they are removed; gives how many. A run that rolls up at the same time fails and begins anew.
pub(in crate::edge) async fn remove_sessions(
    database: &D1Database,
    experiment: i64,
    (now_ms, stopped_ms): (i64, i64),
    limit: i64,
) -> Result<i64> {
    let note = format!(
        "update experiment_rollups as r set sessions_removed_ms = ?3 where experiment = cast(?2 as integer) \
        and sessions_removed_ms is null \
        and exists (select 1 from experiments e where e.id = r.experiment_id and {IS_TO_LOSE_SESSIONS})"
    );
    let remove = "delete from session_states where experiment = (select experiment from experiment_rollups \
            where experiment = cast(?1 as integer) and sessions_removed_ms is not null) \
        and session in (select session from session_states where experiment = cast(?1 as integer) \
            limit cast(?2 as integer)) returning 1";
    let batch = vec![
        statement(database, INTERRUPT_ROLLUP, &[])?,
        statement(database, &note, &[integer(stopped_ms), integer(experiment), integer(now_ms)])?,
        statement(database, remove, &[integer(experiment), integer(limit)])?,
    ];
    match transact(database, batch).await?.pop() {
        Some(result) => removed(&result),
        None => Ok(0),
    }
}

/// Experiments that are not declared, have sessions, and of which nothing happened or arrived since `since_ms`.
pub(in crate::edge) async fn idle(database: &D1Database, since_ms: i64) -> Result<Vec<i64>> {
    let sql = format!(
        "select r.experiment from experiment_rollups r where exists ( \
            select 1 from session_states s where s.experiment = r.experiment) and {IS_IDLE} order by 1 limit 100"
    );
    read_all(&run(statement(database, &sql, &[integer(since_ms)])?).await?, Columns::integer)
}

/// Removes up to `limit` sessions of an experiment that is idle still; gives how many. A run that rolls up at the same time fails
/// and begins anew.
pub(in crate::edge) async fn remove_idle_sessions(
    database: &D1Database,
    experiment: i64,
    since_ms: i64,
    limit: i64,
) -> Result<i64> {
    let remove = format!(
        "delete from session_states where (experiment, session) in (select s.experiment, s.session \
            from experiment_rollups r join session_states s on s.experiment = r.experiment \
            where r.experiment = cast(?2 as integer) and {IS_IDLE} limit cast(?3 as integer)) returning 1"
    );
    let batch = vec![
        statement(database, INTERRUPT_ROLLUP, &[])?,
        statement(database, &remove, &[integer(since_ms), integer(experiment), integer(limit)])?,
    ];
    transact(database, batch).await?.pop().map_or(Ok(0), |result| removed(&result))
}

/// Rows of forks and comparisons that happened before an instant and are counted, oldest first.
const OLD_EVENTS: &str = "select prompt_id, id, event_type from prompt_events \
    where created_at < ?1 and uncounted_since_ms is null order by created_at, prompt_id, id limit cast(?2 as integer)";

/// Removes up to `limit` rows of forks and comparisons that happened before `before`, oldest first, and notes of each prompt how
/// many they were; gives how many.
pub(in crate::edge) async fn remove_events(database: &D1Database, before: &str, limit: i64) -> Result<i64> {
    let note = format!(
        "insert into removed_prompt_events (prompt_id, forks, compares) \
        select prompt_id, sum(event_type = 'fork'), sum(event_type = 'compare_add') from ({OLD_EVENTS}) \
        where true group by prompt_id on conflict (prompt_id) do update \
        set forks = forks + excluded.forks, compares = compares + excluded.compares"
    );
    let remove = format!(
        "delete from prompt_events where (prompt_id, id) in (select prompt_id, id from ({OLD_EVENTS})) returning 1"
    );
    let parameters = [text(before), integer(limit)];
    let batch = vec![statement(database, &note, &parameters)?, statement(database, &remove, &parameters)?];
    transact(database, batch).await?.pop().map_or(Ok(0), |result| removed(&result))
}

/// How many rows a statement that returns them removed.
pub(super) fn removed(result: &D1Result) -> Result<i64> {
    Ok(i64::try_from(read_all(result, Columns::integer)?.len()).unwrap_or(i64::MAX))
}
