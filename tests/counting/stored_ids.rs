//! The segments that an object stores, of ids or of visits, and what is read of them.

use std::collections::BTreeMap;
use std::convert::Infallible;

use promptmeter::counting::ledger::{Ledger, Recalled};
use promptmeter::counting::protocol::IdDigest;
use promptmeter::counting::segment::{ENTRY_BYTES, IdPage, LedgerChange, Segment};

/// By number: the newest instant, and the packed entries.
#[derive(Default)]
pub(crate) struct StoredIds(pub(crate) BTreeMap<u64, (i64, Vec<u8>)>);

impl StoredIds {
    pub(crate) fn of(segments: &[Segment]) -> Self {
        Self(segments.iter().map(|segment| (segment.number, (segment.newest_ms, segment.pack()))).collect())
    }

    pub(crate) fn store(&mut self, change: &LedgerChange) {
        for segment in &change.written {
            self.0.insert(segment.number, (segment.newest_ms, segment.pack()));
        }
        for number in &change.expired {
            assert!(self.0.remove(number).is_some(), "segment {number} is not stored");
        }
    }

    pub(crate) fn entries(&self) -> usize {
        self.0.values().map(|(_, packed)| packed.len()).sum::<usize>() / ENTRY_BYTES
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment> {
        self.0.iter().map(|(&number, (newest_ms, packed))| Segment::unpack(number, *newest_ms, packed))
    }

    pub(crate) fn recall(&self, ledger: &Ledger, keys: impl Iterator<Item = u64>) -> Recalled {
        let read = |number: u64| self.0.get(&number).map(|(at_ms, packed)| Segment::unpack(number, *at_ms, packed));
        ledger.recall(keys, |number| Ok::<_, Infallible>(read(number))).unwrap()
    }

    /// A page for so many of the ids whose keys are wanted, from a segment on.
    pub(crate) fn page(&self, from: u64, room: usize, is_wanted: impl Fn(u64) -> bool) -> IdPage {
        let mut page = IdPage::with_room(room);
        let _ = self.segments().filter(|segment| segment.number >= from).all(|segment| page.add(&segment, &is_wanted));
        page
    }

    /// All of them.
    pub(crate) fn pages(&self, from: u64, room: usize, is_wanted: impl Fn(u64) -> bool) -> Vec<(i64, Vec<IdDigest>)> {
        let (mut parts, mut next) = (Vec::new(), Some(from));
        while let Some(from) = next {
            let page = self.page(from, room, &is_wanted);
            next = page.next;
            parts.extend(page.parts);
        }
        parts
    }
}
