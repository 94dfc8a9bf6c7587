//! The door for cron.

use worker::{Env, Result, ScheduleContext, ScheduledEvent, console_log, event};

use super::d1::cron_runs::{self, CronRun};
use super::runtime::{log_failure, now_ms};
use super::{alerting, d1, ingestion, kept_readings, rankings, rejudging, retention, rollup, salts};
use crate::events::lineage::{StoredLineage, UNCOUNTED_GRACE_MS};
use crate::json::json_object;
use crate::time::DAY_MS;

/// Marked events that one run counts.
const UNCOUNTED_EVENTS: i64 = 500;

/// How long runs are kept in the log, in milliseconds.
const LOG_MS: i64 = 30 * DAY_MS;

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let mut run = Run { started_ms: now_ms(), failures: Vec::new(), removed: Vec::new() };
    let Run { started_ms, failures, removed } = &mut run;
    match is_restoring(&env, *started_ms).await {
        Ok(true) => {}
        Ok(false) => work_on_rows(&env, failures, removed).await,
        Err(error) => note(failures, "restore", Err(error)),
    }
    note(failures, "rankings", leave_windows(&env).await);
    note(failures, "salts", salts::destroy_old(&env, removed).await);
    note(failures, "metrics", kept_readings::fold(&env).await);
    kept_readings::keep_if_due(&env).await;
    note(failures, "alerts", alerting::run(&env).await);
    if let Err(error) = run.finish(&env).await {
        log_failure("cron", &error.to_string());
    }
}

async fn is_restoring(env: &Env, now_ms: i64) -> Result<bool> {
    d1::moving::is_held(&d1::database(env)?, now_ms).await
}

/// What needs all rows that belong together to be there.
async fn work_on_rows(env: &Env, failures: &mut Vec<&'static str>, removed: &mut retention::Removed) {
    let rolled_up = roll_up(env).await;
    note(failures, "rules", rejudge(env).await);
    match rolled_up {
        // What is to be removed is rolled up first.
        Ok(true) => note(failures, "retention", retention::of_experiments(env, removed).await),
        Ok(false) => {}
        Err(error) => note(failures, "rollup", Err(error)),
    }
    note(failures, "uncounted", count_uncounted(env).await);
    note(failures, "events", retention::of_events(env, removed).await);
    note(failures, "creations", retention::of_creation_keys(env, removed).await);
}

/// What a run did.
struct Run {
    started_ms: i64,
    failures: Vec<&'static str>,
    removed: retention::Removed,
}

fn note(failures: &mut Vec<&'static str>, what: &'static str, outcome: Result<()>) {
    if let Err(error) = outcome {
        log_failure(what, &error.to_string());
        failures.push(what);
    }
}

impl Run {
    /// Logs the run: a line, and a row by which it is known that the cron runs.
    async fn finish(self, env: &Env) -> Result<()> {
        let Self { started_ms, failures, removed } = self;
        let finished_ms = now_ms();
        let duration_ms = finished_ms - started_ms;
        let removed = json_object(&removed);
        let names: Vec<String> = failures.iter().map(|name| format!("\"{name}\"")).collect();
        let names = names.join(",");
        console_log!(
            "{{\"level\":\"info\",\"what\":\"cron\",\"duration_ms\":{duration_ms},\"failures\":[{names}],\"removed\":{removed}}}"
        );
        let failures = failures.join(", ");
        let run = CronRun { started_ms, finished_ms, failures: &failures, removed: &removed };
        cron_runs::note(&d1::database(env)?, &run, started_ms - LOG_MS).await
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
