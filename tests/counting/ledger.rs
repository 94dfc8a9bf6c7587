//! The ids that a counter remembers: when they are forgotten, and what is written for them.

use promptmeter::counting::fingerprints::{FINGERPRINTS, Fingerprints, SEGMENTS};
use promptmeter::counting::id_digest::digest;
use promptmeter::counting::ledger::{Bounds, LEDGER_ENTRIES, Ledger, Recalled, WHOLE_ENTRIES};
use promptmeter::counting::protocol::{IdDigest, Outcome};
use promptmeter::counting::segment::{IdPage, SEGMENT_ENTRIES, Segment, SegmentKeys, packed_entries};

use crate::stored_ids::StoredIds;

const NOW_MS: i64 = 1_800_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn ids(keys: std::ops::Range<usize>) -> Vec<IdDigest> {
    keys.map(|key| IdDigest { key: u64::try_from(key).unwrap(), payload: 0 }).collect()
}

/// What becomes of an id whose segment is whole in memory.
fn judge(ledger: &Ledger, id: IdDigest) -> Outcome {
    ledger.judge(id, &Recalled::default())
}

/// A ledger that remembered `segments` full segments, each an hour after the one before.
fn ledger_of(segments: usize) -> Ledger {
    let mut ledger = Ledger::default();
    for (number, hour) in (0..segments).zip(0..) {
        let fresh = ids(number * SEGMENT_ENTRIES..(number + 1) * SEGMENT_ENTRIES);
        ledger.apply(ledger.change(&fresh, NOW_MS + hour * HOUR_MS));
    }
    ledger
}

#[test]
fn a_segment_is_forgotten_24_hours_after_its_newest_id() {
    for (after_ms, expired) in [
        (DAY_MS, 0..0),
        (DAY_MS + 1, 0..1),
        (DAY_MS + HOUR_MS, 0..1),
        (DAY_MS + HOUR_MS + 1, 0..2),
        (100 * DAY_MS, 0..4),
    ] {
        let mut ledger = ledger_of(4);
        let change = ledger.change(&ids(9_000..9_001), NOW_MS + after_ms);
        assert_eq!(change.open().map(|open| open.number), Some(4));
        assert_eq!(change.expired, expired.clone().collect::<Vec<u64>>(), "{after_ms} ms later");
        ledger.apply(change);
        for number in 0..4 {
            let id = IdDigest { key: number * SEGMENT_ENTRIES as u64, payload: 0 };
            let expected = if expired.contains(&number) { Outcome::Counted } else { Outcome::Repeated };
            assert_eq!(judge(&ledger, id), expected, "segment {number}, {after_ms} ms later");
        }
    }
}

#[test]
fn an_id_that_is_added_to_a_segment_keeps_it() {
    let mut ledger = Ledger::default();
    ledger.apply(ledger.change(&ids(0..SEGMENT_ENTRIES - 1), NOW_MS));
    ledger.apply(ledger.change(&ids(1000..1002), NOW_MS + 20 * HOUR_MS));
    let change = ledger.change(&ids(2000..2001), NOW_MS + 20 * HOUR_MS + DAY_MS);
    assert!(change.expired.is_empty());
    let change = ledger.change(&ids(2000..2001), NOW_MS + 20 * HOUR_MS + DAY_MS + 1);
    assert_eq!(change.expired, [0]);
    // A clock that goes back makes no id older.
    ledger.apply(ledger.change(&ids(3000..3001), NOW_MS));
    assert_eq!(ledger.change(&ids(2000..2001), NOW_MS).written[0].newest_ms, NOW_MS + 20 * HOUR_MS);
}

#[test]
fn only_the_segments_that_change_are_written() {
    let ledger = ledger_of(3);
    let sizes = |fresh: usize| {
        let written = ledger.change(&ids(9_000..9_000 + fresh), NOW_MS).written;
        written.iter().map(|segment| (segment.number, segment.entries.len())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(0), []);
    assert_eq!(sizes(1), [(3, 1)]);
    assert_eq!(sizes(1280), [(3, 1280), (4, 0)]);
    assert_eq!(sizes(2561), [(3, 1280), (4, 1280), (5, 1)]);
    let mut ledger = Ledger::default();
    ledger.apply(ledger.change(&ids(0..1260), NOW_MS));
    let written = ledger.change(&ids(9_000..9_050), NOW_MS).written;
    assert_eq!(written.iter().map(|segment| segment.entries.len()).collect::<Vec<_>>(), [1280, 30]);
    assert_eq!(written[0].entries[..1260], ids(0..1260));
}

/// The last segment that is written is being filled, and stands with the counts; those before it have rows of their own.
#[test]
fn what_is_written_is_full_segments_and_one_that_is_being_filled() {
    let ledger = ledger_of(1);
    let numbers = |fresh: usize| {
        let change = ledger.change(&ids(9_000..9_000 + fresh), NOW_MS);
        let number = |segment: &Segment| segment.number;
        (change.closed().iter().map(number).collect::<Vec<_>>(), change.open().map(number))
    };
    for (fresh, closed, open) in
        [(0, vec![], None), (1, vec![], Some(1)), (1280, vec![1], Some(2)), (2561, vec![1, 2], Some(3))]
    {
        assert_eq!(numbers(fresh), (closed, open), "{fresh} ids");
    }
}

#[test]
fn ids_are_told_from_a_segment_on_in_pages_and_in_parts_that_fill_segments() {
    let ledger = ledger_of(3);
    assert_eq!((Ledger::default().next_number(), ledger.next_number()), (0, 4), "the fourth is being filled");
    let segment = |(number, first): (u32, usize)| {
        let entries = ids(first..first + SEGMENT_ENTRIES);
        Segment { number: number.into(), newest_ms: number.into(), entries }
    };
    let segments: Vec<Segment> = (0..3).zip((0..).step_by(SEGMENT_ENTRIES)).map(segment).collect();
    let page = |room: usize, is_wanted: fn(u64) -> bool| {
        let mut page = IdPage::with_room(room);
        let taken = segments.iter().take_while(|segment| page.add(segment, is_wanted)).count();
        (taken, page.next, page.parts)
    };
    let even = |keys: std::ops::Range<usize>| ids(keys).into_iter().step_by(2).collect::<Vec<_>>();
    let (half, whole) = (2 * SEGMENT_ENTRIES, 3 * SEGMENT_ENTRIES);
    assert_eq!(page(whole, |key| key % 2 == 0), (3, None, vec![(1, even(0..half)), (2, even(half..whole))]));
    assert_eq!(page(1, |_| false), (3, None, vec![]));
    assert_eq!(page(1, |_| true), (1, Some(1), vec![(0, ids(0..SEGMENT_ENTRIES))]));
    assert_eq!(page(SEGMENT_ENTRIES + 1, |_| true).1, Some(2));
    let stored = StoredIds::of(&segments);
    for (from, first, room) in [(0, 0, 1), (1, SEGMENT_ENTRIES, 2000), (2, half, whole), (3, whole, 1)] {
        let told: Vec<IdDigest> = stored.pages(from, room, |_| true).into_iter().flat_map(|(_, ids)| ids).collect();
        assert_eq!(told, ids(first..whole), "from {from} on");
    }
}

#[test]
fn what_segments_hold_is_told_by_their_bytes() {
    for entries in [0, 1, 2, 1280] {
        let segment = Segment { number: 0, newest_ms: NOW_MS, entries: ids(0..entries) };
        assert_eq!(packed_entries(segment.pack().len() as u64), entries);
    }
}

/// Segments were once full at 320 ids.
#[test]
fn segments_of_320_are_restored_and_the_last_is_filled() {
    let mut ledger = Ledger::default();
    for number in 0..3 {
        let first = usize::try_from(number).unwrap() * 320;
        ledger.restore(Segment { number, newest_ms: NOW_MS, entries: ids(first..first + 320) });
    }
    let change = ledger.change(&ids(960..970), NOW_MS);
    assert_eq!(
        change.written.iter().map(|segment| (segment.number, segment.entries.len())).collect::<Vec<_>>(),
        [(2, 330)]
    );
    ledger.apply(change);
    assert!(ids(0..970).iter().all(|id| judge(&ledger, *id) == Outcome::Repeated));
    let change = ledger.change(&ids(2000..2001), NOW_MS + DAY_MS + 1);
    assert_eq!(change.expired, [0, 1]);
    ledger.apply(change);
    assert!(ids(0..640).iter().all(|id| judge(&ledger, *id) == Outcome::Counted));
    assert!(ids(640..970).iter().all(|id| judge(&ledger, *id) == Outcome::Repeated));
}

fn digests(numbers: std::ops::Range<usize>) -> Vec<IdDigest> {
    numbers.map(|number| digest(&number.to_string(), &[])).collect()
}

/// Whatever is whole in memory: the newest are known, as many as the bounds allow, and others by their stored segments.
#[test]
fn a_ledger_holds_as_many_ids_as_its_bounds_allow_and_forgets_the_oldest() {
    assert_eq!((LEDGER_ENTRIES, WHOLE_ENTRIES), (8_000_000, 400_000));
    assert_eq!(Bounds::COUNTER, Bounds { ids: LEDGER_ENTRIES, whole: WHOLE_ENTRIES, segment: SEGMENT_ENTRIES });
    let (most, total, step) = (60_000, 100_000, 4_000);
    for whole in [most, 30_000, 0] {
        let mut ledger = Ledger::within(Bounds { ids: most, whole, segment: SEGMENT_ENTRIES }, 0);
        let mut stored = StoredIds::default();
        for first in (0..total).step_by(step) {
            let change = ledger.change(&digests(first..first + step), NOW_MS);
            stored.store(&change);
            ledger.apply(change);
            assert!(ledger.len() <= most && ledger.len() == stored.entries(), "{}", ledger.len());
        }
        assert!(ledger.len() > most - SEGMENT_ENTRIES, "{}", ledger.len());
        let oldest_known = total - ledger.len();
        let recalled = stored.recall(&ledger, digests(0..total).iter().map(|id| id.key));
        for (number, id) in (0..).zip(digests(0..total)) {
            let other = IdDigest { payload: 0, ..id };
            let expected =
                if number < oldest_known { [Outcome::Counted; 2] } else { [Outcome::Repeated, Outcome::Conflicting] };
            assert_eq!([id, other].map(|id| ledger.judge(id, &recalled)), expected, "{number}, {whole} whole");
        }
        let is_whole = |id: &IdDigest| ledger.payload(id.key).is_some();
        let in_memory = digests(oldest_known..total).iter().filter(|id| is_whole(id)).count();
        assert!(in_memory <= whole.max(SEGMENT_ENTRIES), "{in_memory}, {whole} whole");
    }
}

#[test]
fn older_ids_expire_with_their_segments() {
    let mut ledger = Ledger::within(Bounds { whole: 0, ..Bounds::COUNTER }, 0);
    let mut stored = StoredIds::default();
    let mut remember = |ids: &[IdDigest], now_ms: i64| {
        let change = ledger.change(ids, now_ms);
        let expired = change.expired.clone();
        stored.store(&change);
        ledger.apply(change);
        let known = stored.recall(&ledger, digests(0..4 * SEGMENT_ENTRIES).iter().map(|id| id.key));
        let of_segment = |number: usize| digests(number * SEGMENT_ENTRIES..(number + 1) * SEGMENT_ENTRIES);
        let is_known = |number| of_segment(number).iter().all(|id| ledger.judge(*id, &known) == Outcome::Repeated);
        (expired, [0, 1, 2, 3].map(is_known))
    };
    for (number, hour) in (0..4).zip(0..) {
        remember(&digests(number * SEGMENT_ENTRIES..(number + 1) * SEGMENT_ENTRIES), NOW_MS + hour * HOUR_MS);
    }
    let one = digests(9_000_000..9_000_001);
    assert_eq!(remember(&one, NOW_MS + DAY_MS), (vec![], [true; 4]));
    assert_eq!(remember(&[], NOW_MS + DAY_MS + 1), (vec![0], [false, true, true, true]));
    assert_eq!(remember(&[], NOW_MS + DAY_MS + 2 * HOUR_MS + 1), (vec![1, 2], [false, false, false, true]));
    assert_eq!(remember(&[], NOW_MS + 3 * DAY_MS), (vec![3], [false; 4]));
}

/// Those of full tables, of those with the most segments, and of keys of which the lowest bits are alike.
#[test]
fn fingerprints_name_each_segment_that_has_a_key_and_hardly_another() {
    let taken = |segments: usize, keys: usize, shift: u32| {
        let keys_of = |number: usize| digests(number * keys..(number + 1) * keys).into_iter().map(|id| id.key << shift);
        let all: Vec<SegmentKeys> = (0..segments)
            .map(|number| SegmentKeys { number: 1000 + number as u64, newest_ms: 0, keys: keys_of(number).collect() })
            .collect();
        let fingerprints = Fingerprints::of(&all);
        for segment in &all {
            for key in segment.keys.iter().step_by(97) {
                assert!(fingerprints.segments_with(*key).any(|number| number == segment.number));
            }
        }
        let others = digests(10_000_000..10_100_000).into_iter().map(|id| id.key << shift);
        others.map(|key| fingerprints.segments_with(key).count()).sum::<usize>()
    };
    // 100,000 keys, 1 in 4,096 of which is taken for another.
    let of_full = taken(FINGERPRINTS / SEGMENT_ENTRIES, SEGMENT_ENTRIES, 0);
    assert!((10..60).contains(&of_full), "{of_full} of 100,000");
    assert!(taken(SEGMENTS, 320, 0) < 30);
    assert!(taken(1, 1, 0) < 2);
    assert_eq!(taken(0, 0, 0), 0);
    assert_eq!(taken(1, 1, 30), 100_000, "all have the same 30 bits");
}
