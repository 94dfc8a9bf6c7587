//! The rows that statements give, as cells: all statements share what reads them.

use std::{fmt, vec};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use uuid::Uuid;
use worker::{D1Database, D1PreparedStatement, D1Result, Result};

use super::transact;
use crate::rest::rows::{Cell, Row};

/// Runs statements in one transaction; gives the rows of each.
pub(in crate::edge) async fn run(database: &D1Database, statements: Vec<D1PreparedStatement>) -> Result<Vec<Vec<Row>>> {
    let results = transact(database, statements).await?;
    results.iter().map(rows_of).collect()
}

fn rows_of(result: &D1Result) -> Result<Vec<Row>> {
    Ok(result.results::<Cells>()?.into_iter().map(|cells| cells.0).collect())
}

/// The rows of a statement that was run, each as `read` reads it; fails when it cannot read one.
pub(super) fn read_all<T>(result: &D1Result, read: impl Fn(&mut Columns) -> Option<T>) -> Result<Vec<T>> {
    let rows = rows_of(result)?;
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let row = read(&mut Columns(row.into_iter()));
        all.push(row.ok_or_else(|| worker::Error::from("a row is not what its statement promises"))?);
    }
    Ok(all)
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

/// A row, its values in the order of the columns.
struct Cells(Row);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor).map(Self)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Row, A::Error> {
        let mut row = Row::new();
        while let Some((IgnoredAny, OneCell(cell))) = map.next_entry()? {
            row.push(cell);
        }
        Ok(row)
    }
}

struct OneCell(Cell);

impl<'de> Deserialize<'de> for OneCell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor).map(Self)
    }
}

struct CellVisitor;

#[expect(clippy::cast_precision_loss, reason = "numbers in the database stay within 2^53")]
impl Visitor<'_> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("null, a number or a text")
    }

    fn visit_unit<E: Error>(self) -> std::result::Result<Cell, E> {
        Ok(Cell::Null)
    }

    fn visit_i64<E: Error>(self, number: i64) -> std::result::Result<Cell, E> {
        Ok(Cell::Number(number as f64))
    }

    fn visit_u64<E: Error>(self, number: u64) -> std::result::Result<Cell, E> {
        Ok(Cell::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> std::result::Result<Cell, E> {
        Ok(Cell::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> std::result::Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> std::result::Result<Cell, E> {
        Ok(Cell::Text(text))
    }
}
