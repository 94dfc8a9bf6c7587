//! How much an isolate has in hand, and when it lets nothing more in.
//!
//! What would wait longer than its caller does is better refused at once: a refusal costs little, and whoever is let in is
//! answered as if there were nobody else. So requests take places as long as there are any, more of them the longer their bodies
//! are, and give them back when they are answered and all that they began is done.
//!
//! While no place is left the door is closed: in front of it requests are refused without being looked at. It opens when an
//! eighth of the places is free again, and by itself after [`CLOSED_MS`].
//!
//! The runtime gives up some requests without telling anybody, and their places never come back: they are counted by the half
//! minute in which they were taken, and those of the half minutes before the last are forgotten.

use super::problem::Problem;
use crate::limits::BODY_BYTES;
use crate::time::SECOND_MS;

/// Bytes of a body for which a request takes another place.
pub const PLACE_BYTES: usize = 16 * 1024;
/// How long places are counted together, in milliseconds: they are known for as long again at the least, and for twice as long
/// at the most. Work may go on for 30 s after an answer.
pub const PERIOD_MS: i64 = 30 * SECOND_MS;
/// How long the door stays closed at the most, in milliseconds.
pub const CLOSED_MS: i64 = SECOND_MS;
/// How far apart two tellings of what was refused are at the least, in milliseconds.
pub const TELLING_MS: i64 = 10 * SECOND_MS;

/// Places that a request has taken.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "they have to be given back"]
pub struct Places {
    period: i64,
    count: usize,
}

/// Who is in, and how many may be.
#[derive(Clone, Debug)]
pub struct Admission {
    bound: usize,
    /// The period in which places are taken, and how many of it are not given back.
    current: (i64, usize),
    /// The same of the period before it.
    former: (i64, usize),
    closed_until_ms: Option<i64>,
    refused: u64,
    told_ms: Option<i64>,
}

impl Admission {
    /// Nobody is in; `bound` is how many places there are.
    #[must_use]
    pub fn of(bound: usize) -> Self {
        Self { bound, current: (0, 0), former: (0, 0), closed_until_ms: None, refused: 0, told_ms: None }
    }

    /// Lets a request with so many bytes of body in. One that takes more places than there are comes in alone.
    ///
    /// # Errors
    /// [`Code::Overloaded`](super::problem::Code::Overloaded) where too many places are taken.
    pub fn enter(&mut self, body_bytes: usize, now_ms: i64) -> Result<Places, Problem> {
        self.move_on(now_ms.div_euclid(PERIOD_MS));
        // No more than a body may have: a longer one is refused, or is read as it comes.
        let count = 1 + body_bytes.min(BODY_BYTES) / PLACE_BYTES;
        let taken = self.taken();
        if taken > 0 && taken + count > self.bound {
            return Err(Problem::overloaded());
        }
        self.current.1 += count;
        Ok(Places { period: self.current.0, count })
    }

    /// Takes places back. Those that were forgotten come too late.
    #[expect(clippy::needless_pass_by_value, reason = "nobody has them afterwards")]
    pub fn leave(&mut self, places: Places) {
        for (period, taken) in [&mut self.current, &mut self.former] {
            if *period == places.period {
                *taken = taken.saturating_sub(places.count);
                return;
            }
        }
    }

    /// How many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.current.1 + self.former.1
    }

    /// Whether the door is to be closed now, until [`CLOSED_MS`] from now.
    #[must_use]
    pub fn closes(&mut self, now_ms: i64) -> bool {
        let is_closed = self.closed_until_ms.is_some_and(|until_ms| now_ms < until_ms);
        let closes = !is_closed && self.taken() >= self.bound;
        if closes {
            self.closed_until_ms = Some(now_ms + CLOSED_MS);
        }
        closes
    }

    /// Whether the door that was closed is to be opened now.
    #[must_use]
    pub fn opens(&mut self) -> bool {
        let taken = self.taken();
        let opens = self.closed_until_ms.is_some() && taken < self.bound && taken <= self.bound - self.bound / 8;
        if opens {
            self.closed_until_ms = None;
        }
        opens
    }

    /// Notes how many requests were refused.
    pub fn refused(&mut self, requests: u64) {
        self.refused += requests;
    }

    /// How many requests were refused since this was told last, if it is time to tell it again.
    #[must_use]
    pub fn to_tell(&mut self, now_ms: i64) -> Option<u64> {
        let is_time = self.told_ms.is_none_or(|told_ms| now_ms - told_ms >= TELLING_MS);
        if self.refused == 0 || !is_time {
            return None;
        }
        self.told_ms = Some(now_ms);
        Some(std::mem::take(&mut self.refused))
    }

    fn move_on(&mut self, period: i64) {
        if period > self.current.0 {
            let is_next = self.current.0 + 1 == period;
            self.former = if is_next { self.current } else { (period - 1, 0) };
            self.current = (period, 0);
        }
    }
}
