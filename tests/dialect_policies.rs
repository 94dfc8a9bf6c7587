//! What a caller reads and writes of small libraries, against the table of rules evaluated row by row.

#![cfg(test)]

mod database;

use database::library::{
    Cells, Library, Random, all, callers, cell, fill, now, some_value, sorted, table_of, told_row,
};
use database::{NOW, parameters};
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

fn library(seed: u64) -> (Connection, Random) {
    let (database, mut random) = (database::open(), Random(seed));
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

fn checked(database: &Connection, write: &Write, what: &str) -> Option<(i64, i64, Vec<rows::Row>)> {
    match database::perform(database, write) {
        Ok(done) => Some(done),
        Err(error) if error.to_string().contains("constraint failed") => None,
        Err(error) => panic!("{what}: {error}\n{}\n{}", write.check.text(), write.write.text()),
    }
}

fn by_key(table: &Table, mut rows: Vec<Cells>) -> Vec<Cells> {
    rows.sort_by_key(|row| format!("{:?}", table.key.iter().map(|name| cell(table, row, name)).collect::<Vec<_>>()));
    rows
}

/// Tables of which users may change rows.
const UPDATABLE: [&str; 4] = ["users", "prompts", "prompt_answers", "prompt_templates"];
/// The tables that the dialect writes.
fn written_tables() -> Vec<&'static Table> {
    TABLES.iter().copied().filter(|table| database::is_written(table)).collect()
}

/// The columns of a table that a request may name in what it writes.
fn written_columns(table: &'static Table) -> Vec<&'static Column> {
    let declared = policy_of(table).unwrap().declared_columns;
    table.columns.iter().filter(|column| !declared.contains(&column.name)).collect()
}

/// What a new row has in a column that it does not name.
fn unnamed(table: &Table, column: &str) -> Cell {
    match (table.name, column) {
        ("experiments", "coverage") => Cell::Text("1.0".to_owned()),
        ("experiments", "hash_version") => Cell::Number(2.0),
        ("experiments", "status") => Cell::Text("draft".to_owned()),
        _ => Cell::Null,
    }
}

/// Columns that say whose a row is.
const OWNING: [&str; 3] = ["id", "user_id", "prompt_id"];

fn check_update(seed: u64) {
    let (database, mut random) = library(seed);
    let table = if random.below(4) == 0 { random.pick(&written_tables()) } else { table_of(random.pick(&UPDATABLE)) };
    let identity = random.pick(&callers());
    let condition = some_condition(&mut random, table);
    let owning: Vec<&str> = table.column_names().filter(|name| OWNING.contains(name)).collect();
    let columns: Vec<&str> = (0..=random.below(2))
        .map(|_| {
            let is_owning = !owning.is_empty() && random.below(2) == 0;
            let any = || written_columns(table).iter().map(|column| column.name).collect();
            random.pick(&if is_owning { owning.clone() } else { any() })
        })
        .collect();
    let body: serde_json::Map<_, _> =
        columns.iter().map(|name| ((*name).to_owned(), given_value(&mut random, table, name))).collect();
    let body = serde_json::Value::from(body).to_string();
    let payload = Payload::read_changes(table, body.as_bytes(), None, NOW).unwrap();
    let request = request(table.name, &[(condition.column, &condition.parameter)]);
    let is_one = random.below(4) == 0;
    let demand = Demand { identity: &identity, is_one, told: Some(&request.query) };
    let write = write_sql::update(table, &payload, &request.query.conditions, demand);

    let (before, rules) = (all(&database, table), Library::of(&database));
    let is_meant =
        |row: &&Cells| rules.may(&identity, 'u', table, row) && (condition.is_met)(cell(table, row, condition.column));
    let change = |row: &Cells| -> Cells {
        let new = |column: &&str, old: &Cell| {
            given(&payload, &payload.rows[0], column, table.column(column).unwrap().kind).unwrap_or_else(|| old.clone())
        };
        table.column_names().zip(row).map(|(column, old)| new(&column, old)).collect()
    };
    let meant: Vec<Cells> = before.iter().filter(is_meant).cloned().collect();
    let refused = meant.iter().filter(|row| !rules.may(&identity, 'u', table, &change(row))).count();
    let what = format!("{identity:?}: update {} {} {} set {body}", table.name, condition.column, condition.parameter);
    let Some((refusals, asked_for, returned)) = checked(&database, &write, &what) else {
        assert_eq!(all(&database, table), before, "{what} failed and changed something");
        assert_eq!(refused, 0, "{what} is refused, and fails");
        return;
    };
    assert_eq!(
        (usize::try_from(refusals).unwrap(), usize::try_from(asked_for).unwrap()),
        (refused, meant.len()),
        "{what}"
    );
    let has_effect = refused == 0 && !(is_one && meant.len() != 1);
    let after: Vec<Cells> =
        before.iter().map(|row| if has_effect && is_meant(&row) { change(row) } else { row.clone() }).collect();
    assert_eq!(by_key(table, all(&database, table)), by_key(table, after), "{what}");
    let changed: Vec<Cells> = meant.iter().filter(|_| has_effect).map(change).collect();
    assert_eq!(told_keys(table, &returned), keys(table, &changed), "{what}: returned");
}

fn check_delete(seed: u64) {
    let (database, mut random) = library(seed);
    let table = random.pick(&written_tables());
    let identity = random.pick(&callers());
    let condition = some_condition(&mut random, table);
    let request = request(table.name, &[(condition.column, &condition.parameter)]);
    let is_one = random.below(4) == 0;
    let demand = Demand { identity: &identity, is_one, told: Some(&request.query) };
    let write = write_sql::delete(table, &request.query.conditions, demand);
    let (before, rules) = (all(&database, table), Library::of(&database));
    let is_meant =
        |row: &&Cells| rules.may(&identity, 'd', table, row) && (condition.is_met)(cell(table, row, condition.column));
    let meant: Vec<Cells> = before.iter().filter(is_meant).cloned().collect();
    let what = format!("{identity:?}: delete {} {} {}", table.name, condition.column, condition.parameter);
    let Some((refusals, asked_for, returned)) = checked(&database, &write, &what) else {
        assert_eq!(all(&database, table), before, "{what} failed and changed something");
        return;
    };
    assert_eq!((refusals, usize::try_from(asked_for).unwrap()), (0, meant.len()), "{what}");
    let has_effect = !(is_one && meant.len() != 1);
    let after: Vec<Cells> = before.iter().filter(|row| !(has_effect && is_meant(row))).cloned().collect();
    assert_eq!(all(&database, table), after, "{what}");
    assert_eq!(told_keys(table, &returned), keys(table, if has_effect { &meant } else { &[] }), "{what}: returned");
}

fn is_same(table: &Table, key: &[&str], one: &Cells, other: &Cells) -> bool {
    key.iter().all(|name| *cell(table, one, name) != Cell::Null && cell(table, one, name) == cell(table, other, name))
}

fn check_insert(seed: u64) {
    let (database, mut random) = library(seed);
    let is_declared = random.below(4) == 0;
    let table = if is_declared { table_of("experiments") } else { random.pick(&written_tables()) };
    let identity = random.pick(&callers());
    let columns: Vec<&str> = written_columns(table)
        .into_iter()
        .filter(|column| !column.nullable || table.key.contains(&column.name) || random.below(2) == 0)
        .map(|column| column.name)
        .collect();
    let row = |random: &mut Random| {
        let fields = columns.iter().map(|name| ((*name).to_owned(), given_value(random, table, name)));
        serde_json::Value::Object(fields.collect())
    };
    let body = serde_json::Value::from((0..=random.below(3)).map(|_| row(&mut random)).collect::<Vec<_>>()).to_string();
    let mut number = 0x0500_0000;
    let mut new_id = || {
        number += 1;
        Uuid::from_u128(number)
    };
    let mut origin = Origin { now: NOW, caller: identity.user().map(|user| user.id), new_id: &mut new_id };
    let payload = Payload::read_new(table, body.as_bytes(), None, false, &mut origin).unwrap();
    let conflict = random.pick(&[None, Some(Resolution::Merge), Some(Resolution::Ignore)]);
    if conflict == Some(Resolution::Merge) && payload.repeats(table.key) {
        return;
    }
    let request = request(table.name, &[]);
    let demand = Demand { identity: &identity, is_one: false, told: Some(&request.query) };
    let write = insert_sql::insert(table, &payload, conflict.map(|resolution| (resolution, table.key)), demand);

    let (before, rules) = (all(&database, table), Library::of(&database));
    let made = |row: &[String]| -> Cells {
        let new = |column: &Column| {
            given(&payload, row, column.name, column.kind).unwrap_or_else(|| unnamed(table, column.name))
        };
        table.columns.iter().map(new).collect()
    };
    let merged = |old: &Cells, new: &Cells| -> Cells {
        let is_set = |name: &str| payload.columns.iter().any(|column| column.name == name);
        let value = |(name, (old, new)): (&str, (&Cell, &Cell))| match name {
            "updated_at" if !is_set(name) => now(),
            name if is_set(name) && !table.key.contains(&name) => new.clone(),
            _ => old.clone(),
        };
        table.column_names().zip(old.iter().zip(new)).map(value).collect()
    };
    let judged = |old: &Cells, new: &Cells| -> Cells {
        let is_set = |name: &str| payload.columns.iter().any(|column| column.name == name);
        let value = |(name, (old, new)): (&str, (&Cell, &Cell))| if is_set(name) { new.clone() } else { old.clone() };
        table.column_names().zip(old.iter().zip(new)).map(value).collect()
    };
    let new: Vec<Cells> = payload.rows.iter().map(|row| made(row)).collect();
    let mut refused = new.iter().filter(|row| !rules.may(&identity, 'i', table, row)).count();
    let taken = |row: &Cells| before.iter().find(|old| is_same(table, table.key, old, row));
    if conflict == Some(Resolution::Merge) {
        let may_merge = |old: &Cells, row: &Cells| {
            rules.may(&identity, 'u', table, old) && rules.may(&identity, 'u', table, &judged(old, row))
        };
        refused += new.iter().filter(|row| taken(row).is_some_and(|old| !may_merge(old, row))).count();
    }
    let what = format!("{identity:?}: insert {} {conflict:?} {body}", table.name);
    let Some((refusals, asked_for, returned)) = checked(&database, &write, &what) else {
        assert_eq!(all(&database, table), before, "{what} failed and changed something");
        assert_eq!(refused, 0, "{what} is refused, and fails");
        return;
    };
    assert_eq!(
        (usize::try_from(refusals).unwrap(), usize::try_from(asked_for).unwrap()),
        (refused, new.len()),
        "{what}"
    );
    let (mut after, mut written) = (before.clone(), Vec::new());
    for row in new.iter().filter(|_| refused == 0) {
        let place = after.iter().position(|old| is_same(table, table.key, old, row));
        match (place, conflict) {
            (None, _) => after.push(row.clone()),
            (Some(place), Some(Resolution::Merge)) => after[place] = merged(&after[place], row),
            (Some(_), Some(Resolution::Ignore)) => continue,
            (Some(_), None) => panic!("{what}: a key is there twice"),
        }
        written.push(row.clone());
    }
    assert_eq!(by_key(table, all(&database, table)), by_key(table, after), "{what}");
    assert_eq!(told_keys(table, &returned), keys(table, &written), "{what}: returned");
}

#[test]
fn rows_that_set_nothing_are_merged_as_well() {
    let (database, _) = library(1);
    let service = Identity::Service(None);
    for table in written_tables() {
        for defaults in [true, false] {
            let mut new_id = || Uuid::from_u128(0x0600_0000);
            let mut origin = Origin { now: NOW, caller: None, new_id: &mut new_id };
            let payload = Payload::read_new(table, b"{}", None, defaults, &mut origin).unwrap();
            let demand = Demand { identity: &service, is_one: false, told: None };
            let write = insert_sql::insert(table, &payload, Some((Resolution::Merge, table.key)), demand);
            checked(&database, &write, table.name);
        }
    }
}

/// Who may set a column in new rows, and in those that are there.
fn check_column(table: &'static Table, column: &'static Column, identity: &Identity, may: bool) {
    let column_alone = |defaults| Payload { columns: vec![column], defaults, rows: vec![], is_single: true };
    let defaults = table.columns.iter().filter(|other| other.default != Default::Null && other.name != column.name);
    for payload in [column_alone(vec![]), column_alone(defaults.collect())] {
        let refused = write_sql::refuse_columns(table, &payload, identity).err();
        let code = refused.map(|error| error.code);
        assert_eq!(code, (!may).then_some(ErrorCode::Forbidden), "{}.{} {identity:?}", table.name, column.name);
    }
}

#[test]
fn what_is_declared_is_set_by_nobody_and_what_is_the_services_by_nobody_else() {
    for policy in POLICIES {
        for column in policy.table.columns {
            for identity in callers() {
                let is_service = matches!(identity, Identity::Service(_));
                let is_the_services = policy.service_columns.contains(&column.name);
                let may = !policy.declared_columns.contains(&column.name) && (is_service || !is_the_services);
                check_column(policy.table, column, &identity, may);
            }
        }
    }
    let experiments: Vec<&str> = written_columns(table_of("experiments")).iter().map(|column| column.name).collect();
    assert_eq!(experiments, ["id", "project_id", "name", "multi_variant", "conversion_window_hours"]);
}

#[test]
fn what_happens_may_not_be_told_to_happen_later() {
    let tables: Vec<&str> =
        POLICIES.iter().filter(|policy| policy.happened.is_some()).map(|policy| policy.table.name).collect();
    assert_eq!(tables, ["template_likes", "prompt_usage", "prompt_events"]);
    let now_ms = timestamp_to_ms(NOW).unwrap();
    let is_refused = |table: &str, body: &str, identity: &Identity| {
        let mut origin = Origin { now: NOW, caller: None, new_id: &mut Uuid::nil };
        let payload = Payload::read_new(table_of(table), body.as_bytes(), None, false, &mut origin).unwrap();
        let refused = write_sql::refuse_ahead(table_of(table), &payload, identity, now_ms);
        refused.err().map(|error| assert_eq!(error.code, ErrorCode::Check)).is_some()
    };
    for identity in callers() {
        let is_service = matches!(identity, Identity::Service(_));
        for table in tables.iter().copied() {
            for (at, is_ahead) in [
                ("\"2026-11-20T12:05:00Z\"", false),
                ("\"2026-11-20T14:05:00+02:00\"", false),
                ("\"0001-01-01\"", false),
                ("null", false),
                ("\"2026-11-20T12:05:00.001Z\"", true),
                ("\"2026-11-20T12:00:00-01:00\"", true),
                ("\"9999-12-31\"", true),
            ] {
                let body = format!("[{{\"created_at\":\"2020-01-01\"}},{{\"created_at\":{at}}}]");
                assert_eq!(is_refused(table, &body, &identity), is_ahead && !is_service, "{table} {at} {identity:?}");
            }
            assert!(!is_refused(table, "{}", &identity));
        }
        assert!(!is_refused("prompts", r#"{"created_at":"9999-12-31"}"#, &identity));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn callers_read_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_reads(seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn callers_change_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_update(seed);
    }

    #[test]
    fn callers_remove_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_delete(seed);
    }

    #[test]
    fn callers_make_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_insert(seed);
    }
}
