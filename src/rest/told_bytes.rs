//! How many bytes written rows have where they are told: what is more than an answer may have is not written.

use super::payload::Payload;
use super::query::{Part, Query};
use crate::data::schema::{Column, Kind};
use crate::sql::statement::Statement;

/// Bytes that a value which is no text has at the most.
const VALUE_BYTES: usize = 40;
/// Bytes around a field's name and its value: quotes, a colon, a comma.
const FIELD_BYTES: usize = 4;

/// Adds the bytes of the rows of `alias` that a statement goes through; `set` gives those of values that are set.
pub(super) fn push_bytes(
    statement: &mut Statement,
    alias: &str,
    told: Option<&Query>,
    set: &dyn Fn(&Column) -> Option<usize>,
) {
    let Some(told) = told else {
        statement.push("0");
        return;
    };
    let (mut fixed, mut kept) = (FIELD_BYTES, Vec::new());
    for field in &told.fields {
        fixed += field.name.len() + FIELD_BYTES;
        if let Part::Column(column) = field.part {
            match set(column) {
                Some(bytes) => fixed += bytes,
                None if column.is_text() => kept.push(column),
                None => fixed += VALUE_BYTES,
            }
        }
    }
    statement.push("coalesce(sum(").push(&fixed.to_string());
    if !kept.is_empty() {
        statement.push(" + ");
        statement.push_balanced(&kept, " + ", &mut |statement, column| {
            let is_json = matches!(column.kind, Kind::Json | Kind::TextArray);
            statement.push(if is_json { "coalesce(octet_length(" } else { "octet_length(json_quote(" });
            statement.push(alias).push(".").push(column.name).push(if is_json { "), 4)" } else { "))" });
        });
    }
    statement.push("), 0)");
}

/// The bytes of rows that are new.
pub(super) fn of_new(payload: &Payload, told: Option<&Query>) -> usize {
    let place = |column: &Column| payload.all_columns().position(|set| set.name == column.name);
    let of_column = |column: &Column| match place(column) {
        Some(place) => payload.rows.iter().filter_map(|row| row.get(place)).map(String::len).sum(),
        None => payload.rows.len() * VALUE_BYTES,
    };
    let of_fields = told.iter().flat_map(|told| &told.fields).map(|field| {
        let values = if let Part::Column(column) = field.part { of_column(column) } else { 0 };
        values + payload.rows.len() * (field.name.len() + FIELD_BYTES)
    });
    of_fields.sum()
}
