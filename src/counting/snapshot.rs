//! What a counter tells the database: its counts, and what it counted lately; and when.

use super::tally::Tally;
use super::windows::Recent;
use crate::time::SECOND_MS;

/// No snapshot of a counter that counts is older, in milliseconds.
pub const SNAPSHOT_INTERVAL_MS: i64 = 10 * SECOND_MS;
/// How long a snapshot waits for those of other counters, with which it is stored, in milliseconds.
pub const GATHERING_MS: i64 = 100;
/// At most one snapshot of a counter is begun in this time, in milliseconds.
const PACE_MS: i64 = SNAPSHOT_INTERVAL_MS - GATHERING_MS;
/// How long the first change after a quiet time waits for company, in milliseconds.
pub const SNAPSHOT_DELAY_MS: i64 = SECOND_MS;
/// How often the wait after a failure doubles: it grows from one second to 16.
const DOUBLINGS: u32 = 4;
/// No snapshot that failed waits longer to be tried again, in milliseconds: the longest wait, and half of it by its counter.
pub const LONGEST_WAIT_MS: i64 = (SNAPSHOT_DELAY_MS << DOUBLINGS) * 3 / 2;

/// A snapshot of a counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// The counts since the beginning.
    pub tally: Tally,
    /// How many visitors there were.
    pub unique_visitors: u64,
    /// The counter's version: a snapshot of a higher one is newer.
    pub version: u64,
    /// What was counted lately.
    pub recent: Recent,
}

/// When snapshots are written, by an instance of a counter: it knows those that it wrote itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    begun_ms: Option<i64>,
    /// How many were not stored since the last one that was.
    failures: u32,
    /// Until when no other one is begun.
    free_ms: Option<i64>,
}

impl Pace {
    /// When it last began to write one, in milliseconds since 1970.
    #[must_use]
    pub fn begun_ms(self) -> Option<i64> {
        self.begun_ms
    }

    /// When the next one is due after a change, in milliseconds since 1970. An instance that was restarted keeps the whole
    /// interval, unless the counter is new.
    #[must_use]
    pub fn due_ms(self, version: u64, now_ms: i64) -> i64 {
        match self.free_ms {
            Some(free_ms) => free_ms.max(now_ms + SNAPSHOT_DELAY_MS),
            None if version <= 1 => now_ms + SNAPSHOT_DELAY_MS,
            None => now_ms + PACE_MS,
        }
    }

    /// Until when none may be written, if the last one is too new: the alarm rings for other things, too.
    #[must_use]
    pub fn early_until_ms(self, now_ms: i64) -> Option<i64> {
        self.free_ms.filter(|until_ms| *until_ms > now_ms)
    }

    /// One is being written; whether it is to be by itself. It is so every other time after a failure: one of those with which
    /// it was to be stored may have been why, or the database, which many transactions would not help.
    pub fn begin(&mut self, now_ms: i64) -> bool {
        (self.begun_ms, self.free_ms) = (Some(now_ms), Some(now_ms + PACE_MS));
        self.failures % 2 == 1
    }

    /// It was stored.
    pub fn succeed(&mut self) {
        self.failures = 0;
    }

    /// It was not stored. Gives when the next one is due: after a second, and twice as long with each failure, up to 16 seconds;
    /// and up to half as long again, by `spread_ms` of the counter, so that not all counters come back at once.
    pub fn fail(&mut self, now_ms: i64, spread_ms: i64) -> i64 {
        let wait_ms = SNAPSHOT_DELAY_MS << self.failures.min(DOUBLINGS);
        let retry_ms = now_ms + wait_ms + spread_ms % (wait_ms / 2);
        *self = Self { begun_ms: None, failures: self.failures.saturating_add(1), free_ms: Some(retry_ms) };
        retry_ms
    }
}
