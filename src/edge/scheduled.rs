//! The door for cron.

use worker::{Env, Result, ScheduleContext, ScheduledEvent, event};

use super::runtime::{log_failure, now_ms};
use super::{d1, ingestion, rankings, rejudging, retention, rollup, salts};
use crate::events::lineage::{StoredLineage, UNCOUNTED_GRACE_MS};
use crate::limits::CREATION_KEY_MS;

/// Marked events that one run counts.
const UNCOUNTED_EVENTS: i64 = 500;

/// Keys of made prompts that one run forgets.
const FORGOTTEN_KEYS: i64 = 5000;

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let rolled_up = roll_up(&env).await;
    log_if_failed("rules", rejudge(&env).await);
    match rolled_up {
        // What is to be removed is rolled up first.
        Ok(true) => log_if_failed("retention", retention::run(&env).await),
        Ok(false) => {}
        Err(error) => log_failure("rollup", &error.to_string()),
    }
    log_if_failed("uncounted", count_uncounted(&env).await);
    log_if_failed("rankings", leave_windows(&env).await);
    log_if_failed("salts", salts::destroy_old(&env).await);
    log_if_failed("creations", forget_creation_keys(&env).await);
}

fn log_if_failed(what: &str, outcome: Result<()>) {
    if let Err(error) = outcome {
        log_failure(what, &error.to_string());
    }
}

async fn roll_up(env: &Env) -> Result<bool> {
    rollup::run(&d1::database(env)?).await
}

async fn rejudge(env: &Env) -> Result<()> {
    rejudging::run(&d1::database(env)?).await
}

/// Counts the forks and comparisons that a crash left between their row and their count.
async fn count_uncounted(env: &Env) -> Result<()> {
    let before_ms = now_ms() - UNCOUNTED_GRACE_MS;
    let stored = d1::lineage::uncounted(&d1::database(env)?, before_ms, UNCOUNTED_EVENTS).await?;
    if !stored.is_empty() {
        ingestion::count_stored_lineage(env, stored.iter().map(StoredLineage::event).collect()).await;
    }
    Ok(())
}

async fn leave_windows(env: &Env) -> Result<()> {
    rankings::leave_windows(&d1::database(env)?, now_ms()).await
}

async fn forget_creation_keys(env: &Env) -> Result<()> {
    d1::creations::forget_old(&d1::database(env)?, now_ms() - CREATION_KEY_MS, FORGOTTEN_KEYS).await
}
