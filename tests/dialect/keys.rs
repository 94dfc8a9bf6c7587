//! Rows that are read by their keys.

use promptmeter::http::identity::Identity;
use promptmeter::rest::keys::by_keys;
use promptmeter::rest::rows::Cell;
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
