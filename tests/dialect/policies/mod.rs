//! What a caller reads and writes of small libraries, against the table of rules evaluated row by row.

mod columns;
mod pages;
mod writes;

use promptmeter::data::policy::{POLICIES, policy_of};
use promptmeter::data::schema::{Column, Default, Kind, Table};
use promptmeter::data::tables::TABLES;
use promptmeter::http::identity::Identity;
use promptmeter::rest::error::ErrorCode;
use promptmeter::rest::insert_sql;
use promptmeter::rest::payload::{Origin, Payload};
use promptmeter::rest::preference::{RequestHeaders, Resolution};
use promptmeter::rest::request::Request;
use promptmeter::rest::rows::{self, Cell};
use promptmeter::rest::write_sql::{self, Demand, Write};
use promptmeter::time::timestamp_to_ms;
use proptest::prelude::*;
use rusqlite::Connection;
use uuid::Uuid;

use crate::database::library::{
    Cells, Library, Random, all, callers, cell, fill, now, some_value, sorted, table_of, told_row,
};
use crate::database::{self, Borrowed, NOW, parameters};

fn library(seed: u64) -> (Borrowed, Random) {
    let (database, mut random) = (database::borrow(), Random(seed));
    fill(&database, &mut random);
    (database, random)
}

fn request(table: &str, pairs: &[(&str, &str)]) -> Request {
    Request::read(table, &parameters(pairs), &RequestHeaders::default()).unwrap()
}

fn visible(database: &Connection, identity: &Identity, table: &Table) -> Vec<Cells> {
    let library = Library::of(database);
    all(database, table).into_iter().filter(|row| library.may(identity, 's', table, row)).collect()
}

fn check_reads(seed: u64) {
    let (database, _) = library(seed);
    for table in TABLES {
        for identity in callers() {
            let expected = sorted(visible(&database, &identity, table).iter().map(|row| told_row(table, row)));
            let (body, count) = database::answer(&database, &identity, &request(table.name, &[]));
            let rows: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
            assert_eq!(sorted(rows), expected, "{} {identity:?}", table.name);
            assert_eq!(usize::try_from(count).unwrap(), expected.len(), "count of {} {identity:?}", table.name);
        }
    }
}

type IsMet = Box<dyn Fn(&Cell) -> bool>;

/// Conditions whose meaning is plain, with it.
struct Chosen {
    column: &'static str,
    parameter: String,
    is_met: IsMet,
}

fn some_condition(random: &mut Random, table: &'static Table) -> Chosen {
    let column = random.pick(&table.columns.iter().filter(|column| column.kind != Kind::Json).collect::<Vec<_>>());
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value = some_value(random, table, column.name);
    let (parameter, is_met): (String, IsMet) = match (value, random.below(3), column.kind) {
        (serde_json::Value::Null, 0 | 1, _) | (_, _, Kind::TextArray) => {
            ("is.null".to_owned(), Box::new(|cell| *cell == Cell::Null))
        }
        (serde_json::Value::Null, ..) => ("not.is.null".to_owned(), Box::new(|cell| *cell != Cell::Null)),
        (value, 0, _) => (format!("eq.{}", text(&value)), Box::new(move |cell| *cell == stored(&value))),
        (value, 1, _) => {
            (format!("neq.{}", text(&value)), Box::new(move |cell| *cell != Cell::Null && *cell != stored(&value)))
        }
        (..) => ("not.is.null".to_owned(), Box::new(|cell| *cell != Cell::Null)),
    };
    Chosen { column: column.name, parameter, is_met }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn stored(value: &serde_json::Value) -> Cell {
    match value {
        serde_json::Value::Null => Cell::Null,
        serde_json::Value::Bool(value) => Cell::Number(f64::from(u8::from(*value))),
        serde_json::Value::Number(number) => Cell::Number(number.as_i64().unwrap() as f64),
        serde_json::Value::String(text) => Cell::Text(text.clone()),
        other => Cell::Text(other.to_string()),
    }
}

/// A value for a column, sometimes null, also where null is not allowed.
fn given_value(random: &mut Random, table: &Table, column: &str) -> serde_json::Value {
    let value = some_value(random, table, column);
    if random.below(8) == 0 { serde_json::Value::Null } else { value }
}

/// What a payload's row has in a column, as it is stored.
fn given(payload: &Payload, row: &[String], name: &str, kind: Kind) -> Option<Cell> {
    let json = payload.value(row, name)?;
    Some(match kind {
        Kind::Json | Kind::TextArray if json != "null" => Cell::Text(json.to_owned()),
        _ => stored(&serde_json::from_str(json).unwrap()),
    })
}

/// Rows as the keys that `returning` begins with tell them.
fn keys(table: &Table, rows: &[Cells]) -> Vec<String> {
    let key = |row: &Cells| table.key.iter().map(|name| cell(table, row, name).clone()).collect::<Vec<_>>();
    let mut keys: Vec<String> = rows.iter().map(|row| format!("{:?}", key(row))).collect();
    keys.sort();
    keys
}

fn told_keys(table: &Table, rows: &[rows::Row]) -> Vec<String> {
    let mut keys: Vec<String> = rows.iter().map(|row| format!("{:?}", &row[..table.key.len()])).collect();
    keys.sort();
    keys
}

/// Does a write, or tells which constraint it breaks.
fn checked(database: &Connection, write: &Write, what: &str) -> Result<(i64, i64, Vec<rows::Row>), String> {
    match database::perform(database, write) {
        Ok(done) => Ok(done),
        Err(error) if error.to_string().contains("constraint failed") => Err(error.to_string()),
        Err(error) => panic!("{what}: {error}\n{}\n{}", write.check.text(), write.write.text()),
    }
}

fn by_key(table: &Table, mut rows: Vec<Cells>) -> Vec<Cells> {
    rows.sort_by_key(|row| format!("{:?}", table.key.iter().map(|name| cell(table, row, name)).collect::<Vec<_>>()));
    rows
}

/// The tables that the dialect writes.
fn written_tables() -> Vec<&'static Table> {
    TABLES.iter().copied().filter(|table| database::is_written(table)).collect()
}

/// The columns of a table that a request may name in what it writes.
fn written_columns(table: &'static Table) -> Vec<&'static Column> {
    let declared = policy_of(table).unwrap().declared_columns;
    table.columns.iter().filter(|column| !declared.contains(&column.name)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn callers_read_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_reads(seed);
    }
}
