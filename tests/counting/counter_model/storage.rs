//! What an object stores, and how a counter comes back from it.

use super::*;

pub(crate) type Segments = BTreeMap<u64, (i64, Vec<u8>)>;

/// What an object's tables hold.
#[derive(Default)]
pub(crate) struct Storage {
    pub(crate) tally: Tally,
    pub(crate) version: u64,
    pub(crate) days: BTreeMap<i64, Vec<u8>>,
    pub(crate) sources: BTreeMap<i64, Vec<u8>>,
    pub(crate) segments: Segments,
    pub(crate) visits: Segments,
    pub(crate) visitors: Option<Vec<u8>>,
    pub(crate) retracted_visitors: u64,
}

pub(crate) fn store_segments(segments: &mut Segments, change: &LedgerChange) {
    assert!(change.closed().iter().all(|segment| segment.entries.len() == SEGMENT_ENTRIES));
    assert!(change.open().is_none_or(|open| open.entries.len() < SEGMENT_ENTRIES));
    for segment in &change.written {
        segments.insert(segment.number, (segment.newest_ms, segment.pack()));
    }
    for number in &change.expired {
        assert!(segments.remove(number).is_some(), "segment {number} is not stored");
    }
}

pub(crate) fn stored_bytes(segments: &Segments) -> u64 {
    segments.values().map(|(_, packed)| packed.len() as u64).sum()
}

pub(crate) fn unpacked(segments: &Segments) -> impl Iterator<Item = Segment> {
    segments.iter().map(|(&number, (at_ms, packed))| Segment::unpack(number, *at_ms, packed))
}

impl Storage {
    pub(crate) fn store(&mut self, commit: &Commit) {
        assert_eq!(commit.version, self.version + 1);
        (self.tally, self.version) = (commit.tally, commit.version);
        for added in &commit.days {
            let mut day = self.day(added.number);
            if !self.days.contains_key(&day.number) {
                self.sources = self.sources.split_off(&(day.number - SOURCE_DAYS));
            }
            if !added.sources.is_empty() {
                day.sources.add_all(&added.sources);
                self.sources.insert(day.number, day.sources.pack());
            }
            day.counts.add_all(&added.counts);
            self.days.insert(day.number, day.counts.pack());
        }
        let numbers: BTreeSet<i64> = commit.days.iter().map(|day| day.number).collect();
        assert_eq!(numbers.len(), commit.days.len());
        store_segments(&mut self.segments, &commit.ledger);
        store_segments(&mut self.visits, &commit.visits);
        if let Some(visitors) = &commit.visitors {
            self.visitors = Some(visitors.pack());
        }
    }

    pub(crate) fn day(&self, number: i64) -> SourcedDay {
        let counts = self.days.get(&number).map(|packed| Day::unpack(packed).unwrap()).unwrap_or_default();
        let sources = self.sources.get(&number).map(|packed| Sources::unpack(packed).unwrap()).unwrap_or_default();
        SourcedDay { number, counts, sources }
    }

    /// The counter as it is restored; its ledgers have room for what is stored.
    pub(crate) fn restore(&self) -> Counter {
        let mut ledger = Ledger::with_room_for(stored_bytes(&self.segments));
        unpacked(&self.segments).for_each(|segment| ledger.restore(segment));
        let mut visits = Visits::within(WINDOW_MS, stored_bytes(&self.visits));
        unpacked(&self.visits).for_each(|segment| visits.restore(segment));
        Counter {
            tally: self.tally,
            version: self.version,
            ledger,
            visits,
            visitors: self.visitors.as_ref().map(|packed| Visitors::unpack(packed).unwrap()).unwrap_or_default(),
            retracted_visitors: self.retracted_visitors,
            ..Counter::default()
        }
    }

    pub(crate) fn days(&self) -> Vec<(i64, Day)> {
        self.days.iter().map(|(number, packed)| (*number, Day::unpack(packed).unwrap())).collect()
    }

    /// What was counted in each quarter.
    pub(crate) fn quarters(&self) -> BTreeMap<i64, Tally> {
        let days = self.days();
        days.iter().flat_map(|(number, day)| day.quarters(*number)).map(|(quarter, tally)| (quarter, *tally)).collect()
    }
}
