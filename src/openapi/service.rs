//! What the service may ask, and whether the worker answers.

use serde_json::{Map, Value, json};

use super::figures::{next_cursor, paged};
use super::operation::{Caller, JSON, Operation};
use super::schema::{
    asked, closed, count, described, instant_ms, integer, key, list, nullable, properties, reference, text, told,
    told_with, uuid, whole, with,
};
use crate::experiments::runs;
use crate::health::check::Status;
use crate::http::problem::Code;
use crate::limits::{
    EXPORT_CALLS, IMPORT_LINE_BYTES, IMPORT_REFUSALS_LISTED, KEY_CHARS, LEAST_EXPORT_CALLS, RETRACTED_PROMPTS,
};
use crate::retraction;
use crate::verification::page;

const TAG: &str = "service";

/// The schemas of what the service is told.
pub(super) fn schemas() -> Map<String, Value> {
    properties([
        ("Health", health_answer()),
        ("ImportReport", import_report()),
        ("Verification", verification()),
        ("Retraction", retraction_request()),
        ("Retracted", retracted()),
        ("Runs", runs_answer()),
    ])
}

/// `GET /healthz`.
pub(super) fn health() -> Operation {
    Operation::new("getHealth", TAG, "Tells whether the instance is well, and what is wrong in words")
        .answer(200, "Requests are answered.", reference("Health"))
        .answer(503, "Requests cannot be answered.", reference("Health"))
}

fn health_answer() -> Value {
    let names = [Status::Ok, Status::Degraded, Status::Failing].map(Status::name);
    let status = || json!({"enum": names});
    told([("status", status()), ("checks", list(told([("name", text()), ("status", status()), ("detail", text())])))])
}

fn import_report() -> Value {
    let rows = || with(told([("prompts", count()), ("prompt_events", count())]), "additionalProperties", count());
    let refusal = told_with(
        [("line", json!({"type": "integer", "minimum": 1})), ("code", text()), ("detail", text())],
        [("pointer", text())],
    );
    let verified = described(count(), "Lines that were compared with the digest behind them, and are as exported.");
    told_with(
        [
            ("imported", rows()),
            ("repeated", rows()),
            ("refused_count", count()),
            ("refused", with(list(refusal), "maxItems", IMPORT_REFUSALS_LISTED)),
        ],
        [("verified_lines", verified)],
    )
}

/// `POST /v1/import`.
pub(super) fn import() -> Operation {
    let example = "{\"table\": \"prompts\", \"row\": {\"id\": \"00000000-0000-4000-8000-000000000001\", \"user_id\": \
        \"00000000-0000-4000-8000-000000000002\", \"title\": \"Haiku\", \"template\": \"A haiku\"}}\n";
    let description = format!("Lines of JSON, each of a table and a row, of at most {IMPORT_LINE_BYTES} bytes.");
    let lines = json!({"type": "string", "description": description});
    let content = json!({"schema": lines, "examples": {"prompt": {"value": example}}});
    Operation::new("postImport", TAG, "Takes rows of another system, or an export")
        .description("A bad line never spoils its neighbours; importing again does nothing more.")
        .by(Caller::Service)
        .body(true, &[("application/x-ndjson", content)])
        .answer(200, "What became of the lines.", reference("ImportReport"))
}

/// `GET /v1/export`.
pub(super) fn export() -> Operation {
    let lines =
        described(text(), "Lines of JSON, each of a table and a row; the last one tells how many, and their SHA-256.");
    let content = json!({"application/x-ndjson": {"schema": lines}});
    let calls = with(whole(LEAST_EXPORT_CALLS, EXPORT_CALLS), "default", EXPORT_CALLS);
    Operation::new("getExport", TAG, "Tells all that is kept, as lines that an import takes")
        .by(Caller::Service)
        .query("cursor", "The next of the last line of the part before.", text())
        .query("calls", "How many pages and counters one part asks for at the most.", calls)
        .response(200, json!({"description": "The lines.", "content": content}))
        .refusals(&[Code::InvalidValue])
}

fn verification() -> Value {
    let events =
        told([("view", count()), ("copy", count()), ("fork", count()), ("compare_add", count()), ("usage", count())]);
    let difference =
        told([("prompt_id", nullable(uuid())), ("check", text()), ("expected", integer()), ("found", integer())]);
    told([
        ("prompts", count()),
        ("events", events),
        ("pending", count()),
        ("rankings_pending", count()),
        ("differences", list(difference)),
        ("next_cursor", next_cursor()),
    ])
}

/// `GET /v1/admin/verify`.
pub(super) fn verify() -> Operation {
    let summary = "Compares what is told of prompts with what it is told of";
    paged(Operation::new("getVerification", TAG, summary).by(Caller::Service), page::DEFAULT_LIMIT).answer(
        200,
        "What differs.",
        reference("Verification"),
    )
}

fn retraction_request() -> Value {
    let prompts = json!({"type": ["array", "null"], "items": text(), "minItems": 1, "maxItems": RETRACTED_PROMPTS});
    let address = json!({"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "ipv6"}, {"const": "unknown"}]});
    let null = || json!({"type": "null"});
    let source = |required: &[&str], ip: Value, visitor: Value| {
        closed(asked(required, [("ip", ip), ("visitor", visitor), ("prompt_ids", prompts.clone())]))
    };
    json!({
        "description": "Whose counts are taken back: those of an address, or of a visitor as the service names one.",
        "anyOf": [source(&["ip"], address, null()), source(&["visitor"], null(), key(KEY_CHARS))],
    })
}

fn retracted() -> Value {
    let taken = || told([("views", count()), ("copies", count()), ("visits", count()), ("unique_visitors", count())]);
    told([
        ("prompts", count()),
        ("retracted", list(told([("prompt_id", uuid()), ("taken", taken())]))),
        ("sum", taken()),
        ("next_cursor", nullable(next_cursor())),
    ])
}

/// `POST /v1/admin/retract`.
pub(super) fn retract() -> Operation {
    let content = json!({"schema": reference("Retraction"), "examples": {"address": {"value": {"ip": "203.0.113.7"}}}});
    let summary = "Takes back what a source added to the counts in the last 48 hours";
    paged(Operation::new("postRetraction", TAG, summary).by(Caller::Service), retraction::DEFAULT_LIMIT)
        .body(true, &[(JSON, content)])
        .answer(200, "What was taken back.", reference("Retracted"))
        .refusals(&[Code::InvalidLength, Code::InvalidValue, Code::MissingField, Code::UnknownPrompt])
}

fn runs_answer() -> Value {
    let run = told([
        ("id", count()),
        ("started_ms", instant_ms()),
        ("finished_ms", described(nullable(instant_ms()), "Null while it runs, and for ever if it was cut off.")),
        ("events_read", count()),
        ("rows_written", count()),
        ("error", described(nullable(text()), "What it failed of.")),
    ]);
    told([("runs", list(run)), ("next_cursor", next_cursor())])
}

/// `GET /v1/admin/runs`.
pub(super) fn runs() -> Operation {
    let summary = "Tells which runs of the rollup had something to do, the latest first";
    paged(Operation::new("getRuns", TAG, summary).by(Caller::Service), runs::DEFAULT_LIMIT).answer(
        200,
        "The runs.",
        reference("Runs"),
    )
}

/// `GET /v1/admin/series`.
pub(super) fn totals() -> Operation {
    let summary = "Tells how often something was counted of all prompts, by hours or days";
    super::series::of_all(Operation::new("getTotals", TAG, summary).by(Caller::Service))
}

/// `GET /v1/admin/metrics`.
pub(super) fn metrics() -> Operation {
    let content = json!({"text/plain": {"schema": text()}});
    Operation::new("getMetrics", TAG, "Tells what the instance did since it started, for Prometheus")
        .by(Caller::Service)
        .response(200, json!({"description": "The readings, in the text format 0.0.4.", "content": content}))
}
