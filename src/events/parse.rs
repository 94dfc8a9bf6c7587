//! From JSON text to events.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::{Event, ExperimentEvent, ExperimentEventKind, PromptEvent, PromptEventKind, Subject};
use crate::http::body::unreadable;
use crate::http::fields::{Field, check_key};
use crate::http::problem::{Code, Problem};
use crate::limits::{BATCH_EVENTS, EVENT_ID_CHARS, KEY_CHARS, PROPERTIES_BYTES};

/// The events of one request, in their order; a bad one stands beside the good ones as its problem.
#[derive(Debug, PartialEq, Eq)]
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
    let document: &RawValue = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if document.get().starts_with('[') {
        return parse_array(document);
    }
    if !document.get().starts_with('{') {
        return Err(Problem::new(Code::InvalidType, "Send an event, an array of events, or {\"events\": [...]}."));
    }
    let envelope: Envelope<'_> = serde_json::from_str(document.get()).map_err(|error| unreadable(&error))?;
    match envelope {
        Envelope { events: Some(events), kind: None } if events.get().starts_with('[') => parse_array(events),
        Envelope { events: Some(_), kind: None } => {
            Err(Problem::at(Code::InvalidType, "/events", "events must be an array."))
        }
        _ => Ok(Submission { events: vec![Ok(parse_event(document)?)] }),
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
}

fn parse_array(array: &RawValue) -> Result<Submission, Problem> {
    let elements: Vec<&RawValue> = serde_json::from_str(array.get()).map_err(|error| unreadable(&error))?;
    if elements.len() > BATCH_EVENTS {
        let detail = format!("A request has at most {BATCH_EVENTS} events; this one has {}.", elements.len());
        return Err(Problem::new(Code::TooManyEvents, detail));
    }
    Ok(Submission { events: elements.into_iter().map(parse_event).collect() })
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    prompt_id: Option<&'a RawValue>,
    #[serde(borrow)]
    visitor: Option<&'a RawValue>,
    #[serde(borrow)]
    child_prompt_id: Option<&'a RawValue>,
    #[serde(borrow)]
    comparison_id: Option<&'a RawValue>,
    #[serde(borrow)]
    project_id: Option<&'a RawValue>,
    #[serde(borrow)]
    experiment_id: Option<&'a RawValue>,
    #[serde(borrow)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    variant_key: Option<&'a RawValue>,
    #[serde(borrow)]
    view_id: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
}

fn parse_event(element: &RawValue) -> Result<Event, Problem> {
    if !element.get().starts_with('{') {
        return Err(Problem::new(Code::InvalidType, "An event is an object."));
    }
    let fields: Fields<'_> = serde_json::from_str(element.get()).map_err(|error| unreadable(&error))?;
    let kind = field("type", fields.kind);
    let name = kind.required(kind.text()?)?;
    let subject = if let Some(kind) = prompt_event_kind(&name, &fields)? {
        Subject::Prompt(prompt_event(kind, &fields)?)
    } else {
        let detail = "The types are view, copy, fork, compare_add, pageview, exposure and conversion.";
        let known = ExperimentEventKind::of_name(&name).ok_or_else(|| kind.problem(Code::UnknownType, detail))?;
        Subject::Experiment(experiment_event(known, &fields)?)
    };
    Ok(Event {
        id: field("id", fields.id).key(EVENT_ID_CHARS)?,
        at_ms: field("timestamp", fields.timestamp).integer()?,
        subject,
    })
}

fn field<'a>(name: &'a str, json: Option<&'a RawValue>) -> Field<'a> {
    Field { name, json }
}

fn prompt_event_kind(name: &str, fields: &Fields<'_>) -> Result<Option<PromptEventKind>, Problem> {
    let visitor = || field("visitor", fields.visitor).key(KEY_CHARS);
    Ok(Some(match name {
        "view" => PromptEventKind::View { visitor: visitor()? },
        "copy" => PromptEventKind::Copy { visitor: visitor()? },
        "fork" => PromptEventKind::Fork { child_prompt_id: field("child_prompt_id", fields.child_prompt_id).uuid()? },
        "compare_add" => PromptEventKind::CompareAdd { comparison_id: comparison_id(fields)? },
        _ => return Ok(None),
    }))
}

fn comparison_id(fields: &Fields<'_>) -> Result<Option<String>, Problem> {
    field("comparison_id", fields.comparison_id).key(KEY_CHARS)
}

fn prompt_event(kind: PromptEventKind, fields: &Fields<'_>) -> Result<PromptEvent, Problem> {
    let prompt_id = field("prompt_id", fields.prompt_id);
    Ok(PromptEvent { prompt_id: prompt_id.required(prompt_id.uuid()?)?, kind })
}

fn experiment_event(kind: ExperimentEventKind, fields: &Fields<'_>) -> Result<ExperimentEvent, Problem> {
    let key = |name, json| field(name, json).key(KEY_CHARS);
    let required_key = |name, json| field(name, json).required(key(name, json)?);
    let variant = field("variant_key", fields.variant_key);
    let variant_key = variant.key(KEY_CHARS)?;
    if kind == ExperimentEventKind::Exposure {
        variant.required(variant_key.as_ref())?;
    }
    Ok(ExperimentEvent {
        experiment_id: required_key("experiment_id", fields.experiment_id)?,
        kind,
        project_id: key("project_id", fields.project_id)?,
        session_id: required_key("session_id", fields.session_id)?,
        variant_key,
        view_id: key("view_id", fields.view_id)?,
        properties: field("properties", fields.properties).object(PROPERTIES_BYTES)?,
    })
}

/// What a shorthand route may be told beside its path.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ShorthandBody {
    /// An opaque name of whoever looks or copies.
    pub visitor: Option<String>,
    /// What the prompts that are compared have in common.
    pub comparison_id: Option<String>,
}

/// Reads the body of a shorthand route; an empty one is none.
///
/// # Errors
/// [`Code::InvalidJson`], [`Code::InvalidType`], and whatever is wrong with a field.
pub fn parse_shorthand(text: &str) -> Result<ShorthandBody, Problem> {
    if text.trim().is_empty() {
        return Ok(ShorthandBody::default());
    }
    let document: &RawValue = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    if !document.get().starts_with('{') {
        return Err(Problem::new(Code::InvalidType, "The body is empty or an object."));
    }
    let fields: Fields<'_> = serde_json::from_str(document.get()).map_err(|error| unreadable(&error))?;
    let visitor = field("visitor", fields.visitor).key(KEY_CHARS)?;
    Ok(ShorthandBody { visitor, comparison_id: comparison_id(&fields)? })
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
