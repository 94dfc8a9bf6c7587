//! The columns of a result, and the bound on what its texts come to.

use std::fmt::Write;

use super::rows::BytesSlot;
use crate::data::schema::Column;
use crate::sql::statement::Statement;

/// The columns of a result, named by their places, each once.
#[derive(Default)]
pub(super) struct Cells {
    columns: Vec<(String, &'static str)>,
    /// The places of those that hold texts.
    texts: Vec<usize>,
}

impl Cells {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Adds a column, unless it is there; gives its place.
    pub(super) fn push(&mut self, statement: &mut Statement, alias: &str, column: &'static str) -> usize {
        if let Some(place) = self.columns.iter().position(|(known, name)| known == alias && *name == column) {
            return place;
        }
        let place = self.columns.len();
        self.columns.push((alias.to_owned(), column));
        statement.push(if place == 0 { "" } else { ", " }).push(alias).push(".").push(column);
        statement.push(" as c").push(&place.to_string());
        place
    }

    /// Adds a column that is told.
    pub(super) fn push_told(&mut self, statement: &mut Statement, alias: &str, column: &'static Column) -> usize {
        let place = self.push(statement, alias, column.name);
        if column.is_text() && !self.texts.contains(&place) {
            self.texts.push(place);
        }
        place
    }

    /// See [`bound_bytes`].
    pub(super) fn bound(&self, statement: &mut Statement, most: i64) -> Option<BytesSlot> {
        bound_bytes(statement, self.columns.len(), &self.texts, most)
    }
}

/// Bounds what the texts of rows come to, of a statement that gives columns `c0`, `c1`, …: adds a last column, the
/// bytes of the rows up to this one, and leaves the texts out as soon as that is more than `most`.
pub(super) fn bound_bytes(statement: &mut Statement, columns: usize, texts: &[usize], most: i64) -> Option<BytesSlot> {
    if texts.is_empty() {
        return None;
    }
    let mut before = String::from("select ");
    // Writing to a String does not fail.
    for place in 0..columns {
        let _ = if texts.contains(&place) {
            write!(before, "iif(bytes > {most}, null, c{place}) as c{place}, ")
        } else {
            write!(before, "c{place}, ")
        };
    }
    let mut sum = Statement::default();
    sum.push_balanced(texts, " + ", &mut |sum, place| {
        sum.push("coalesce(octet_length(c").push(&place.to_string()).push("), 0)");
    });
    let _ = write!(before, "bytes from (select *, sum({}) over (rows unbounded preceding) as bytes from (", sum.text());
    statement.wrap(&before, "))");
    Some(BytesSlot { place: columns, most })
}
