//! Which views are visits: those whose visitor had no visit within a window, before or after it, by the time at which they
//! happened.
//!
//! Visits are remembered for that as ids are, in the form of the [`Ledger`]: 12 bytes a visit. They are forgotten when they
//! were counted longer ago than the window (and the five minutes that a caller's clock may be ahead), and beyond [`VISITS`]
//! the oldest are. So a view that is told late, long after another one of its visitor, can be a visit that is not one by its
//! time; and of a prompt with more than 200,000 visits in a window, somebody who comes again is a visit too early. What is
//! not a visit by the definition is too many, never too few.

use super::digest_map::DigestMap;
use super::ledger::{Bounds, Ledger};
use super::protocol::IdDigest;
use super::segment::{LedgerChange, Segment};
use crate::limits::EVENT_FUTURE_MS;
use crate::time::{MINUTE_MS, SECOND_MS};

/// Visits that are remembered at the most; below 8 MB of memory.
pub const VISITS: usize = 200_000;
/// The window, unless the owner sets another one, in milliseconds.
pub const WINDOW_MS: i64 = 30 * MINUTE_MS;

/// The visits that a counter counted lately.
#[derive(Debug)]
pub struct Visits {
    window: i64,
    ledger: Ledger,
}

impl Default for Visits {
    fn default() -> Self {
        Self::within(WINDOW_MS, 0)
    }
}

impl Visits {
    /// No visits, for a window in milliseconds, of a second at the least; with room for so many.
    #[must_use]
    pub fn within(window_ms: i64, room: usize) -> Self {
        let ledger = Ledger::within(Bounds::whole(VISITS), room);
        let retention_ms = window_ms.saturating_add(EVENT_FUTURE_MS);
        Self { window: (window_ms / SECOND_MS).max(1), ledger: ledger.forgetting_after(retention_ms) }
    }

    /// Restores a stored segment; segments are given in the order of their numbers.
    pub fn restore(&mut self, segment: Segment) {
        self.ledger.restore(segment);
    }

    /// How many visits are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ledger.len()
    }

    /// Whether no visit is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ledger.is_empty()
    }

    /// Takes over a change that has been stored.
    pub fn apply(&mut self, change: LedgerChange) {
        self.ledger.apply(change);
    }

    /// The span of a window's length that a second falls in. Two visits of one visitor are never in the same.
    fn span(&self, second: u32) -> i64 {
        i64::from(second).div_euclid(self.window)
    }

    /// When a visitor visited in a span, in seconds since 1970.
    fn visit_in(&self, visitor: u64, span: i64, fresh: &DigestMap<u32>) -> Option<u32> {
        let key = key_of(visitor, span);
        fresh.get(&key).copied().or_else(|| self.ledger.payload(key))
    }
}

/// A visitor and a span as one key, so that visits of the same visitor do not hide one another. Digests are uniform, so the
/// odds that two coincide are those of the digests themselves.
fn key_of(visitor: u64, span: i64) -> u64 {
    visitor ^ span.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The visits of a commit.
#[derive(Debug)]
pub struct NewVisits<'a> {
    known: &'a Visits,
    times: DigestMap<u32>,
    entries: Vec<IdDigest>,
}

impl<'a> NewVisits<'a> {
    /// None so far, beside those that are known.
    #[must_use]
    pub fn beside(known: &'a Visits) -> Self {
        Self { known, times: DigestMap::default(), entries: Vec::new() }
    }

    /// Whether a view at this instant is a visit, which is noted.
    pub fn note(&mut self, visitor: u64, at_ms: i64) -> bool {
        let second = at_ms.div_euclid(SECOND_MS).clamp(0, u32::MAX.into());
        let second = u32::try_from(second).unwrap_or_default();
        let span = self.known.span(second);
        let is_near = |time: u32| i64::from(time.abs_diff(second)) < self.known.window;
        // Whoever comes again soon is in the same.
        let mut spans = [span, span - 1, span + 1].into_iter();
        if spans.any(|span| self.known.visit_in(visitor, span, &self.times).is_some_and(is_near)) {
            return false;
        }
        let entry = IdDigest { key: key_of(visitor, span), payload: second };
        self.times.insert(entry.key, entry.payload);
        self.entries.push(entry);
        true
    }

    /// What has to be stored to remember them.
    #[must_use]
    pub fn change(&self, now_ms: i64) -> LedgerChange {
        if self.entries.is_empty() {
            return LedgerChange::default();
        }
        self.known.ledger.change(&self.entries, now_ms)
    }
}
