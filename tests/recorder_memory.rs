//! What a recorder takes in memory at the most: measured in a process of its own, by the allocator.

#![cfg(test)]

use peak_alloc::PeakAlloc;
use promptmeter::counting::protocol::IdDigest;
use promptmeter::counting::segment::Segment;
use promptmeter::recording::recorder::{RECORDER_IDS, Recorder};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const NOW_MS: i64 = 1_800_000_000_000;
const LIMIT_BYTES: usize = 40_000_000;
const BATCH_IDS: u64 = 500;

/// Batches of so many ids that differ in all their bits, as digests do.
fn batches(ids: u64) -> Vec<Segment> {
    let id = |number: u64| IdDigest { key: number.wrapping_mul(0x9e37_79b9_7f4a_7c15), payload: 0 };
    (0..ids / BATCH_IDS)
        .map(|number| {
            let entries = (number * BATCH_IDS..(number + 1) * BATCH_IDS).map(id).collect();
            Segment { number, newest_ms: NOW_MS, entries }
        })
        .collect()
}

/// Checks that a recorder is restored without ever taking more than the limit, the batches included.
fn check(ids: u64) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let recorder = Recorder::restore(batches(ids), Vec::new(), 0, Vec::new());
    let peak = MEMORY.peak_usage() - before;
    drop(recorder);
    assert!(peak < LIMIT_BYTES, "{ids} ids: {peak} bytes");
}

#[test]
fn a_full_recorder_is_restored_in_less_than_40_mb() {
    check(RECORDER_IDS as u64);
    check(RECORDER_IDS as u64 + 50_000);
}
