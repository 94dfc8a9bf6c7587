//! SQL of an object's own database: rows that are read, and writes that happen all or not at all. Nothing here waits.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

use super::metering;

/// A statement that writes, and its parameters.
pub(super) type Write = (&'static str, Vec<SqlStorageValue>);

/// Writes all or nothing.
pub(super) fn write(storage: &Storage, writes: Vec<Write>) -> Result<()> {
    let sql = storage.sql();
    in_transaction(storage, move || writes.into_iter().try_for_each(|write| execute(&sql, write)))
}

/// Writes one statement, which happens or not: a transaction of its own would cost it a savepoint, and SQLite a file for that.
pub(super) fn write_alone(storage: &Storage, write: Write) -> Result<()> {
    execute(&storage.sql(), write)
}

fn execute(sql: &SqlStorage, (statement, parameters): Write) -> Result<()> {
    metering::object_rows(&sql.exec(statement, parameters)?);
    Ok(())
}

/// A number as it is stored.
pub(super) fn integer(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(value.cast_signed())
}

/// A number as it was stored; 0 for what is none.
pub(super) fn count(value: &SqlStorageValue) -> u64 {
    match value {
        SqlStorageValue::Integer(value) => value.unsigned_abs(),
        _ => 0,
    }
}

/// Whether there is a table of this name.
pub(super) fn has_table(sql: &SqlStorage, name: &str) -> Result<bool> {
    let statement = "select 1 from sqlite_master where type = 'table' and name = ?1";
    Ok(!rows(sql, statement, vec![SqlStorageValue::String(name.to_owned())])?.is_empty())
}

/// The rows that a statement gives.
pub(super) fn rows(
    sql: &SqlStorage,
    statement: &str,
    parameters: Vec<SqlStorageValue>,
) -> Result<Vec<Vec<SqlStorageValue>>> {
    let cursor = sql.exec(statement, parameters)?;
    let rows = cursor.raw().collect();
    metering::object_rows(&cursor);
    rows
}

/// Runs `writes` in a transaction that is rolled back when it fails: without one, the writes before the failure would
/// stay.
fn in_transaction(storage: &Storage, writes: impl FnOnce() -> Result<()> + 'static) -> Result<()> {
    let failure = Rc::new(RefCell::new(None));
    let failed = Rc::clone(&failure);
    let body = Closure::once(move || match writes() {
        Ok(()) => Ok(JsValue::UNDEFINED),
        Err(error) => {
            let thrown = JsValue::from_str(&error.to_string());
            failed.replace(Some(error));
            Err(thrown)
        }
    });
    let run: Function = Reflect::get(storage.as_raw(), &JsValue::from_str("transactionSync"))?.dyn_into()?;
    let outcome = run.call1(storage.as_raw(), body.as_ref());
    match failure.take() {
        Some(error) => Err(error),
        None => outcome.map(drop).map_err(Error::from),
    }
}
