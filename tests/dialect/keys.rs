//! Rows that are read by their keys.

use promptmeter::http::identity::Identity;
use promptmeter::rest::keys::{by_keys, in_order, written};
use promptmeter::rest::preference::Format;
use promptmeter::rest::read_sql;
use promptmeter::rest::rows::{self, Cell};
use promptmeter::sql::statement::Value;
use serde_json::Value as Json;

use crate::database::library::{Random, all, cell, fill, table_of};
use crate::database::{self, answer_json, request};

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => Value::Text(text.clone()),
        other => panic!("no text: {other:?}"),
    }
}

/// All of them, and no others, whatever conditions and page the request had.
#[test]
fn rows_are_read_by_their_keys() {
    let database = database::open();
    fill(&database, &mut Random(1));
    for name in ["prompts", "template_likes"] {
        let table = table_of(name);
        let rows = all(&database, table);
        let keys: Vec<Vec<Value>> = rows
            .iter()
            .step_by(2)
            .map(|row| table.key.iter().map(|column| value(cell(table, row, column))).collect())
            .collect();
        assert!(keys.len() > 1 && keys.len() < rows.len(), "{name}: {} rows", rows.len());
        let columns = table.key.join(",");
        let pairs = [
            ("select", columns.as_str()),
            ("order", &columns),
            ("limit", "1"),
            ("offset", "1"),
            ("created_at", "is.null"),
        ];
        let mut request = request(name, &pairs).unwrap();
        request.query = by_keys(&request.query, table, &keys);
        let told = answer_json(&database, &Identity::Service(None), &request);
        let text = |value: &Value| match value {
            Value::Text(text) => Json::from(text.as_str()),
            other => panic!("no text: {other:?}"),
        };
        let expected: Vec<Json> = keys
            .iter()
            .map(|key| {
                table
                    .key
                    .iter()
                    .map(|name| (*name).to_owned())
                    .zip(key.iter().map(text))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            })
            .collect();
        assert_eq!(told, Json::from(expected), "{name}");
    }
}

/// Written rows are told in the order in which they were written, unless they are asked for in another one, and with nothing that
/// was not asked for.
#[test]
fn written_rows_keep_their_order() {
    let database = database::open();
    fill(&database, &mut Random(2));
    for (name, column) in [("prompts", "title"), ("template_likes", "created_at")] {
        let table = table_of(name);
        let rows = all(&database, table);
        let keys_of = |row: &Vec<Cell>| table.key.iter().map(|column| value(cell(table, row, column))).collect();
        let column_of = |row: &Vec<Cell>| match cell(table, row, column) {
            Cell::Text(text) => text.clone(),
            other => panic!("no text: {other:?}"),
        };
        let mut shuffled = rows.clone();
        shuffled.rotate_left(rows.len() / 3);
        shuffled.reverse();
        let as_written: Vec<String> = shuffled.iter().map(column_of).collect();
        let mut sorted = as_written.clone();
        sorted.sort();
        assert!(as_written != sorted, "{name}: the order of the keys is not that of the column");
        for (order, expected) in [(None, as_written), (Some(("order", column)), sorted)] {
            let pairs: Vec<_> = [("select", column)].into_iter().chain(order).collect();
            let query = request(name, &pairs).unwrap().query;
            let keys: Vec<Vec<Value>> = shuffled.iter().map(keys_of).collect();
            let read = read_sql::read(&written(&query, &keys), &Identity::Service(None), false).unwrap();
            let (mut shape, mut found) = (read.shape, database::run(&database, &read.rows).unwrap());
            in_order(&query, &keys, &mut shape, &mut found);
            let told: Json = serde_json::from_str(&rows::write(Format::Array, &shape, &found, &[]).unwrap()).unwrap();
            let expected: Vec<Json> = expected.iter().map(|text| serde_json::json!({ column: text })).collect();
            assert_eq!(told, Json::from(expected), "{name} {order:?}");
        }
    }
}
