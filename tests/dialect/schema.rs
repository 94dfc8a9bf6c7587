//! The description of the tables, the migrations that make them, the policy table, and the fixture of the matrix test
//! tell the same.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::data::policy::{Action, POLICIES, policy_of};
use promptmeter::data::schema::{Kind, Table};
use promptmeter::data::tables::{TABLES, table};
use promptmeter::rest::rows::Cell;
use rusqlite::Connection;
use serde_json::json;

use crate::database;
use crate::database::library::{self, Random};

/// Columns of described tables that callers may not name.
const WORKERS_OWN: &[(&str, &[&str])] = &[
    ("prompts", &["template_tags", "template_marks"]),
    ("prompt_usage", &["payload_digest"]),
    ("prompt_events", &["uncounted_since_ms", "claimed_by"]),
    ("prompt_stats", &["version", "ranked_ms"]),
    ("experiments", &["version"]),
];

/// Columns of views that are never null although nothing says so.
const NUMBERED: &[(&str, &str)] = &[("analytics_events", "seq")];

/// Views: of these SQLite knows the columns, and neither their types nor a key.
const VIEWS: &[&str] = &["analytics_events", "experiment_sessions"];

fn own_columns(table: &Table) -> &'static [&'static str] {
    WORKERS_OWN.iter().find(|(name, _)| *name == table.name).map_or(&[], |(_, columns)| columns)
}

fn stored_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid | Kind::Text | Kind::Timestamp | Kind::Json | Kind::TextArray => "TEXT",
        Kind::Integer | Kind::Boolean => "INTEGER",
    }
}

fn texts(database: &Connection, sql: &str) -> Vec<Vec<String>> {
    let text = |cell: Cell| match cell {
        Cell::Null => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => text,
    };
    database::rows_of(database, sql).into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

struct Stored {
    kind: String,
    not_null: bool,
    has_default: bool,
}

fn stored_columns(database: &Connection, table: &str) -> BTreeMap<String, Stored> {
    let sql =
        format!("select name, type, \"notnull\" or pk > 0, dflt_value is not null from pragma_table_info('{table}')");
    let column = |row: Vec<String>| {
        (row[0].clone(), Stored { kind: row[1].clone(), not_null: row[2] == "1", has_default: row[3] == "1" })
    };
    texts(database, &sql).into_iter().map(column).collect()
}

#[test]
fn every_described_column_is_stored_as_described() {
    let database = database::open();
    for table in TABLES {
        let stored = stored_columns(&database, table.name);
        for column in table.columns {
            let place = format!("{}.{}", table.name, column.name);
            let found = stored.get(column.name).unwrap_or_else(|| panic!("{place} is not stored"));
            if !VIEWS.contains(&table.name) {
                assert_eq!(found.kind, stored_type(column.kind), "{place}");
                assert_eq!(found.not_null, !column.nullable, "{place}: null");
            }
        }
    }
}

#[test]
fn every_column_that_is_not_described_is_the_workers_own_and_given_where_it_is_needed() {
    let database = database::open();
    for table in TABLES {
        let stored = stored_columns(&database, table.name);
        let others: BTreeSet<&str> =
            stored.keys().map(String::as_str).filter(|name| table.column(name).is_none()).collect();
        let own: BTreeSet<&str> = own_columns(table).iter().copied().collect();
        assert_eq!(others, own, "{}", table.name);
        let is_given = |name: &str| table.unlisted.iter().any(|(unlisted, _)| *unlisted == name);
        for name in own {
            let is_needed = stored[name].not_null && !stored[name].has_default;
            assert_eq!(is_needed, is_given(name), "{}.{name} of a new row", table.name);
        }
    }
}

#[test]
fn what_nobody_writes_is_a_view() {
    let database = database::open();
    for policy in POLICIES {
        let sql = format!("select type from sqlite_master where name = '{}'", policy.table.name);
        let kind = if policy.is_read_only { "view" } else { "table" };
        assert_eq!(texts(&database, &sql).concat(), [kind], "{}", policy.table.name);
        assert_eq!(VIEWS.contains(&policy.table.name), policy.is_read_only, "{}", policy.table.name);
    }
}

/// The types of the values that a view shows in a column.
fn shown_types(database: &Connection, view: &str, column: &str) -> BTreeSet<String> {
    let sql = format!("select distinct upper(typeof({column})) from {view}");
    texts(database, &sql).concat().into_iter().collect()
}

/// The small library has each column that may be null with a value and without one.
#[test]
fn every_view_shows_what_is_described() {
    let database = database::open();
    library::fill(&database, &mut Random(1));
    for view in VIEWS.iter().map(|name| table(name).unwrap()) {
        for column in view.columns {
            let place = (view.name, column.name);
            let null = (column.nullable && !NUMBERED.contains(&place)).then_some("NULL");
            let expected = [stored_type(column.kind)].into_iter().chain(null).map(str::to_owned).collect();
            assert_eq!(shown_types(&database, view.name, column.name), expected, "{place:?}");
        }
        let key = view.key.join(", ");
        let repeated = format!("select {key} from {} group by {key} having count(*) > 1", view.name);
        assert!(texts(&database, &repeated).is_empty(), "{}: {key}", view.name);
    }
}

#[test]
fn keys_are_the_primary_keys_in_their_order() {
    let database = database::open();
    for table in TABLES.iter().filter(|table| !VIEWS.contains(&table.name)) {
        let sql = format!("select name from pragma_table_info('{}') where pk > 0 order by pk", table.name);
        assert_eq!(texts(&database, &sql).concat(), table.key, "{}", table.name);
    }
}

#[test]
fn unique_keys_are_the_unique_indexes_over_described_columns() {
    let database = database::open();
    for table in TABLES {
        let mut stored = BTreeSet::new();
        let indexes = format!(
            "select name from pragma_index_list('{}') where \"unique\" and origin <> 'pk' and not partial",
            table.name
        );
        for index in texts(&database, &indexes).concat() {
            stored.insert(texts(&database, &format!("select name from pragma_index_info('{index}')")).concat());
        }
        let described: BTreeSet<Vec<String>> =
            table.unique.iter().map(|key| key.iter().map(|&column| column.to_owned()).collect()).collect();
        assert_eq!(stored, described, "{}", table.name);
    }
}

#[test]
fn references_are_the_foreign_keys_and_name_primary_keys() {
    let database = database::open();
    for table in TABLES {
        let sql = format!("select \"from\", \"table\", \"to\" from pragma_foreign_key_list('{}')", table.name);
        let stored: BTreeSet<Vec<String>> = texts(&database, &sql).into_iter().collect();
        let described: BTreeSet<Vec<String>> = table
            .columns
            .iter()
            .filter_map(|column| Some(vec![column.name.to_owned(), column.references?.to_owned(), "id".to_owned()]))
            .collect();
        assert_eq!(stored, described, "{}", table.name);
    }
    let referred = TABLES.iter().flat_map(|table| table.columns).filter_map(|column| column.references);
    for name in referred {
        assert_eq!(table(name).unwrap().key, ["id"], "an embedding joins on the id of {name}");
    }
}

#[test]
fn no_two_columns_refer_to_the_same_table_so_an_embedding_needs_no_hint() {
    for table in TABLES {
        let referred: Vec<&str> = table.columns.iter().filter_map(|column| column.references).collect();
        assert_eq!(referred.iter().collect::<BTreeSet<_>>().len(), referred.len(), "{}", table.name);
    }
}

#[test]
fn searchable_columns_are_the_ones_that_a_template_is_searched_by() {
    let searchable: Vec<(&str, &str)> = TABLES
        .iter()
        .flat_map(|table| {
            table.columns.iter().filter(|column| column.searchable).map(|column| (table.name, column.name))
        })
        .collect();
    assert_eq!(searchable, [("prompts", "title"), ("prompts", "goal"), ("prompts", "template")]);
}

#[test]
fn every_table_has_one_policy_and_every_policy_a_table() {
    let tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    let policies: Vec<&str> = POLICIES.iter().map(|policy| policy.table.name).collect();
    assert_eq!(policies, tables);
    assert_eq!(tables.iter().collect::<BTreeSet<_>>().len(), tables.len());
    for policy in POLICIES {
        let described = policy_of(policy.table).unwrap();
        assert!(std::ptr::eq(described, policy) || described.table.name == policy.table.name);
        for column in policy.service_columns.iter().chain(policy.declared_columns) {
            assert!(policy.table.column(column).is_some(), "{}.{column}", policy.table.name);
        }
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "uuid",
        Kind::Text => "text",
        Kind::Integer => "integer",
        Kind::Boolean => "boolean",
        Kind::Timestamp => "timestamp",
        Kind::Json => "json",
        Kind::TextArray => "textarray",
    }
}

/// A table and its policy as the fixture of the matrix test has them.
fn described(table: &Table) -> serde_json::Value {
    let policy = policy_of(table).unwrap();
    let columns: serde_json::Map<_, _> =
        table.columns.iter().map(|column| (column.name.to_owned(), kind_name(column.kind).into())).collect();
    let references: serde_json::Map<_, _> =
        table.columns.iter().filter_map(|column| Some((column.name.to_owned(), column.references?.into()))).collect();
    let may = |action: Action| !policy.rules(action).is_empty();
    let mut described = json!({
        "table": table.name,
        "columns": columns,
        "key": table.key,
        "references": references,
        "service_columns": policy.service_columns,
        "select": may(Action::Select),
        "insert": may(Action::Insert),
        "update": may(Action::Update),
        "delete": may(Action::Delete),
    });
    if !policy.declared_columns.is_empty() {
        described["declared_columns"] = json!(policy.declared_columns);
    }
    described
}

#[test]
fn the_fixture_of_the_matrix_test_tells_what_the_policy_table_tells() {
    let fixture: Vec<serde_json::Value> = serde_json::from_str(include_str!("../policy_matrix/policies.json")).unwrap();
    let expected: Vec<serde_json::Value> = TABLES.iter().map(|table| described(table)).collect();
    assert_eq!(fixture.len(), expected.len());
    for (actual, expected) in fixture.iter().zip(&expected) {
        assert_eq!(actual, expected, "{}", expected["table"]);
    }
}
