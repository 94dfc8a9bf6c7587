//! What a prompt comes from, what was made of it, and what it was compared with.

use serde_json::{Map, Value, json};

use super::events::counts;
use super::figures::{TAG, next_cursor, of_prompt, with_limit};
use super::operation::Operation;
use super::schema::{add_told, count, described, list, nullable, properties, reference, text, told, uuid, whole, with};
use crate::ancestry::request::{DEFAULT_BREADTH, DEFAULT_DEPTH};
use crate::compared;
use crate::http::problem::Code;
use crate::limits::{LINEAGE_BREADTH, LINEAGE_DEPTH, LINEAGE_NODES};

/// The schemas of lineages, and of what was compared.
pub(super) fn schemas() -> Map<String, Value> {
    properties([
        ("Place", place()),
        ("PlaceWithForks", place_with_forks()),
        ("Lineage", lineage_answer()),
        ("Compared", compared_answer()),
    ])
}

/// A prompt in a lineage, or a place that the caller may not see.
fn place_of(seen_more: &[(&str, Value)], hidden_more: &[(&str, Value)]) -> Value {
    let credited = json!({"type": "object", "required": counts().iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "properties": counts().into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect::<Map<_, _>>()});
    let mut seen = told([
        ("id", uuid()),
        ("slug", nullable(text())),
        ("title", text()),
        ("credited", described(credited, "What all its descendants were counted for.")),
        ("children", count()),
        ("privateChildren", count()),
        ("descendants", count()),
    ]);
    let mut hidden = told([("id", json!({"type": "null"})), ("hidden", json!({"const": true}))]);
    for (name, count) in counts() {
        add_told(&mut seen, name, count);
    }
    for (schema, more) in [(&mut seen, seen_more), (&mut hidden, hidden_more)] {
        for (name, field) in more {
            add_told(schema, name, field.clone());
        }
    }
    json!({"anyOf": [seen, hidden]})
}

fn place() -> Value {
    place_of(&[], &[])
}

fn place_with_forks() -> Value {
    let forks = [("forks", list(reference("PlaceWithForks"))), ("next_cursor", next_cursor())];
    place_of(&forks, &forks)
}

fn lineage_answer() -> Value {
    let first = told([("prompt", reference("PlaceWithForks")), ("ancestors", list(reference("Place")))]);
    let next = told([("forks", list(reference("PlaceWithForks"))), ("next_cursor", next_cursor())]);
    json!({"anyOf": [first, next]})
}

/// `GET /v1/prompts/{id}/lineage`.
pub(super) fn lineage() -> Operation {
    let operation = Operation::new("getLineage", TAG, "Tells what a prompt comes from, and the tree of its forks")
        .description(format!("At most {LINEAGE_NODES} forks; where more are left, `next_cursor` gives the next."));
    of_prompt(operation)
        .query("depth", "Levels of forks.", with(whole(1, LINEAGE_DEPTH), "default", DEFAULT_DEPTH))
        .query("breadth", "Forks of each prompt.", with(whole(1, LINEAGE_BREADTH), "default", DEFAULT_BREADTH))
        .query("cursor", "A next_cursor of a lineage.", text())
        .answer(200, "The lineage, or the next forks of a place.", reference("Lineage"))
        .refusals(&[Code::InvalidValue])
}

fn compared_answer() -> Value {
    let prompt = told([("id", uuid()), ("slug", nullable(text())), ("title", text()), ("comparisons", count())]);
    told([("promptId", uuid()), ("prompts", list(prompt))])
}

/// `GET /v1/prompts/{id}/compared`.
pub(super) fn compared() -> Operation {
    let summary = "Tells the prompts that were most often in the same comparison";
    with_limit(of_prompt(Operation::new("getCompared", TAG, summary)), compared::DEFAULT_LIMIT).answer(
        200,
        "The prompts, the most often compared first.",
        reference("Compared"),
    )
}
