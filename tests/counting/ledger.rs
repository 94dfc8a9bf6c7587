//! The ids that a counter remembers: when they are forgotten, and what is written for them.

use promptmeter::counting::ledger::{LEDGER_ENTRIES, Ledger, SEGMENT_ENTRIES, Segment, packed_entries};
use promptmeter::counting::protocol::{IdDigest, Outcome};

const NOW_MS: i64 = 1_800_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn ids(keys: std::ops::Range<usize>) -> Vec<IdDigest> {
    keys.map(|key| IdDigest { key: u64::try_from(key).unwrap(), payload: 0 }).collect()
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
            assert_eq!(ledger.judge(id), expected, "segment {number}, {after_ms} ms later");
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
fn ids_are_told_from_a_segment_on_and_in_parts_that_fill_segments() {
    let ledger = ledger_of(3);
    assert_eq!((Ledger::default().next_number(), ledger.next_number()), (0, 4), "the fourth is being filled");
    for (number, first) in [(0, 0), (2, 2), (3, 3), (9, 3)] {
        assert_eq!(ledger.since(number), ids(first * SEGMENT_ENTRIES..3 * SEGMENT_ENTRIES), "from {number} on");
    }
    let even = |keys: std::ops::Range<usize>| ids(keys).into_iter().step_by(2).collect::<Vec<_>>();
    let (half, whole) = (2 * SEGMENT_ENTRIES, 3 * SEGMENT_ENTRIES);
    let parts = [(NOW_MS + HOUR_MS, even(0..half)), (NOW_MS + 2 * HOUR_MS, even(half..whole))];
    assert_eq!(ledger.part(|key| key % 2 == 0), parts);
    assert_eq!(ledger.part(|_| false), []);
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
    assert!(ids(0..970).iter().all(|id| ledger.judge(*id) == Outcome::Repeated));
    let change = ledger.change(&ids(2000..2001), NOW_MS + DAY_MS + 1);
    assert_eq!(change.expired, [0, 1]);
    ledger.apply(change);
    assert!(ids(0..640).iter().all(|id| ledger.judge(*id) == Outcome::Counted));
    assert!(ids(640..970).iter().all(|id| ledger.judge(*id) == Outcome::Repeated));
}

#[test]
fn a_ledger_holds_at_most_400_000_ids_and_forgets_the_oldest() {
    assert_eq!(LEDGER_ENTRIES, 400_000);
    let mut ledger = Ledger::default();
    let step = 20_000;
    let total = 460_000;
    for first in (0..total).step_by(step) {
        ledger.apply(ledger.change(&ids(first..first + step), NOW_MS));
        assert!(ledger.len() <= LEDGER_ENTRIES, "{}", ledger.len());
    }
    assert!(ledger.len() > LEDGER_ENTRIES - SEGMENT_ENTRIES, "{}", ledger.len());
    let oldest_known = total - ledger.len();
    let known = ids(0..total).into_iter().filter(|id| ledger.judge(*id) == Outcome::Repeated);
    assert!(known.eq(ids(oldest_known..total)));
}
