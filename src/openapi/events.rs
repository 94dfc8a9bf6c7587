//! Events, and the routes that take them.

use serde_json::{Map, Value, json};

use super::EXAMPLE_ID;
use super::operation::{Caller, JSON, Operation};
use super::schema::{
    asked, count, described, flag, integer, key, list, nullable, one_of, properties, reference, text, told, told_with,
    uuid, whole, with,
};
use crate::counting::stats::named;
use crate::counting::tally::Tally;
use crate::http::problem::Code;
use crate::http::route::Endpoint;
use crate::limits::{
    BATCH_EVENTS, ERROR_MESSAGE_BYTES, EVENT_ID_CHARS, GENERATION_TIME_MS, KEY_CHARS, METRIC_CHARS, METRIC_VALUE,
    OBJECT_FIELDS,
};

const TAG: &str = "events";

/// The schemas of events and of what is answered to them.
pub(super) fn schemas() -> Map<String, Value> {
    let event = ["ViewEvent", "ForkEvent", "ComparisonEvent", "UsageEvent", "ExperimentEvent"].map(reference);
    properties([
        ("Event", json!({"description": "Something that happened. Other fields are not looked at.", "anyOf": event})),
        ("ViewEvent", view_event()),
        ("ForkEvent", fork_event()),
        ("ComparisonEvent", comparison_event()),
        ("UsageEvent", usage(&["type", "prompt_id"])),
        ("Usage", usage(&["prompt_id"])),
        ("ExperimentEvent", experiment_event()),
        ("Events", submission("Event")),
        ("Usages", submission("Usage")),
        ("BatchAnswer", batch_answer()),
        ("Queued", told([("queued", described(count(), "Events that are stored after the answer."))])),
        ("Shorthand", shorthand()),
        ("Counted", counted()),
    ])
}

/// An event: fields of its own, and those that every event may have.
fn event<const N: usize>(required: &[&str], fields: [(&str, Value); N]) -> Value {
    let mut schema = with(asked(required, fields), "maxProperties", OBJECT_FIELDS);
    let id = "The sender's name of the event, under which it is counted once for at least 24 hours.";
    let shared = properties([
        ("id", described(nullable(key(EVENT_ID_CHARS)), id)),
        ("timestamp", described(nullable(integer()), "When it happened, in milliseconds since 1970; now, without.")),
    ]);
    if let Some(Value::Object(known)) = schema.get_mut("properties") {
        known.extend(shared);
    }
    schema
}

fn webdriver() -> Value {
    described(nullable(flag()), "What navigator.webdriver says: a browser that a program steers is not counted.")
}

fn view_event() -> Value {
    let visitor = "An opaque name of who looked, which the service may tell.";
    let fields = [
        ("type", one_of(["view", "copy"])),
        ("prompt_id", uuid()),
        ("visitor", described(nullable(key(KEY_CHARS)), visitor)),
        ("webdriver", webdriver()),
    ];
    described(event(&["type", "prompt_id"], fields), "A view or a copy of a prompt.")
}

fn fork_event() -> Value {
    let child = "The prompt that was made.";
    let fields = [
        ("type", json!({"const": "fork"})),
        ("prompt_id", uuid()),
        ("child_prompt_id", described(nullable(uuid()), child)),
    ];
    described(event(&["type", "prompt_id"], fields), "A fork of a prompt. It is a user's.")
}

fn comparison_event() -> Value {
    let comparison = "What the prompts of a comparison have in common.";
    let fields = [
        ("type", json!({"const": "compare_add"})),
        ("prompt_id", uuid()),
        ("comparison_id", described(nullable(key(KEY_CHARS)), comparison)),
    ];
    described(event(&["type", "prompt_id"], fields), "A prompt was put beside others. It is a user's.")
}

fn usage(required: &[&str]) -> Value {
    let name = || nullable(key(KEY_CHARS));
    let kind = json!({"const": "usage"});
    let fields = [
        ("type", if required.contains(&"type") { kind } else { json!({"enum": ["usage", null]}) }),
        ("prompt_id", uuid()),
        ("post_id", name()),
        ("character_id", name()),
        ("job_id", name()),
        ("scene", name()),
        ("environment", name()),
        ("outfit", name()),
        ("prompt", nullable(text())),
        ("negative_prompt", nullable(text())),
        ("success", described(nullable(flag()), "Whether something was generated; true, without.")),
        ("generation_time_ms", nullable(whole(0, GENERATION_TIME_MS))),
    ];
    // An error message is told of a failure.
    let message = format!("Why nothing was generated, in at most {ERROR_MESSAGE_BYTES} bytes of UTF-8.");
    let message = described(json!({"type": "string", "maxLength": ERROR_MESSAGE_BYTES}), message);
    let failed = asked(&["success"], [("success", json!({"const": false})), ("error_message", message)]);
    let other = json!({"properties": {"error_message": {"type": "null"}}});
    with(described(event(required, fields), "A use of a prompt."), "anyOf", json!([failed, other]))
}

fn experiment_event() -> Value {
    let name = || nullable(key(KEY_CHARS));
    let of = |required: &[&str], kinds: &[&str], variant: Value, details: Value| {
        let fields = [
            ("type", one_of(kinds.iter().copied())),
            ("experiment_id", key(KEY_CHARS)),
            ("session_id", key(KEY_CHARS)),
            ("variant_key", variant),
            ("project_id", name()),
            ("view_id", name()),
            ("properties", nullable(details)),
        ];
        event(required, fields)
    };
    let any = json!({"type": "object"});
    let measured = asked(
        &["metric"],
        [
            ("metric", key(METRIC_CHARS)),
            (
                "value",
                nullable(json!({"type": "number", "minimum": -f64::from(METRIC_VALUE), "maximum": METRIC_VALUE})),
            ),
        ],
    );
    let unmeasured = json!({"type": "object", "properties": {"metric": {"type": "null"}}});
    let conversion = json!({"anyOf": [measured, unmeasured]});
    json!({
        "description": "Something that happened in a session of an experiment.",
        "anyOf": [
            of(&["type", "experiment_id", "session_id", "variant_key"], &["exposure"], key(KEY_CHARS), any.clone()),
            of(&["type", "experiment_id", "session_id"], &["pageview"], name(), any),
            of(&["type", "experiment_id", "session_id"], &["conversion"], name(), conversion),
        ],
    })
}

/// One event, an array of them, or an object with such an array.
fn submission(event: &str) -> Value {
    let element = json!({"anyOf": [reference(event), {"description": "What is no event is told in `rejected`."}]});
    let events = with(list(element), "maxItems", BATCH_EVENTS);
    let named = asked(&["events"], [("events", events.clone()), ("type", json!({"type": "null"}))]);
    json!({"anyOf": [reference(event), events, with(named, "maxProperties", OBJECT_FIELDS)]})
}

fn batch_answer() -> Value {
    let rejection = told([
        ("index", described(count(), "Its place in the batch, from 0.")),
        ("code", described(text(), "The stable name of what is wrong.")),
        ("detail", text()),
    ]);
    told([
        ("accepted", described(count(), "Events that are stored.")),
        ("duplicates", described(count(), "Events whose id was stored before.")),
        ("rejected", described(list(rejection), "Events that are not stored.")),
    ])
}

fn shorthand() -> Value {
    let fields = [
        ("visitor", nullable(key(KEY_CHARS))),
        ("webdriver", webdriver()),
        ("comparison_id", nullable(key(KEY_CHARS))),
    ];
    with(asked(&[], fields), "maxProperties", OBJECT_FIELDS)
}

/// The counts of a prompt, by the names that readers know.
pub(super) fn counts() -> Vec<(&'static str, Value)> {
    named(&Tally::default()).into_iter().map(|(name, _)| (name, count())).collect()
}

fn counted() -> Value {
    let duplicate = described(flag(), "Whether the id had been counted before: then nothing changed.");
    let mut schema = told_with([("promptId", uuid()), ("duplicate", duplicate)], []);
    for (name, count) in counts() {
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.push(name.into());
        }
        schema["properties"][name] = count;
    }
    schema
}

/// `POST /v1/events` and `POST /v1/usage`.
pub(super) fn submit(endpoint: Endpoint) -> Operation {
    let example = json!([{"id": "a1", "type": "view", "prompt_id": EXAMPLE_ID}]);
    if endpoint == Endpoint::Usage {
        let operation = Operation::new("postUsage", TAG, "Tells how uses of prompts went").description(
            "A user and the service may tell uses; each of somebody else is in `rejected`. Nothing is lost if storage \
            fails: what was not stored is in `rejected`, too.",
        );
        let operation = idempotent(operation).refusals(&[Code::IdempotencyKeyReused]);
        let example = json!([{"prompt_id": EXAMPLE_ID, "scene": "shell", "generation_time_ms": 1840}]);
        return submission_answers(operation, "Usages", &example);
    }
    let operation = Operation::new("postEvents", TAG, "Counts and records events").description(
        "One event, an array, or an object with `events`. A bad event in an array never spoils its neighbours; a body \
        that is one bad event is refused. A 200 is durable.",
    );
    submission_answers(operation, "Events", &example)
}

fn submission_answers(operation: Operation, schema: &str, example: &Value) -> Operation {
    let content = json!({"schema": reference(schema), "examples": {"batch": {"value": example}}});
    let text = json!({"schema": reference(schema)});
    let operation = queueing(operation.body(true, &[(JSON, content), ("text/plain", text)]))
        .answer(200, "What became of the events.", reference("BatchAnswer"))
        .refusals(&[Code::InvalidLength, Code::InvalidValue, Code::InvalidUuid, Code::MissingField])
        .refusals(&[Code::UnknownType, Code::TooManyEvents, Code::RateLimited]);
    dropping(operation)
}

/// An operation that may answer before it has stored anything.
fn queueing(operation: Operation) -> Operation {
    let preferred = json!({"type": "string", "examples": ["respond-async"]});
    operation
        .query("ack", "When to answer: once it is stored, or at once.", one_of(["durable", "async"]))
        .header("Prefer", "With respond-async the answer comes at once (RFC 7240).", preferred)
        .answer(202, "It is stored after the answer.", reference("Queued"))
        .answer_header(202, "Preference-Applied", "What was preferred.", json!({"const": "respond-async"}))
        .refusals(&[Code::InvalidValue])
}

/// An operation that does something once under a key.
pub(super) fn idempotent(operation: Operation) -> Operation {
    let schema = json!({"type": "string", "minLength": 1, "maxLength": EVENT_ID_CHARS});
    let text = "Names the request: sent again under it, it does nothing more. It has no control character.";
    operation.header("Idempotency-Key", text, schema).refusals(&[Code::InvalidLength, Code::InvalidValue])
}

/// An operation that tells why events were no views and no copies.
fn dropping(operation: Operation) -> Operation {
    let reasons = json!({"type": "string", "pattern": "^(bot|headless|prefetch)(, (bot|headless|prefetch))*$"});
    let text = "Why views and copies were counted apart.";
    operation.answer_header(200, "X-Promptmeter-Dropped", text, reasons.clone()).answer_header(
        202,
        "X-Promptmeter-Dropped",
        text,
        reasons,
    )
}

/// `POST /v1/prompts/{id}/view`, `…/copy` and `…/compare`.
pub(super) fn shorthand_of(endpoint: Endpoint) -> Operation {
    let (id, summary, caller) = match endpoint {
        Endpoint::View => ("postView", "Counts a view", Caller::Anyone),
        Endpoint::Copy => ("postCopy", "Counts a copy", Caller::Anyone),
        _ => ("postCompare", "Records that the prompt was put beside others", Caller::User),
    };
    let content = json!({"schema": reference("Shorthand"), "examples": {"empty": {"value": {}}}});
    let text = json!({"schema": reference("Shorthand")});
    let operation = super::figures::of_prompt(Operation::new(id, TAG, summary).by(caller))
        .body(false, &[(JSON, content), ("text/plain", text)])
        .answer(200, "The counts, with this one.", reference("Counted"))
        .refusals(&[Code::InvalidLength, Code::IdempotencyKeyReused, Code::RateLimited]);
    dropping(queueing(idempotent(operation)))
}
