//! What the owner of an instance sets: variables and secrets of the worker. One that is empty is not set.

use std::cell::RefCell;
use std::rc::Rc;

use worker::Env;

use crate::counting::visits::WINDOW_MS;
use crate::http::cors::AllowedOrigins;
use crate::http::identity::Keys;
use crate::http::token::Expected;
use crate::limits;
use crate::time::MINUTE_MS;

/// The settings that every request needs.
pub(super) struct Settings {
    /// `PUBLISHABLE_KEY`, `SERVICE_KEY`, `JWT_SECRET`, `JWT_ISSUER`, `JWT_AUDIENCE`.
    pub(super) keys: Keys,
    /// `ALLOWED_ORIGINS`.
    pub(super) allowed_origins: AllowedOrigins,
    /// `RATE_LIMIT`: events that one address may send in a minute; `None` for 0, and if it is not set. What is no whole number
    /// is 600.
    pub(super) rate_limit: Option<u32>,
}

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

/// `SESSION_DAYS`: how long the sessions of an experiment are kept after it was stopped. At least 3, for events may be 48
/// hours late.
pub(super) fn session_days(env: &Env) -> i64 {
    days(env, "SESSION_DAYS", 90).max(3)
}

/// `VISIT_WINDOW`: how far apart two visits of a visitor are at the least, 1 to 1440 minutes; in milliseconds.
pub(super) fn visit_window_ms(env: &Env) -> i64 {
    let minutes: Option<i64> = setting(env, "VISIT_WINDOW").and_then(|minutes| minutes.parse().ok());
    minutes.filter(|minutes| (1..=1440).contains(minutes)).map_or(WINDOW_MS, |minutes| minutes * MINUTE_MS)
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

fn setting(env: &Env, name: &str) -> Option<String> {
    env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty())
}
