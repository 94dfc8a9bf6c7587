//! Runs the experiment rollup: slice after slice, until nothing new is left or the time is up.

use serde_json::json;
use worker::{D1Database, Result, console_log};

use super::d1::rollup as statements;
use super::runtime::now_ms;
use crate::experiments::rollup::{Slice, roll};
use crate::time::{DAY_MS, SECOND_MS};

/// Events in a slice: about 1 MB in memory.
const SLICE_EVENTS: i64 = 5000;
/// A run begins no further slice after this time; the next run goes on. In milliseconds.
const RUN_MS: i64 = 20 * SECOND_MS;
/// How long runs are kept in the log, in milliseconds.
const LOG_MS: i64 = 30 * DAY_MS;

/// Rolls up what has arrived and notes the run in `rollup_runs`.
pub(super) async fn run(database: &D1Database) -> Result<()> {
    let started_ms = now_ms();
    let run = statements::start_run(database, started_ms, started_ms - LOG_MS).await?;
    let (mut events_read, mut rows_written) = (0, 0);
    let outcome = loop {
        match slice(database).await {
            Ok(Some((read, written))) => {
                events_read += read;
                rows_written += written;
                if now_ms() - started_ms > RUN_MS {
                    break Ok(());
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let error = outcome.as_ref().err().map(ToString::to_string);
    statements::finish_run(database, run, now_ms(), (events_read, rows_written), error.as_deref()).await?;
    if events_read > 0 {
        console_log!("{}", json!({"level": "info", "what": "rollup", "read": events_read, "written": rows_written}));
    }
    outcome
}

/// Rolls up one slice; gives the events read and the rows written, or `None` when there is nothing new.
async fn slice(database: &D1Database) -> Result<Option<(i64, i64)>> {
    let watermark = statements::watermark(database).await?;
    let (arrivals, last) = statements::arrivals(database, watermark, SLICE_EVENTS).await?;
    if arrivals.is_empty() {
        return Ok(None);
    }
    let read = i64::try_from(arrivals.len()).unwrap_or(i64::MAX);
    let slice = Slice::of(arrivals);
    let rules = statements::rules(database, &slice).await?;
    let stored = statements::sessions(database, &slice).await?;
    let changes = roll(&slice, stored, &rules);
    match statements::store(database, &changes, &rules, (watermark, last)).await {
        Ok(written) => Ok(Some((read, written))),
        // Another run that overlaps this one was first: what it rolled up is done.
        Err(_) if statements::watermark(database).await? != watermark => Ok(Some((0, 0))),
        Err(error) => Err(error),
    }
}
