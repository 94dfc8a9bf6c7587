//! Writes as SQL. Statements of one transaction: what stands in the way is counted first, and the write is done only
//! where nothing does; so a refused write fails no transaction, and the answer can say why.

use super::condition_sql::push_condition;
use super::error::{DataError, ErrorCode};
use super::payload::Payload;
use super::query::{Condition, Part, Query};
use super::request::Request;
use super::rows::{Shape, Slot};
use super::told_bytes::push_bytes;
use crate::data::policy::{Action, policy_of};
use crate::data::schema::{Column, Kind, Table};
use crate::data::tables::PROMPT_EVENTS;
use crate::http::identity::Identity;
use crate::limits::{ANSWER_BYTES, CHANGED_BYTES, EVENT_FUTURE_MS};
use crate::sql::predicate::{Allowed, allowed};
use crate::sql::statement::Statement;
use crate::time::timestamp_to_ms;

/// A write: its statements, which belong into one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Counts the rows that may not be written (`c0`), those that were asked for (`c1`), those of them that are there
    /// already (`c2`), the bytes in which they are told (`c3`), and those by which they are changed (`c4`).
    pub check: Statement,
    /// Writes them, unless some may not, or one was asked for and it is another number.
    pub write: Statement,
    /// Whether it gives the rows that it wrote.
    pub gives_rows: bool,
    /// How the cells of these are told; their keys come first.
    pub shape: Shape,
}

/// What a write is asked for besides its rows.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// Whether it must be one row.
    pub is_one: bool,
    /// What is told of the written rows, beside their keys: the columns among its fields.
    pub told: Option<&'a Query>,
}

impl<'a> Demand<'a> {
    /// What a request asks for.
    #[must_use]
    pub fn of(request: &'a Request, identity: &'a Identity) -> Self {
        Self { identity, is_one: request.is_one(), told: request.told() }
    }
}

/// Refuses rows that set a column which this caller, or every caller, must leave alone.
///
/// # Errors
/// [`ErrorCode::Forbidden`](super::error::ErrorCode::Forbidden).
pub fn refuse_columns(table: &Table, payload: &Payload, identity: &Identity) -> Result<(), DataError> {
    let Some(policy) = policy_of(table) else { return Ok(()) };
    let sets_one = |columns: &[&str]| payload.columns.iter().any(|column| columns.contains(&column.name));
    let refused = || DataError::forbidden(identity, format!("permission denied for table {}", table.name));
    if sets_one(policy.declared_columns) {
        return Err(refused().hint("PUT /v1/experiments/{id} declares experiments."));
    }
    if !matches!(identity, Identity::Service(_)) && sets_one(policy.service_columns) {
        return Err(refused());
    }
    Ok(())
}

/// Refuses rows of events that are told, by anyone but the service, to happen later than callers' clocks may be ahead; and forks and
/// comparisons that are older than the rows that are kept, since `kept_ms`: one that was removed for its age and comes again would
/// be counted as removed twice.
///
/// # Errors
/// [`ErrorCode::Check`](super::error::ErrorCode::Check).
pub fn refuse_untimely(
    table: &Table,
    payload: &Payload,
    identity: &Identity,
    (kept_ms, now_ms): (i64, i64),
) -> Result<(), DataError> {
    let Some(column) = policy_of(table).and_then(|policy| policy.happened) else { return Ok(()) };
    let is_service = matches!(identity, Identity::Service(_));
    let latest_ms = if is_service { i64::MAX } else { now_ms + EVENT_FUTURE_MS };
    let earliest_ms = if table.name == PROMPT_EVENTS.name { kept_ms } else { i64::MIN };
    let at_ms = |row: &Vec<String>| timestamp_to_ms(payload.value(row, column)?.trim_matches('"'));
    let mut times = payload.rows.iter().filter_map(at_ms);
    let Some(untimely_ms) = times.find(|at_ms| !(earliest_ms..=latest_ms).contains(at_ms)) else { return Ok(()) };
    let (what, hint) = if untimely_ms > latest_ms {
        ("ahead", "It may be five minutes ahead. Or leave it out.")
    } else {
        ("too old", "Rows are kept for EVENT_RETENTION_DAYS. Or leave it out.")
    };
    let message = format!("new row for relation \"{}\" has a {column} that is {what}", table.name);
    Err(DataError::new(ErrorCode::Check, message).hint(hint))
}

/// Changes the rows that satisfy the conditions.
#[must_use]
pub fn update(table: &'static Table, payload: &Payload, conditions: &[Condition], demand: Demand<'_>) -> Write {
    let json = payload.json();
    let rule = allowed(table, Action::Update, demand.identity);
    let set = |column: &Column| payload.rows.first().and_then(|row| payload.value(row, column.name)).map(str::len);
    let rows = Matching { table, rule, conditions, set: &set, changed_bytes: json.len() };
    let columns: Vec<&str> = payload.columns.iter().map(|column| column.name).collect();
    let is_new_judged = rows.rule.reads(&columns);
    let push_refused = |statement: &mut Statement, alias: &str| {
        if !is_new_judged {
            statement.push("0");
            return;
        }
        statement.push("coalesce(sum(not coalesce(");
        rows.rule.push(
            statement,
            &mut |statement, name| match payload.columns.iter().find(|column| column.name == name) {
                Some(column) => push_first(statement, &json, column.name, column.kind),
                None => _ = statement.push(alias).push(".").push(name),
            },
        );
        statement.push(", 0)), 0)");
    };
    let mut check = Statement::default();
    let alias = check.alias();
    check.push("select ");
    push_refused(&mut check, &alias);
    check.push(" as c0, count(*) as c1, 0 as c2, ");
    push_bytes(&mut check, &alias, demand.told, &set);
    check.push(" as c3, count(*) * ").push(&json.len().to_string()).push(" as c4 from ");
    rows.push(&mut check, &alias);
    let mut write = Statement::new("update ");
    let (alias, judged) = (write.alias(), write.alias());
    write.push(table.name).push(" as ").push(&alias).push(" set ");
    push_list(&mut write, payload.all_columns(), |write, column| {
        write.push(column.name).push(" = ");
        push_first(write, &json, column.name, column.kind);
    });
    write.push(" where (select ");
    push_refused(&mut write, &judged);
    write.push(" = 0");
    rows.push_possible(&mut write, &judged, demand);
    write.push(") and ");
    rows.push_tests(&mut write, &alias);
    Write { check, gives_rows: demand.told.is_some(), shape: push_told(&mut write, table, demand.told), write }
}

/// Removes the rows that satisfy the conditions.
#[must_use]
pub fn delete(table: &'static Table, conditions: &[Condition], demand: Demand<'_>) -> Write {
    let rule = allowed(table, Action::Delete, demand.identity);
    let rows = Matching { table, rule, conditions, set: &|_| None, changed_bytes: 0 };
    let mut check = Statement::new("select 0 as c0, count(*) as c1, 0 as c2, ");
    let alias = check.alias();
    push_bytes(&mut check, &alias, demand.told, rows.set);
    check.push(" as c3, 0 as c4 from ");
    rows.push(&mut check, &alias);
    let mut write = Statement::new("delete from ");
    let (alias, judged) = (write.alias(), write.alias());
    write.push(table.name).push(" as ").push(&alias).push(" where (select 1");
    rows.push_possible(&mut write, &judged, demand);
    write.push(") and ");
    rows.push_tests(&mut write, &alias);
    Write { check, gives_rows: demand.told.is_some(), shape: push_told(&mut write, table, demand.told), write }
}

/// The rows of a table that a caller may write and that satisfy the conditions.
struct Matching<'a> {
    table: &'static Table,
    rule: Allowed,
    conditions: &'a [Condition],
    /// The bytes of the values that are set in each of them.
    set: &'a dyn Fn(&Column) -> Option<usize>,
    /// The bytes by which each of them is changed.
    changed_bytes: usize,
}

impl Matching<'_> {
    fn push(&self, statement: &mut Statement, alias: &str) {
        statement.push(self.table.name).push(" ").push(alias).push(" where ");
        self.push_tests(statement, alias);
    }

    /// Adds that they can be told as it is demanded, and where they come from.
    fn push_possible(&self, statement: &mut Statement, alias: &str, demand: Demand<'_>) {
        statement.push(if demand.is_one { " and count(*) = 1" } else { "" }).push(" and ");
        push_bytes(statement, alias, demand.told, self.set);
        statement.push(" <= ").push(&ANSWER_BYTES.to_string());
        statement.push(" and count(*) * ").push(&self.changed_bytes.to_string());
        statement.push(" <= ").push(&CHANGED_BYTES.to_string()).push(" from ");
        self.push(statement, alias);
    }

    fn push_tests(&self, statement: &mut Statement, alias: &str) {
        self.rule.push_on(statement, alias);
        if !self.conditions.is_empty() {
            statement.push(" and ");
            statement.push_balanced(self.conditions, " and ", &mut |statement, condition| {
                push_condition(statement, condition, &mut |statement, _, push| push(statement, alias));
            });
        }
    }
}

/// Adds what is told of written rows, if anything is.
fn push_told(statement: &mut Statement, table: &Table, told: Option<&Query>) -> Shape {
    told.map_or_else(Shape::default, |told| push_returning(statement, table, Some(told)))
}

/// Adds what is told of written rows: their keys, and the columns that are asked for.
pub(super) fn push_returning(statement: &mut Statement, table: &Table, told: Option<&Query>) -> Shape {
    let mut shape = Shape::default();
    let mut cells: Vec<&str> = Vec::new();
    let mut push = |statement: &mut Statement, name: &'static str| {
        let known = cells.iter().position(|cell| *cell == name);
        known.unwrap_or_else(|| {
            let (separator, place) = (if cells.is_empty() { " returning " } else { ", " }, cells.len());
            statement.push(separator).push(name).push(" as c").push(&place.to_string());
            cells.push(name);
            place
        })
    };
    for name in table.key {
        push(statement, name);
    }
    for field in told.iter().flat_map(|told| &told.fields) {
        if let Part::Column(column) = field.part {
            shape.fields.push((field.name.clone(), Slot::Cell(push(statement, column.name), column.kind)));
        }
    }
    shape
}

/// Adds a value of the row that `json_each` is at.
pub(super) fn push_value(statement: &mut Statement, name: &str, kind: Kind) {
    push_member(statement, &mut |statement| _ = statement.push("r.value"), name, kind);
}

/// Adds a value of the one row of an update.
fn push_first(statement: &mut Statement, json: &str, name: &str, kind: Kind) {
    push_member(statement, &mut |statement| _ = statement.push("(").bind_text(json).push(" -> 0)"), name, kind);
}

fn push_member(statement: &mut Statement, object: &mut dyn FnMut(&mut Statement), name: &str, kind: Kind) {
    let is_json = matches!(kind, Kind::Json | Kind::TextArray);
    statement.push(if is_json { "nullif(" } else { "" });
    object(statement);
    statement.push(if is_json { " -> '" } else { " ->> '" }).push(name);
    statement.push(if is_json { "', 'null')" } else { "'" });
}

/// Adds parts with commas between them.
pub(super) fn push_list<T>(
    statement: &mut Statement,
    parts: impl Iterator<Item = T>,
    mut push: impl FnMut(&mut Statement, T),
) {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            statement.push(", ");
        }
        push(statement, part);
    }
}
