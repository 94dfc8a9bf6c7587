//! How many events one address prefix may send.
//!
//! The generic cell rate algorithm (ITU-T I.371): events have places at even distances, one minute divided by the limit;
//! a request takes the next ones, and is refused if the last of them lies more than a minute ahead. So a sender that was
//! silent may send a minute's events at once, and then one whenever a place has passed.

use super::address::AddressPrefix;
use super::recent::Recent;
use crate::counting::id_digest::digest_key;
use crate::http::problem::{Code, Problem};
use crate::time::{MINUTE_MS, SECOND_MS};

/// Prefixes that a table holds at the most. When it is full, the half that sent nothing for longer is forgotten: of those
/// that a minute has passed over nothing was left to know.
pub const PREFIXES: usize = 10_000;
/// The highest limit, in events a minute.
pub const HIGHEST_LIMIT: u32 = 1_000_000;

/// The limit, and who is how near to it.
pub struct RateLimit {
    per_minute: i64,
    /// When the next place of a prefix is free, in parts of a millisecond: as many parts as the limit has events.
    free_at: Recent,
}

impl RateLimit {
    /// A limit in events a minute, from 1 to [`HIGHEST_LIMIT`].
    #[must_use]
    pub fn of(per_minute: u32) -> Self {
        let per_minute = i64::from(per_minute.clamp(1, HIGHEST_LIMIT));
        Self { per_minute, free_at: Recent::with_generation(PREFIXES / 2) }
    }

    /// The limit, in events a minute.
    #[must_use]
    pub fn per_minute(&self) -> i64 {
        self.per_minute
    }

    /// How many prefixes are remembered.
    #[must_use]
    pub fn prefixes(&self) -> usize {
        self.free_at.len()
    }

    /// Takes places for a request of `events` that came at `now_ms`. One that is refused takes none.
    ///
    /// # Errors
    /// [`Code::RateLimited`], with the time after which the request is let in; [`Code::TooManyEvents`], if it never is.
    pub fn take(&mut self, prefix: AddressPrefix, events: usize, now_ms: i64) -> Result<(), Problem> {
        let key = digest_key(&prefix.key());
        let (now, minute) = (now_ms * self.per_minute, MINUTE_MS * self.per_minute);
        let free_at = self.free_at.get_or_insert_with(key, || now).max(now);
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        if events > self.per_minute {
            return Err(Problem::new(Code::TooManyEvents, self.detail("Send fewer in one request.")));
        }
        let taken_to = free_at + events * MINUTE_MS;
        if taken_to <= now + minute {
            self.free_at.insert(key, taken_to);
            return Ok(());
        }
        let wait = (taken_to - minute - now).max(1);
        let wait_s = wait.unsigned_abs().div_ceil((self.per_minute * SECOND_MS).unsigned_abs());
        Err(Problem::rate_limited(self.detail("Try again later."), wait_s))
    }

    fn detail(&self, remedy: &str) -> String {
        format!("{} events a minute are taken from one address. {remedy}", self.per_minute)
    }
}
