//! Where older ids are: which stored segments may hold a key, in 3.25 bytes an id.
//!
//! Of a key 30 bits are kept: 14 are the bucket in which it stands, 16 its fingerprint there. A key that is in none of the
//! segments is taken for one that is with a probability of 262,144 / 2^30, or 1 in 4,096. So a segment that may hold it is
//! read, and tells by the whole key.

use std::collections::VecDeque;

use super::segment::SegmentKeys;

/// Ids in one table of fingerprints at the most.
pub const FINGERPRINTS: usize = 1 << 18;
/// Segments in one table at the most.
pub const SEGMENTS: usize = 1 << 8;

const BUCKETS: usize = 1 << 14;
const LAST_BUCKET: u64 = BUCKETS as u64 - 1;

/// The fingerprints of a run of segments.
#[derive(Debug)]
pub struct Fingerprints {
    /// Those of the segments that are still remembered, the oldest first.
    remembered: VecDeque<Extent>,
    /// The numbers of all.
    numbers: Vec<u64>,
    /// Where each bucket begins, and at the end where the last one ends.
    starts: Vec<u32>,
    /// The fingerprints, by buckets.
    values: Vec<u16>,
    /// The place of each one's segment in `numbers`.
    places: Vec<u8>,
}

/// A segment, without its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Its number.
    pub number: u64,
    /// When the newest of its ids was counted, in milliseconds since 1970.
    pub newest_ms: i64,
    /// How many ids it has.
    pub ids: usize,
}

impl Fingerprints {
    /// Those of segments in the order of their numbers, of which there are [`SEGMENTS`] with [`FINGERPRINTS`] ids at the most.
    #[must_use]
    pub fn of(segments: &[SegmentKeys]) -> Self {
        let mut sizes = vec![0; BUCKETS];
        for key in segments.iter().flat_map(|segment| &segment.keys) {
            if let Some(size) = sizes.get_mut(bucket_of(*key)) {
                *size += 1;
            }
        }
        let mut end = 0;
        let begin = |size: &u32| {
            let start = end;
            end += size;
            start
        };
        let mut starts: Vec<u32> = sizes.iter().map(begin).collect();
        let (mut values, mut places) = (vec![0; end as usize], vec![0; end as usize]);
        let mut free = starts.clone();
        for (place, segment) in (0..=u8::MAX).zip(segments) {
            for key in &segment.keys {
                let Some(at) = free.get_mut(bucket_of(*key)) else { continue };
                let spot = *at as usize;
                *at += 1;
                if let (Some(value), Some(place_of)) = (values.get_mut(spot), places.get_mut(spot)) {
                    (*value, *place_of) = (fingerprint_of(*key), place);
                }
            }
        }
        starts.push(end);
        Self {
            remembered: segments.iter().map(Extent::of).collect(),
            numbers: segments.iter().map(|segment| segment.number).collect(),
            starts,
            values,
            places,
        }
    }

    /// The numbers of the segments that may hold a key. One that does is among them.
    pub fn segments_with(&self, key: u64) -> impl Iterator<Item = u64> {
        let bucket = bucket_of(key);
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        let range = bound(bucket)..bound(bucket + 1);
        let values = self.values.get(range.clone()).unwrap_or_default();
        let wanted = fingerprint_of(key);
        let found = values.iter().zip(range).filter(move |(value, _)| **value == wanted);
        found.filter_map(|(_, at)| self.numbers.get(usize::from(*self.places.get(at)?)).copied())
    }

    /// The segments that are remembered, the oldest first.
    pub fn remembered(&self) -> impl Iterator<Item = Extent> {
        self.remembered.iter().copied()
    }

    /// Forgets the oldest segment. Its fingerprints stay until all are forgotten, and lead to a segment that is not stored.
    pub fn forget_oldest(&mut self) -> Option<Extent> {
        self.remembered.pop_front()
    }

    /// Whether all is forgotten.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.remembered.is_empty()
    }
}

impl Extent {
    /// That of a segment.
    #[must_use]
    pub fn of(segment: &SegmentKeys) -> Self {
        Self { number: segment.number, newest_ms: segment.newest_ms, ids: segment.keys.len() }
    }
}

/// The lower half of a key: the upper one says to which shard it falls.
fn fingerprint_of(key: u64) -> u16 {
    (key & 0xffff) as u16
}

fn bucket_of(key: u64) -> usize {
    usize::from(((key >> 16) & LAST_BUCKET) as u16)
}
