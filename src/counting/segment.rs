//! The form in which a ledger is stored: segments of remembered ids.

use super::protocol::IdDigest;

/// Ids in one stored segment, of 15 KB. Counters once filled segments of 320.
pub const SEGMENT_ENTRIES: usize = 1280;

/// Bytes of an id that is stored.
pub const ENTRY_BYTES: usize = 12;

/// Segments that are told at once: 1 MB.
pub const SEGMENTS_AT_ONCE: usize = 64;

/// Ids that are told at once where they are chosen.
pub const IDS_AT_ONCE: usize = SEGMENTS_AT_ONCE * SEGMENT_ENTRIES;

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
            .map(|entry| IdDigest {
                key: entry.first_chunk().map_or(0, |key| u64::from_be_bytes(*key)),
                payload: entry.last_chunk().map_or(0, |payload| u32::from_be_bytes(*payload)),
            })
            .collect();
        Self { number, newest_ms, entries }
    }
}

/// The segments of a ledger that takes over parts of another, numbered from `first` on.
#[must_use]
pub fn numbered(parts: Vec<(i64, Vec<IdDigest>)>, first: u64) -> Vec<Segment> {
    let segment = |((newest_ms, entries), number)| Segment { number, newest_ms, entries };
    parts.into_iter().zip(first..).map(segment).collect()
}

/// How many entries segments of so many bytes hold.
#[must_use]
pub fn packed_entries(packed_bytes: u64) -> usize {
    usize::try_from(packed_bytes).unwrap_or(usize::MAX) / ENTRY_BYTES
}

/// The keys of a stored segment, in the order of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentKeys {
    /// The segment's number.
    pub number: u64,
    /// When the newest of its ids was counted, in milliseconds since 1970.
    pub newest_ms: i64,
    /// The keys.
    pub keys: Vec<u64>,
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

/// Ids of stored segments, as many as are told at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPage {
    /// The ids with the instants up to which they were counted, in as many parts as fill segments.
    pub parts: Vec<(i64, Vec<IdDigest>)>,
    /// The segment at which the next page begins; `None` behind the last.
    pub next: Option<u64>,
    room: usize,
}

impl IdPage {
    /// An empty page for so many ids, and those of one segment more.
    #[must_use]
    pub fn with_room(ids: usize) -> Self {
        Self { parts: Vec::new(), next: None, room: ids }
    }

    /// Adds the ids of a segment whose keys are wanted; segments come in the order of their numbers. Whether it did: a page
    /// that is full begins the next one.
    pub fn add(&mut self, segment: &Segment, is_wanted: impl Fn(u64) -> bool) -> bool {
        if self.room == 0 {
            self.next = Some(segment.number);
            return false;
        }
        for entry in segment.entries.iter().filter(|entry| is_wanted(entry.key)) {
            self.room = self.room.saturating_sub(1);
            match self.parts.last_mut() {
                Some((newest_ms, entries)) if entries.len() < SEGMENT_ENTRIES => {
                    *newest_ms = segment.newest_ms;
                    entries.push(*entry);
                }
                _ => self.parts.push((segment.newest_ms, vec![*entry])),
            }
        }
        true
    }

    /// The ids alone.
    #[must_use]
    pub fn into_ids(self) -> Vec<IdDigest> {
        self.parts.into_iter().flat_map(|(_, entries)| entries).collect()
    }
}
