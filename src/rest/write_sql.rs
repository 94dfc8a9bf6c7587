//! Writes as SQL. Statements of one transaction: what stands in the way is counted first, and the write is done only
//! where nothing does; so a refused write fails no transaction, and the answer can say why.

use super::condition_sql::push_condition;
use super::error::{DataError, ErrorCode};
use super::payload::Payload;
use super::query::{Condition, Part, Query};
use super::request::Request;
use super::rows::{Shape, Slot};
use crate::data::policy::{Action, policy_of};
use crate::data::schema::{Kind, Table};
use crate::http::identity::Identity;
use crate::limits::{ANSWER_BYTES, EVENT_FUTURE_MS};
use crate::sql::predicate::{Allowed, allowed};
use crate::sql::statement::Statement;
use crate::time::timestamp_to_ms;

/// A write: its statements, which belong into one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Counts the rows that may not be written (`c0`), those that were asked for (`c1`), those of them that are there
    /// already (`c2`), and the bytes of their texts that are told (`c3`).
    pub check: Statement,
    /// Writes them, unless some may not, or one was asked for and it is another number.
    pub write: Statement,
    /// How the cells of the written rows are told; their keys come first.
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

/// Refuses rows of events that are told, by anyone but the service, to happen later than callers' clocks may be ahead.
///
/// # Errors
/// [`ErrorCode::Check`](super::error::ErrorCode::Check).
pub fn refuse_ahead(table: &Table, payload: &Payload, identity: &Identity, now_ms: i64) -> Result<(), DataError> {
    let happened = policy_of(table).and_then(|policy| policy.happened);
    let Some(column) = happened.filter(|_| !matches!(identity, Identity::Service(_))) else { return Ok(()) };
    let at_ms = |row: &Vec<String>| timestamp_to_ms(payload.value(row, column)?.trim_matches('"'));
    if payload.rows.iter().filter_map(at_ms).any(|at_ms| at_ms > now_ms + EVENT_FUTURE_MS) {
        let message = format!("new row for relation \"{}\" has a {column} that is ahead", table.name);
        return Err(DataError::new(ErrorCode::Check, message).hint("It may be five minutes ahead. Or leave it out."));
    }
    Ok(())
}

/// Changes the rows that satisfy the conditions.
#[must_use]
pub fn update(table: &'static Table, payload: &Payload, conditions: &[Condition], demand: Demand<'_>) -> Write {
    let json = payload.json();
    let rule = allowed(table, Action::Update, demand.identity);
    let rows = Matching { table, rule, conditions, more_bytes: json.len() };
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
    push_bytes(&mut check, &alias, demand.told, rows.more_bytes);
    check.push(" as c3 from ");
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
    let shape = push_returning(&mut write, table, demand.told);
    Write { check, write, shape }
}

/// Removes the rows that satisfy the conditions.
#[must_use]
pub fn delete(table: &'static Table, conditions: &[Condition], demand: Demand<'_>) -> Write {
    let rule = allowed(table, Action::Delete, demand.identity);
    let rows = Matching { table, rule, conditions, more_bytes: 0 };
    let mut check = Statement::new("select 0 as c0, count(*) as c1, 0 as c2, ");
    let alias = check.alias();
    push_bytes(&mut check, &alias, demand.told, rows.more_bytes);
    check.push(" as c3 from ");
    rows.push(&mut check, &alias);
    let mut write = Statement::new("delete from ");
    let (alias, judged) = (write.alias(), write.alias());
    write.push(table.name).push(" as ").push(&alias).push(" where (select 1");
    rows.push_possible(&mut write, &judged, demand);
    write.push(") and ");
    rows.push_tests(&mut write, &alias);
    let shape = push_returning(&mut write, table, demand.told);
    Write { check, write, shape }
}

/// The rows of a table that a caller may write and that satisfy the conditions.
struct Matching<'a> {
    table: &'static Table,
    rule: Allowed,
    conditions: &'a [Condition],
    /// Bytes that each of them may have more when it is written.
    more_bytes: usize,
}

impl Matching<'_> {
    fn push(&self, statement: &mut Statement, alias: &str) {
        statement.push(self.table.name).push(" ").push(alias).push(" where ");
        self.push_tests(statement, alias);
    }

    /// Adds that they can be told as it is demanded, and where they come from.
    fn push_possible(&self, statement: &mut Statement, alias: &str, demand: Demand<'_>) {
        statement.push(if demand.is_one { " and count(*) = 1" } else { "" }).push(" and ");
        push_bytes(statement, alias, demand.told, self.more_bytes);
        statement.push(" <= ").push(&ANSWER_BYTES.to_string()).push(" from ");
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

/// Adds how many bytes the large texts have that are told of rows, each of which gets so many `more`.
fn push_bytes(statement: &mut Statement, alias: &str, told: Option<&Query>, more: usize) {
    statement.push("coalesce(sum(").push(&more.to_string());
    for field in told.iter().flat_map(|told| &told.fields) {
        if let Part::Column(column) = field.part
            && column.is_large()
        {
            statement.push(" + coalesce(octet_length(").push(alias).push(".").push(column.name).push("), 0)");
        }
    }
    statement.push("), 0)");
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
