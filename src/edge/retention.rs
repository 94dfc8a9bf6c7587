//! Removes what is kept for a time only: experiment events that are rolled up, sessions of experiments that were stopped or that
//! nobody declared, rows of forks and comparisons, keys of made prompts.

use worker::{Env, Result};

use super::runtime::now_ms;
use super::{d1, settings};
use crate::limits::CREATION_KEY_MS;
use crate::time::{DAY_MS, HOUR_MS, SECOND_MS, timestamp_from_ms};

/// Batches, sessions, events, keys, that one statement removes.
const PORTION: i64 = 5000;
/// A run begins no further portion after this time; the next run goes on. In milliseconds.
const RUN_MS: i64 = 5 * SECOND_MS;
/// How long after the recorders refuse an experiment's events its sessions are still there, in milliseconds.
const SESSION_GRACE_MS: i64 = HOUR_MS;

/// How many rows were removed, by table; those of which none was are left out.
pub(super) type Removed = Vec<(String, u64)>;

/// Notes that rows were removed.
pub(super) fn note(removed: &mut Removed, table: &str, rows: i64) {
    let rows = rows.unsigned_abs();
    match removed.iter_mut().find(|(known, _)| known == table) {
        Some((_, before)) => *before += rows,
        None if rows > 0 => removed.push((table.to_owned(), rows)),
        None => {}
    }
}

/// Removes what is old of experiments. To be called when everything is rolled up.
pub(super) async fn of_experiments(env: &Env, removed: &mut Removed) -> Result<()> {
    let database = d1::database(env)?;
    let started_ms = now_ms();
    let has_time = || now_ms() - started_ms <= RUN_MS;
    let before_ms = started_ms - settings::raw_event_days(env) * DAY_MS;
    while has_time() {
        let batches = d1::retention::remove_batches(&database, before_ms, PORTION).await?;
        note(removed, "experiment_batches", batches);
        if batches < PORTION {
            break;
        }
    }
    let kept_ms = started_ms - settings::session_days(env) * DAY_MS;
    let stopped_ms = kept_ms - SESSION_GRACE_MS;
    for experiment in d1::retention::forgotten(&database, stopped_ms).await? {
        while has_time() {
            let instants = (started_ms, stopped_ms);
            let sessions = d1::retention::remove_sessions(&database, experiment, instants, PORTION).await?;
            note(removed, "session_states", sessions);
            if sessions == 0 {
                break;
            }
        }
    }
    for experiment in d1::retention::idle(&database, kept_ms).await? {
        while has_time() {
            let sessions = d1::retention::remove_idle_sessions(&database, experiment, kept_ms, PORTION).await?;
            note(removed, "session_states", sessions);
            if sessions < PORTION {
                break;
            }
        }
    }
    Ok(())
}

/// Removes old rows of forks and comparisons, if they are not kept for ever; they stay counted.
pub(super) async fn of_events(env: &Env, removed: &mut Removed) -> Result<()> {
    let started_ms = now_ms();
    let Some(before) = settings::events_kept_ms(env, started_ms).and_then(timestamp_from_ms) else { return Ok(()) };
    let database = d1::database(env)?;
    while now_ms() - started_ms <= RUN_MS {
        let events = d1::retention::remove_events(&database, &before, PORTION).await?;
        note(removed, "prompt_events", events);
        if events < PORTION {
            break;
        }
    }
    Ok(())
}

/// Forgets old keys of made prompts.
pub(super) async fn of_creation_keys(env: &Env, removed: &mut Removed) -> Result<()> {
    let keys = d1::creations::forget_old(&d1::database(env)?, now_ms() - CREATION_KEY_MS, PORTION).await?;
    note(removed, "prompt_creations", keys);
    Ok(())
}
