//! What was counted over time.

use serde_json::{Map, Value, json};

use super::figures::{TAG, of_prompt, reasoned};
use super::operation::Operation;
use super::schema::{
    add_told, count, described, fraction, integer, interval, list, nullable, one_of, properties, reference, text,
    timestamp, told, told_with, uuid, with,
};
use crate::counting::tally::Metric;
use crate::http::problem::Code;
use crate::limits::{FUNNEL_DAYS, SERIES_POINTS, TIME_ZONE_CHARS};
use crate::series::totals;
use crate::time::RANGE_MS;

/// The schemas of series and funnels.
pub(super) fn schemas() -> Map<String, Value> {
    properties([
        ("Series", series_answer()),
        ("TotalSeries", total_series_answer()),
        ("Share", share()),
        ("Funnel", funnel_answer()),
    ])
}

fn metrics() -> Value {
    one_of(Metric::ALL.map(Metric::name))
}

/// Those that are told of all prompts.
fn metrics_of_all() -> Value {
    one_of(Metric::ALL.into_iter().filter(|metric| totals::column(*metric).is_some()).map(Metric::name))
}

fn series_answer() -> Value {
    let mut series = series_of(metrics(), count());
    add_told(&mut series, "promptId", uuid());
    series
}

fn total_series_answer() -> Value {
    series_of(metrics_of_all(), described(integer(), "What was taken back in that time is subtracted."))
}

fn series_of(metric: Value, count: Value) -> Value {
    let point = told([("start", timestamp()), ("count", count)]);
    told([
        ("metric", metric),
        ("interval", one_of(["hour", "day"])),
        ("tz", text()),
        ("points", with(list(point), "maxItems", SERIES_POINTS)),
    ])
}

/// An operation that tells of a time.
fn over_time(operation: Operation) -> Operation {
    let (least, most) = (*RANGE_MS.start(), *RANGE_MS.end());
    let moment = json!({"anyOf": [
        {"type": "integer", "minimum": least, "maximum": most},
        {"type": "string", "format": "date", "pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})-"},
    ]});
    let tz = json!({"type": "string", "maxLength": TIME_ZONE_CHARS, "default": "UTC", "examples": ["Europe/Berlin"]});
    operation
        .query("from", "Where it begins: milliseconds since 1970, or a date.", moment.clone())
        .query("to", "Where it ends: milliseconds since 1970, or a date; now, without.", moment)
        .query("tz", "The name of a time zone in the IANA's list.", tz)
        .refusals(&[Code::InvalidValue])
}

/// `GET /v1/prompts/{id}/series`.
pub(super) fn series() -> Operation {
    let summary = "Tells how often something was counted, by hours or days";
    let operation = of_prompt(Operation::new("getSeries", TAG, summary));
    in_points(operation, metrics()).answer(200, "The points.", reference("Series"))
}

/// The series of all prompts: what [`series`] is of one.
pub(super) fn of_all(operation: Operation) -> Operation {
    in_points(operation, metrics_of_all()).answer(200, "The points.", reference("TotalSeries"))
}

/// An operation that tells of each hour or day of a time.
fn in_points(operation: Operation, metrics: Value) -> Operation {
    let text = format!("Without a gap; at most {SERIES_POINTS} points. `from` is before `to`.");
    over_time(operation.description(text))
        .query("metric", "What was counted.", with(metrics, "default", Metric::View.name()))
        .query("interval", "What a point covers.", with(one_of(["hour", "day"]), "default", "day"))
}

fn share() -> Value {
    reasoned(told([("rate", nullable(fraction())), ("interval", nullable(interval()))]))
}

fn funnel_answer() -> Value {
    let share = || reference("Share");
    let step = told_with(
        [("step", one_of(["view", "copy", "fork", "compare"])), ("count", count())],
        [("ofPrevious", share()), ("ofViews", share())],
    );
    let day = told([
        ("start", timestamp()),
        ("views", count()),
        ("copies", count()),
        ("forks", count()),
        ("compares", count()),
        ("copiesOfViews", share()),
        ("forksOfCopies", share()),
        ("comparesOfForks", share()),
    ]);
    told([
        ("promptId", uuid()),
        ("tz", text()),
        ("from", timestamp()),
        ("to", timestamp()),
        ("steps", list(step)),
        ("days", with(list(day), "maxItems", FUNNEL_DAYS)),
    ])
}

/// `GET /v1/prompts/{id}/funnel`.
pub(super) fn funnel() -> Operation {
    let operation = Operation::new("getFunnel", TAG, "Tells how many views led to copies, and so on")
        .description(format!("At most {FUNNEL_DAYS} days. `from` is before `to`."));
    over_time(of_prompt(operation)).answer(200, "The steps, in all and by day.", reference("Funnel"))
}
