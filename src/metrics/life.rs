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

/// One life, and what the isolate had counted before.
#[derive(Clone, Debug)]
struct Life {
    id: u64,
    begun_ms: i64,
    before: Vec<Count>,
}

/// The lives of an isolate, one after another.
#[derive(Debug, Default)]
pub struct Lives {
    current: Option<Life>,
    version: u32,
}

/// What is to be written of a life, over what was written of it under a lower version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// Names its row.
    pub life: u64,
    /// When it began, in milliseconds since 1970.
    pub begun_ms: i64,
    /// Each writing of an isolate has a higher one.
    pub version: u32,
    /// What was counted in it.
    pub counts: Vec<Count>,
}

impl Lives {
    /// What is to be written when the isolate has `counted` all this, in the order of the names. A life that begins takes `new_id`.
    pub fn write(&mut self, counted: &[Count], new_id: u64, now_ms: i64) -> Writing {
        if self.current.as_ref().is_some_and(|life| now_ms - life.begun_ms >= LOST_MS) {
            self.current = Some(Life { id: new_id, begun_ms: now_ms, before: counted.to_vec() });
        }
        let first = || Life { id: new_id, begun_ms: now_ms, before: Vec::new() };
        let life = self.current.get_or_insert_with(first);
        self.version += 1;
        Writing { life: life.id, begun_ms: life.begun_ms, version: self.version, counts: life.counts(counted) }
    }

    /// That was written: if the life is over, the next one begins where it ended. Not while a later writing is under way, which
    /// has more of this life; that one ends it.
    pub fn written(&mut self, writing: &Writing, counted: Vec<Count>, new_id: u64, now_ms: i64) {
        if self.version == writing.version && now_ms - writing.begun_ms >= LIFE_MS {
            self.current = Some(Life { id: new_id, begun_ms: now_ms, before: counted });
        }
    }
}

impl Life {
    /// What was counted in it, of all that the isolate has `counted`. The largest are those of the isolate.
    fn counts(&self, counted: &[Count]) -> Vec<Count> {
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
