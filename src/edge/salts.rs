//! The salts of visitors: one read of D1 per isolate and day.
//!
//! Requests that ask at once read each for itself: one may not wait for what another does.

use std::cell::Cell;

use worker::{Env, Result};

use super::d1;
use super::retention::{self, Removed};
use super::runtime::{log_failure, now_ms, random_secret};
use crate::time::SECOND_MS;
use crate::traffic::salts::{Salts, day_of};

/// How long after a failure nobody asks again, in milliseconds.
const PAUSE_MS: i64 = SECOND_MS;

thread_local! {
    static KNOWN: Cell<Option<Salts>> = const { Cell::new(None) };
    static FAILED_MS: Cell<i64> = const { Cell::new(0) };
}

/// The salts that are there at `now_ms`. None if they cannot be read: events are counted all the same.
pub(super) async fn at(env: &Env, now_ms: i64) -> Option<Salts> {
    let known = known(now_ms);
    if known.is_some() || now_ms - FAILED_MS.get() < PAUSE_MS {
        return known;
    }
    match draw(env, day_of(now_ms)).await {
        Ok(drawn) => KNOWN.set(Some(drawn)),
        Err(error) => {
            FAILED_MS.set(now_ms);
            log_failure("salts", &error.to_string());
        }
    }
    self::known(now_ms)
}

/// The salts that this isolate knows, if it is their day still; else it forgets them.
fn known(now_ms: i64) -> Option<Salts> {
    KNOWN.set(KNOWN.get().filter(|salts| salts.are_of(now_ms)));
    KNOWN.get()
}

async fn draw(env: &Env, today: i64) -> Result<Salts> {
    d1::salts::draw(&d1::database(env)?, today, &random_secret()?).await
}

/// Destroys the salts of the days before yesterday.
pub(super) async fn destroy_old(env: &Env, removed: &mut Removed) -> Result<()> {
    let now_ms = now_ms();
    known(now_ms);
    let salts = d1::salts::destroy_before(&d1::database(env)?, day_of(now_ms) - 1).await?;
    retention::note(removed, "visitor_salts", salts);
    Ok(())
}
