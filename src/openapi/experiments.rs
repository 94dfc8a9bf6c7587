//! Experiments, and what they come down to.

use serde_json::{Map, Value, json};

use super::figures::{key_parameter, next_cursor, paged, reasoned};
use super::operation::{Caller, JSON, Operation};
use super::schema::{
    asked, closed, count, described, flag, fraction, instant_ms, integer, interval, key, list, nullable, number,
    one_of, properties, reference, text, told, told_with, whole, with,
};
use crate::experiments::assignment::Absence;
use crate::http::problem::Code;
use crate::limits::{
    CONVERSION_WINDOW_HOURS, EXPERIMENT_NAME_CHARS, HYPOTHESIS_CHARS, KEY_CHARS, PAGE_ROWS, VARIANT_SESSIONS, VARIANTS,
};
use crate::statistics::ALPHA;

const TAG: &str = "experiments";
const STATUSES: [&str; 3] = ["draft", "running", "stopped"];
const MULTI_VARIANT: [&str; 2] = ["exclude", "first"];

/// The schemas of experiments and of their figures.
pub(super) fn schemas() -> Map<String, Value> {
    properties([
        ("Declaration", declaration()),
        ("Experiment", experiment()),
        ("Assignment", assignment_answer()),
        ("Summary", summary_answer()),
        ("Effect", effect()),
        ("Comparison", comparison()),
        ("RateFigures", rate_figures()),
        ("MeanFigures", mean_figures()),
        ("SampleRatio", sample_ratio()),
        ("Evaluation", evaluation()),
        ("Judgement", judgement()),
        ("Results", results_answer()),
    ])
}

/// A text for people.
fn bounded(longest: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[^\\u0000]+$"})
}

fn declaration() -> Value {
    let variant = closed(asked(&["key"], [("key", key(KEY_CHARS)), ("weight", nullable(fraction()))]));
    let variants = json!({"type": "array", "minItems": 1, "maxItems": VARIANTS, "items": variant});
    let part = json!({"type": "array", "prefixItems": [key(KEY_CHARS), fraction(), fraction()],
        "items": false, "minItems": 3, "maxItems": 3});
    let text = "Its weights come to 1, or none is given. Keys differ. A namespace starts before it ends.";
    let fields = [
        ("project_id", nullable(bounded(KEY_CHARS))),
        ("name", nullable(bounded(EXPERIMENT_NAME_CHARS))),
        ("hypothesis", nullable(bounded(HYPOTHESIS_CHARS))),
        ("variants", variants),
        ("coverage", described(nullable(fraction()), "1, without.")),
        ("seed", described(nullable(key(KEY_CHARS)), "The experiment's id, without.")),
        ("hash_version", described(nullable(whole(1, 2)), "2, without.")),
        ("namespace", json!({"anyOf": [key(KEY_CHARS), part, {"type": "null"}]})),
        ("status", described(nullable(one_of(STATUSES)), "What it is, without; a new one runs.")),
        ("conversion_window_hours", nullable(whole(1, CONVERSION_WINDOW_HOURS))),
        ("multi_variant", described(nullable(one_of(MULTI_VARIANT)), "exclude, without.")),
    ];
    described(closed(asked(&["variants"], fields)), text)
}

fn experiment() -> Value {
    let variant = told([("key", key(KEY_CHARS)), ("weight", fraction())]);
    let part = json!({"type": "array", "items": {"type": ["string", "number"]}, "minItems": 3, "maxItems": 3,
        "description": "Its name, where the part starts, and where it ends."});
    told([
        ("experiment_id", key(KEY_CHARS)),
        ("project_id", nullable(text())),
        ("name", text()),
        ("hypothesis", nullable(text())),
        ("variants", list(variant)),
        ("coverage", fraction()),
        ("seed", text()),
        ("hash_version", whole(1, 2)),
        ("namespace", nullable(part)),
        ("status", one_of(STATUSES)),
        ("conversion_window_hours", nullable(whole(1, CONVERSION_WINDOW_HOURS))),
        ("multi_variant", one_of(MULTI_VARIANT)),
        ("started_ms", nullable(integer())),
        ("stopped_ms", nullable(integer())),
    ])
}

/// An operation on an experiment.
fn of_experiment(operation: Operation) -> Operation {
    operation.path_id("The experiment's id.", with(key_parameter(), "examples", json!(["title"])))
}

/// `PUT /v1/experiments/{id}`.
pub(super) fn declare() -> Operation {
    let example = json!({"variants": [{"key": "short", "weight": 0.5}, {"key": "long", "weight": 0.5}],
        "coverage": 0.8, "status": "running"});
    let content = json!({"schema": reference("Declaration"), "examples": {"title": {"value": example}}});
    let operation = Operation::new("putExperiment", TAG, "Declares an experiment, or changes its declaration")
        .description("A declaration replaces the one before; what it leaves out has its default again.");
    let operation = of_experiment(operation.by(Caller::Service))
        .body(true, &[(JSON, content)])
        .answer(200, "The experiment: changed, or as it was.", reference("Experiment"))
        .answer(201, "The experiment, which is new.", reference("Experiment"))
        .refusals(&[Code::InvalidLength, Code::InvalidValue, Code::MissingField, Code::UnknownColumn])
        .refusals(&[Code::ExperimentRunning, Code::ExperimentOver, Code::InvalidTransition]);
    let id = || json!({"id": "$response.body#/experiment_id"});
    [200, 201].into_iter().fold(operation, |operation, status| {
        ["getAssignment", "getSummary", "getResults", "putExperiment"]
            .into_iter()
            .fold(operation, |operation, next| operation.link(status, next, id()))
    })
}

fn assignment_answer() -> Value {
    let reasons = [Absence::NotRunning, Absence::OutsideNamespace, Absence::OutsideCoverage].map(Absence::name);
    told([
        ("experiment_id", text()),
        ("unit", text()),
        ("in_experiment", flag()),
        ("variant", nullable(text())),
        ("variation", described(nullable(count()), "The place of the variant, from 0.")),
        ("bucket", json!({"type": "number", "minimum": 0, "exclusiveMaximum": 1})),
        ("reason", described(nullable(one_of(reasons)), "Why there is no variant.")),
    ])
}

/// `GET /v1/experiments/{id}/assignment`.
pub(super) fn assignment() -> Operation {
    let unit = json!({"name": "unit", "in": "query", "required": true, "schema": key_parameter(), "example": "s2",
        "description": "Who or what is assigned: the id of a session or of a user."});
    of_experiment(Operation::new("getAssignment", TAG, "Tells which variant a unit has"))
        .parameter(unit)
        .answer(200, "The assignment.", reference("Assignment"))
        .refusals(&[Code::MissingField, Code::InvalidLength, Code::InvalidValue, Code::UnknownExperiment])
}

fn summary_answer() -> Value {
    let row = told([
        ("variant_key", text()),
        ("date", json!({"type": "string", "format": "date"})),
        ("hour", whole(0, 23)),
        ("sessions", count()),
        ("pageviews", count()),
        ("pageview_sessions", count()),
        ("exposures", count()),
        ("exposure_sessions", count()),
        ("conversions", count()),
        ("conversion_sessions", count()),
        ("new_exposed_sessions", count()),
        ("new_converted_sessions", count()),
    ]);
    told([("experiment_id", text()), ("rows", list(row)), ("next_cursor", next_cursor())])
}

/// `GET /v1/experiments/{id}/summary`.
pub(super) fn summary() -> Operation {
    let operation = Operation::new("getSummary", TAG, "Tells an experiment's hourly rows").by(Caller::Service);
    let operation = of_experiment(operation)
        .query("from", "The hour of this instant is the first.", instant_ms())
        .query("to", "Hours come before this instant.", instant_ms());
    paged(operation, PAGE_ROWS).answer(200, "The rows.", reference("Summary"))
}

/// `GET /v1/experiments/{id}/results`.
pub(super) fn results() -> Operation {
    let operation = Operation::new("getResults", TAG, "Judges an experiment by what was recorded").by(Caller::Service);
    of_experiment(operation)
        .query(
            "baseline",
            "The key of the variant that others are compared with; the first to which sessions are allotted, without.",
            text(),
        )
        .answer(200, "The results.", reference("Results"))
        .refusals(&[Code::InvalidValue, Code::UnknownExperiment])
}

fn effect() -> Value {
    reasoned(told([
        ("estimate", nullable(number())),
        ("interval", nullable(interval())),
        ("p_value", nullable(fraction())),
        ("sequential_interval", nullable(interval())),
        ("sequential_p_value", nullable(fraction())),
    ]))
}

fn comparison() -> Value {
    reasoned(told([
        ("baseline", text()),
        ("variant", text()),
        ("absolute", reference("Effect")),
        ("relative", reference("Effect")),
        ("chance_to_win", nullable(fraction())),
        ("expected_loss", nullable(number())),
    ]))
}

fn rate_figures() -> Value {
    reasoned(told([
        ("key", text()),
        ("sessions", count()),
        ("conversions", count()),
        ("rate", nullable(number())),
        ("interval", nullable(interval())),
    ]))
}

fn mean_figures() -> Value {
    reasoned(told([
        ("key", text()),
        ("sessions", count()),
        ("sum", number()),
        ("mean", nullable(number())),
        ("interval", nullable(interval())),
    ]))
}

fn sample_ratio() -> Value {
    reasoned(told([
        ("p_value", nullable(fraction())),
        ("sequential_p_value", nullable(fraction())),
        ("mismatch", flag()),
    ]))
}

fn judgement_fields() -> [(&'static str, Value); 4] {
    [
        ("verdict", text()),
        ("variants", list(reference("RateFigures"))),
        ("comparisons", list(reference("Comparison"))),
        ("sample_ratio", reference("SampleRatio")),
    ]
}

fn judgement() -> Value {
    let needed = described(nullable(count()), "How many sessions each variant needs, where that was asked for.");
    reasoned(told_with(judgement_fields(), [("sessions_per_variant", needed)]))
}

fn results_answer() -> Value {
    let metric =
        |figures: &str| told([("variants", list(reference(figures))), ("comparisons", list(reference("Comparison")))]);
    let metrics =
        told([("metric", text()), ("occurrence", metric("RateFigures")), ("value", nullable(metric("MeanFigures")))]);
    let quality = told([
        ("late", count()),
        ("duplicates", count()),
        ("unexposed_sessions", count()),
        ("multi_variant_sessions", count()),
        ("rejected", count()),
        ("unmeasured", count()),
    ]);
    let own = told([
        ("experiment_id", text()),
        ("as_of", described(integer(), "Events that arrived before are in it; milliseconds since 1970.")),
        ("recalculating", flag()),
        ("metrics", list(metrics)),
        ("quality", quality),
    ]);
    json!({"allOf": [own, told(judgement_fields())]})
}

fn evaluation() -> Value {
    let sessions = || json!({"type": "integer", "minimum": 0, "maximum": VARIANT_SESSIONS});
    let variant = |weight: bool| {
        let positive = json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1});
        let required: &[&str] = &["key", "sessions", "conversions", "weight"];
        let required = if weight { required } else { required.get(..3).unwrap_or_default() };
        let weight = if weight { positive } else { json!({"type": "null"}) };
        let fields =
            [("key", key(KEY_CHARS)), ("sessions", sessions()), ("conversions", sessions()), ("weight", weight)];
        let variants = list(asked(required, fields));
        with(with(variants, "minItems", 2), "maxItems", VARIANTS)
    };
    let text = "Keys differ, conversions are at most as many as sessions, and weights add up to 1.";
    let effect = json!({"type": "number", "exclusiveMinimum": 0});
    let power = json!({"type": "number", "exclusiveMinimum": ALPHA, "exclusiveMaximum": 1});
    let fields = [
        ("variants", json!({"anyOf": [variant(true), variant(false)]})),
        ("baseline", described(nullable(key(KEY_CHARS)), "The key of one of the variants; the first, without.")),
        ("minimum_detectable_effect", described(nullable(effect), "A share of the baseline's rate.")),
        ("power", described(nullable(power), "0.8, without.")),
    ];
    described(asked(&["variants"], fields), text)
}

/// `POST /v1/experiments/evaluate`.
pub(super) fn evaluate() -> Operation {
    let example = json!({"minimum_detectable_effect": 0.1, "variants": [
        {"key": "control", "sessions": 9000, "conversions": 800},
        {"key": "green", "sessions": 9100, "conversions": 1100},
    ]});
    let content = json!({"schema": reference("Evaluation"), "examples": {"two": {"value": example}}});
    Operation::new("postEvaluation", TAG, "Judges an experiment by counts that the caller brings; nothing is stored")
        .body(true, &[(JSON, content)])
        .answer(200, "The judgement.", reference("Judgement"))
        .refusals(&[Code::InvalidLength, Code::InvalidValue, Code::MissingField])
}
