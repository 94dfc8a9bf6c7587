//! What is looked at, and what is said of it.

use super::state::{NEWEST_MIGRATION, State};
use crate::time::{HOUR_MS, MINUTE_MS};

/// How long the cron, which runs every five minutes, may be silent, in milliseconds.
pub const CRON_SILENCE_MS: i64 = 15 * MINUTE_MS;
/// How long an event may wait to be rolled up, in milliseconds.
pub const ROLLUP_LAG_MS: i64 = HOUR_MS;
/// How much of what it may store the database may store without a word, in thousandths.
pub const STORAGE_PER_MILLE: u64 = 800;
/// Beyond this it is about to be full.
const FULL_PER_MILLE: u64 = 990;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Requests are answered, and somebody should look.
    Degraded,
    /// Requests cannot be answered.
    Failing,
}

impl Status {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// The same in a sentence; never a secret.
    pub detail: String,
}

fn check(name: &'static str, status: Status, detail: impl Into<String>) -> Check {
    Check { name, status, detail: detail.into() }
}

/// Whether the database answers.
#[must_use]
pub fn database(answers: bool) -> Check {
    if answers {
        return check("database", Status::Ok, "The database answers.");
    }
    check("database", Status::Failing, "The database does not answer. The log has the reason.")
}

/// Whether the database has the tables that the worker needs; `applied` is the last migration, if there is any.
#[must_use]
pub fn migrations(applied: Option<&str>) -> Check {
    let number = |name: &str| name.split('_').next().and_then(|number| number.parse::<u32>().ok());
    let (status, detail) = match applied {
        None => (Status::Failing, format!("No migration is applied; {NEWEST_MIGRATION} is needed. {APPLY}")),
        Some(applied) if number(applied) < number(NEWEST_MIGRATION) => {
            (Status::Failing, format!("{applied} is applied; {NEWEST_MIGRATION} is needed. {APPLY}"))
        }
        Some(applied) => (Status::Ok, format!("{applied} is applied.")),
    };
    check("migrations", status, detail)
}

const APPLY: &str = "Run: npx wrangler d1 migrations apply promptmeter --remote.";

/// Whether the cron runs, and what failed in its last run. `since_ms` is when the last migration was applied: from then
/// on it could.
#[must_use]
pub fn cron(state: &State, since_ms: i64, now_ms: i64) -> Check {
    let silent_ms = now_ms - state.cron_ms.unwrap_or_default().max(since_ms);
    let (status, detail) = match state.cron_ms {
        _ if silent_ms > CRON_SILENCE_MS => (
            Status::Degraded,
            format!("The cron has not run for {}; it should every five minutes.", duration(silent_ms)),
        ),
        None => (Status::Ok, "The cron has not run yet.".to_owned()),
        Some(_) if !state.cron_failures.is_empty() => {
            (Status::Degraded, format!("In the last run of the cron failed: {}. The log has why.", state.cron_failures))
        }
        Some(cron_ms) => (Status::Ok, format!("The cron ran {} ago.", duration(now_ms - cron_ms))),
    };
    check("cron", status, detail)
}

/// Whether experiment events are rolled up.
#[must_use]
pub fn rollup(state: &State, now_ms: i64) -> Check {
    let lag_ms = state.rollup_lag_ms(now_ms);
    if lag_ms == 0 {
        return check("rollup", Status::Ok, "All experiment events are rolled up.");
    }
    let status = if lag_ms > ROLLUP_LAG_MS { Status::Degraded } else { Status::Ok };
    check("rollup", status, format!("The oldest event that is not rolled up came {} ago.", duration(lag_ms)))
}

/// Whether there is room.
#[must_use]
pub fn storage(state: &State) -> Check {
    let share = state.storage_per_mille();
    let status = match share {
        FULL_PER_MILLE.. => Status::Failing,
        _ if share > STORAGE_PER_MILLE => Status::Degraded,
        _ => Status::Ok,
    };
    check("storage", status, format!("D1 uses {} % of {}.", per_cent(share), megabytes(state.storage_limit)))
}

/// Which of the keys are there, by their names.
#[must_use]
pub fn keys(service: bool, publishable: bool, tokens: bool) -> Check {
    let lacking: Vec<&str> = [
        (service, "SERVICE_KEY (nobody can act as the service)"),
        (publishable, "PUBLISHABLE_KEY (pages with an apikey are refused)"),
        (tokens, "JWT_SECRET or JWKS (no user can be told)"),
    ]
    .into_iter()
    .filter_map(|(is_there, name)| (!is_there).then_some(name))
    .collect();
    match lacking[..] {
        [] => check("keys", Status::Ok, "All keys are set."),
        _ => check("keys", Status::Degraded, format!("Not set: {}.", lacking.join(", "))),
    }
}

/// Whether alerts can be sent, where they are to be.
#[must_use]
pub fn alerts(address: Option<&str>, has_secret: bool) -> Option<Check> {
    let is_web = |address: &str| ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme));
    let detail = match address {
        Some(_) if !has_secret => "ALERT_WEBHOOK_URL is set without ALERT_WEBHOOK_SECRET: no alert is sent.",
        Some(address) if !is_web(address) => "ALERT_WEBHOOK_URL is no address on the web: no alert arrives.",
        _ => return None,
    };
    Some(check("alerts", Status::Degraded, detail))
}

/// A duration in words.
#[must_use]
pub fn duration(ms: i64) -> String {
    let minutes = ms / MINUTE_MS;
    let (count, unit) = match minutes {
        0 => return "less than a minute".to_owned(),
        1..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Thousandths in per cent.
#[must_use]
pub fn per_cent(per_mille: u64) -> String {
    format!("{}.{}", per_mille / 10, per_mille % 10)
}

/// Bytes in words.
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{bytes} bytes"),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
