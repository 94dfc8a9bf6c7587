//! What a counter takes in memory at the most: measured in a process of its own, by the allocator.

#![cfg(test)]

use peak_alloc::PeakAlloc;
use promptmeter::counting::ledger::{Bounds, LEDGER_ENTRIES, Ledger, WHOLE_ENTRIES};
use promptmeter::counting::protocol::IdDigest;
use promptmeter::counting::segment::{SEGMENT_ENTRIES, Segment};
use promptmeter::counting::visits::{NewVisits, VISITS, Visits};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const NOW_MS: i64 = 1_800_000_000_000;
const MB: usize = 1024 * 1024;
const MINUTE_MS: i64 = 60_000;

/// Ids that differ in all their bits, as digests do.
fn ids(first: u64) -> Vec<IdDigest> {
    let key = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (first..first + SEGMENT_ENTRIES as u64).map(|number| IdDigest { key: key(number), payload: 0 }).collect()
}

/// Checks that `build` makes what is full without ever taking more than the limit.
fn check<T>(how: &str, full: (usize, usize), limit: usize, build: impl FnOnce() -> T, len: fn(&T) -> usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let full_one = build();
    let peak = MEMORY.peak_usage() - before;
    let (capacity, step) = full;
    assert!(len(&full_one) > capacity - step && len(&full_one) <= capacity, "{how}: {} entries", len(&full_one));
    assert!(peak < limit, "{how}: {peak} bytes");
    assert!(peak > limit / 3, "{how}: {peak} bytes, the limit says nothing");
}

/// One test, for what is measured is the whole process.
#[test]
fn a_full_counter_stays_below_its_limit_when_it_grows_and_when_it_is_restored() {
    ledger(WHOLE_ENTRIES, 16 * MB);
    ledger(LEDGER_ENTRIES, 42 * MB);
    visits();
}

fn visits() {
    let full = (VISITS, SEGMENT_ENTRIES);
    let steps = 4 * (VISITS / 250) as u64;
    let grown = || {
        let mut visits = Visits::default();
        for step in 0..steps {
            let mut fresh = NewVisits::beside(&visits);
            for number in 0..250 {
                let visitor = (step * 250 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                assert!(fresh.note(visitor, NOW_MS + i64::try_from(step).unwrap()));
            }
            let change = fresh.change(NOW_MS);
            visits.apply(change);
        }
        visits
    };
    check("grown visits", full, 8 * MB, grown, Visits::len);
    let segments = (VISITS / SEGMENT_ENTRIES) as u64;
    let restored = || {
        let mut visits = Visits::within(30 * MINUTE_MS, (segments as usize) * SEGMENT_ENTRIES);
        for number in 0..segments {
            visits.restore(Segment { number, newest_ms: NOW_MS, entries: ids(number * SEGMENT_ENTRIES as u64) });
        }
        visits
    };
    check("restored visits", full, 8 * MB, restored, Visits::len);
}

fn ledger(most: usize, limit: usize) {
    let full = (most, SEGMENT_ENTRIES);
    let segments = (most / SEGMENT_ENTRIES) as u64;
    let first = |number: u64| number * SEGMENT_ENTRIES as u64;
    let bounds = Bounds { ids: most, ..Bounds::COUNTER };
    let grown = || {
        let mut ledger = Ledger::within(bounds, 0);
        for number in 0..segments + segments / 4 {
            ledger.apply(ledger.change(&ids(first(number)), NOW_MS));
        }
        ledger
    };
    check("grown", full, limit, grown, Ledger::len);
    let restored = || {
        let mut ledger = Ledger::within(bounds, most);
        for number in 0..segments {
            let segment = Segment { number, newest_ms: NOW_MS, entries: ids(first(number)) };
            ledger.restore(Segment::unpack(number, NOW_MS, &segment.pack()));
        }
        ledger
    };
    check("restored", full, limit, restored, Ledger::len);
}
