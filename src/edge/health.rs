//! `GET /healthz`: looks at most every five seconds, whoever asks.

use std::cell::RefCell;

use worker::{Env, Result};

use super::answer::{Answer, JSON};
use super::call::Call;
use super::d1;
use super::runtime::log_failure;
use super::settings::{self, Settings};
use crate::health::answer::{body, http_status};
use crate::health::check::{self, Check};
use crate::time::SECOND_MS;

/// How long what was seen is told, in milliseconds.
const KEPT_MS: i64 = 5 * SECOND_MS;

thread_local! {
    static SEEN: RefCell<Option<(i64, u16, String)>> = const { RefCell::new(None) };
}

/// Tells how the instance is.
pub(super) async fn get_health(call: &Call) -> Answer {
    let seen = SEEN.with_borrow(Clone::clone).filter(|(at_ms, ..)| (0..KEPT_MS).contains(&(call.now_ms - at_ms)));
    let (status, body) = if let Some((_, status, body)) = seen {
        (status, body)
    } else {
        let checks = look(&call.env, call.now_ms).await;
        let (status, body) = (http_status(&checks), body(&checks));
        SEEN.set(Some((call.now_ms, status, body.clone())));
        (status, body)
    };
    Answer::text(status, body, JSON).header("Cache-Control", "public, max-age=5".to_owned())
}

async fn look(env: &Env, now_ms: i64) -> Vec<Check> {
    let settings = Settings::of(env);
    let mut checks = match look_at_database(env, settings.storage_limit, now_ms).await {
        Ok(checks) => checks,
        Err(error) => {
            log_failure("health", &error.to_string());
            vec![check::database(false)]
        }
    };
    let keys = &settings.keys;
    let has_tokens = keys.secret.is_some() || settings::jwks(env).is_some();
    checks.push(check::keys(keys.service.is_some(), keys.publishable.is_some(), has_tokens));
    let (address, secret) = settings::alert_webhook(env);
    checks.extend(check::alerts(address.as_deref(), secret.is_some()));
    checks
}

async fn look_at_database(env: &Env, storage_limit: u64, now_ms: i64) -> Result<Vec<Check>> {
    let database = d1::database(env)?;
    let applied = d1::state::last_migration(&database).await?;
    let migrations = check::migrations(applied.as_ref().map(|(name, _)| name.as_str()));
    let mut checks = vec![check::database(true)];
    if migrations.status == check::Status::Ok {
        let state = d1::state::state(&database, storage_limit).await?;
        let since_ms = applied.map_or(0, |(_, at_ms)| at_ms);
        checks.extend([check::cron(&state, since_ms, now_ms), check::rollup(&state, now_ms), check::storage(&state)]);
    }
    checks.insert(1, migrations);
    Ok(checks)
}
