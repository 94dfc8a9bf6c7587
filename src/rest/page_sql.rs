//! Orders and pages as SQL, and the names of the tables that they are told by.

use super::query::{Order, Query};
use crate::sql::statement::{Statement, Value};

/// The names that the tables of a query have in a statement.
pub(super) struct Tables {
    /// That of the query's own table.
    pub(super) alias: String,
    /// Those of the tables of which a row has one at most, by their places among the fields.
    ones: Vec<(usize, Tables)>,
}

impl Tables {
    /// Names for the tables of a query.
    pub(super) fn of(statement: &mut Statement, query: &Query) -> Self {
        let alias = statement.alias();
        let ones = query.embeds().filter(|(_, embed)| embed.is_one);
        let ones = ones.map(|(place, embed)| (place, Self::of(statement, &embed.query))).collect();
        Self { alias, ones }
    }

    /// Those of the embedded table at this place.
    pub(super) fn one(&self, place: usize) -> Option<&Self> {
        self.ones.iter().find(|(known, _)| *known == place).map(|(_, tables)| tables)
    }
}

/// Adds the order of a query. One that is `total` puts each row in one place, also among those that it says nothing of.
pub(super) fn push_order(statement: &mut Statement, query: &Query, tables: &Tables, total: bool) {
    let mut separator = " order by ";
    for order in &query.order {
        let owner = order.embed.and_then(|place| tables.one(place)).unwrap_or(tables);
        statement.push(separator).push(&owner.alias).push(".").push(order.column.name);
        push_direction(statement, order);
        separator = ", ";
    }
    for name in query.table.key.iter().filter(|_| total) {
        statement.push(separator).push(&tables.alias).push(".").push(name);
        separator = ", ";
    }
}

/// Adds which end of a column comes first.
pub(super) fn push_direction(statement: &mut Statement, order: &Order) {
    statement.push(if order.is_descending { " desc" } else { "" });
    // Without nulls it need not be said, and an index serves the order.
    if order.column.nullable || order.embed.is_some() {
        statement.push(if order.nulls_first { " nulls first" } else { " nulls last" });
    }
}

/// The number of tables, on all levels, of which a row may have many.
pub(super) fn many(query: &Query) -> i64 {
    query.embeds().map(|(_, embed)| i64::from(!embed.is_one) + many(&embed.query)).sum()
}

/// Adds the page of a query.
pub(super) fn push_page(statement: &mut Statement, query: &Query) {
    if let Some(limit) = query.limit {
        statement.push(" limit ").bind(Value::Integer(limit));
    }
    if query.offset > 0 {
        statement.push(if query.limit.is_none() { " limit -1 offset " } else { " offset " });
        statement.bind(Value::Integer(query.offset));
    }
}
