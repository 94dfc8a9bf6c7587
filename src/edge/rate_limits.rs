//! Counts events by where they come from: in the isolate, then with Cloudflare's rate limiting, if it is bound.

use std::cell::RefCell;

use js_sys::futures::JsFuture;
use js_sys::{Promise, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use super::call::Call;
use super::runtime::log_failure;
use super::settings::Settings;
use crate::http::problem::Problem;
use crate::traffic::address::AddressPrefix;
use crate::traffic::rate_limit::RateLimit;

/// The binding in `wrangler.toml`.
const BINDING: &str = "EVENT_LIMITER";
/// The period of its limit, in seconds: how soon it lets in what it refuses, it does not say.
const PERIOD_S: u64 = 60;

thread_local! {
    static LIMIT: RefCell<Option<RateLimit>> = const { RefCell::new(None) };
}

/// Counts the events of a request that comes from there, or refuses it.
pub(super) async fn take(call: &Call, prefix: AddressPrefix, events: usize) -> Result<(), Problem> {
    let Some(per_minute) = Settings::of(&call.env).rate_limit.filter(|_| events > 0) else { return Ok(()) };
    LIMIT.with_borrow_mut(|limit| {
        limit.get_or_insert_with(|| RateLimit::of(per_minute)).take(prefix, events, call.now_ms)
    })?;
    if is_within_shared(&call.env, prefix, events).await {
        return Ok(());
    }
    Err(Problem::rate_limited("Too many events came from one address. Try again later.".to_owned(), PERIOD_S))
}

/// Whether all isolates of the location together let these events in. If that cannot be told, they do.
async fn is_within_shared(env: &Env, prefix: AddressPrefix, events: usize) -> bool {
    let limiter = Reflect::get(env, &JsValue::from_str(BINDING)).unwrap_or_default();
    match JsFuture::from(allows(limiter, &prefix.key(), events)).await {
        Ok(is_allowed) => is_allowed.is_truthy(),
        Err(error) => {
            log_failure("rate limit", &format!("{error:?}"));
            true
        }
    }
}

#[wasm_bindgen(module = "/src/edge/event_limiter.js")]
extern "C" {
    fn allows(limiter: JsValue, key: &str, events: usize) -> Promise;
}
