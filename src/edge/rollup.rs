//! Runs the experiment rollup: slice after slice, until nothing new is left or the time is up.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use worker::{D1Database, Result, console_log};

use super::d1::{rollup as statements, rules, runs, session_states};
use super::runtime::now_ms;
use crate::experiments::rollup::{Slice, roll};
use crate::json::json_text;
use crate::time::{DAY_MS, SECOND_MS};

/// Events in a slice, unless one batch has more: about 10 MB in memory.
const SLICE_EVENTS: i64 = 10_000;
/// The same after a run that failed or was cut off: whatever was too much for it is less now.
const CAREFUL_SLICE_EVENTS: i64 = 500;
/// So many runs long: an hour, if all have something to do.
const CAREFUL_RUNS: i64 = 12;
/// A run begins no further slice after this time; the next run goes on. In milliseconds.
const RUN_MS: i64 = 20 * SECOND_MS;
/// How long runs are kept in the log, in milliseconds.
const LOG_MS: i64 = 30 * DAY_MS;

/// Rolls up what has arrived until now and notes the run in `rollup_runs`, unless there is nothing new; tells whether
/// nothing is left of it.
pub(super) async fn run(database: &D1Database) -> Result<bool> {
    let started_ms = now_ms();
    let newest = statements::newest(database).await?;
    if statements::position(database).await?.seq >= newest {
        return Ok(true);
    }
    let is_careful = runs::failed_of_last(database, CAREFUL_RUNS).await?;
    let slice_events = if is_careful { CAREFUL_SLICE_EVENTS } else { SLICE_EVENTS };
    let run = runs::start(database, started_ms, started_ms - LOG_MS).await?;
    let (mut events_read, mut rows_written) = (0, 0);
    let outcome = loop {
        match slice(database, newest, slice_events).await {
            Ok(Some((read, written))) => {
                events_read += read;
                rows_written += written;
                if now_ms() - started_ms > RUN_MS {
                    break Ok(false);
                }
            }
            Ok(None) => break Ok(true),
            Err(error) => break Err(error),
        }
    };
    let error = outcome.as_ref().err().map(ToString::to_string);
    runs::finish(database, run, now_ms(), (events_read, rows_written), error.as_deref()).await?;
    if events_read > 0 {
        let line = json!({"level": "info", "what": "rollup", "read": events_read, "written": rows_written});
        console_log!("{}", json_text(&line));
    }
    outcome
}

/// Rolls up one slice of the batches up to `newest`; gives the events read and the rows written, or `None` when there is
/// nothing new.
async fn slice(database: &D1Database, newest: i64, events: i64) -> Result<Option<(i64, i64)>> {
    let from = statements::position(database).await?;
    if from.seq >= newest {
        return Ok(None);
    }
    let batches = statements::batches(database, from, events).await?;
    let Some(to) = batches.last().map(|batch| batch.seq) else { return Ok(None) };
    let names: HashSet<&str> = batches.iter().map(|batch| batch.experiment_id.as_str()).collect();
    let (mut numbers, mut ids, mut rules_of) = (HashMap::new(), HashMap::new(), HashMap::new());
    for rolled in rules::of(database, &names).await? {
        rules_of.insert(rolled.experiment, rolled.rules);
        numbers.insert(rolled.experiment_id.clone(), rolled.experiment);
        ids.insert(rolled.experiment, rolled.experiment_id);
    }
    let mut slice = Slice::default();
    for batch in batches {
        if let Some(&experiment) = numbers.get(&batch.experiment_id) {
            let (duplicates, rejected) = batch.left_out;
            slice.note(experiment, duplicates, rejected);
            slice.take(experiment, batch.received_ms, batch.events);
        }
    }
    slice.sort();
    let read = i64::try_from(slice.len()).unwrap_or(i64::MAX);
    let known = session_states::find(database, slice.by_session().map(|(key, _)| key)).await?;
    let changes = roll(&slice, known.into_iter().collect(), &rules_of);
    match statements::store(database, &changes, &ids, (from, to), Vec::new()).await {
        Ok(written) => Ok(Some((read, written))),
        // Another run that overlaps this one was first: what it did is done.
        Err(_) if statements::position(database).await? != from => Ok(Some((0, 0))),
        Err(error) => Err(error),
    }
}
