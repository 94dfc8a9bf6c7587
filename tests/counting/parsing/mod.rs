//! From the bytes of a body to events, or to what is wrong with it.

mod bodies;
mod properties;
mod shorthands;

use promptmeter::events::event::{
    Event, ExperimentEvent, ExperimentEventKind, Measurement, PromptEvent, PromptEventKind as Kind, Subject,
};
use promptmeter::events::parse::{ShorthandBody, parse, parse_idempotency_key, parse_shorthand};
use promptmeter::http::body;
use promptmeter::http::problem::{Code, Problem};
use uuid::Uuid;

use crate::bare_event::bare_event;

const PROMPT: &str = "01234567-89ab-7def-8123-456789abcdef";
const CHILD: &str = "11111111-2222-7333-8444-555555555555";

type Refusal = (Code, Option<String>);

fn refusal(problem: Problem) -> Refusal {
    (problem.code, problem.pointer)
}

/// Reads a body as the worker does.
fn read(body: &[u8]) -> Result<Vec<Result<Event, Refusal>>, Problem> {
    let events = parse(body::text(body)?)?.events;
    Ok(events.into_iter().map(|event| event.map_err(refusal)).collect())
}

fn check(body: &str, expected: &[Event]) {
    let expected: Vec<Result<Event, Refusal>> = expected.iter().cloned().map(Ok).collect();
    assert_eq!(read(body.as_bytes()), Ok(expected), "{body}");
}

/// A body that is refused as a whole.
fn check_refused(body: impl AsRef<[u8]>, code: Code, pointer: Option<&str>) {
    let actual = read(body.as_ref()).map_err(refusal);
    let shown = String::from_utf8_lossy(body.as_ref()).chars().take(200).collect::<String>();
    assert_eq!(actual, Err((code, pointer.map(str::to_owned))), "{shown}");
}

/// A view with one field more, or another one, alone and among neighbours.
fn check_field(field: &str, expected: Result<Event, (Code, &str)>) {
    let event = format!(r#"{{"type":"view","prompt_id":"{PROMPT}",{field}}}"#);
    check_event(&event, expected);
}

fn check_event(event: &str, expected: Result<Event, (Code, &str)>) {
    let expected = expected.map_err(|(code, pointer)| (code, Some(pointer.to_owned())));
    let alone = expected.clone().map(|event| vec![Ok(event)]);
    assert_eq!(read(event.as_bytes()).map_err(refusal), alone, "{event}");
    let neighbour = view_text();
    let batch = format!("[{neighbour},{event},{neighbour}]");
    assert_eq!(read(batch.as_bytes()), Ok(vec![Ok(view()), expected, Ok(view())]), "{batch}");
}

fn prompt_id() -> Uuid {
    Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef)
}

fn prompt(kind: Kind) -> Event {
    prompt_event(kind, false)
}

fn prompt_event(kind: Kind, is_steered: bool) -> Event {
    let subject = Subject::Prompt(PromptEvent { prompt_id: prompt_id(), kind, is_steered });
    Event { id: None, at_ms: None, subject }
}

fn view() -> Event {
    prompt(Kind::View { visitor: None })
}

fn view_text() -> String {
    format!(r#"{{"type":"view","prompt_id":"{PROMPT}"}}"#)
}

fn experiment(kind: ExperimentEventKind, variant_key: Option<&str>) -> ExperimentEvent {
    ExperimentEvent { variant_key: variant_key.map(str::to_owned), ..bare_event(kind) }
}

fn of_experiment(event: ExperimentEvent) -> Event {
    Event { id: None, at_ms: None, subject: Subject::Experiment(event) }
}

#[test]
fn one_event_an_array_and_an_envelope_are_read() {
    let one = view_text();
    check(&one, &[view()]);
    check(&format!(" \r\n\t{one}\n"), &[view()]);
    check("[]", &[]);
    check(&format!("[{one}]"), &[view()]);
    check(&format!("[ {one} , {one} ]"), &[view(), view()]);
    check(r#"{"events":[]}"#, &[]);
    check(&format!(r#"{{"events":[{one},{one}]}}"#), &[view(), view()]);
    check(&format!(r#"{{"sent_at":1,"events" : [{one}],"type":null}}"#), &[view()]);
    check(&format!(r#"{{"events":null,"type":"view","prompt_id":"{PROMPT}"}}"#), &[view()]);
}

#[test]
fn each_type_has_its_fields() {
    use ExperimentEventKind::{Conversion, Exposure, Pageview};
    let text = |text: &str| Some(text.to_owned());
    let child = Some(Uuid::from_u128(0x1111_1111_2222_7333_8444_5555_5555_5555));
    for (kind, more, expected) in [
        ("view", String::new(), Kind::View { visitor: None }),
        ("view", r#","visitor":"v""#.to_owned(), Kind::View { visitor: text("v") }),
        ("copy", String::new(), Kind::Copy { visitor: None }),
        ("copy", r#","visitor":"v""#.to_owned(), Kind::Copy { visitor: text("v") }),
        ("fork", String::new(), Kind::Fork { child_prompt_id: None }),
        ("fork", format!(r#","child_prompt_id":"{CHILD}""#), Kind::Fork { child_prompt_id: child }),
        ("compare_add", String::new(), Kind::CompareAdd { comparison_id: None }),
        ("compare_add", r#","comparison_id":"c""#.to_owned(), Kind::CompareAdd { comparison_id: text("c") }),
    ] {
        check_event(&format!(r#"{{"type":"{kind}","prompt_id":"{PROMPT}"{more}}}"#), Ok(prompt(expected)));
    }
    for (kind, more, expected) in [
        ("pageview", "", experiment(Pageview, None)),
        ("pageview", r#","variant_key":"a""#, experiment(Pageview, Some("a"))),
        ("exposure", r#","variant_key":"a""#, experiment(Exposure, Some("a"))),
        ("conversion", "", experiment(Conversion, None)),
        ("conversion", r#","variant_key":"a""#, experiment(Conversion, Some("a"))),
        (
            "conversion",
            r#","project_id":"p","view_id":"v","properties":{"value":1}"#,
            ExperimentEvent {
                project_id: text("p"),
                view_id: text("v"),
                properties: text(r#"{"value":1}"#),
                ..experiment(Conversion, None)
            },
        ),
    ] {
        let event = format!(r#"{{"type":"{kind}","experiment_id":"e","session_id":"s"{more}}}"#);
        check_event(&event, Ok(of_experiment(expected)));
    }
}

#[test]
fn ids_and_timestamps_belong_to_every_type() {
    let (id, at_ms) = (Some("an id".to_owned()), Some(1_763_640_000_000));
    let fields = r#""id":"an id","timestamp":1763640000000"#;
    check_field(fields, Ok(Event { id: id.clone(), at_ms, ..view() }));
    let event = format!(r#"{{"type":"conversion","experiment_id":"e","session_id":"s",{fields}}}"#);
    check_event(&event, Ok(Event { id, at_ms, ..of_experiment(experiment(ExperimentEventKind::Conversion, None)) }));
}

#[test]
fn null_is_no_value_and_unknown_fields_are_none() {
    check_field(r#""id":null,"timestamp":null,"visitor":null"#, Ok(view()));
    check_field(r#""colour":{"red":[1]},"Id":7,"constructor":null"#, Ok(view()));
    check_event(r#"{"type":null}"#, Err((Code::MissingField, "/type")));
    check_event(r#"{"type":"view","prompt_id":null}"#, Err((Code::MissingField, "/prompt_id")));
}

#[test]
fn escapes_are_read() {
    check_event(
        &format!(r#"{{"typ\u0065":"vi\u0065w","prompt_id":"\u0030{}","id":"\ud83d\ude00\/\""}}"#, &PROMPT[1..]),
        Ok(Event { id: Some("😀/\"".to_owned()), ..view() }),
    );
}

#[test]
fn a_bad_event_is_told_with_its_field() {
    for (event, code, pointer) in [
        ("{}", Code::MissingField, "/type"),
        (r#"{"type":""}"#, Code::UnknownType, "/type"),
        (r#"{"type":"View"}"#, Code::UnknownType, "/type"),
        (r#"{"type":"click"}"#, Code::UnknownType, "/type"),
        (r#"{"type":7}"#, Code::InvalidType, "/type"),
        (r#"{"type":["view"]}"#, Code::InvalidType, "/type"),
        (r#"{"type":"view"}"#, Code::MissingField, "/prompt_id"),
        (r#"{"type":"fork"}"#, Code::MissingField, "/prompt_id"),
        (r#"{"type":"view","prompt_id":7}"#, Code::InvalidType, "/prompt_id"),
        (r#"{"type":"view","prompt_id":""}"#, Code::InvalidUuid, "/prompt_id"),
        (r#"{"type":"view","prompt_id":"a-slug"}"#, Code::InvalidUuid, "/prompt_id"),
        (r#"{"type":"view","prompt_id":"0123456789ab7def8123456789abcdef"}"#, Code::InvalidUuid, "/prompt_id"),
        (r#"{"type":"view","prompt_id":"01234567-89ab-7def-8123-456789abcdeg"}"#, Code::InvalidUuid, "/prompt_id"),
        (r#"{"type":"view","prompt_id":"{01234567-89ab-7def-8123-456789abcdef}"}"#, Code::InvalidUuid, "/prompt_id"),
        (r#"{"type":"view","prompt_id":" 1234567-89ab-7def-8123-456789abcdef"}"#, Code::InvalidUuid, "/prompt_id"),
        (r#"{"type":"pageview"}"#, Code::MissingField, "/experiment_id"),
        (r#"{"type":"pageview","experiment_id":"e"}"#, Code::MissingField, "/session_id"),
        (r#"{"type":"pageview","session_id":"s"}"#, Code::MissingField, "/experiment_id"),
        (r#"{"type":"exposure","experiment_id":"e","session_id":"s"}"#, Code::MissingField, "/variant_key"),
        (r#"{"type":"pageview","experiment_id":7,"session_id":"s"}"#, Code::InvalidType, "/experiment_id"),
        (r#"{"type":"pageview","experiment_id":"e","session_id":7}"#, Code::InvalidType, "/session_id"),
        (r#"{"type":"pageview","experiment_id":"","session_id":"s"}"#, Code::InvalidLength, "/experiment_id"),
        (r#"{"type":"pageview","experiment_id":"e","session_id":""}"#, Code::InvalidLength, "/session_id"),
    ] {
        check_event(event, Err((code, pointer)));
    }
}

#[test]
fn a_bad_field_is_told_by_its_name() {
    let of_type = |kind: &str, fields: &str| format!(r#"{{"type":"{kind}","prompt_id":"{PROMPT}",{fields}}}"#);
    for (field, code, pointer) in [
        (r#""id":7"#, Code::InvalidType, "/id"),
        (r#""id":true"#, Code::InvalidType, "/id"),
        (r#""id":{}"#, Code::InvalidType, "/id"),
        (r#""id":"""#, Code::InvalidLength, "/id"),
        (r#""id":"a\u0000b""#, Code::InvalidValue, "/id"),
        (r#""id":"a\nb""#, Code::InvalidValue, "/id"),
        (r#""id":"a\u007fb""#, Code::InvalidValue, "/id"),
        (r#""id":"a\u0085b""#, Code::InvalidValue, "/id"),
        (r#""visitor":7"#, Code::InvalidType, "/visitor"),
        (r#""visitor":"""#, Code::InvalidLength, "/visitor"),
        (r#""visitor":"\u0000""#, Code::InvalidValue, "/visitor"),
        (r#""timestamp":"1763640000000""#, Code::InvalidType, "/timestamp"),
        (r#""timestamp":"2025-11-20T12:00:00Z""#, Code::InvalidType, "/timestamp"),
        (r#""timestamp":1763640000000.5"#, Code::InvalidType, "/timestamp"),
        (r#""timestamp":1.76364e12"#, Code::InvalidType, "/timestamp"),
        (r#""timestamp":9223372036854775808"#, Code::InvalidType, "/timestamp"),
        (r#""timestamp":true"#, Code::InvalidType, "/timestamp"),
        (r#""timestamp":[]"#, Code::InvalidType, "/timestamp"),
    ] {
        check_field(field, Err((code, pointer)));
    }
    check_event(&of_type("fork", r#""child_prompt_id":"x""#), Err((Code::InvalidUuid, "/child_prompt_id")));
    check_event(&of_type("fork", r#""child_prompt_id":7"#), Err((Code::InvalidType, "/child_prompt_id")));
    check_event(&of_type("compare_add", r#""comparison_id":7"#), Err((Code::InvalidType, "/comparison_id")));
    check_event(&of_type("compare_add", r#""comparison_id":"""#), Err((Code::InvalidLength, "/comparison_id")));
}

#[test]
fn lengths_are_counted_in_characters() {
    for character in ["a", "é", "€", "😀"] {
        let longest = character.repeat(64);
        check_field(&format!(r#""id":"{longest}""#), Ok(Event { id: Some(longest.clone()), ..view() }));
        check_field(&format!(r#""id":"{longest}{character}""#), Err((Code::InvalidLength, "/id")));
        let longest = character.repeat(128);
        let seen = prompt(Kind::View { visitor: Some(longest.clone()) });
        check_field(&format!(r#""visitor":"{longest}""#), Ok(seen));
        check_field(&format!(r#""visitor":"{longest}{character}""#), Err((Code::InvalidLength, "/visitor")));
    }
    let escaped = r"\ud83d\ude00".repeat(64);
    check_field(&format!(r#""id":"{escaped}""#), Ok(Event { id: Some("😀".repeat(64)), ..view() }));
    check_field(&format!(r#""id":"{escaped}\ud83d\ude00""#), Err((Code::InvalidLength, "/id")));
    let too_long = "a".repeat(129);
    for name in ["experiment_id", "session_id", "variant_key", "project_id", "view_id"] {
        let with = |name: &str, key: &str| {
            let fields = [
                ("experiment_id", "e"),
                ("session_id", "s"),
                ("variant_key", "a"),
                ("project_id", "p"),
                ("view_id", "v"),
            ];
            let fields = fields.map(|(known, own)| format!(r#""{known}":"{}""#, if known == name { key } else { own }));
            format!(r#"{{"type":"exposure",{}}}"#, fields.join(","))
        };
        check_event(&with(name, &too_long), Err((Code::InvalidLength, &format!("/{name}"))));
        check_event(&with(name, r"\u001f"), Err((Code::InvalidValue, &format!("/{name}"))));
        assert!(matches!(read(with(name, &too_long[1..]).as_bytes()).as_deref(), Ok([Ok(_)])), "{name}");
    }
}

#[test]
fn a_page_says_whether_its_browser_is_steered() {
    let steered = |is_steered| prompt_event(Kind::View { visitor: None }, is_steered);
    for (value, expected) in [("true", Ok(true)), ("false", Ok(false)), ("null", Ok(false))] {
        check_event(&format!(r#"{{"type":"view","prompt_id":"{PROMPT}","webdriver":{value}}}"#), expected.map(steered));
    }
    for value in ["1", r#""true""#, "[]"] {
        let refused = Err((Code::InvalidType, "/webdriver"));
        check_event(&format!(r#"{{"type":"copy","prompt_id":"{PROMPT}","webdriver":{value}}}"#), refused);
        let steered = parse_shorthand(&format!(r#"{{"webdriver":{value}}}"#)).map_err(refusal);
        assert_eq!(steered, Err((Code::InvalidType, Some("/webdriver".to_owned()))));
    }
    let fork = prompt(Kind::Fork { child_prompt_id: None });
    check_event(&format!(r#"{{"type":"fork","prompt_id":"{PROMPT}","webdriver":7}}"#), Ok(fork));
    let steered = ShorthandBody { is_steered: true, ..ShorthandBody::default() };
    assert_eq!(parse_shorthand(r#"{"webdriver":true}"#), Ok(steered));
}
