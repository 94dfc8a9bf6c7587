//! From JSON text to events.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::{Event, ExperimentEvent, ExperimentEventKind, Measurement, PromptEvent, PromptEventKind, Subject};
use crate::http::body::unreadable;
use crate::http::field::{Field, check_key};
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::limits::{BATCH_EVENTS, EVENT_ID_CHARS, KEY_CHARS, METRIC_CHARS, METRIC_VALUE, PROPERTIES_BYTES};
use crate::usage::event::Usage;

/// The type of the events that tell uses.
const USAGE: &str = "usage";

/// The events of one request, in their order; a bad one stands beside the good ones as its problem.
#[derive(Debug, PartialEq)]
pub struct Submission {
    /// The events.
    pub events: Vec<Result<Event, Problem>>,
}

/// Reads one event, an array of events, or `{"events": [...]}`. A bad event in an array stays among its neighbours; a
/// body that is one bad event is a bad body.
///
/// # Errors
/// [`Code::InvalidJson`], [`Code::InvalidType`], [`Code::TooManyEvents`], and for a lone event whatever is wrong with it.
pub fn parse(text: &str) -> Result<Submission, Problem> {
    parse_each(text, event)
}

/// Reads the same forms of a body that has `usage` events only, which need not say that they are. The `key` of the request is
/// the id of its one event.
///
/// # Errors
/// Those of [`parse`]; [`Code::InvalidValue`] for a key beside another id, or beside several events.
pub fn parse_usage(text: &str, key: Option<String>) -> Result<Submission, Problem> {
    let mut submission = parse_each(text, usage_event)?;
    let Some(key) = key else { return Ok(submission) };
    match submission.events.as_mut_slice() {
        [] | [Err(_)] => {}
        [Ok(event)] => {
            if event.id.get_or_insert_with(|| key.clone()) != &key {
                let detail = "The header Idempotency-Key and the id of the event are two. Send one of them.";
                return Err(Problem::at(Code::InvalidValue, "/id", detail));
            }
        }
        _ => {
            let detail = "The header Idempotency-Key is the id of one event. Give each of several an id of its own.";
            return Err(Problem::new(Code::InvalidValue, detail));
        }
    }
    Ok(submission)
}

type ReadEvent = fn(&Fields<'_>) -> Result<Event, Problem>;

fn parse_each(text: &str, read: ReadEvent) -> Result<Submission, Problem> {
    if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('[') {
        return parse_array(text, read);
    }
    let document: &RawValue = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let fields = Fields::read(document.get(), "A body that is no array of events")?;
    match (fields.field("events").json, fields.field("type").json) {
        (Some(events), None) if events.get().starts_with('[') => parse_array(events.get(), read),
        (Some(_), None) => Err(Problem::at(Code::InvalidType, "/events", "events must be an array.")),
        _ => Ok(Submission { events: vec![Ok(read(&fields)?)] }),
    }
}

fn parse_array(array: &str, read: ReadEvent) -> Result<Submission, Problem> {
    let elements: Vec<&RawValue> = serde_json::from_str(array).map_err(|error| unreadable(&error))?;
    if elements.len() > BATCH_EVENTS {
        let detail = format!("A request has at most {BATCH_EVENTS} events; this one has {}.", elements.len());
        return Err(Problem::new(Code::TooManyEvents, detail));
    }
    let parse_element = |element: &RawValue| read(&Fields::read(element.get(), "An event")?);
    Ok(Submission { events: elements.into_iter().map(parse_element).collect() })
}

fn event(fields: &Fields<'_>) -> Result<Event, Problem> {
    let kind = fields.field("type");
    let name = kind.required(kind.borrowed_text()?)?;
    let subject = if let Some(kind) = prompt_event_kind(&name, fields)? {
        Subject::Prompt(prompt_event(kind, fields)?)
    } else if name == USAGE {
        Subject::Usage(Usage::read(fields)?)
    } else {
        let detail = "The types are view, copy, fork, compare_add, usage, pageview, exposure and conversion.";
        let known = ExperimentEventKind::of_name(&name).ok_or_else(|| kind.problem(Code::UnknownType, detail))?;
        Subject::Experiment(experiment_event(known, fields)?)
    };
    event_of(subject, fields)
}

fn usage_event(fields: &Fields<'_>) -> Result<Event, Problem> {
    let kind = fields.field("type");
    if kind.borrowed_text()?.is_some_and(|name| name != USAGE) {
        let detail = "The events of this route are of the type usage. Send others to /v1/events.";
        return Err(kind.problem(Code::UnknownType, detail));
    }
    event_of(Subject::Usage(Usage::read(fields)?), fields)
}

fn event_of(subject: Subject, fields: &Fields<'_>) -> Result<Event, Problem> {
    Ok(Event { id: fields.field("id").key(EVENT_ID_CHARS)?, at_ms: fields.field("timestamp").integer()?, subject })
}

fn prompt_event_kind(name: &str, fields: &Fields<'_>) -> Result<Option<PromptEventKind>, Problem> {
    let visitor = || fields.field("visitor").key(KEY_CHARS);
    Ok(Some(match name {
        "view" => PromptEventKind::View { visitor: visitor()? },
        "copy" => PromptEventKind::Copy { visitor: visitor()? },
        "fork" => PromptEventKind::Fork { child_prompt_id: fields.field("child_prompt_id").uuid()? },
        "compare_add" => PromptEventKind::CompareAdd { comparison_id: comparison_id(fields)? },
        _ => return Ok(None),
    }))
}

fn is_steered(fields: &Fields<'_>) -> Result<bool, Problem> {
    Ok(fields.field("webdriver").boolean()?.unwrap_or_default())
}

fn comparison_id(fields: &Fields<'_>) -> Result<Option<String>, Problem> {
    fields.field("comparison_id").key(KEY_CHARS)
}

fn prompt_event(kind: PromptEventKind, fields: &Fields<'_>) -> Result<PromptEvent, Problem> {
    let prompt_id = fields.field("prompt_id");
    let is_steered = !kind.is_lineage() && is_steered(fields)?;
    Ok(PromptEvent { prompt_id: prompt_id.required(prompt_id.uuid()?)?, kind, is_steered })
}

fn experiment_event(kind: ExperimentEventKind, fields: &Fields<'_>) -> Result<ExperimentEvent, Problem> {
    let key = |name| fields.field(name).key(KEY_CHARS);
    let required_key = |name| fields.field(name).required(key(name)?);
    let variant = fields.field("variant_key");
    let variant_key = variant.key(KEY_CHARS)?;
    if kind == ExperimentEventKind::Exposure {
        variant.required(variant_key.as_ref())?;
    }
    let properties = fields.field("properties").object(PROPERTIES_BYTES)?;
    let measurement = match &properties {
        Some(properties) if kind == ExperimentEventKind::Conversion => measurement(properties)?,
        _ => None,
    };
    Ok(ExperimentEvent {
        experiment_id: required_key("experiment_id")?,
        kind,
        project_id: key("project_id")?,
        session_id: required_key("session_id")?,
        variant_key,
        view_id: key("view_id")?,
        properties,
        measurement,
    })
}

/// What a conversion says of what it measured; its other properties may be anything.
#[derive(Deserialize)]
struct Measured<'a> {
    #[serde(borrow, default)]
    metric: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

fn measurement(properties: &str) -> Result<Option<Measurement>, Problem> {
    let Measured { metric, value } = serde_json::from_str(properties)
        .map_err(|error| Problem::at(Code::InvalidJson, "/properties", unreadable(&error).detail))?;
    let metric =
        Field { name: "metric", json: metric }.key(METRIC_CHARS).map_err(|problem| problem.below("/properties"))?;
    let Some(metric) = metric else { return Ok(None) };
    let value = value.map(|json| value_of(json.get())).transpose()?;
    Ok(Some(Measurement { metric: metric.into(), value }))
}

fn value_of(json: &str) -> Result<f64, Problem> {
    let number: Option<f64> = serde_json::from_str(json).ok();
    let problem = |code, detail: String| Problem::at(code, "/properties/value", detail);
    match number {
        None => Err(problem(Code::InvalidType, "value must be a number, where there is a metric.".to_owned())),
        Some(number) if number.abs() > f64::from(METRIC_VALUE) => {
            Err(problem(Code::InvalidValue, format!("value is a number from -{METRIC_VALUE} to {METRIC_VALUE}.")))
        }
        Some(number) => Ok(number),
    }
}

/// What a shorthand route may be told beside its path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ShorthandBody {
    /// An opaque name of whoever looks or copies.
    pub visitor: Option<String>,
    /// What the prompts that are compared have in common.
    pub comparison_id: Option<String>,
    /// Whether the page says that a program steers its browser.
    pub is_steered: bool,
}

/// Reads the body of a shorthand route; an empty one is none.
///
/// # Errors
/// [`Code::InvalidJson`], [`Code::InvalidType`], and whatever is wrong with a field.
pub fn parse_shorthand(text: &str) -> Result<ShorthandBody, Problem> {
    if text.trim().is_empty() {
        return Ok(ShorthandBody::default());
    }
    let fields = Fields::read(text, "A body that is not empty")?;
    let visitor = fields.field("visitor").key(KEY_CHARS)?;
    Ok(ShorthandBody { visitor, comparison_id: comparison_id(&fields)?, is_steered: is_steered(&fields)? })
}

/// Checks the header `Idempotency-Key`.
///
/// # Errors
/// [`Code::InvalidLength`], [`Code::InvalidValue`].
pub fn parse_idempotency_key(header: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(key) = header else { return Ok(None) };
    check_key(key, EVENT_ID_CHARS)
        .map_err(|(code, detail)| Problem::new(code, format!("The header Idempotency-Key {detail}")))?;
    Ok(Some(key.to_owned()))
}
