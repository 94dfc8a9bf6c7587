//! Inserts and upserts as SQL.

use super::payload::Payload;
use super::preference::Resolution;
use super::query::Query;
use super::told_bytes::{of_new, push_bytes};
use super::write_sql::{Demand, Write, push_list, push_returning, push_value};
use crate::data::policy::Action;
use crate::data::schema::{Column, Table};
use crate::http::identity::Identity;
use crate::limits::ANSWER_BYTES;
use crate::sql::predicate::{Allowed, allowed};
use crate::sql::statement::Statement;

/// Makes rows. `conflict` says what becomes of those whose key, in these columns, is taken.
#[must_use]
pub fn insert(
    table: &'static Table,
    payload: &Payload,
    conflict: Option<(Resolution, &[&str])>,
    demand: Demand<'_>,
) -> Write {
    let json = payload.json();
    let refused = Refused { table, payload, json: &json, conflict, identity: demand.identity };
    let mut check = Statement::new("select (");
    refused.push(&mut check);
    check.push(") as c0, ").push(&payload.rows.len().to_string()).push(" as c1, ");
    match conflict {
        Some((_, key)) => {
            check.push("(select count(*) from ");
            let alias = check.alias();
            refused.push_taken(&mut check, &alias, key);
            check.push(") as c2");
        }
        None => _ = check.push("0 as c2"),
    }
    check.push(", ");
    refused.push_bytes(&mut check, demand.told);
    check.push(" as c3, 0 as c4");
    let mut write = Statement::new("insert into ");
    write.push(table.name).push(" (");
    push_list(&mut write, payload.all_columns(), |write, column| _ = write.push(column.name));
    for (name, _) in table.unlisted {
        write.push(", ").push(name);
    }
    write.push(") select ");
    push_list(&mut write, payload.all_columns(), |write, column| push_value(write, column.name, column.kind));
    for (_, value) in table.unlisted {
        write.push(", ").push(value);
    }
    write.push(" from json_each(").bind_text(&json).push(") r where (");
    refused.push(&mut write);
    write.push(") = 0 and ");
    refused.push_bytes(&mut write, demand.told);
    write.push(" <= ").push(&ANSWER_BYTES.to_string());
    if let Some((resolution, key)) = conflict {
        push_conflict(&mut write, payload, resolution, key);
    }
    let shape = push_returning(&mut write, table, demand.told);
    Write { check, gives_rows: true, shape, write }
}

/// The rows of an insert that may not be written.
struct Refused<'a> {
    table: &'static Table,
    payload: &'a Payload,
    json: &'a str,
    conflict: Option<(Resolution, &'a [&'a str])>,
    identity: &'a Identity,
}

impl Refused<'_> {
    /// Adds their number.
    fn push(&self, statement: &mut Statement) {
        let rule = allowed(self.table, Action::Insert, self.identity);
        match &rule {
            Allowed::All => _ = statement.push("0"),
            Allowed::None => _ = statement.push(&self.payload.rows.len().to_string()),
            Allowed::Some(_) => {
                statement.push("(select count(*) from json_each(").bind_text(self.json).push(") r where not coalesce(");
                rule.push(statement, &mut |statement, name| self.push_new(statement, name));
                statement.push(", 0))");
            }
        }
        if let Some((Resolution::Merge, key)) = self.conflict {
            self.push_not_to_merge(statement, key);
        }
    }

    /// Adds the number of rows that would be written over one that the caller may not change, or not so.
    fn push_not_to_merge(&self, statement: &mut Statement, key: &[&str]) {
        let rule = allowed(self.table, Action::Update, self.identity);
        if matches!(rule, Allowed::All) {
            return;
        }
        statement.push(" + (select count(*) from ");
        let alias = statement.alias();
        self.push_taken(statement, &alias, key);
        statement.push(" where not coalesce(");
        rule.push_on(statement, &alias);
        statement.push(" and ");
        rule.push(statement, &mut |statement, name| {
            if self.payload.columns.iter().any(|column| column.name == name) {
                self.push_new(statement, name);
            } else {
                statement.push(&alias).push(".").push(name);
            }
        });
        statement.push(", 0))");
    }

    /// Adds the rows whose key is taken, joined to those that are there.
    fn push_taken(&self, statement: &mut Statement, alias: &str, key: &[&str]) {
        statement.push("json_each(").bind_text(self.json).push(") r join ").push(self.table.name).push(" ");
        statement.push(alias).push(" on ");
        for (index, column) in key.iter().enumerate() {
            statement.push(if index == 0 { "" } else { " and " }).push(alias).push(".").push(column).push(" = ");
            self.push_new(statement, column);
        }
    }

    /// Adds the bytes in which rows are told: those that are new, and what rows that are there already keep.
    fn push_bytes(&self, statement: &mut Statement, told: Option<&Query>) {
        statement.push("(").push(&of_new(self.payload, told).to_string());
        if let Some((Resolution::Merge, key)) = self.conflict.filter(|_| told.is_some()) {
            statement.push(" + (select ");
            let alias = statement.alias();
            let is_set = |column: &Column| self.payload.columns.iter().any(|set| set.name == column.name).then_some(0);
            push_bytes(statement, &alias, told, &is_set);
            statement.push(" from ");
            self.push_taken(statement, &alias, key);
            statement.push(")");
        }
        statement.push(")");
    }

    fn push_new(&self, statement: &mut Statement, name: &str) {
        match self.payload.all_columns().find(|column| column.name == name) {
            Some(column) => push_value(statement, column.name, column.kind),
            None => _ = statement.push("null"),
        }
    }
}

/// Adds what becomes of a row whose key is taken: the columns that the caller sets are written over those that are there.
fn push_conflict(statement: &mut Statement, payload: &Payload, resolution: Resolution, key: &[&str]) {
    statement.push(" on conflict (").push(&key.join(", ")).push(") do ");
    let touched = payload.defaults.iter().filter(|column| column.name == "updated_at");
    let set = payload.columns.iter().filter(|column| !key.contains(&column.name)).chain(touched);
    let set: Vec<&str> = set.map(|column| column.name).collect();
    match resolution {
        Resolution::Ignore => _ = statement.push("nothing"),
        Resolution::Merge => {
            // Where nothing is set the row is told as it is.
            let same = key.iter().copied().take(usize::from(set.is_empty()));
            statement.push("update set ");
            push_list(statement, set.iter().copied().chain(same), |statement, name| {
                statement.push(name).push(" = excluded.").push(name);
            });
        }
    }
}
