//! Removes what is kept for a time only: events that are rolled up, sessions of experiments that were stopped.

use worker::{Env, Result};

use super::runtime::now_ms;
use super::{d1, settings};
use crate::time::{DAY_MS, HOUR_MS, SECOND_MS};

/// Batches, and sessions, that one statement removes.
const PORTION: i64 = 5000;
/// A run begins no further portion after this time; the next run goes on. In milliseconds.
const RUN_MS: i64 = 5 * SECOND_MS;
/// How long after the recorders refuse an experiment's events its sessions are still there, in milliseconds.
const SESSION_GRACE_MS: i64 = HOUR_MS;

/// Removes what is old. To be called when everything is rolled up.
pub(super) async fn run(env: &Env) -> Result<()> {
    let database = d1::database(env)?;
    let started_ms = now_ms();
    let has_time = || now_ms() - started_ms <= RUN_MS;
    let before_ms = started_ms - settings::raw_event_days(env) * DAY_MS;
    while has_time() && d1::retention::remove_batches(&database, before_ms, PORTION).await? == PORTION {}
    let stopped_ms = started_ms - settings::session_days(env) * DAY_MS - SESSION_GRACE_MS;
    for experiment in d1::retention::forgotten(&database, stopped_ms).await? {
        while has_time()
            && d1::retention::remove_sessions(&database, experiment, (started_ms, stopped_ms), PORTION).await? > 0
        {
        }
    }
    Ok(())
}
