//! Conditions as SQL.

use super::query::{Comparison, Condition, Test};
use crate::data::schema::Column;
use crate::json::json_text;
use crate::search::text_query::TextQuery;
use crate::sql::statement::{Statement, Value};

/// Writes a test of a column, given the name of the table in the statement.
pub type PushTest<'a> = dyn FnMut(&mut Statement, &str) + 'a;

/// Writes a test of a column: of the row, or of the embedded row at a place. The last argument writes the test itself.
pub type PushOn<'a> = dyn FnMut(&mut Statement, Option<usize>, &mut PushTest<'_>) + 'a;

/// Adds a condition; `on` finds the table that a test is about.
pub fn push_condition(statement: &mut Statement, condition: &Condition, on: &mut PushOn<'_>) {
    push(statement, condition, false, on);
}

fn push(statement: &mut Statement, condition: &Condition, is_negated: bool, on: &mut PushOn<'_>) {
    match condition {
        Condition::Test(embed, column, test) => {
            on(statement, *embed, &mut |statement, alias| push_test(statement, alias, column, test, is_negated));
        }
        Condition::Not(inner) => {
            statement.push("not (");
            push(statement, inner, true, on);
            statement.push(")");
        }
        Condition::All(conditions) => push_joined(statement, conditions, (" and ", "1"), is_negated, on),
        Condition::Any(conditions) => push_joined(statement, conditions, (" or ", "0"), is_negated, on),
    }
}

fn push_joined(
    statement: &mut Statement,
    conditions: &[Condition],
    (separator, none): (&str, &str),
    is_negated: bool,
    on: &mut PushOn<'_>,
) {
    if conditions.is_empty() {
        statement.push(none);
    }
    statement.push_balanced(conditions, separator, &mut |statement, condition| {
        push(statement, condition, is_negated, on);
    });
}

/// Adds a test of a column of `alias`.
fn push_test(statement: &mut Statement, alias: &str, column: &Column, test: &Test, is_negated: bool) {
    let mut name = |statement: &mut Statement| _ = statement.push(alias).push(".").push(column.name);
    match test {
        Test::Compare(comparison, value) => {
            name(statement);
            statement.push(operator(*comparison)).bind(value.clone());
        }
        Test::Like(pattern) => pattern.push(statement, &mut name),
        Test::In(values) => {
            let list: Vec<_> = values.iter().map(Value::json).collect();
            name(statement);
            statement.push(" in (select value from json_each(").bind_text(json_text(&list)).push("))");
        }
        Test::IsNull => {
            name(statement);
            statement.push(" is null");
        }
        Test::Is(value) => {
            name(statement);
            statement.push(if *value { " is 1" } else { " is 0" });
        }
        // A null has no words, and does not lack any. Where nothing is negated the two come to the same.
        Test::Search(query) if is_negated || query.negates() => {
            statement.push("iif(");
            name(statement);
            statement.push(" is null, null, ");
            push_search(statement, alias, column, query);
            statement.push(")");
        }
        Test::Search(query) => push_search(statement, alias, column, query),
    }
}

fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => " = ",
        Comparison::NotEqual => " <> ",
        Comparison::Greater => " > ",
        Comparison::GreaterOrEqual => " >= ",
        Comparison::Less => " < ",
        Comparison::LessOrEqual => " <= ",
    }
}

/// Adds a search in the index of prompts' words: one look into it for each part in which nothing is negated.
fn push_search(statement: &mut Statement, alias: &str, column: &Column, query: &TextQuery) {
    if let Some(matching) = query.matching(column.name) {
        statement.push(alias).push(".rowid in (select rowid from prompt_search where prompt_search match ");
        statement.bind_text(matching).push(")");
        return;
    }
    match query {
        TextQuery::Not(inner) => {
            statement.push("not (");
            push_search(statement, alias, column, inner);
            statement.push(")");
        }
        TextQuery::All(parts) => push_searches(statement, alias, column, parts, " and "),
        TextQuery::Any(parts) => push_searches(statement, alias, column, parts, " or "),
        TextQuery::Phrase(_) => {}
    }
}

/// Adds searches; without any, what nothing satisfies.
fn push_searches(statement: &mut Statement, alias: &str, column: &Column, parts: &[TextQuery], separator: &str) {
    if parts.is_empty() {
        statement.push("0");
    }
    statement.push_balanced(parts, separator, &mut |statement, part| push_search(statement, alias, column, part));
}
