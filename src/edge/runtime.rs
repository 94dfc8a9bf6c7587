//! What only the runtime has: the clock, randomness, the log.

use serde_json::json;
use uuid::{Builder, Uuid};
use worker::{Result, console_error};

use crate::json::json_text;

/// Now, in milliseconds since 1970. In a request it stands still between two waits.
pub(super) fn now_ms() -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    let now_ms = js_sys::Date::now() as i64;
    now_ms
}

/// A new id (UUID v7).
pub(super) fn new_uuid(now_ms: i64) -> Uuid {
    let mut random = [0; 10];
    fill(&mut random);
    Builder::from_unix_timestamp_millis(now_ms.unsigned_abs(), &random).into_uuid()
}

/// A random number.
pub(super) fn random_u64() -> u64 {
    let mut random = [0; 8];
    fill(&mut random);
    u64::from_be_bytes(random)
}

/// Random bytes that nobody can guess.
pub(super) fn random_secret() -> Result<[u8; 64]> {
    let mut random = [0; 64];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    Ok(random)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
fn fill(random: &mut [u8]) {
    if let Err(error) = getrandom::fill(random) {
        log_failure("random", &error.to_string());
        // Not for secrets: what is asked for here must only differ from one time to the next.
        for byte in random {
            *byte = (js_sys::Math::random() * 256.0) as u8;
        }
    }
}

/// Logs a failure, once, where it is handled: one line of JSON.
pub(super) fn log_failure(what: &str, error: &str) {
    console_error!("{}", json_text(&json!({"level": "error", "what": what, "error": error})));
}
