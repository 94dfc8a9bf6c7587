//! Keeps what this isolate counts in the database ([`crate::metrics::life`]), and tells what all isolates did.
//!
//! A request that finds nobody about to keep it does, after `METRICS_INTERVAL`, in work that goes on after its answer; an
//! object does with its alarm, or with a request once the interval is over: a timer would keep it awake.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use worker::{Context, Delay, Env, Result};

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::runtime::{log_failure, now_ms, random_u64};
use super::settings::Settings;
use super::{d1, metering};
use crate::http::problem::Problem;
use crate::metrics::MEDIA_TYPE;
use crate::metrics::exposition::{self, Told};
use crate::metrics::life::{FOLDED_MS, Lives};
use crate::time::HOUR_MS;

thread_local! {
    static LIVES: RefCell<Lives> = RefCell::default();
    /// Until when somebody is about to keep the readings, in milliseconds since 1970.
    static TAKEN_UNTIL_MS: Cell<i64> = const { Cell::new(0) };
    /// When they were last kept.
    static KEPT_MS: Cell<i64> = const { Cell::new(0) };
}

/// Has the readings kept soon, if nobody else is about to.
pub(super) fn keep_soon(env: &Env, context: &Context, now_ms: i64) {
    let interval_ms = Settings::of(env).metrics_interval_ms;
    if interval_ms == 0 || now_ms < TAKEN_UNTIL_MS.get() {
        return;
    }
    // Should this request be cut off, another one sees to it.
    TAKEN_UNTIL_MS.set(now_ms + 2 * interval_ms);
    let env = env.clone();
    context.wait_until(async move {
        Delay::from(Duration::from_millis(interval_ms.unsigned_abs())).await;
        TAKEN_UNTIL_MS.set(0);
        keep_and_log(&env).await;
    });
}

/// Keeps the readings, unless they were kept within the interval.
pub(super) async fn keep_if_due(env: &Env) {
    let interval_ms = Settings::of(env).metrics_interval_ms;
    if interval_ms > 0 && now_ms() - KEPT_MS.get() >= interval_ms {
        keep_and_log(env).await;
    }
}

/// The same, for objects that come and go: the first time only begins an interval.
pub(super) async fn keep_if_busy(env: &Env) {
    if KEPT_MS.get() == 0 {
        KEPT_MS.set(now_ms());
    }
    keep_if_due(env).await;
}

async fn keep_and_log(env: &Env) {
    if let Err(error) = keep(env).await {
        log_failure("metrics", &error.to_string());
    }
}

async fn keep(env: &Env) -> Result<()> {
    let now_ms = now_ms();
    let counted = metering::counts();
    let writing = LIVES.with_borrow_mut(|lives| lives.write(&counted, random_u64(), now_ms));
    KEPT_MS.set(now_ms);
    d1::instance_metrics::keep(&d1::database(env)?, &writing).await?;
    LIVES.with_borrow_mut(|lives| lives.written(&writing, counted, random_u64(), now_ms));
    Ok(())
}

/// Folds lives that are over.
pub(super) async fn fold(env: &Env) -> Result<()> {
    d1::instance_metrics::fold(&d1::database(env)?, now_ms() - FOLDED_MS).await
}

/// `GET /v1/admin/metrics`.
pub(super) async fn get_metrics(call: &Call) -> std::result::Result<Answer, Problem> {
    let text = text(call).await.map_err(|error| storage_failure("metrics", &error))?;
    Ok(Answer::text(200, text, MEDIA_TYPE))
}

async fn text(call: &Call) -> Result<String> {
    let settings = Settings::of(&call.env);
    let database = d1::database(&call.env)?;
    let (total, lately) = if settings.metrics_interval_ms == 0 {
        (metering::counts(), metering::counts())
    } else {
        // What was told once is told by every isolate from then on: it is kept first.
        keep(&call.env).await?;
        let total = d1::instance_metrics::counts(&database, 0).await?;
        (total, d1::instance_metrics::counts(&database, call.now_ms - HOUR_MS).await?)
    };
    let state = d1::state::state(&database, settings.storage_limit).await?;
    Ok(exposition::text(&Told { total: &total, lately: &lately, state: Some((state, call.now_ms)) }))
}
