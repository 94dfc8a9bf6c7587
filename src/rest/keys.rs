//! Rows that are read by their keys.

use super::query::{Comparison, Condition, Query, Test};
use crate::data::schema::{Column, Table};
use crate::sql::statement::Value;

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
