//! SQLite as D1 has it: its limits, the migrations applied, numbers bound as REAL.

#![allow(dead_code, reason = "every test uses a part of it")]

pub(crate) mod library;

use std::cell::RefCell;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use promptmeter::data::policy::policy_of;
use promptmeter::data::schema::Table;
use promptmeter::http::identity::{Identity, User};
use promptmeter::http::query::Query as Parameters;
use promptmeter::rest::error::DataError;
use promptmeter::rest::preference::RequestHeaders;
use promptmeter::rest::read_sql::{self, Read};
use promptmeter::rest::request::Request;
use promptmeter::rest::rows::{self, Cell, Children, Row};
use promptmeter::rest::write_sql::Write;
use promptmeter::sql::statement::{Statement, Value};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, MAIN_DB};
use uuid::Uuid;

/// What workerd sets on the databases that it opens.
const LIMITS: [(Limit, i32); 10] = [
    (Limit::SQLITE_LIMIT_LENGTH, 2_000_000),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
    (Limit::SQLITE_LIMIT_VDBE_OP, 25_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 127),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
];

/// Statements that are prepared once: with all triggers of its table one takes longer than it runs.
const STATEMENTS: usize = 256;

/// An instant as stored.
pub(crate) const NOW: &str = "2026-11-20T12:00:00.000000+00:00";

/// An empty database: a copy of one, for its migrations take twenty times as long.
pub(crate) fn open() -> Connection {
    static EMPTY: LazyLock<Vec<u8>> = LazyLock::new(|| open_at(usize::MAX).serialize(MAIN_DB).unwrap().to_vec());
    let mut database = Connection::open_in_memory().unwrap();
    database.deserialize_read_exact(MAIN_DB, EMPTY.as_slice(), EMPTY.len(), false).unwrap();
    prepare(&database);
    database
}

/// An empty database for one case among many: what it changes is undone, and what it prepared is there for the next one.
pub(crate) fn borrow() -> Borrowed {
    let database = IDLE.with_borrow_mut(Vec::pop).unwrap_or_else(open);
    database.execute_batch("begin").unwrap();
    Borrowed(Some(database))
}

thread_local! {
    static IDLE: RefCell<Vec<Connection>> = const { RefCell::new(Vec::new()) };
}

/// A database within a transaction that is rolled back.
pub(crate) struct Borrowed(Option<Connection>);

impl Deref for Borrowed {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().unwrap()
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let Some(database) = self.0.take() else { return };
        if database.execute_batch("rollback").is_ok() {
            IDLE.with_borrow_mut(|idle| idle.push(database));
        }
    }
}

/// An empty database as it is after so many migrations.
pub(crate) fn open_at(migrations: usize) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    migrate(&database, 0..migrations);
    prepare(&database);
    database
}

fn prepare(database: &Connection) {
    database.set_prepared_statement_cache_capacity(STATEMENTS);
    database.execute_batch("pragma foreign_keys = on").unwrap();
    for (limit, value) in LIMITS {
        database.set_limit(limit, value).unwrap();
    }
}

/// Applies the migrations at these places, from 0.
pub(crate) fn migrate(database: &Connection, places: Range<usize>) {
    for file in migrations().into_iter().take(places.end).skip(places.start) {
        database.execute_batch(&std::fs::read_to_string(&file).unwrap()).unwrap();
    }
}

/// The place of a migration among all, from 0.
pub(crate) fn migration(name: &str) -> usize {
    migrations().iter().position(|file| file.ends_with(name)).unwrap()
}

fn migrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    files
}

struct Bound(Value);

impl rusqlite::ToSql for Bound {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match &self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            #[expect(clippy::cast_precision_loss, reason = "numbers stay within 2^53")]
            Value::Integer(number) => ToSqlOutput::Borrowed(ValueRef::Real(*number as f64)),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

fn bound(statement: &Statement) -> Vec<Bound> {
    statement.parameters().into_iter().map(Bound).collect()
}

/// The rows that a statement gives.
pub(crate) fn run(database: &Connection, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
    run_with(database, statement.text(), statement.parameters())
}

/// The rows that a statement with these values of its parameters gives.
pub(crate) fn run_with(database: &Connection, sql: &str, values: Vec<Value>) -> rusqlite::Result<Vec<Row>> {
    let mut prepared = database.prepare_cached(sql)?;
    let columns = prepared.column_count();
    let rows = prepared.query_map(rusqlite::params_from_iter(values.into_iter().map(Bound)), |row| {
        (0..columns).map(|place| row.get_ref(place).map(cell)).collect::<rusqlite::Result<Row>>()
    })?;
    rows.collect()
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript has them as doubles, too")]
fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Number(number as f64),
        ValueRef::Real(number) => Cell::Number(number),
        ValueRef::Text(text) | ValueRef::Blob(text) => Cell::Text(String::from_utf8(text.to_vec()).unwrap()),
    }
}

/// Runs a statement of this program's tests.
pub(crate) fn execute(database: &Connection, sql: &str, values: &[&str]) {
    let execute = |mut prepared: CachedStatement<'_>| prepared.execute(rusqlite::params_from_iter(values));
    database.prepare_cached(sql).and_then(execute).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// All rows that a query of this program's tests gives.
pub(crate) fn rows_of(database: &Connection, sql: &str) -> Vec<Row> {
    run(database, &Statement::new(sql)).unwrap()
}

/// A table as it stands.
pub(crate) fn dump(database: &Connection, table: &str) -> Vec<Row> {
    rows_of(database, &format!("select * from {table} order by 1, 2"))
}

/// How SQLite finds the rows of a statement.
pub(crate) fn plan(database: &Connection, statement: &Statement) -> Vec<String> {
    let mut prepared = database
        .prepare(&format!("explain query plan {}", statement.text()))
        .unwrap_or_else(|error| panic!("{error}: {}", statement.text()));
    let steps = prepared.query_map(rusqlite::params_from_iter(bound(statement)), |row| row.get(3)).unwrap();
    steps.collect::<Result<_, _>>().unwrap()
}

/// How many steps SQLite's machine takes to run a statement, whose effect is undone.
pub(crate) fn machine_steps(database: &Connection, statement: &Statement) -> i32 {
    let transaction = database.unchecked_transaction().unwrap();
    let mut prepared = transaction.prepare(statement.text()).unwrap();
    let mut rows = prepared.query(rusqlite::params_from_iter(bound(statement))).unwrap();
    while rows.next().unwrap().is_some() {}
    drop(rows);
    prepared.get_status(rusqlite::StatementStatus::VmStep)
}

/// Whether the data dialect writes a table at all.
pub(crate) fn is_written(table: &Table) -> bool {
    !policy_of(table).unwrap().is_read_only
}

/// A user's id.
pub(crate) fn user_id(number: u128) -> Uuid {
    Uuid::from_u128(0xabcd_0000 + number)
}

/// A user.
pub(crate) fn user(number: u128) -> Identity {
    Identity::User(User { id: user_id(number), email: None })
}

/// The parameters of a request.
pub(crate) fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    Parameters::parse(&query)
}

/// A request without headers.
pub(crate) fn request(table: &str, pairs: &[(&str, &str)]) -> Result<Request, DataError> {
    Request::read(table, &parameters(pairs), &RequestHeaders::default())
}

/// The statements of a read.
pub(crate) fn statements(read: &Read) -> Vec<&Statement> {
    [&read.rows].into_iter().chain(read.children.iter().map(|(child, _)| child)).chain(&read.count).collect()
}

/// The answer to a read and the number of rows on all pages.
pub(crate) fn answer(database: &Connection, identity: &Identity, request: &Request) -> (String, i64) {
    let read = read_sql::read(&request.query, identity, true).unwrap();
    let mut results = statements(&read)
        .into_iter()
        .map(|statement| run(database, statement).unwrap_or_else(|error| panic!("{error}: {}", statement.text())));
    let found = results.next().unwrap();
    let children: Vec<Children> =
        read.children.iter().map(|(_, shape)| Children::of(shape.clone(), results.next().unwrap())).collect();
    let count = number(results.next().unwrap()[0].first());
    (rows::write(request.format, &read.shape, &found, &children).unwrap(), count)
}

/// The same as JSON.
pub(crate) fn answer_json(database: &Connection, identity: &Identity, request: &Request) -> serde_json::Value {
    serde_json::from_str(&answer(database, identity, request).0).unwrap()
}

/// Does a write, all or nothing: how many rows it may not write, how many were asked for, and the written rows.
pub(crate) fn perform(database: &Connection, write: &Write) -> rusqlite::Result<(i64, i64, Vec<Row>)> {
    database.execute_batch("savepoint performed")?;
    let done = run(database, &write.check).and_then(|check| Ok((check, run(database, &write.write)?)));
    database.execute_batch(if done.is_ok() {
        "release performed"
    } else {
        "rollback to performed; release performed"
    })?;
    let (check, rows) = done?;
    Ok((number(check[0].first()), number(check[0].get(1)), rows))
}

#[expect(clippy::cast_possible_truncation, reason = "a count")]
fn number(cell: Option<&Cell>) -> i64 {
    match cell {
        Some(Cell::Number(number)) => *number as i64,
        other => panic!("no number: {other:?}"),
    }
}
