//! Runs composed statements and gives their rows as cells.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use worker::{D1Database, D1PreparedStatement, Result};

use crate::rest::rows::{Cell, Row};

/// Runs statements in one transaction; gives the rows of each.
pub(in crate::edge) async fn run(database: &D1Database, statements: Vec<D1PreparedStatement>) -> Result<Vec<Vec<Row>>> {
    let results = database.batch(statements).await?;
    results
        .into_iter()
        .map(|result| Ok(result.results::<Cells>()?.into_iter().map(|cells| cells.0).collect()))
        .collect()
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
