//! What this isolate has done since it started: the readings of all meters, in its own memory; and what each request has it do.
//!
//! Locally the worker and its objects share one isolate; on Cloudflare each isolate has readings of its own, which
//! [`kept_readings`](super::kept_readings) keeps.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;

use worker::SqlCursor;
use worker::worker_sys::D1Result;

use super::d1::rows;
use super::runtime::now_ms;
use super::settings;
use crate::http::request_log::Costs;
use crate::http::route::RouteName;
use crate::metrics::meter::{EventType, Meter};
use crate::metrics::readings::{Count, Readings};

/// What a request has the instance do, as far as it is known.
pub(super) type Account = Rc<Cell<Costs>>;

thread_local! {
    static READINGS: RefCell<Readings> = const { RefCell::new(Readings::NONE) };
    /// Of the request whose work is done at this moment.
    static ACCOUNT: RefCell<Option<Account>> = const { RefCell::new(None) };
}

/// Does work on the account of a request. Work that is begun in it and goes on beside it is not on its account, unless it
/// is [`charged`] to it.
pub(super) async fn on_account<T>(account: Option<Account>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let other = ACCOUNT.replace(account.clone());
        let polled = work.as_mut().poll(context);
        ACCOUNT.set(other);
        polled
    })
    .await
}

/// Work that goes on beside a request, on its account.
pub(super) fn charged<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    on_account(ACCOUNT.with_borrow(Clone::clone), work)
}

fn charge(change: impl FnOnce(&mut Costs)) {
    ACCOUNT.with_borrow(|account| {
        if let Some(account) = account {
            let mut costs = account.get();
            change(&mut costs);
            account.set(costs);
        }
    });
}

/// Counts a meter `times` more.
pub(super) fn count(meter: Meter, times: u64) {
    READINGS.with_borrow_mut(|readings| readings.add(meter, times));
}

/// Counts events that were accepted.
pub(super) fn events(kind: EventType, times: usize) {
    count(Meter::Event(kind), times as u64);
}

/// Counts a call to an object.
pub(super) fn object_call() {
    count(Meter::ObjectCalls, 1);
    charge(|costs| costs.object_calls += 1);
}

/// Counts what an object's statement, whose rows are all read, read and wrote.
pub(super) fn object_rows(cursor: &SqlCursor) {
    count(Meter::ObjectRowsRead, cursor.rows_read() as u64);
    count(Meter::ObjectRowsWritten, cursor.rows_written() as u64);
}

/// Notes how many bytes an object stores.
pub(super) fn object_bytes(bytes: usize) {
    READINGS.with_borrow_mut(|readings| readings.object_bytes(bytes as u64));
}

/// Counts an alarm that is set: it is billed as a row.
pub(super) fn alarm() {
    count(Meter::Alarms, 1);
    count(Meter::ObjectRowsWritten, 1);
}

/// Counts what a statement of D1 read and wrote and, if it was slow, how long it took, as its answer tells.
pub(super) fn statement(name: &str, result: &D1Result) {
    let Ok(rows::Costs { rows_read, rows_written, duration_ms }) = rows::costs(result) else { return };
    count(Meter::DatabaseRowsRead, rows_read);
    count(Meter::DatabaseRowsWritten, rows_written);
    charge(|costs| {
        costs.rows_read += rows_read;
        costs.rows_written += rows_written;
    });
    if duration_ms >= settings::slow_query_ms() {
        READINGS.with_borrow_mut(|readings| readings.slow_statement(name, duration_ms, now_ms()));
    }
}

/// Counts a request that was answered.
pub(super) fn request(route: RouteName, status: u16, duration_ms: i64) {
    READINGS.with_borrow_mut(|readings| readings.request(route, status, duration_ms.unsigned_abs()));
}

/// All that was counted, in the order of the names.
pub(super) fn counts() -> Vec<Count> {
    READINGS.with_borrow(Readings::counts)
}
