//! The rows that statements give, as cells: all statements share what reads them.

use std::vec;

use js_sys::{Array, Object, Reflect};
use uuid::Uuid;
use wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::D1Result;
use worker::{D1Database, Error, Result};

use super::{Prepared, transact};
use crate::counting::tally::Tally;
use crate::rest::rows::{Cell, Row};

/// Runs statements in one transaction; gives the rows of each.
pub(in crate::edge) async fn run(database: &D1Database, statements: Vec<Prepared>) -> Result<Vec<Vec<Row>>> {
    let results = transact(database, statements).await?;
    results.iter().map(rows_of).collect()
}

fn rows_of(result: &D1Result) -> Result<Vec<Row>> {
    let rows = result.results()?.unwrap_or_default();
    rows.iter().map(|row| cells(&Object::values(row.unchecked_ref()))).collect()
}

/// The values of a row, in the order of the columns.
fn cells(values: &Array) -> Result<Row> {
    values.iter().map(|value| cell(&value).ok_or_else(|| Error::from("a value is no null, number or text"))).collect()
}

fn cell(value: &JsValue) -> Option<Cell> {
    if value.is_null() {
        return Some(Cell::Null);
    }
    value.as_f64().map(Cell::Number).or_else(|| value.as_string().map(Cell::Text))
}

/// What a statement cost.
pub(in crate::edge) struct Costs {
    /// How many rows it read.
    pub(in crate::edge) rows_read: u64,
    /// How many rows it wrote, those of indexes among them.
    pub(in crate::edge) rows_written: u64,
    /// How long it took, in milliseconds.
    pub(in crate::edge) duration_ms: u64,
}

/// What a statement cost, as its answer tells.
pub(in crate::edge) fn costs(result: &D1Result) -> Result<Costs> {
    let meta = result.meta()?;
    let figure = |name: &str| figure(meta.as_ref(), name).map(i64::unsigned_abs);
    Ok(Costs {
        rows_read: figure("rows_read")?,
        rows_written: figure("rows_written")?,
        duration_ms: figure("duration")?,
    })
}

/// How many rows a statement wrote, those of indexes among them.
pub(in crate::edge) fn rows_written(result: &D1Result) -> Result<i64> {
    figure(result.meta()?.as_ref(), "rows_written")
}

/// The bytes that the database has after a statement.
pub(super) fn storage_bytes(result: &D1Result) -> Result<u64> {
    figure(result.meta()?.as_ref(), "size_after").map(i64::unsigned_abs)
}

#[expect(clippy::cast_possible_truncation, reason = "far below 2^53")]
fn figure(meta: &JsValue, name: &str) -> Result<i64> {
    Ok(Reflect::get(meta, &JsValue::from_str(name))?.as_f64().unwrap_or_default() as i64)
}

/// The rows of a statement that was run, each as `read` reads it; fails when it cannot read one.
pub(super) fn read_all<T>(result: &D1Result, read: impl Fn(&mut Columns) -> Option<T>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    each_row(result, &mut |columns| read(columns).map(|row| all.push(row)))?;
    Ok(all)
}

/// The part that is the same whatever is read.
fn each_row(result: &D1Result, take: &mut dyn FnMut(&mut Columns) -> Option<()>) -> Result<()> {
    for row in rows_of(result)? {
        let taken = take(&mut Columns(row.into_iter()));
        taken.ok_or_else(|| Error::from("a row is not what its statement promises"))?;
    }
    Ok(())
}

/// Reads the values of a row one after another, in the order of the statement's columns. `None` when the next value is
/// not of the type that is asked for; of an `optional_` one, `Some(None)` is null.
pub(super) struct Columns(vec::IntoIter<Cell>);

#[expect(clippy::option_option, reason = "null is a value, and another type is a failure")]
impl Columns {
    pub(super) fn text(&mut self) -> Option<String> {
        self.optional_text()?
    }

    pub(super) fn optional_text(&mut self) -> Option<Option<String>> {
        match self.0.next()? {
            Cell::Null => Some(None),
            Cell::Text(text) => Some(Some(text)),
            Cell::Number(_) => None,
        }
    }

    pub(super) fn uuid(&mut self) -> Option<Uuid> {
        self.optional_uuid()?
    }

    pub(super) fn optional_uuid(&mut self) -> Option<Option<Uuid>> {
        match self.optional_text()? {
            None => Some(None),
            Some(text) => Uuid::try_parse(&text).ok().map(Some),
        }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        Some(self.integer()? == 1)
    }

    pub(super) fn integer(&mut self) -> Option<i64> {
        self.optional_integer()?
    }

    /// A whole number from 0 on.
    pub(super) fn count(&mut self) -> Option<u64> {
        self.integer().map(i64::unsigned_abs)
    }

    /// Views, copies, forks, comparisons.
    pub(super) fn tally(&mut self) -> Option<Tally> {
        Some(Tally {
            views: self.count()?,
            copies: self.count()?,
            forks: self.count()?,
            compares: self.count()?,
            ..Tally::default()
        })
    }

    /// The same, and visits.
    pub(super) fn tally_with_visits(&mut self) -> Option<Tally> {
        let tally = self.tally()?;
        Some(Tally { visits: self.count()?, ..tally })
    }

    pub(super) fn number(&mut self) -> Option<f64> {
        match self.0.next()? {
            Cell::Number(number) => Some(number),
            Cell::Null | Cell::Text(_) => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "whole numbers in the database stay within 2^53")]
    pub(super) fn optional_integer(&mut self) -> Option<Option<i64>> {
        match self.0.next()? {
            Cell::Null => Some(None),
            Cell::Number(number) => Some(Some(number as i64)),
            Cell::Text(_) => None,
        }
    }
}
