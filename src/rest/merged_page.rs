//! Pages of rows that any of several rules lets a caller see.
//!
//! An index finds the rows of one rule in the order that is asked for, and none finds those of two: for a page of ten,
//! SQLite would read all rows that the caller may see, and sort them. So each rule's rows are found along its own
//! index, and merged until the page is full.

use super::condition_sql::push_condition;
use super::page_sql::push_direction;
use super::query::{Condition, Query};
use crate::data::policy::Action;
use crate::http::identity::Identity;
use crate::sql::predicate::{Allowed, allowed};
use crate::sql::statement::{Statement, Value};

/// Bytes of conditions beyond which they are written once, and not for each rule: a statement must not become too long.
const CONDITION_BYTES: usize = 4096;

/// A page, as the keys of its rows and of those before it.
pub(super) struct MergedPage<'a> {
    query: &'a Query,
    /// Those of which a row satisfies at least one.
    rules: Vec<Allowed>,
    key: &'static str,
    /// The place of the page's last row.
    end: i64,
}

impl<'a> MergedPage<'a> {
    /// The page that `query` asks for, if it is one that is to be merged: it is ordered, several rules let rows pass,
    /// no condition finds its rows by itself, and each row says itself whether it belongs to the page.
    pub(super) fn of(query: &'a Query, identity: &Identity) -> Option<Self> {
        let ([key], Some(limit)) = (query.table.key, query.limit) else { return None };
        let is_of_embedded = query.order.iter().any(|order| order.embed.is_some())
            || query.conditions.iter().any(Condition::is_on_embedded)
            || query.embeds().any(|(_, embed)| embed.is_inner);
        let is_selective = query.conditions.iter().any(Condition::is_selective);
        let rules = allowed(query.table, Action::Select, identity).rules();
        let is_merged = rules.len() > 1 && !query.order.is_empty() && !is_selective && !is_of_embedded;
        let page = Self { query, rules, key, end: limit.saturating_add(query.offset) };
        (is_merged && page.condition_bytes() <= CONDITION_BYTES).then_some(page)
    }

    /// Adds that a row of `alias` is on the page or before it.
    pub(super) fn push(&self, statement: &mut Statement, alias: &str) {
        statement.push(alias).push(".").push(self.key).push(" in (select c0 from (");
        for (place, rule) in self.rules.iter().enumerate() {
            statement.push(if place > 0 { " union all " } else { "" });
            let row = statement.alias();
            self.push_columns(statement, &row);
            statement.push(" from ").push(self.query.table.name).push(" ").push(&row).push(" where ");
            rule.push_on(statement, &row);
            for earlier in self.rules.iter().take(place) {
                statement.push(" and ");
                earlier.push_on(statement, &row);
                statement.push(" is not 1");
            }
            self.push_conditions(statement, &row);
        }
        let mut separator = " order by ";
        for (place, order) in self.query.order.iter().enumerate() {
            statement.push(separator).push("c").push(&(place + 1).to_string());
            push_direction(statement, order);
            separator = ", ";
        }
        statement.push(", c0 limit ").bind(Value::Integer(self.end)).push("))");
    }

    /// Adds the key of a row, and what rows are ordered by: a compound is ordered by columns of its result.
    fn push_columns(&self, statement: &mut Statement, row: &str) {
        statement.push("select ").push(row).push(".").push(self.key).push(" as c0");
        for (place, order) in self.query.order.iter().enumerate() {
            statement.push(", ").push(row).push(".").push(order.column.name);
            statement.push(" as c").push(&(place + 1).to_string());
        }
    }

    fn push_conditions(&self, statement: &mut Statement, row: &str) {
        if !self.query.conditions.is_empty() {
            statement.push(" and ");
            statement.push_balanced(&self.query.conditions, " and ", &mut |statement, condition| {
                push_condition(statement, condition, &mut |statement, _, push| push(statement, row));
            });
        }
    }

    fn condition_bytes(&self) -> usize {
        let mut text = Statement::default();
        self.push_conditions(&mut text, "t0");
        text.text().len()
    }
}
