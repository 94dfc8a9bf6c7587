//! Rows that are read by their keys.

use std::collections::HashMap;

use super::query::{Comparison, Condition, Field, Part, Query, Test};
use super::rows::{Cell, Row, Shape, Slot};
use crate::data::schema::{Column, Table};
use crate::sql::statement::Value;

/// The keys of rows whose first cells they are.
#[must_use]
pub fn keys_of(table: &Table, rows: &[Row]) -> Vec<Vec<Value>> {
    rows.iter().map(|row| row.iter().take(table.key.len()).map(value).collect()).collect()
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        #[expect(clippy::cast_possible_truncation, reason = "keys are whole numbers within 2^53")]
        Cell::Number(number) => Value::Integer(*number as i64),
        Cell::Text(text) => Value::Text(text.clone()),
    }
}

/// A query for written rows with these keys, as `query` tells them. Their keys stand behind its own fields, until
/// [`in_order`] takes them away.
#[must_use]
pub fn written(query: &Query, keys: &[Vec<Value>]) -> Query {
    let mut written = by_keys(query, query.table, keys);
    let columns = query.table.key.iter().filter_map(|name| query.table.column(name));
    written.fields.extend(columns.map(|column| Field { name: column.name.to_owned(), part: Part::Column(column) }));
    written
}

/// Puts rows that [`written`] found into the order of their keys, unless `query` has one.
pub fn in_order(query: &Query, keys: &[Vec<Value>], shape: &mut Shape, rows: &mut Vec<Row>) {
    let key = shape.fields.split_off(shape.fields.len().saturating_sub(query.table.key.len()));
    if query.order.is_empty() {
        let cell =
            |row: &Row, slot: &Slot| if let Slot::Cell(place, _) = slot { row.get(*place).map(value) } else { None };
        let key_of = |row: &Row| key.iter().filter_map(|(_, slot)| cell(row, slot)).collect::<Vec<_>>();
        let mut found: HashMap<_, _> = rows.drain(..).map(|row| (key_of(&row), row)).collect();
        rows.extend(keys.iter().filter_map(|key| found.remove(key)));
    }
}

/// A query for the rows with these keys, with all else as in `query`.
#[must_use]
pub fn by_keys(query: &Query, table: &'static Table, keys: &[Vec<Value>]) -> Query {
    let columns: Vec<_> = table.key.iter().filter_map(|name| table.column(name)).collect();
    let condition = match columns.as_slice() {
        [column] => {
            let values = keys.iter().filter_map(|key| key.first().cloned()).collect();
            Condition::Test(None, column, Test::In(values))
        }
        columns => Condition::Any(keys.iter().map(|key| Condition::All(is_key(columns, key))).collect()),
    };
    Query { conditions: vec![condition], limit: None, offset: 0, ..query.clone() }
}

fn is_key(columns: &[&'static Column], key: &[Value]) -> Vec<Condition> {
    let equals = |value: &Value| Test::Compare(Comparison::Equal, value.clone());
    columns.iter().zip(key).map(|(column, value)| Condition::Test(None, column, equals(value))).collect()
}
