//! Finds the public key that a token names: reads `JWKS` once, fetches the key set when it is due.
//!
//! Requests of one isolate may not wait for each other's promises. So whoever waits for the key set, also the request
//! that has it fetched, looks again on timers of its own; and the fetch goes on if that request's client goes away.

use std::cell::RefCell;
use std::time::Duration;

use worker::{Context, Delay, Env};

use super::key_download::download;
use super::runtime::{log_failure, now_ms};
use super::settings;
use crate::http::identity::invalid;
use crate::http::key_set::{KeyName, KeySet, PublicKey};
use crate::http::key_source::{KeySource, Step};
use crate::http::problem::Problem;

/// How long a request waits before it looks whether the key set has come; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// How long it waits at the most.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

thread_local! {
    /// The source, and the setting that it was read from.
    static SOURCE: RefCell<(String, KeySource)> = const { RefCell::new((String::new(), KeySource::Nowhere)) };
}

/// The key for a token that came at `since_ms`.
pub(super) async fn find(env: &Env, context: &Context, name: &KeyName, since_ms: i64) -> Result<PublicKey, Problem> {
    configure(settings::jwks(env).unwrap_or_default());
    let mut pause = FIRST_PAUSE;
    loop {
        match SOURCE.with_borrow_mut(|(_, source)| source.ask(name, since_ms, now_ms())) {
            Step::Use(key) => return Ok(key),
            Step::Fetch(url) => context.wait_until(fetch(url)),
            Step::Wait => {
                Delay::from(pause).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
            Step::Refuse(why) => return Err(invalid(why)),
            Step::Unavailable => return Err(Problem::keys()),
        }
    }
}

fn configure(setting: String) {
    SOURCE.with_borrow_mut(|(known, source)| {
        if *known != setting {
            *source = KeySource::parse(&setting).unwrap_or_else(|error| {
                log_failure("JWKS", error);
                KeySource::Nowhere
            });
            *known = setting;
        }
    });
}

async fn fetch(url: String) {
    let fetched = download(&url).await.and_then(|text| KeySet::parse(&text).map_err(worker::Error::from));
    let fetched = fetched.inspect_err(|error| log_failure("JWKS", &error.to_string())).ok();
    SOURCE.with_borrow_mut(|(_, source)| source.take(&url, fetched, now_ms()));
}
