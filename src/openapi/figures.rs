//! What is told of prompts.

use serde_json::{Map, Value, json};

use super::EXAMPLE_ID;
use super::events::counts;
use super::operation::Operation;
use super::schema::{
    count, described, integer, key, limit, list, nullable, number, one_of, properties, reference, text, timestamp,
    told, uuid, with,
};
use crate::badge::color::Color;
use crate::badge::drawing::{MEDIA_TYPE as BADGE_TYPE, Style};
use crate::badge::metric::BadgeMetric;
use crate::http::problem::Code;
use crate::limits::{BADGE_LABEL_CHARS, KEY_CHARS, PAGE_ROWS, SEARCH_CHARS, STATS_PROMPTS};
use crate::live::counts::MEDIA_TYPE as LIVE_TYPE;
use crate::rankings::list::{List, Span, WINDOWS_BY_NAME};
use crate::rankings::page as ranking_page;
use crate::search::request as search_request;

pub(super) const TAG: &str = "figures";

/// The schemas of figures.
pub(super) fn schemas() -> Map<String, Value> {
    properties([
        ("Stats", stats()),
        ("StatsPage", told([("stats", list(reference("Stats")))])),
        ("RankedPrompts", ranked_prompts()),
        ("Scenes", scenes()),
        ("Templates", templates()),
    ])
}

/// The same object, where figures that have no value are null and there is a reason.
pub(super) fn reasoned(mut schema: Value) -> Value {
    schema["properties"]["reason"] = described(text(), "Why a figure is null.");
    schema
}

/// What tells where the next page begins.
pub(super) fn next_cursor() -> Value {
    described(nullable(text()), "What to send as cursor to get the next page; null at the end.")
}

/// An operation on a prompt that the caller may see.
pub(super) fn of_prompt(operation: Operation) -> Operation {
    let name = json!({"type": "string", "minLength": 1, "examples": [EXAMPLE_ID]});
    let text = format!("The prompt's id, or its slug of at most {KEY_CHARS} characters.");
    operation.path_id(&text, name).refusals(&[Code::UnknownPrompt])
}

/// An operation that tells a page of a list.
pub(super) fn paged(operation: Operation, default: i64) -> Operation {
    with_limit(operation, default)
        .query("cursor", "The next_cursor of the page before.", text())
        .refusals(&[Code::InvalidValue])
}

pub(super) fn with_limit(operation: Operation, default: i64) -> Operation {
    operation.query("limit", "How many a page has at the most.", limit(default)).refusals(&[Code::InvalidValue])
}

/// What is told of a prompt's counts and uses.
fn stats() -> Value {
    let mut schema = told([
        ("promptId", uuid()),
        ("likeCount", count()),
        ("uniqueVisitors", count()),
        ("visitCount", count()),
        ("totalUsage", count()),
        ("successCount", count()),
        ("failureCount", count()),
        ("successRate", described(nullable(json!({"type": "number", "minimum": 0, "maximum": 100})), "In percent.")),
        ("avgGenerationTimeMs", nullable(number())),
        ("lastUsedAt", nullable(timestamp())),
    ]);
    for (name, count) in counts() {
        schema["properties"][name] = count;
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            required.push(name.into());
        }
    }
    schema
}

/// `GET /v1/prompts/{id}/stats`.
pub(super) fn stats_of_one() -> Operation {
    of_prompt(Operation::new("getStats", TAG, "Tells a prompt's counts, from the counter itself, and its uses")).answer(
        200,
        "The counts.",
        reference("Stats"),
    )
}

/// `GET /v1/prompts/{id}/badge.svg`.
pub(super) fn badge() -> Operation {
    let names = BadgeMetric::ALL.map(|(_, name, _)| name);
    let styles = Style::ALL.map(|(_, name)| name);
    // What is empty is not given.
    let or_empty = |names: &[&str]| one_of(names.iter().copied().chain([""]));
    let colors = json!({"type": "string", "examples": ["brightgreen", "1f6feb"], "anyOf": [
        {"pattern": "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"},
        or_empty(&Color::NAMED.map(|(name, _)| name)),
    ]});
    let picture = json!({BADGE_TYPE: {"schema": text()}});
    let operation = of_prompt(Operation::new("getBadge", TAG, "Draws one of a prompt's counts, as SVG"))
        .query("metric", "The count; view, without.", or_empty(&names))
        .query(
            "label",
            "What stands before it; by the count, without.",
            json!({"type": "string", "maxLength": BADGE_LABEL_CHARS}),
        )
        .query("style", "How it looks; flat, without.", or_empty(&styles))
        .query("color", "What the count stands on, a name or digits (also as colour); blue, without.", colors)
        .response(200, json!({"description": "The badge.", "content": picture}))
        .refusals(&[Code::InvalidValue, Code::InvalidLength]);
    kept(operation)
}

/// `GET /v1/prompts/{id}/live`.
pub(super) fn live() -> Operation {
    let text_of_events = "The counts as they are, and whenever they have moved: at most once a second. The stream ends \
        after some 15 minutes.";
    let stream =
        json!({LIVE_TYPE: {"schema": described(text(), "Events whose data is JSON (HTML, server-sent events).")}});
    of_prompt(Operation::new("getLive", TAG, "Tells a prompt's counts as they move").description(text_of_events))
        .header("Last-Event-ID", "What the caller was told last: then it is told only what is new.", text())
        .response(200, json!({"description": "The events.", "content": stream}))
        .refusals(&[Code::TooManyListeners])
}

/// `GET /v1/prompts/stats`.
pub(super) fn stats_of_many() -> Operation {
    // One name is enough; what is none, or too long for one, is passed over, and so are blanks around it.
    let (blank, most) = (r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000", KEY_CHARS - 2);
    let name = format!("(^|,)[{blank}]*[^,{blank}]([^,]{{0,{most}}}[^,{blank}])?[{blank}]*(,|$)");
    let names = with(list(text()), "contains", json!({"pattern": name}));
    let ids = json!({
        "name": "ids", "in": "query", "required": true, "style": "form", "explode": false,
        "description": format!("Ids and slugs of at most {STATS_PROMPTS} prompts, with commas between them."),
        "schema": names, "example": [EXAMPLE_ID],
    });
    let operation =
        Operation::new("getStatsOfMany", TAG, "Tells the counts of many prompts, from snapshots at most 10 s old")
            .parameter(ids)
            .answer(200, "The counts of those that the caller may see.", reference("StatsPage"))
            .refusals(&[Code::InvalidValue]);
    kept(operation)
}

/// An operation whose answer may be kept, and asked for again only if it changed.
fn kept(operation: Operation) -> Operation {
    let tag = json!({"type": "string", "pattern": "^\"[0-9a-f]{16}\"$"});
    let operation = operation
        .header("If-None-Match", "Entity tags that the caller knows.", text())
        .empty(304, "The caller knows the answer.");
    [200, 304].into_iter().fold(operation, |operation, status| {
        operation
            .answer_header(status, "ETag", "Changes with the answer.", tag.clone())
            .answer_header(status, "Cache-Control", "How long the answer may be kept.", text())
            .answer_header(status, "Vary", "What else the answer is of.", text())
    })
}

fn ranked_prompts() -> Value {
    let mut prompt = told([
        ("id", uuid()),
        ("slug", nullable(text())),
        ("title", text()),
        ("category", nullable(text())),
        ("created_at", timestamp()),
    ]);
    prompt["properties"]["score"] = described(number(), "Of the trend: what the prompt's visits are worth.");
    prompt["properties"]["success_rate"] = described(nullable(number()), "Of used prompts, in percent.");
    for list in List::ALL {
        let names = list.names();
        for name in [names.count].into_iter().chain(names.beside.map(|beside| beside.count)) {
            prompt["properties"][name] = count();
        }
    }
    told([
        ("list", one_of(List::ALL.map(|list| list.names().name))),
        ("window", one_of(windows())),
        ("prompts", list(prompt)),
        ("next_cursor", next_cursor()),
    ])
}

fn windows() -> impl Iterator<Item = &'static str> {
    WINDOWS_BY_NAME.iter().map(|window| window.name).chain([Span::All.name()])
}

/// `GET /v1/prompts/top/{list}`.
pub(super) fn top() -> Operation {
    let operation = Operation::new("getTop", TAG, "Tells which public, active prompts are ahead")
        .path_id("The list.", one_of(List::ALL.map(|list| list.names().name)))
        .query("window", "The time that it looks back on.", with(one_of(windows()), "default", Span::All.name()));
    paged(operation, ranking_page::DEFAULT_LIMIT).answer(
        200,
        "The prompts, the first first.",
        reference("RankedPrompts"),
    )
}

fn scenes() -> Value {
    let time = || nullable(count());
    let scene = told([
        ("scene", nullable(text())),
        ("usageCount", count()),
        ("avgTimeMs", nullable(number())),
        ("successRate", described(nullable(number()), "In percent.")),
    ]);
    told([
        ("promptId", uuid()),
        ("usageCount", count()),
        ("p50TimeMs", time()),
        ("p95TimeMs", time()),
        ("scenes", list(scene)),
        ("next_cursor", next_cursor()),
    ])
}

/// `GET /v1/prompts/{id}/usage/scenes`.
pub(super) fn uses_by_scene() -> Operation {
    let operation = of_prompt(Operation::new("getScenes", TAG, "Tells a prompt's uses by scene"));
    paged(operation, PAGE_ROWS).answer(200, "The uses.", reference("Scenes"))
}

fn templates() -> Value {
    let html = || json!({"type": "string", "contentMediaType": "text/html"});
    let highlights = told([("title", html()), ("goal", nullable(html())), ("template", html())]);
    let template = told([
        ("id", uuid()),
        ("prompt_id", uuid()),
        ("title", text()),
        ("goal", nullable(text())),
        ("category", nullable(text())),
        ("tags", nullable(list(nullable(text())))),
        ("likes_count", integer()),
        ("uses_count", integer()),
        ("created_at", timestamp()),
        ("highlights", described(highlights, "HTML: escaped, with mark around what was found.")),
    ]);
    told([("templates", list(template)), ("next_cursor", next_cursor())])
}

/// `GET /v1/templates/search`.
pub(super) fn search() -> Operation {
    let bounded = |longest: usize| json!({"type": "string", "maxLength": longest});
    let operation = Operation::new("getTemplates", TAG, "Finds templates, the best first")
        .query("q", "What to look for, in title, goal, template and tags.", bounded(SEARCH_CHARS))
        .query("category", "The category, as it is spelt.", bounded(KEY_CHARS))
        .query("tag", "A tag, as it is spelt.", bounded(KEY_CHARS));
    paged(operation, search_request::DEFAULT_LIMIT)
        .answer(200, "The templates.", reference("Templates"))
        .refusals(&[Code::InvalidLength])
}

/// The key of a variant or of an experiment in a parameter.
pub(super) fn key_parameter() -> Value {
    key(KEY_CHARS)
}
