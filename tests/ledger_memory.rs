//! What a ledger takes in memory at the most: measured in a process of its own, by the allocator.

#![cfg(test)]

use peak_alloc::PeakAlloc;
use promptmeter::counting::ledger::{LEDGER_ENTRIES, Ledger, SEGMENT_ENTRIES, Segment};
use promptmeter::counting::protocol::IdDigest;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const NOW_MS: i64 = 1_800_000_000_000;
const LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// Ids that differ in all their bits, as digests do.
fn ids(first: u64) -> Vec<IdDigest> {
    let key = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (first..first + SEGMENT_ENTRIES as u64).map(|number| IdDigest { key: key(number), payload: 0 }).collect()
}

/// Checks that `build` makes a full ledger without ever taking more than the limit.
fn check(how: &str, build: impl FnOnce() -> Ledger) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let ledger = build();
    let peak = MEMORY.peak_usage() - before;
    assert!(ledger.len() > LEDGER_ENTRIES - SEGMENT_ENTRIES, "{how}: {} ids", ledger.len());
    assert!(peak < LIMIT_BYTES, "{how}: {peak} bytes");
}

#[test]
fn a_full_ledger_stays_below_16_mb_when_it_grows_and_when_it_is_restored() {
    let segments = (LEDGER_ENTRIES / SEGMENT_ENTRIES) as u64;
    let first = |number: u64| number * SEGMENT_ENTRIES as u64;
    check("grown", || {
        let mut ledger = Ledger::default();
        for number in 0..segments + 200 {
            ledger.apply(ledger.change(&ids(first(number)), NOW_MS));
        }
        ledger
    });
    check("restored", || {
        let mut ledger = Ledger::with_room_for(segments * SEGMENT_ENTRIES as u64 * 12);
        for number in 0..segments {
            let segment = Segment { number, newest_ms: NOW_MS, entries: ids(first(number)) };
            ledger.restore(Segment::unpack(number, NOW_MS, &segment.pack()));
        }
        ledger
    });
}
