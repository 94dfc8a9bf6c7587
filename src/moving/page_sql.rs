//! A page of a table, as an export reads it: rows in the order of their keys, of a bounded number of bytes.

use super::tables::Moved;
use crate::data::schema::{Check, Column, Kind};
use crate::json::json_text;
use crate::rest::rows::{Cell, Row, Shape, Slot, object_text};
use crate::sql::statement::Statement;

/// Rows of one page.
pub const PAGE_ROWS: usize = 500;
/// Bytes of the long values of one page, beside those of its last row, which are 2 MB at the most.
pub const PAGE_BYTES: usize = 1_000_000;

/// The statement that gives the rows behind a key; without one, from the first on.
#[must_use]
pub fn page(moved: &Moved, after: &[String]) -> Statement {
    let key = moved.table.key.join(", ");
    let mut statement = Statement::new("select ");
    for (place, column) in moved.columns().enumerate() {
        statement.push(if place == 0 { "" } else { ", " });
        statement.push(if moved.is_blob(column.name) { "iif(" } else { "" }).push(column.name);
        if moved.is_blob(column.name) {
            // Of null hex() makes an empty text.
            statement.push(" is null, null, lower(hex(").push(column.name).push("))) as ").push(column.name);
        }
    }
    push_source(&mut statement, moved, &key, after);
    let large: Vec<&Column> = moved.columns().filter(|column| is_large(moved, column)).collect();
    if !large.is_empty() {
        // Lengths are read first: rows as large as rows may be are never held together.
        statement.push(" and (").push(&key).push(") <= (select ").push(&key).push(" from (select ").push(&key);
        statement.push(", sum(bytes) over (order by ").push(&key).push(" rows unbounded preceding) - bytes as before");
        statement.push(" from (select ").push(&key);
        for (place, column) in large.iter().enumerate() {
            statement.push(if place == 0 { ", " } else { " + " });
            statement.push("coalesce(octet_length(").push(column.name).push("), 0)");
        }
        statement.push(" as bytes");
        push_source(&mut statement, moved, &key, after);
        statement.push(" order by ").push(&key).push(" limit ").push(&PAGE_ROWS.to_string());
        statement.push(")) where before < ").push(&PAGE_BYTES.to_string());
        statement.push(" order by ").push(&descending(moved)).push(" limit 1)");
    }
    statement.push(" order by ").push(&key).push(" limit ").push(&PAGE_ROWS.to_string());
    statement
}

fn push_source(statement: &mut Statement, moved: &Moved, key: &str, after: &[String]) {
    statement.push(" from ").push(moved.source.unwrap_or(moved.table.name)).push(" where ");
    if after.is_empty() {
        statement.push("true");
        return;
    }
    statement.push("(").push(key).push(") > (");
    // Columns take texts as what they hold.
    for (place, (column, value)) in moved.table.key.iter().zip(after).enumerate() {
        statement.push(if place == 0 { "" } else { ", " });
        let (before, behind) = if moved.is_blob(column) { ("unhex(", ")") } else { ("", "") };
        statement.push(before).bind_text(value).push(behind);
    }
    statement.push(")");
}

fn descending(moved: &Moved) -> String {
    moved.table.key.iter().map(|column| format!("{column} desc")).collect::<Vec<_>>().join(", ")
}

fn is_large(moved: &Moved, column: &Column) -> bool {
    let is_any_text = matches!(column.kind, Kind::Text | Kind::Json) && column.check == Check::Any;
    moved.is_blob(column.name) || is_any_text && !moved.table.key.contains(&column.name)
}

/// The key of a row of a page.
#[must_use]
pub fn key_of(moved: &Moved, row: &Row) -> Vec<String> {
    let of_key = |column: &&str| moved.columns().zip(row).find(|(known, _)| known.name == *column);
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => crate::json::number_text(*number),
        Cell::Null => String::new(),
    };
    moved.table.key.iter().filter_map(of_key).map(|(_, cell)| text(cell)).collect()
}

/// The line of a row of a page, without its line feed.
#[must_use]
pub fn line(moved: &Moved, row: &Row) -> String {
    let kind = |column: &Column| if moved.is_real(column.name) { Kind::Integer } else { column.kind };
    let slot = |(place, column): (usize, &'static Column)| (column.name.to_owned(), Slot::Cell(place, kind(column)));
    let shape = Shape { fields: moved.columns().enumerate().map(slot).collect(), bytes: None };
    line_of(moved.table.name, &object_text(&shape, row))
}

/// The line of a row that is written already. JSON that somebody wrote over several lines is put into one: between its parts
/// a line feed is as good as a blank, and within a text there is none.
#[must_use]
pub fn line_of(table: &str, row: &str) -> String {
    let row = row.replace('\n', " ");
    ["{\"table\":", &json_text(table), ",\"row\":", &row, "}"].concat()
}
