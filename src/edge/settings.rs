//! What the owner of an instance sets: variables and secrets of the worker. One that is empty is not set.

use std::cell::RefCell;
use std::rc::Rc;

use worker::Env;

use crate::counting::visits::WINDOW_MS;
use crate::http::cors::AllowedOrigins;
use crate::http::identity::Keys;
use crate::http::request_log::Logged;
use crate::http::token::Expected;
use crate::limits;
use crate::time::{DAY_MS, MINUTE_MS, SECOND_MS};

/// The settings that every request needs.
pub(super) struct Settings {
    /// `PUBLISHABLE_KEY`, `SERVICE_KEY`, `JWT_SECRET`, `JWT_ISSUER`, `JWT_AUDIENCE`.
    pub(super) keys: Keys,
    /// `ALLOWED_ORIGINS`.
    pub(super) allowed_origins: AllowedOrigins,
    /// `RATE_LIMIT`: events that one address may send in a minute; `None` for 0, and if it is not set. What is no whole number
    /// is 600.
    pub(super) rate_limit: Option<u32>,
    /// `REQUESTS_IN_HAND`: how many requests may be in hand; `None` for 0. What is no whole number is
    /// [`limits::REQUESTS_IN_HAND`].
    pub(super) requests_in_hand: Option<usize>,
    /// `LOG_REQUESTS`: which requests are logged.
    pub(super) logged: Logged,
    /// `METRICS_INTERVAL`, 0 to 20 seconds: how long what an isolate counts stays in it alone, in milliseconds. 0 is for ever.
    pub(super) metrics_interval_ms: i64,
    /// `SLOW_QUERY_MS`: how long a statement takes at the least to be called slow.
    slow_query_ms: u64,
    /// `STORAGE_LIMIT_BYTES`: how many bytes the database may have.
    pub(super) storage_limit: u64,
}

/// What a database may have on Cloudflare's paid plan.
const STORAGE_LIMIT_BYTES: u64 = 10_000_000_000;
/// How long a statement takes that is slow.
const SLOW_QUERY_MS: u64 = 1000;

thread_local! {
    static SETTINGS: RefCell<Option<Rc<Settings>>> = const { RefCell::new(None) };
}

impl Settings {
    /// The settings, which an isolate reads once.
    pub(super) fn of(env: &Env) -> Rc<Self> {
        SETTINGS.with_borrow_mut(|known| Rc::clone(known.get_or_insert_with(|| Rc::new(Self::read(env)))))
    }

    fn read(env: &Env) -> Self {
        Self {
            keys: Keys {
                publishable: setting(env, "PUBLISHABLE_KEY"),
                service: setting(env, "SERVICE_KEY"),
                secret: setting(env, "JWT_SECRET"),
                expected: Expected { issuer: setting(env, "JWT_ISSUER"), audience: setting(env, "JWT_AUDIENCE") },
            },
            allowed_origins: AllowedOrigins::parse(setting(env, "ALLOWED_ORIGINS").as_deref()),
            rate_limit: setting(env, "RATE_LIMIT")
                .map(|limit| limit.trim().parse().unwrap_or(600))
                .filter(|limit| *limit > 0),
            requests_in_hand: number(env, "REQUESTS_IN_HAND")
                .map_or(Some(limits::REQUESTS_IN_HAND), |number| usize::try_from(number).ok())
                .filter(|bound| *bound > 0),
            logged: Logged::parse(setting(env, "LOG_REQUESTS").as_deref()),
            metrics_interval_ms: number(env, "METRICS_INTERVAL")
                .filter(|seconds| *seconds <= 20)
                .unwrap_or(10)
                .cast_signed()
                * SECOND_MS,
            slow_query_ms: number(env, "SLOW_QUERY_MS").unwrap_or(SLOW_QUERY_MS),
            storage_limit: number(env, "STORAGE_LIMIT_BYTES").filter(|bytes| *bytes > 0).unwrap_or(STORAGE_LIMIT_BYTES),
        }
    }
}

/// `JWKS`, which may be long: read only for a token that names a key.
pub(super) fn jwks(env: &Env) -> Option<String> {
    setting(env, "JWKS")
}

/// `RAW_EVENT_DAYS`: how long experiment events are kept after they arrived, once they are rolled up. At least 2, for
/// ids are known by them.
pub(super) fn raw_event_days(env: &Env) -> i64 {
    days(env, "RAW_EVENT_DAYS", 30).max(2)
}

/// `SESSION_DAYS`: how long the sessions of an experiment are kept after it was stopped, or after the last event of one that is
/// not declared. At least 3, for events may be 48 hours late.
pub(super) fn session_days(env: &Env) -> i64 {
    days(env, "SESSION_DAYS", 90).max(3)
}

/// `EVENT_RETENTION_DAYS`: how long rows of forks and comparisons are kept; `None`, which is the default, for ever. At least 3,
/// for events may be 48 hours late and are known by their ids for 24.
fn event_retention_days(env: &Env) -> Option<i64> {
    let days = days(env, "EVENT_RETENTION_DAYS", 0);
    (days > 0).then(|| days.max(3))
}

/// Since when rows of forks and comparisons are kept at an instant, both in milliseconds since 1970; `None` if all are.
pub(super) fn events_kept_ms(env: &Env, now_ms: i64) -> Option<i64> {
    event_retention_days(env).map(|days| now_ms - days * DAY_MS)
}

/// `ALERT_WEBHOOK_URL` and `ALERT_WEBHOOK_SECRET`: who is told when something is wrong, and what the messages are signed with.
pub(super) fn alert_webhook(env: &Env) -> (Option<String>, Option<String>) {
    (setting(env, "ALERT_WEBHOOK_URL"), setting(env, "ALERT_WEBHOOK_SECRET"))
}

/// `SLOW_QUERY_MS`, as far as the settings are read.
pub(super) fn slow_query_ms() -> u64 {
    SETTINGS.with_borrow(|known| known.as_ref().map_or(SLOW_QUERY_MS, |known| known.slow_query_ms))
}

/// `VISIT_WINDOW`: how far apart two visits of a visitor are at the least, 1 to 1440 minutes; in milliseconds.
pub(super) fn visit_window_ms(env: &Env) -> i64 {
    let minutes: Option<i64> = setting(env, "VISIT_WINDOW").and_then(|minutes| minutes.parse().ok());
    minutes.filter(|minutes| (1..=1440).contains(minutes)).map_or(WINDOW_MS, |minutes| minutes * MINUTE_MS)
}

/// `RANKING_INTERVAL`, 0 to 3600 seconds: how often a counter tells the rankings, at the most; in milliseconds.
pub(super) fn ranking_interval_ms(env: &Env) -> i64 {
    number(env, "RANKING_INTERVAL").filter(|seconds| *seconds <= 3600).unwrap_or(300).cast_signed() * SECOND_MS
}

/// `HOT_COMMANDS_PER_SECOND`: how many commands a second one object is to get at the most before its counting spreads over
/// shards. What is no whole number above 0 is 1000, which is what Cloudflare says an object takes; docs/benchmarks.md tells what
/// it was measured to take.
pub(super) fn hot_commands_per_second(env: &Env) -> u64 {
    setting(env, "HOT_COMMANDS_PER_SECOND")
        .and_then(|limit| limit.parse().ok())
        .filter(|limit| *limit > 0)
        .unwrap_or(1000)
}

/// `LIVE_LISTENERS`: how many may listen to the live counts of one prompt, 0 for none. What is no whole number is
/// [`limits::LIVE_LISTENERS`].
pub(super) fn live_listeners(env: &Env) -> usize {
    setting(env, "LIVE_LISTENERS").and_then(|limit| limit.parse().ok()).unwrap_or(limits::LIVE_LISTENERS)
}

/// A setting in days; what is no whole number of them is the default.
fn days(env: &Env, name: &str, default: i64) -> i64 {
    setting(env, name).and_then(|days| days.parse().ok()).filter(|days| (0..=36_500).contains(days)).unwrap_or(default)
}

/// A setting that is a whole number from 0 on.
fn number(env: &Env, name: &str) -> Option<u64> {
    setting(env, name).and_then(|number| number.trim().parse().ok())
}

fn setting(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty())
}
