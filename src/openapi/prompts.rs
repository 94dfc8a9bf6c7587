//! Prompts that callers make.

use serde_json::{Map, Value, json};

use super::events::idempotent;
use super::operation::{Caller, JSON, Operation};
use super::schema::{
    asked, closed, described, flag, key, list, nullable, properties, reference, text, told, uuid, whole, with,
};
use crate::data::tables::{PROMPT_ANSWERS, PROMPTS};
use crate::http::problem::Code;
use crate::limits::{KEY_CHARS, LINEAGE_PROMPTS, PROMPT_ANSWERS as MOST_ANSWERS, STORED_ROW_BYTES, TAGS_BYTES};

const TAG: &str = "prompts";

/// The schemas of prompts as they are made and told.
pub(super) fn schemas() -> Map<String, Value> {
    let answers = told([("answers", list(reference(PROMPT_ANSWERS.name)))]);
    let made = json!({"allOf": [reference(PROMPTS.name), answers]});
    properties([("NewPrompt", new_prompt()), ("MadePrompt", made)])
}

fn new_prompt() -> Value {
    let answer = closed(asked(
        &["question", "answer"],
        [
            ("id", nullable(uuid())),
            ("question", text()),
            ("answer", text()),
            ("position", nullable(whole(i32::MIN.into(), i32::MAX.into()))),
        ],
    ));
    let answers = with(list(answer), "maxItems", MOST_ANSWERS);
    let tags = described(list(text()), format!("As JSON at most {TAGS_BYTES} bytes."));
    let instant = || nullable(json!({"type": "string", "format": "date-time"}));
    let fields = [
        ("id", nullable(uuid())),
        ("slug", described(nullable(key(KEY_CHARS)), "A readable name, unique; no UUID.")),
        ("user_id", described(nullable(uuid()), "The owner: the user who asks, or whom the service names.")),
        ("title", text()),
        ("goal", nullable(text())),
        ("template", text()),
        ("variables", described(json!({}), "Any JSON.")),
        ("negative_prompt", nullable(text())),
        ("category", nullable(key(KEY_CHARS))),
        ("tags", nullable(tags)),
        ("is_public", described(nullable(flag()), "Whether others may see it; false, without.")),
        ("is_active", described(nullable(flag()), "Whether it is in use; true, without.")),
        ("forked_from", nullable(uuid())),
        ("created_at", instant()),
        ("updated_at", instant()),
        ("answers", nullable(answers)),
    ];
    described(closed(asked(&["title", "template"], fields)), format!("At most {STORED_ROW_BYTES} bytes of texts."))
}

/// `POST /v1/prompts`.
pub(super) fn create() -> Operation {
    let example = json!({"title": "Haiku", "template": "A haiku on ${topic}", "is_public": true,
        "answers": [{"question": "For whom?", "answer": "For everybody"}]});
    let content = json!({"schema": reference("NewPrompt"), "examples": {"haiku": {"value": example}}});
    let operation = Operation::new("postPrompt", TAG, "Makes a prompt with its answers")
        .by(Caller::Known)
        .body(true, &[(JSON, content)])
        .refusals(&[Code::InvalidUuid, Code::InvalidTimestamp, Code::UnknownColumn, Code::MissingField])
        .refusals(&[Code::ServiceRequired, Code::Conflict]);
    made(operation)
}

/// `POST /v1/prompts/{id}/fork`.
pub(super) fn fork() -> Operation {
    let operation =
        Operation::new("postFork", TAG, "Copies a prompt under its new owner, with the event and the count");
    let text = format!("The prompt must be active, and its line of forks shorter than {LINEAGE_PROMPTS} prompts.");
    let operation = super::figures::of_prompt(operation.description(text).by(Caller::User));
    let operation = operation.refusals(&[Code::Conflict, Code::InvalidUtf8, Code::NestingTooDeep, Code::InvalidJson]);
    made(operation.refusals(&[Code::RateLimited]))
}

/// What answers with a prompt that was made.
fn made(operation: Operation) -> Operation {
    let operation = idempotent(operation)
        .answer(201, "The prompt, with its answers.", reference("MadePrompt"))
        .answer_header(201, "Location", "The prompt's path.", text())
        .refusals(&[Code::IdempotencyKeyReused, Code::UnknownPrompt]);
    let id = || json!({"id": "$response.body#/id"});
    [
        "getStats",
        "getBadge",
        "getSeries",
        "getFunnel",
        "getLineage",
        "getCompared",
        "getScenes",
        "postView",
        "postCopy",
        "postCompare",
        "postFork",
    ]
    .into_iter()
    .fold(operation, |operation, next| operation.link(201, next, id()))
}
