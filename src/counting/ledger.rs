//! The ids that a counter has counted in the last 24 hours.
//!
//! An id is kept as a 64-bit digest with a 32-bit digest of its event: 12 bytes stored, packed into segments of
//! [`SEGMENT_ENTRIES`]. The segment being filled is written anew, whole, with the row of its counter, which costs the same
//! however long it is; so a write costs a row for each segment that is full, and not one per id. In memory an id takes
//! at most 35 bytes (a hash table of 17 bytes a place, at least 7/16 full, and the list that forgets in order), and
//! [`LEDGER_ENTRIES`] of them, the table's growth included, stay below 16 MB. Beyond that the oldest are forgotten before their
//! 24 hours are over: a retry that comes later than 400,000 further ids of the same prompt would be counted again.
//!
//! With 400,000 ids known, a new id is mistaken for a known one with a probability of 400,000 / 2^64, or 2 in 10^14.

use std::collections::VecDeque;
use std::hash::BuildHasherDefault;

use sha2::{Digest, Sha256};

use super::digest_map::DigestMap;
use super::protocol::{IdDigest, Outcome};
use crate::time::DAY_MS;

/// How long an id is remembered at the least, in milliseconds.
pub const RETENTION_MS: i64 = DAY_MS;
/// Ids that a ledger holds at the most.
pub const LEDGER_ENTRIES: usize = 400_000;
/// Ids in one stored segment, of 15 KB. Counters once filled segments of 320.
pub const SEGMENT_ENTRIES: usize = 1280;

/// Bytes of an id that is stored.
pub const ENTRY_BYTES: usize = 12;

/// Digests an id, and whatever makes another event under the same id another event.
#[must_use]
pub fn digest(id: &str, payload: &[&str]) -> IdDigest {
    IdDigest { key: digest_key(id), payload: digest_payload(payload) }
}

/// Digests what makes an event another event to 32 bits.
#[must_use]
pub fn digest_payload(payload: &[&str]) -> u32 {
    let mut hash = Sha256::new();
    for part in payload {
        hash.update(part.as_bytes());
        hash.update([0xff]); // never part of UTF-8, so that no two payloads run together
    }
    payload_of(&hash.finalize())
}

/// Digests an id to the 64 bits under which it is remembered.
#[must_use]
pub fn digest_key(id: &str) -> u64 {
    key_of(&Sha256::digest(id.as_bytes()))
}

fn key_of(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn payload_of(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// A run of remembered ids, stored together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Counts up from 0; the highest is the one being filled.
    pub number: u64,
    /// When the newest of its ids was counted, in milliseconds since 1970.
    pub newest_ms: i64,
    /// Its ids in the order in which they were counted.
    pub entries: Vec<IdDigest>,
}

impl Segment {
    /// Packs the entries for storage: 12 bytes each, the key and then the payload, big-endian.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.entries.len() * ENTRY_BYTES);
        for entry in &self.entries {
            packed.extend_from_slice(&entry.key.to_be_bytes());
            packed.extend_from_slice(&entry.payload.to_be_bytes());
        }
        packed
    }

    /// Reads what [`Segment::pack`] wrote; an incomplete entry at the end is left out.
    #[must_use]
    pub fn unpack(number: u64, newest_ms: i64, packed: &[u8]) -> Self {
        let (entries, _) = packed.as_chunks::<ENTRY_BYTES>();
        let entries = entries
            .iter()
            .map(|entry| {
                let (key, payload) = entry.split_at(8);
                IdDigest { key: key_of(key), payload: payload_of(payload) }
            })
            .collect();
        Self { number, newest_ms, entries }
    }
}

/// What a commit changes in the stored ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerChange {
    /// Segments to store, whole, over what is stored under their numbers. The last one is being filled, those before it are
    /// full.
    pub written: Vec<Segment>,
    /// Numbers of the segments to remove, which are full.
    pub expired: Vec<u64>,
}

impl LedgerChange {
    /// The segment that is being filled afterwards; `None` where nothing is written.
    #[must_use]
    pub fn open(&self) -> Option<&Segment> {
        self.written.last()
    }

    /// The segments that were filled.
    #[must_use]
    pub fn closed(&self) -> &[Segment] {
        self.written.split_last().map_or(&[], |(_, closed)| closed)
    }
}

/// The remembered ids of one counter, or of one experiment; or whatever else has a key and a payload.
#[derive(Debug)]
pub struct Ledger {
    capacity: usize,
    retention_ms: i64,
    payloads: DigestMap<u32>,
    /// How many entries were removed from `payloads` since it was built.
    removed: usize,
    segments: VecDeque<SegmentKeys>,
    tail: Option<Segment>,
}

#[derive(Debug)]
struct SegmentKeys {
    number: u64,
    newest_ms: i64,
    keys: Vec<u64>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::holding(LEDGER_ENTRIES, 0)
    }
}

/// How many entries segments of so many bytes hold.
#[must_use]
pub fn packed_entries(packed_bytes: u64) -> usize {
    usize::try_from(packed_bytes).unwrap_or(usize::MAX) / ENTRY_BYTES
}

impl Ledger {
    /// An empty ledger with room for as many ids as segments of so many bytes hold, so that restoring them does not
    /// make it grow.
    #[must_use]
    pub fn with_room_for(packed_bytes: u64) -> Self {
        Self::holding(LEDGER_ENTRIES, packed_entries(packed_bytes))
    }

    /// An empty ledger that holds at most `capacity` ids, with room for `entries`.
    #[must_use]
    pub fn holding(capacity: usize, entries: usize) -> Self {
        let payloads = DigestMap::with_capacity_and_hasher(entries.min(capacity), BuildHasherDefault::default());
        Self { capacity, retention_ms: RETENTION_MS, payloads, removed: 0, segments: VecDeque::new(), tail: None }
    }

    /// The same, forgetting entries of this age in milliseconds, and not of [`RETENTION_MS`].
    #[must_use]
    pub fn forgetting_after(self, retention_ms: i64) -> Self {
        Self { retention_ms, ..self }
    }

    /// Restores a stored segment; segments are given in the order of their numbers.
    pub fn restore(&mut self, segment: Segment) {
        self.keep(segment);
    }

    /// Remembers a segment of ids that was stored at `now_ms`, and forgets what is too old or too much.
    pub fn remember(&mut self, segment: Segment, now_ms: i64) {
        let expired = self.expired(segment.entries.len(), now_ms);
        self.apply(LedgerChange { written: vec![segment], expired });
    }

    /// How many ids are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether no id is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }

    /// The payload under a key that is remembered.
    #[must_use]
    pub fn payload(&self, key: u64) -> Option<u32> {
        self.payloads.get(&key).copied()
    }

    /// What an increment under this id would be.
    #[must_use]
    pub fn judge(&self, id: IdDigest) -> Outcome {
        match self.payload(id.key) {
            None => Outcome::Counted,
            Some(payload) if payload == id.payload => Outcome::Repeated,
            Some(_) => Outcome::Conflicting,
        }
    }

    /// The ids whose keys are wanted, in the order in which they were remembered, with the instants up to which that was, in
    /// as many parts as fill segments.
    #[must_use]
    pub fn part(&self, is_wanted: impl Fn(u64) -> bool) -> Vec<(i64, Vec<IdDigest>)> {
        let mut parts: Vec<(i64, Vec<IdDigest>)> = Vec::new();
        for segment in &self.segments {
            for key in segment.keys.iter().copied().filter(|key| is_wanted(*key)) {
                let Some(payload) = self.payload(key) else { continue };
                let entry = IdDigest { key, payload };
                match parts.last_mut() {
                    Some((newest_ms, entries)) if entries.len() < SEGMENT_ENTRIES => {
                        *newest_ms = segment.newest_ms;
                        entries.push(entry);
                    }
                    _ => parts.push((segment.newest_ms, vec![entry])),
                }
            }
        }
        parts
    }

    /// The ids of the segments from a number on.
    #[must_use]
    pub fn since(&self, number: u64) -> Vec<IdDigest> {
        let keys = self.segments.iter().filter(|segment| segment.number >= number).flat_map(|segment| &segment.keys);
        keys.filter_map(|key| Some(IdDigest { key: *key, payload: self.payload(*key)? })).collect()
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
            self.keep(segment);
        }
        for number in change.expired {
            self.forget(number);
        }
    }

    fn appended(&self, fresh: &[IdDigest], now_ms: i64) -> Vec<Segment> {
        let empty = |number| Segment { number, newest_ms: now_ms, entries: Vec::new() };
        let mut open = self.tail.clone().filter(|tail| tail.entries.len() < SEGMENT_ENTRIES);
        let mut written = Vec::new();
        let mut rest = fresh;
        while !rest.is_empty() {
            let mut segment = open.take().unwrap_or_else(|| empty(self.next_number()));
            let room = SEGMENT_ENTRIES.saturating_sub(segment.entries.len());
            let (now, later) = rest.split_at(room.min(rest.len()));
            segment.entries.extend_from_slice(now);
            segment.newest_ms = segment.newest_ms.max(now_ms);
            open = Some(empty(segment.number + 1));
            written.push(segment);
            rest = later;
        }
        // Where the last one is full, the next one is being filled.
        let is_full = |last: &Segment| last.entries.len() >= SEGMENT_ENTRIES;
        written.extend(open.filter(|_| written.last().is_some_and(is_full)));
        written
    }

    fn expired(&self, added: usize, now_ms: i64) -> Vec<u64> {
        let mut remembered = self.payloads.len() + added;
        let closed = self.segments.len().saturating_sub(1);
        let mut expired = Vec::new();
        for segment in self.segments.iter().take(closed) {
            if segment.newest_ms + self.retention_ms >= now_ms && remembered <= self.capacity {
                break;
            }
            remembered -= segment.keys.len().min(remembered);
            expired.push(segment.number);
        }
        expired
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
        if self.segments.front().is_some_and(|oldest| oldest.number == number) {
            for key in self.segments.pop_front().map(|oldest| oldest.keys).unwrap_or_default() {
                self.removed += usize::from(self.payloads.remove(&key).is_some());
            }
        }
    }
}
