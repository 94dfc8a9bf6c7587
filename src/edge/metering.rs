//! What this isolate has done since it started: the readings of all meters, in its own memory.
//!
//! Locally the worker and its objects share one isolate; on Cloudflare each isolate has readings of its own.

use std::cell::RefCell;

use worker::SqlCursor;
use worker::worker_sys::D1Result;

use super::d1::rows::{rows_read, rows_written};
use crate::metrics::{EventType, Meter, Readings};

thread_local! {
    static READINGS: RefCell<Readings> = const { RefCell::new(Readings::NONE) };
}

/// Counts a meter `times` more.
pub(super) fn count(meter: Meter, times: u64) {
    READINGS.with_borrow_mut(|readings| readings.add(meter, times));
}

/// Counts events that were accepted.
pub(super) fn events(kind: EventType, times: usize) {
    count(Meter::Event(kind), times as u64);
}

/// Counts what an object's statement, whose rows are all read, read and wrote.
pub(super) fn object_rows(cursor: &SqlCursor) {
    count(Meter::ObjectRowsRead, cursor.rows_read() as u64);
    count(Meter::ObjectRowsWritten, cursor.rows_written() as u64);
}

/// Counts an alarm that is set: it is billed as a row.
pub(super) fn alarm() {
    count(Meter::Alarms, 1);
    count(Meter::ObjectRowsWritten, 1);
}

/// Counts what a statement of D1 read and wrote, as its answer tells.
pub(super) fn database_rows(result: &D1Result) {
    let known = |rows: worker::Result<i64>| rows.unwrap_or_default().unsigned_abs();
    count(Meter::DatabaseRowsRead, known(rows_read(result)));
    count(Meter::DatabaseRowsWritten, known(rows_written(result)));
}

/// The readings, as they are told.
pub(super) fn text() -> String {
    READINGS.with_borrow(Readings::text)
}
