//! The rows in which isolates keep their readings.
//!
//! An isolate writes what it counted in a **life**, all of it each time, over what it wrote before: a write that is repeated
//! changes nothing. A life ends soon, and the next begins from zero, so that counts are known by their time. What is of lives that
//! are over is folded into one row. No life is written [`LOST_MS`] after it began, and none is folded before [`FOLDED_MS`]:
//! so nothing is counted twice, and what an isolate could not write in time is lost.

use super::readings::Count;
use crate::time::MINUTE_MS;

/// How long a life lasts, in milliseconds.
pub const LIFE_MS: i64 = 10 * MINUTE_MS;
/// After how long a life is not written any more, in milliseconds.
pub const LOST_MS: i64 = 30 * MINUTE_MS;
/// After how long a life is folded into the row of all that are over, in milliseconds.
pub const FOLDED_MS: i64 = 90 * MINUTE_MS;

/// What an isolate counts now.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Names its row.
    pub id: u64,
    /// When it began, in milliseconds since 1970.
    pub begun_ms: i64,
    /// What the isolate had counted before.
    before: Vec<Count>,
}

impl Life {
    /// A life that begins with the isolate.
    #[must_use]
    pub fn first(id: u64, now_ms: i64) -> Self {
        Self { id, begun_ms: now_ms, before: Vec::new() }
    }

    /// The next life, which begins with what was counted until now.
    #[must_use]
    pub fn next(id: u64, now_ms: i64, counted: Vec<Count>) -> Self {
        Self { id, begun_ms: now_ms, before: counted }
    }

    /// Whether the next begins once this one is written.
    #[must_use]
    pub fn is_over(&self, now_ms: i64) -> bool {
        now_ms - self.begun_ms >= LIFE_MS
    }

    /// Whether it is too late to write it.
    #[must_use]
    pub fn is_lost(&self, now_ms: i64) -> bool {
        now_ms - self.begun_ms >= LOST_MS
    }

    /// What was counted in it, of all that the isolate has `counted`. The largest are those of the isolate.
    #[must_use]
    pub fn counts(&self, counted: &[Count]) -> Vec<Count> {
        let before = |name: &String| {
            let place = self.before.binary_search_by(|(known, _)| known.cmp(name));
            place.ok().and_then(|place| self.before.get(place)).map_or(0, |(_, count)| *count)
        };
        let since = |(name, count): &Count| {
            let before = if name.starts_with("max_") { 0 } else { before(name) };
            (name.clone(), count.saturating_sub(before))
        };
        counted.iter().map(since).filter(|(_, count)| *count > 0).collect()
    }
}
