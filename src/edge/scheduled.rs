//! The door for cron.

use worker::{Env, Result, ScheduleContext, ScheduledEvent, event};

use super::runtime::{log_failure, now_ms};
use super::{d1, ingestion, rejudging, retention, rollup};
use crate::events::lineage::{StoredLineage, UNCOUNTED_GRACE_MS};
use crate::limits::CREATION_KEY_MS;

/// Marked events that one run counts.
const UNCOUNTED_EVENTS: i64 = 500;

/// Keys of made prompts that one run forgets.
const FORGOTTEN_KEYS: i64 = 5000;

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = roll_up(&env).await {
        log_failure("rollup", &error.to_string());
    }
    if let Err(error) = count_uncounted(&env).await {
        log_failure("uncounted", &error.to_string());
    }
    if let Err(error) = forget_creation_keys(&env).await {
        log_failure("creations", &error.to_string());
    }
}

async fn roll_up(env: &Env) -> Result<()> {
    let database = d1::database(env)?;
    let is_complete = rollup::run(&database).await?;
    rejudging::run(&database).await?;
    if is_complete {
        retention::run(env).await?;
    }
    Ok(())
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

async fn forget_creation_keys(env: &Env) -> Result<()> {
    d1::creations::forget_old(&d1::database(env)?, now_ms() - CREATION_KEY_MS, FORGOTTEN_KEYS).await
}
