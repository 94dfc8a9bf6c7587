//! The ids that a counter has counted in the last 24 hours.
//!
//! An id is kept as a 64-bit digest with a 32-bit digest of its event: 12 bytes stored, packed into segments of
//! [`SEGMENT_ENTRIES`]. The segment being filled is written anew, whole, with the row of its counter, which costs the same
//! however long it is; so a write costs a row for each segment that is full, and not one per id.
//!
//! The newest ids, [`WHOLE_ENTRIES`] at the most, are whole in memory, where one takes at most 35 bytes (a hash table of 17 bytes
//! a place, at least 7/16 full, and the list that forgets in order): 16 MB, the table's growth included. Of older ones memory has
//! the [`Fingerprints`], in 3.25 bytes. A key that may be one of them is [recalled](Ledger::recall) from its stored segment before
//! it is judged. Beyond [`LEDGER_ENTRIES`] the oldest are forgotten before their 24 hours are over.
//!
//! With 8,000,000 ids known, a new id is mistaken for a known one with a probability of 8,000,000 / 2^64, or 4 in 10^13.

use std::collections::{BTreeSet, VecDeque};
use std::hash::BuildHasherDefault;

use super::digest_map::DigestMap;
use super::fingerprints::{Extent, FINGERPRINTS, Fingerprints, SEGMENTS};
use super::protocol::{IdDigest, Outcome};
use super::segment::{LedgerChange, SEGMENT_ENTRIES, Segment, SegmentKeys};
use crate::time::DAY_MS;

/// How long an id is remembered at the least, in milliseconds.
pub const RETENTION_MS: i64 = DAY_MS;
/// Ids that a ledger holds at the most.
pub const LEDGER_ENTRIES: usize = 8_000_000;
/// Ids of which it has more than the fingerprints in memory, at the most.
pub const WHOLE_ENTRIES: usize = 400_000;

/// How much a ledger holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Ids at the most.
    pub ids: usize,
    /// Ids that are whole in memory, at the most.
    pub whole: usize,
    /// Ids of a segment that is full.
    pub segment: usize,
}

impl Bounds {
    /// Those of a counter and of a shard.
    pub const COUNTER: Self = Self { ids: LEDGER_ENTRIES, whole: WHOLE_ENTRIES, segment: SEGMENT_ENTRIES };

    /// So many ids, all of them whole in memory.
    #[must_use]
    pub const fn whole(ids: usize) -> Self {
        Self { ids, whole: ids, segment: SEGMENT_ENTRIES }
    }
}

/// The remembered ids of one counter, or of one experiment; or whatever else has a key and a payload.
#[derive(Debug)]
pub struct Ledger {
    bounds: Bounds,
    retention_ms: i64,
    /// Segments before `segments`.
    older: VecDeque<Fingerprints>,
    older_ids: usize,
    payloads: DigestMap<u32>,
    /// How many entries were removed from `payloads` since it was built.
    removed: usize,
    segments: VecDeque<SegmentKeys>,
    tail: Option<Segment>,
}

/// The payloads of keys that may be of older ids; `None` of a key that is not.
#[derive(Debug, Default)]
pub struct Recalled(DigestMap<Option<u32>>);

impl Default for Ledger {
    fn default() -> Self {
        Self::within(Bounds::COUNTER, 0)
    }
}

impl Ledger {
    /// An empty ledger within bounds, with room for so many ids, so that restoring them does not make it grow.
    #[must_use]
    pub fn within(bounds: Bounds, ids: usize) -> Self {
        let room = ids.min(bounds.whole);
        Self {
            bounds,
            retention_ms: RETENTION_MS,
            older: VecDeque::new(),
            older_ids: 0,
            payloads: DigestMap::with_capacity_and_hasher(room, BuildHasherDefault::default()),
            removed: 0,
            segments: VecDeque::new(),
            tail: None,
        }
    }

    /// The same, forgetting entries of this age in milliseconds, and not of [`RETENTION_MS`].
    #[must_use]
    pub fn forgetting_after(self, retention_ms: i64) -> Self {
        Self { retention_ms, ..self }
    }

    /// Restores a stored segment; segments are given in the order of their numbers.
    pub fn restore(&mut self, segment: Segment) {
        self.keep(segment);
        self.condense();
    }

    /// Remembers a segment of ids that was stored at `now_ms`, and forgets what is too old or too much.
    pub fn remember(&mut self, segment: Segment, now_ms: i64) {
        let expired = self.expired(segment.entries.len(), now_ms);
        self.apply(LedgerChange { written: vec![segment], expired });
    }

    /// How many ids are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.payloads.len() + self.older_ids
    }

    /// Whether no id is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The payload under a key that is whole in memory.
    #[must_use]
    pub fn payload(&self, key: u64) -> Option<u32> {
        self.payloads.get(&key).copied()
    }

    /// Recalls those of some keys that may be older ids, by what `read` gives of the segments in which they may be: nothing of
    /// one that is not stored.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn recall<E>(
        &self,
        keys: impl Iterator<Item = u64>,
        mut read: impl FnMut(u64) -> Result<Option<Segment>, E>,
    ) -> Result<Recalled, E> {
        let mut recalled = Recalled::default();
        if self.older.is_empty() {
            return Ok(recalled);
        }
        let mut numbers = BTreeSet::new();
        for key in keys.filter(|key| !self.payloads.contains_key(key)) {
            for number in self.older.iter().flat_map(|older| older.segments_with(key)) {
                recalled.0.insert(key, None);
                numbers.insert(number);
            }
        }
        for number in numbers {
            for entry in read(number)?.map(|segment| segment.entries).unwrap_or_default() {
                if let Some(payload) = recalled.0.get_mut(&entry.key) {
                    *payload = Some(entry.payload);
                }
            }
        }
        Ok(recalled)
    }

    /// What an increment under this id would be, whose key was recalled.
    #[must_use]
    pub fn judge(&self, id: IdDigest, recalled: &Recalled) -> Outcome {
        match self.payload(id.key).or_else(|| recalled.0.get(&id.key).copied().flatten()) {
            None => Outcome::Counted,
            Some(payload) if payload == id.payload => Outcome::Repeated,
            Some(_) => Outcome::Conflicting,
        }
    }

    /// The number that the next segment has.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.tail.as_ref().map_or(0, |tail| tail.number + 1)
    }

    /// What has to be stored to remember `fresh` and to forget what is too old or too much.
    #[must_use]
    pub fn change(&self, fresh: &[IdDigest], now_ms: i64) -> LedgerChange {
        LedgerChange { written: self.appended(fresh, now_ms), expired: self.expired(fresh.len(), now_ms) }
    }

    /// Takes over a change that has been stored.
    pub fn apply(&mut self, change: LedgerChange) {
        for segment in change.written {
            self.restore(segment);
        }
        for number in change.expired {
            self.forget(number);
        }
    }

    fn appended(&self, fresh: &[IdDigest], now_ms: i64) -> Vec<Segment> {
        let empty = |number| Segment { number, newest_ms: now_ms, entries: Vec::new() };
        let mut open = self.tail.clone().filter(|tail| tail.entries.len() < self.bounds.segment);
        let mut written = Vec::new();
        let mut rest = fresh;
        while !rest.is_empty() {
            let mut segment = open.take().unwrap_or_else(|| empty(self.next_number()));
            let room = self.bounds.segment.saturating_sub(segment.entries.len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            segment.entries.extend_from_slice(now);
            segment.newest_ms = segment.newest_ms.max(now_ms);
            open = Some(empty(segment.number + 1));
            written.push(segment);
            rest = later;
        }
        // Where the last one is full, the next one is being filled.
        let is_full = |last: &Segment| last.entries.len() >= self.bounds.segment;
        written.extend(open.filter(|_| written.last().is_some_and(is_full)));
        written
    }

    fn expired(&self, added: usize, now_ms: i64) -> Vec<u64> {
        let mut remembered = self.len() + added;
        let mut expired = Vec::new();
        for Extent { number, newest_ms, ids } in self.full_segments() {
            if newest_ms + self.retention_ms >= now_ms && remembered <= self.bounds.ids {
                break;
            }
            remembered -= ids.min(remembered);
            expired.push(number);
        }
        expired
    }

    /// All segments but the one that is being filled, the oldest first.
    fn full_segments(&self) -> impl Iterator<Item = Extent> {
        let full = self.segments.len().saturating_sub(1);
        self.older.iter().flat_map(Fingerprints::remembered).chain(self.segments.iter().take(full).map(Extent::of))
    }

    fn keep(&mut self, segment: Segment) {
        let (number, newest_ms) = (segment.number, segment.newest_ms);
        // A segment that grew begins with the entries that it had.
        let is_last = self.segments.back().is_some_and(|last| last.number == number);
        let had = self.segments.back().filter(|_| is_last).map_or(0, |last| last.keys.len());
        let added = segment.entries.get(had..).unwrap_or_default();
        self.make_room(added.len());
        self.payloads.extend(added.iter().map(|entry| (entry.key, entry.payload)));
        let mut keys = self.segments.pop_back_if(|_| is_last).map(|last| last.keys).unwrap_or_default();
        keys.reserve_exact(added.len());
        keys.extend(added.iter().map(|entry| entry.key));
        self.segments.push_back(SegmentKeys { number, newest_ms, keys });
        self.tail = Some(segment);
    }

    /// Builds the table anew, in its place, before it would grow only because places of removed entries are not free: it would
    /// take twice the memory for the same entries.
    fn make_room(&mut self, added: usize) {
        if self.removed == 0 || self.payloads.len() + added <= self.payloads.capacity() {
            return;
        }
        let keys = || self.segments.iter().flat_map(|segment| segment.keys.iter().copied());
        let mut payloads = Vec::with_capacity(self.payloads.len());
        payloads.extend(keys().map(|key| self.payload(key).unwrap_or_default()));
        self.payloads.clear();
        self.payloads.extend(keys().zip(payloads));
        self.removed = 0;
    }

    fn forget(&mut self, number: u64) {
        if let Some(oldest) = self.older.front_mut() {
            if oldest.remembered().next().is_some_and(|oldest| oldest.number == number) {
                self.older_ids -= oldest.forget_oldest().map_or(0, |forgotten| forgotten.ids);
            }
            self.older.pop_front_if(|oldest| oldest.is_empty());
        } else if self.segments.front().is_some_and(|oldest| oldest.number == number) {
            let keys = self.segments.pop_front().map(|oldest| oldest.keys).unwrap_or_default();
            self.remove(&keys);
        }
    }

    fn remove(&mut self, keys: &[u64]) {
        for key in keys {
            self.removed += usize::from(self.payloads.remove(key).is_some());
        }
    }

    /// Keeps the fingerprints alone of the oldest full segments, where more ids are whole than are to be.
    fn condense(&mut self) {
        let keeps_fingerprints = self.bounds.whole < self.bounds.ids;
        while keeps_fingerprints && self.payloads.len() > self.bounds.whole {
            let mut ids = 0;
            let fits = |segment: &&SegmentKeys| {
                ids += segment.keys.len();
                ids <= FINGERPRINTS
            };
            let full = self.segments.len().saturating_sub(1).min(SEGMENTS);
            let segments = self.segments.iter().take(full).take_while(fits).count();
            if segments == 0 {
                break;
            }
            let condensed: Vec<SegmentKeys> = self.segments.drain(..segments).collect();
            for segment in &condensed {
                self.remove(&segment.keys);
                self.older_ids += segment.keys.len();
            }
            self.older.push_back(Fingerprints::of(&condensed));
        }
    }
}
