//! A key set that is fetched: what a token may rely on, and when the set is asked for again.
//!
//! A set is fetched when there is none, when it is ten minutes old, and for a key that it lacks; the last at most once a
//! minute, as anybody can make up names of keys. What cannot be fetched leaves what is there.

use super::key_set::{KeyName, KeySet};
use super::key_source::Step;
use crate::time::{MINUTE_MS, SECOND_MS};

/// How long a set is relied on without asking for it again, in milliseconds.
pub const LIFETIME_MS: i64 = 10 * MINUTE_MS;
/// How long at least lies between two fetches for unknown keys, and between a failure and the next attempt, in
/// milliseconds.
pub const COOLDOWN_MS: i64 = MINUTE_MS;
/// How long at least lies between two attempts while there is no set at all, in milliseconds.
pub const RETRY_MS: i64 = 10 * SECOND_MS;
/// How long a fetch may take, in milliseconds.
pub const TIMEOUT_MS: i64 = 5 * SECOND_MS;
/// When a fetch that has not told its end is taken for lost, in milliseconds after its begin.
pub const LOST_MS: i64 = TIMEOUT_MS + SECOND_MS;

/// A key set as it was last fetched, and what is known about fetching it.
#[derive(Debug, Default)]
pub struct RemoteKeys {
    /// Where the set is.
    pub url: String,
    /// The set, and when it came.
    set: Option<(KeySet, i64)>,
    attempt: Attempt,
    /// When the last fetch for an unknown key began.
    missed_ms: Option<i64>,
}

/// The latest fetch.
#[derive(Clone, Copy, Debug, Default)]
enum Attempt {
    /// It brought the set that is there, or has never been.
    #[default]
    Done,
    /// It has begun; `again` after one that failed.
    UnderWay { since_ms: i64, again: bool },
    /// It failed.
    Failed { since_ms: i64 },
}

impl RemoteKeys {
    /// The set that is at `url`; nothing is fetched yet.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::default() }
    }

    /// What is to be done for a token that came at `since_ms`. After [`Step::Fetch`] the fetch is under way: nobody else
    /// is told to begin one.
    pub fn ask(&mut self, name: &KeyName, since_ms: i64, now_ms: i64) -> Step {
        self.give_up_lost(now_ms);
        let Some((set, came_ms)) = &self.set else {
            return self.fetch_or(Step::Unavailable, RETRY_MS, now_ms);
        };
        let is_fresh = within(*came_ms, LIFETIME_MS, now_ms);
        if let Some(key) = set.find(name) {
            let key = Step::Use(key.clone());
            return if is_fresh || matches!(self.attempt, Attempt::UnderWay { again: true, .. }) {
                key
            } else {
                self.fetch_or(key, COOLDOWN_MS, now_ms)
            };
        }
        // A set that came after the token does not lack the token's key for being old.
        if *came_ms >= since_ms || is_fresh && set.knows(&name.kid) {
            return Step::UNKNOWN;
        }
        if matches!(self.attempt, Attempt::UnderWay { .. }) {
            return Step::Wait;
        }
        if self.missed_ms.is_some_and(|missed_ms| within(missed_ms, COOLDOWN_MS, now_ms)) {
            return Step::UNKNOWN;
        }
        let step = self.fetch_or(Step::UNKNOWN, COOLDOWN_MS, now_ms);
        if matches!(step, Step::Fetch(_)) {
            self.missed_ms = Some(now_ms);
        }
        step
    }

    /// Takes what a fetch has brought.
    pub fn take(&mut self, fetched: Option<KeySet>, now_ms: i64) {
        match (fetched, self.attempt) {
            (Some(set), _) => {
                self.set = Some((set, now_ms));
                self.attempt = Attempt::Done;
            }
            (None, Attempt::UnderWay { since_ms, .. }) => self.attempt = Attempt::Failed { since_ms },
            (None, Attempt::Done | Attempt::Failed { .. }) => {}
        }
    }

    /// Begins a fetch, or waits for the one under way; after a failure within `pause_ms` it is `otherwise`.
    fn fetch_or(&mut self, otherwise: Step, pause_ms: i64, now_ms: i64) -> Step {
        let again = match self.attempt {
            Attempt::UnderWay { .. } => return Step::Wait,
            Attempt::Failed { since_ms } if within(since_ms, pause_ms, now_ms) => return otherwise,
            Attempt::Failed { .. } => true,
            Attempt::Done => false,
        };
        self.attempt = Attempt::UnderWay { since_ms: now_ms, again };
        Step::Fetch(self.url.clone())
    }

    fn give_up_lost(&mut self, now_ms: i64) {
        if let Attempt::UnderWay { since_ms, .. } = self.attempt
            && !within(since_ms, LOST_MS, now_ms)
        {
            self.attempt = Attempt::Failed { since_ms };
        }
    }
}

/// Whether less than `span_ms` has passed; not when the clock was set back, so that nothing is put off for long.
fn within(since_ms: i64, span_ms: i64, now_ms: i64) -> bool {
    (0..span_ms).contains(&(now_ms - since_ms))
}
