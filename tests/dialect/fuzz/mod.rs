//! Requests of any kind: none causes a panic, what is read is SQL that SQLite prepares within D1's limits, and no text of
//! a request is a text of SQL.

mod bounds;
mod markers;
mod requests;

use std::collections::BTreeSet;

use promptmeter::data::schema::{Kind, Table};
use promptmeter::data::tables::TABLES;
use promptmeter::http::identity::Identity;
use promptmeter::limits::{CONDITION_NESTING, CONDITIONS, STATEMENT_BYTES};
use promptmeter::rest::function::{Arguments, Function};
use promptmeter::rest::function_sql::{self, Caller, ForkCall};
use promptmeter::rest::insert_sql;
use promptmeter::rest::payload::{Origin, Payload};
use promptmeter::rest::preference::{RequestHeaders, Resolution};
use promptmeter::rest::read_sql;
use promptmeter::rest::request::Request;
use promptmeter::rest::write_sql::{self, Demand};
use promptmeter::sql::statement::Statement;
use proptest::prelude::*;
use rusqlite::Connection;
use uuid::Uuid;

use crate::database::{self, NOW, parameters, user, user_id};

thread_local! {
    /// One database for all cases of a property: they store nothing.
    static DATABASE: Connection = database::open();
}

fn identities() -> [Identity; 3] {
    [Identity::Anonymous, user(1), Identity::Service(None)]
}

/// All statements that a request and a body lead to, for everybody.
fn statements(request: &Request, body: &[u8]) -> Vec<Statement> {
    let table = request.query.table;
    let conditions = request.written_conditions("").unwrap_or_default();
    let mut found = Vec::new();
    for identity in &identities() {
        if let Ok(read) = read_sql::read(&request.query, identity, true) {
            found.extend(database::statements(&read).into_iter().cloned());
        }
        let demand = Demand { identity, is_one: request.is_paged, told: Some(&request.query) };
        if !database::is_written(table) {
            continue;
        }
        let mut writes = Vec::new();
        if !conditions.is_empty() {
            writes.push(write_sql::delete(table, conditions, demand));
        }
        let columns = request.columns.as_deref();
        if let Ok(changes) = Payload::read_changes(table, body, columns, NOW)
            && !changes.columns.is_empty()
            && !conditions.is_empty()
        {
            writes.push(write_sql::update(table, &changes, conditions, demand));
        }
        let mut origin = Origin { now: NOW, caller: Some(user_id(1)), new_id: &mut || Uuid::from_u128(7) };
        let defaults = request.preferences.missing_is_default;
        if let Ok(payload) = Payload::read_new(table, body, columns, defaults, &mut origin)
            && !payload.rows.is_empty()
        {
            let target = request.conflict_target();
            for resolution in [None, Some(Resolution::Merge), Some(Resolution::Ignore)] {
                let conflict = resolution.zip(target.as_ref().ok()).map(|(resolution, key)| (resolution, *key));
                writes.push(insert_sql::insert(table, &payload, conflict, demand));
            }
        }
        found.extend(writes.into_iter().flat_map(|write| [write.check, write.write]));
    }
    found
}

/// Whether a request searches by words: the index of words is made by another migration.
fn has_index_of_words(database: &Connection) -> bool {
    !database::rows_of(database, "select 1 from sqlite_master where name = 'prompt_search'").is_empty()
}

/// What SQLite says to a statement, where it does not prepare it.
fn failure(statement: &Statement) -> Option<String> {
    DATABASE.with(|database| {
        let text = statement.text();
        // What is longer is refused before it is sent.
        if text.len() > STATEMENT_BYTES || (text.contains("prompt_search") && !has_index_of_words(database)) {
            return None;
        }
        assert!(statement.parameters().len() <= 100, "{text}");
        let error = database.prepare(text).err()?.to_string();
        let start = |text: &str| text.chars().take(300).collect::<String>();
        Some(format!("{}: {} bytes: {}", start(&error), text.len(), start(text)))
    })
}

fn check_prepares(statement: &Statement) {
    assert_eq!(failure(statement), None);
}

/// Whether a request is read; all that it leads to must be prepared.
fn read(table: &str, pairs: &[(&str, &str)], headers: &RequestHeaders, body: &[u8]) -> bool {
    let Ok(request) = Request::read(table, &parameters(pairs), headers) else { return false };
    statements(&request, body).iter().for_each(check_prepares);
    true
}
