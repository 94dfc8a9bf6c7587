//! The functions of the data dialect: a path for each.

use serde_json::{Value, json};

use super::EXAMPLE_ID;
use super::events::idempotent;
use super::operation::{JSON, Operation};
use super::schema::{asked, closed, described, list, nullable, reference, text, uuid, with};
use crate::data::tables::PROMPT_TEMPLATES;
use crate::limits::PAGE_ROWS;
use crate::rest::error::ErrorCode;

const TAG: &str = "functions";

/// Errors that a call may end in.
const CALLING: &[ErrorCode] = &[
    ErrorCode::Unsupported,
    ErrorCode::UnknownSchema,
    ErrorCode::UnsupportedPreference,
    ErrorCode::UnknownFunction,
    ErrorCode::OutOfRange,
    ErrorCode::InvalidText,
    ErrorCode::InvalidCharacter,
    ErrorCode::InvalidBody,
    ErrorCode::NotNull,
];

/// The call of a function, with this method.
pub(super) fn operation(name: &str, arguments: &[&str], method: &str) -> Operation {
    match (name, method) {
        ("get_popular_templates", _) => read(name, method),
        (_, "GET") => refused(name, arguments),
        _ => count(name, arguments),
    }
}

/// A call that would write, with a method that only reads.
fn refused(name: &str, arguments: &[&str]) -> Operation {
    let operation = Operation::new(format!("get_{name}"), TAG, "Is refused: the function writes, so call it with POST")
        .header("Accept-Profile", "The schema.", json!({"const": "public"}));
    let operation = arguments.iter().fold(operation, |operation, argument| {
        operation.parameter(json!({"name": argument, "in": "query", "required": true, "schema": uuid()}))
    });
    operation.errors(CALLING).errors(&[ErrorCode::ReadOnly])
}

fn count(name: &str, arguments: &[&str]) -> Operation {
    let (summary, is_somebodys) = match name {
        "increment_prompt_views" => ("Counts a view", false),
        "increment_prompt_copies" => ("Counts a copy", false),
        "increment_fork_count" => ("Claims a fork that is counted, or counts one", true),
        "increment_likes_count" => ("Likes a template; again, it changes nothing", true),
        _ => ("Counts a use of a template", false),
    };
    let fields = arguments.iter().map(|argument| ((*argument).to_owned(), uuid()));
    let body =
        json!({"type": "object", "required": arguments, "properties": fields.collect::<serde_json::Map<_, _>>()});
    let example: Value = arguments.iter().map(|argument| ((*argument).to_owned(), Value::from(EXAMPLE_ID))).collect();
    let content = json!({"schema": closed(body), "examples": {"one": {"value": example}}});
    let operation = Operation::new(name, TAG, summary)
        .header("Content-Profile", "The schema.", json!({"const": "public"}))
        .body(true, &[(JSON, content)])
        .empty(204, "It is done, or there is nothing that it could be done to.")
        .errors(CALLING)
        .errors(&[ErrorCode::UnsupportedMediaType, ErrorCode::RateLimited]);
    let operation = match name {
        "increment_prompt_views" | "increment_prompt_copies" => {
            // The key was used for another event.
            idempotent(operation).error(422, ErrorCode::InvalidBody).answer_header(
                204,
                "X-Promptmeter-Dropped",
                "Why it was counted apart.",
                text(),
            )
        }
        "increment_fork_count" => idempotent(operation),
        _ => operation,
    };
    if is_somebodys {
        operation.error(401, ErrorCode::Forbidden).error(401, ErrorCode::CredentialRequired)
    } else {
        operation
    }
}

fn read(name: &str, method: &str) -> Operation {
    let limit = || with(json!({"type": "integer", "minimum": -(1_i64 << 53), "maximum": 1_i64 << 53}), "default", 10);
    let limit_text = format!("How many at the most, up to {PAGE_ROWS}.");
    let operation = Operation::new(
        format!("{}_{name}", method.to_ascii_lowercase()),
        TAG,
        "The most liked templates, then the most used",
    );
    let operation = if method == "GET" {
        operation
            .header("Accept-Profile", "The schema.", json!({"const": "public"}))
            .query("limit_count", &limit_text, limit())
            .query("category_filter", "Of this category.", text())
    } else {
        let fields = [
            ("limit_count", described(nullable(limit()), limit_text)),
            ("category_filter", described(json!({}), "A text; other JSON is taken as it is written.")),
        ];
        let content = json!({"schema": closed(asked(&[], fields)), "examples": {"all": {"value": {}}}});
        operation
            .header("Content-Profile", "The schema.", json!({"const": "public"}))
            .body(false, &[(JSON, content)])
            .errors(&[ErrorCode::UnsupportedMediaType])
    };
    operation
        .response(
            200,
            json!({"description": "The templates.", "content": {
                JSON: {"schema": list(reference(PROMPT_TEMPLATES.name))},
                "application/vnd.pgrst.object+json": {"schema": reference(PROMPT_TEMPLATES.name)},
                "text/csv": {"schema": text()},
            }}),
        )
        .answer_header(200, "Content-Range", "Which rows these are.", text())
        .errors(CALLING)
        .errors(&[ErrorCode::NotAcceptable, ErrorCode::NotOneRow])
}
