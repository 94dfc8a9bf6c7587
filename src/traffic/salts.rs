//! The salts of visitors' digests: random, one for each UTC day, destroyed 48 hours after the day began.
//!
//! Without its salt a digest tells nothing: addresses and user agents are few enough to try them all. With it destroyed,
//! digests of different days can never be compared again.

use crate::time::DAY_MS;

/// A day's salt.
pub type Salt = [u8; 32];

/// The UTC day of an instant, as days since 1970.
#[must_use]
pub fn day_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS)
}

/// The two salts that are there at any time: those of a day and of the day before it.
#[derive(Clone, Copy)]
pub struct Salts {
    /// The day, as days since 1970.
    pub today: i64,
    /// Its salt.
    pub of_today: Salt,
    /// The salt of the day before.
    pub of_yesterday: Salt,
}

impl Salts {
    /// Whether it is that day still. On the next one they must not be kept: the older one is to be destroyed.
    #[must_use]
    pub fn are_of(&self, now_ms: i64) -> bool {
        self.today == day_of(now_ms)
    }

    /// The salt for what happened then.
    #[must_use]
    pub fn at(&self, at_ms: i64) -> &Salt {
        if self.has_today(at_ms) { &self.of_today } else { &self.of_yesterday }
    }

    /// Whether today's salt is that of what happened then, or yesterday's: that of its day; of yesterday for what is older,
    /// whose salt is gone; of today for what is ahead.
    #[must_use]
    pub fn has_today(&self, at_ms: i64) -> bool {
        day_of(at_ms) >= self.today
    }
}
