//! The tables of the data dialect: a path for each, from the description of the tables and the policy table.

use serde_json::{Map, Value, json};

use super::operation::{JSON, Operation};
use super::schema::{described, flag, integer, list, nullable, reference, text, timestamp, uuid, with};
use crate::data::policy::{Action, Rule, policy_of};
use crate::data::schema::{Check, Column, Default, Kind, Table};
use crate::limits::{ORDER_COLUMNS, READ_ROWS, WRITTEN_ROWS};
use crate::rest::condition::OPERATORS;
use crate::rest::error::ErrorCode;
use crate::rest::preference::Format;

/// Errors that reading what is asked for may end in.
const READING: &[ErrorCode] = &[
    ErrorCode::Unsupported,
    ErrorCode::UnknownSchema,
    ErrorCode::NotAcceptable,
    ErrorCode::NotEmbedded,
    ErrorCode::NotOneRow,
    ErrorCode::UnsupportedPreference,
    ErrorCode::NoRelation,
    ErrorCode::OutOfRange,
    ErrorCode::InvalidDatetime,
    ErrorCode::InvalidEscape,
    ErrorCode::InvalidText,
    ErrorCode::InvalidCharacter,
    ErrorCode::InvalidSearch,
    ErrorCode::UnknownColumn,
];

/// Errors that writing may end in.
const WRITING: &[ErrorCode] = &[
    ErrorCode::InvalidBody,
    ErrorCode::UnsupportedMediaType,
    ErrorCode::UnknownPayloadColumn,
    ErrorCode::Cardinality,
    ErrorCode::TooLong,
    ErrorCode::NotNull,
    ErrorCode::ForeignKey,
    ErrorCode::Unique,
    ErrorCode::Check,
    ErrorCode::Forbidden,
    ErrorCode::InvalidConflictTarget,
];

/// The schemas of the rows of a table: as they are told, made and changed.
pub(super) fn schemas(table: &Table) -> [(String, Value); 3] {
    let told = table.columns.iter().map(|column| (column.name.to_owned(), cell(column)));
    let told = json!({"type": "object", "properties": told.collect::<Map<_, _>>()});
    let sent: Map<String, Value> = table.columns.iter().map(|column| (column.name.to_owned(), value(column))).collect();
    let required = table.columns.iter().filter(|column| !column.nullable && column.default == Default::Null);
    let required: Vec<&str> = required.map(|column| column.name).collect();
    let changes = json!({"type": "object", "properties": sent, "additionalProperties": false});
    let text = "A row, or as much of it as select asks for.";
    [
        (table.name.to_owned(), described(told, text)),
        (format!("new_{}", table.name), with(changes.clone(), "required", required)),
        (format!("changed_{}", table.name), changes),
    ]
}

/// What a column holds, as it is told.
fn cell(column: &Column) -> Value {
    let schema = match column.kind {
        Kind::Uuid => uuid(),
        Kind::Text => text(),
        Kind::Integer => integer(),
        Kind::Boolean => flag(),
        Kind::Timestamp => timestamp(),
        Kind::Json => return json!({}),
        Kind::TextArray => list(nullable(text())),
    };
    if column.nullable { nullable(schema) } else { schema }
}

/// What a column may be set to.
fn value(column: &Column) -> Value {
    // No text of PostgreSQL has the character U+0000.
    let text = || with(text(), "pattern", "^[^\\u0000]*$");
    let schema = match (column.kind, column.check) {
        (Kind::Text, Check::Characters(longest) | Check::NoUuid(longest)) => with(text(), "maxLength", longest),
        (Kind::Text, Check::Key(longest)) => with(with(text(), "minLength", 1), "maxLength", longest),
        (Kind::Text, Check::Any) => text(),
        (Kind::TextArray, _) => list(nullable(text())),
        _ => return cell(column),
    };
    if column.nullable { nullable(schema) } else { schema }
}

/// Each operation on the rows of a table, by its method.
pub(super) fn operation(table: &Table, method: &str) -> Operation {
    match method {
        "POST" => insert(table),
        "PATCH" => update(table),
        "DELETE" => delete(table),
        _ => read(table),
    }
}

fn read(table: &Table) -> Operation {
    let name = table.name;
    let operation = Operation::new(format!("read_{name}"), "rows", &format!("Reads rows of {name}"));
    let range = json!({"type": "string", "pattern": "^(items=)?[0-9]{1,9}-[0-9]{0,9}$", "examples": ["0-9"]});
    let operation = selecting(operation.description(allowed(table, Action::Select)), table)
        .header("Range", "Which rows, counted from 0: 0-9, or 10-.", range)
        .header("Accept-Profile", "The schema.", json!({"const": "public"}));
    let operation =
        preferring(conditions(paging(operation), table), &["count=exact", "count=planned", "count=estimated"]);
    with_rows(with_rows(operation, table, 200), table, 206).errors(READING).errors(&[ErrorCode::InvalidRange])
}

fn insert(table: &Table) -> Operation {
    let name = table.name;
    let operation = Operation::new(format!("insert_{name}"), "rows", &format!("Makes rows of {name}"));
    let row = || reference(&format!("new_{name}"));
    let rows = json!({"anyOf": [row(), with(list(row()), "maxItems", WRITTEN_ROWS)]});
    let preferences =
        ["resolution=merge-duplicates", "resolution=ignore-duplicates", "missing=default", "missing=null"];
    let operation = writing(operation.description(allowed(table, Action::Insert)), table, &preferences)
        .query("columns", "The columns that are set; those that every row has, without.", text())
        .query("on_conflict", "The columns by which rows are the same, for a resolution.", text())
        .body(true, &[(JSON, json!({"schema": rows}))]);
    let operation = with_rows(with_rows(operation, table, 201), table, 200);
    let is_limited = policy_of(table).is_some_and(|policy| policy.happened.is_some());
    if is_limited { operation.errors(&[ErrorCode::RateLimited]) } else { operation }
}

fn update(table: &Table) -> Operation {
    let name = table.name;
    let operation = Operation::new(format!("update_{name}"), "rows", &format!("Changes rows of {name}"));
    let operation = writing(operation.description(allowed(table, Action::Update)), table, &[])
        .query("columns", "The columns that are set; those of the body, without.", text())
        .body(true, &[(JSON, json!({"schema": reference(&format!("changed_{name}"))}))]);
    written(conditions(operation, table), table)
}

fn delete(table: &Table) -> Operation {
    let name = table.name;
    let operation = Operation::new(format!("delete_{name}"), "rows", &format!("Removes rows of {name}"));
    let operation = writing(operation.description(allowed(table, Action::Delete)), table, &[]);
    written(conditions(operation, table), table)
}

fn written(operation: Operation, table: &Table) -> Operation {
    with_rows(operation, table, 200).empty(204, "It is done.").answer_header(
        204,
        "Content-Range",
        "How many rows were written.",
        text(),
    )
}

/// What all writes have: nobody may do without a credential what only some may do.
fn writing(operation: Operation, table: &Table, preferences: &[&str]) -> Operation {
    let returned = ["return=minimal", "return=representation", "count=exact", "count=planned", "count=estimated"];
    let preferences: Vec<&str> = returned.iter().chain(preferences).copied().collect();
    preferring(selecting(operation, table), &preferences)
        .header("Content-Profile", "The schema.", json!({"const": "public"}))
        .errors(READING)
        .errors(WRITING)
        .error(401, ErrorCode::Forbidden)
}

fn selecting(operation: Operation, table: &Table) -> Operation {
    let columns = names(table);
    let order = format!(
        "^({columns})(\\.(asc|desc))?(\\.(nullsfirst|nullslast))?(,({columns})(\\.(asc|desc))?(\\.(nullsfirst|nullslast))?){{0,{}}}$",
        ORDER_COLUMNS - 1
    );
    let select = with(text(), "examples", json!(["*"]));
    let order = json!({"type": "string", "anyOf": [{"pattern": order}, {"description": "By a column of an embedded row: table(column)."}]});
    operation
        .query("select", "What is told of a row: columns, aliases (alias:column), embedded tables (table(*)).", select)
        .query("order", "By what rows are ordered: column.desc.nullslast, with commas between several.", order)
}

fn names(table: &Table) -> String {
    table.column_names().collect::<Vec<_>>().join("|")
}

fn paging(operation: Operation) -> Operation {
    let whole = || json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    operation.query("limit", &format!("How many rows, of which {READ_ROWS} are given at the most."), whole()).query(
        "offset",
        "How many rows are left out before them.",
        whole(),
    )
}

/// A condition on each column, and groups of them.
fn conditions(operation: Operation, table: &Table) -> Operation {
    let operators = OPERATORS.iter().filter(|operator| **operator != "not").copied().collect::<Vec<_>>().join("|");
    let pattern = format!("^(not\\.)?({operators})(\\(english\\))?\\.");
    let operation = table.columns.iter().fold(operation, |operation, column| {
        let schema = json!({"type": "string", "pattern": pattern, "examples": ["is.null"]});
        operation.query(column.name, "A condition: operator.value.", schema)
    });
    ["and", "or", "not.and", "not.or"].into_iter().fold(operation, |operation, name| {
        let schema = json!({"type": "string", "pattern": "^\\s*\\("});
        operation.query(name, "Conditions in parentheses: (column.operator.value,…).", schema)
    })
}

fn preferring(operation: Operation, preferences: &[&str]) -> Operation {
    let known = format!("({})", preferences.join("|"));
    let pattern = format!("^({known}(, ?{known})*)?$");
    let schema = json!({"type": "string", "pattern": pattern, "examples": preferences.get(..1)});
    let text = format!("What is preferred: {}, with commas between several.", preferences.join(", "));
    operation.header("Prefer", &text, schema)
}

/// An answer with rows: 201 when they were made, 206 when they are not all that were counted.
fn with_rows(operation: Operation, table: &Table, status: u16) -> Operation {
    let row = || reference(table.name);
    let essence = |format: Format| format.media_type().split(';').next().unwrap_or_default().to_owned();
    let content: Map<String, Value> = [
        (essence(Format::Array), json!({"schema": list(row())})),
        (essence(Format::Object), json!({"schema": row()})),
        (essence(Format::Csv), json!({"schema": text()})),
    ]
    .into_iter()
    .collect();
    operation
        .response(status, json!({"description": "The rows, where they are asked for.", "content": content}))
        .answer_header(status, "Content-Range", "Which rows these are, and of how many: 0-9/*.", text())
}

/// Who may do this, in words.
fn allowed(table: &Table, action: Action) -> String {
    let policy = policy_of(table);
    if policy.is_some_and(|policy| policy.is_read_only) && action != Action::Select {
        return "Nobody may: it is a view.".to_owned();
    }
    let rules = policy.map(|policy| policy.rules(action)).unwrap_or_default();
    if rules.is_empty() {
        return "The service may.".to_owned();
    }
    let rules: Vec<String> = rules.iter().map(in_words).collect();
    format!("Rows where {}; the service may all.", rules.join(", or "))
}

fn in_words(rule: &Rule) -> String {
    match rule {
        Rule::Own(column) => format!("{column} is the user who asks"),
        Rule::True(column) => format!("{column} is true"),
        Rule::Parent(column, action) => {
            let action = match action {
                Action::Select => "read",
                Action::Insert => "make",
                Action::Update => "change",
                Action::Delete => "remove",
            };
            format!("the caller may {action} what {column} refers to")
        }
        Rule::All(rules) => rules.iter().map(in_words).collect::<Vec<_>>().join(" and "),
    }
}
