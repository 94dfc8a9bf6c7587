//! From the bytes of a body to events, or to what is wrong with it.

#![cfg(test)]

use promptmeter::events::event::{
    Event, ExperimentEvent, ExperimentEventKind, Measurement, PromptEvent, PromptEventKind as Kind, Subject,
};
use promptmeter::events::parse::{ShorthandBody, parse, parse_idempotency_key, parse_shorthand};
use promptmeter::http::body;
use promptmeter::http::problem::{Code, Problem};
use uuid::Uuid;

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
    ExperimentEvent {
        experiment_id: "e".to_owned(),
        kind,
        project_id: None,
        session_id: "s".to_owned(),
        variant_key: variant_key.map(str::to_owned),
        view_id: None,
        properties: None,
        measurement: None,
    }
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
fn malformed_json_is_told_with_its_position() {
    for (body, position) in [
        ("", "line 1 column 0"),
        (" ", "line 1 column 1"),
        ("{", "line 1 column 1"),
        ("[", "line 1 column 1"),
        (r#"{"type":"view""#, "line 1 column 14"),
        (r#"{"type":"view",}"#, "line 1 column 16"),
        ("{\"type\":\n\"view\"\n'id'}", "line 3 column 1"),
        ("{type:1}", "line 1 column 2"),
        ("[{}{}]", "line 1 column 4"),
        ("[{},]", "line 1 column 5"),
        ("{} {}", "line 1 column 4"),
        ("[]]", "line 1 column 3"),
        (r#"{"id":"unfinished}"#, "line 1 column 18"),
        (r#"{"id":"\x41"}"#, "line 1 column 9"),
        ("{\"id\":\"a\u{0}\"}", "line 1 column 8"),
        ("{\"id\":01}", "line 1 column 8"),
        ("{\"id\":+1}", "line 1 column 7"),
        ("{\"id\":NaN}", "line 1 column 7"),
        ("\u{feff}{}", "line 1 column 1"),
        ("undefined", "line 1 column 1"),
        ("type=view", "line 1 column 2"),
    ] {
        check_refused(body, Code::InvalidJson, None);
        let detail = read(body.as_bytes()).unwrap_err().detail;
        assert!(detail.ends_with(&format!("{position}.")), "{body:?}: {detail}");
    }
}

#[test]
fn a_body_that_is_no_event_and_no_array_of_events_is_refused() {
    for body in ["null", "true", "7", "\"view\""] {
        check_refused(body, Code::InvalidType, None);
        let mixed = format!("[{},{body}]", view_text());
        assert_eq!(read(mixed.as_bytes()), Ok(vec![Ok(view()), Err((Code::InvalidType, None))]), "{mixed}");
    }
    for events in ["{}", "7", "\"view\"", "true"] {
        check_refused(format!(r#"{{"events":{events}}}"#), Code::InvalidType, Some("/events"));
    }
    check_refused(r#"{"events":null}"#, Code::MissingField, Some("/type"));
    let nested = format!("[[{}]]", view_text());
    assert_eq!(read(nested.as_bytes()), Ok(vec![Err((Code::InvalidType, None))]));
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    for fields in [
        r#""id":"a","id":"a""#,
        r#""id":"a","id":"b""#,
        r#""type":"copy""#,
        r#""visitor":null,"visitor":null"#,
        r#""id":"a","\u0069d":"b""#,
    ] {
        check_refused(format!(r#"{{"type":"view","prompt_id":"{PROMPT}",{fields}}}"#), Code::InvalidJson, None);
    }
    check_refused(r#"{"events":[],"events":[]}"#, Code::InvalidJson, None);
    let twice = r#"{"type":"view","type":"view"}"#;
    let mixed = format!("[{},{twice}]", view_text());
    assert_eq!(read(mixed.as_bytes()), Ok(vec![Ok(view()), Err((Code::InvalidJson, None))]));
}

#[test]
fn an_object_has_at_most_64_fields() {
    let with_fields = |more: usize| {
        let mut fields = vec![r#""type":"view""#.to_owned(), format!(r#""prompt_id":"{PROMPT}""#)];
        fields.extend((0..more).map(|number| format!(r#""f{number}":0"#)));
        format!("{{{}}}", fields.join(","))
    };
    check(&with_fields(62), &[view()]);
    check_refused(with_fields(63), Code::InvalidJson, None);
    check_refused(with_fields(100_000), Code::InvalidJson, None);
}

#[test]
fn a_request_has_at_most_500_events() {
    let array = |length: usize| format!("[{}]", vec![view_text(); length].join(","));
    let envelope = |length: usize| format!(r#"{{"events":{}}}"#, array(length));
    check(&array(500), &vec![view(); 500]);
    check(&envelope(500), &vec![view(); 500]);
    check_refused(array(501), Code::TooManyEvents, None);
    check_refused(envelope(501), Code::TooManyEvents, None);
    check_refused(format!("[{}]", vec!["null"; 501].join(",")), Code::TooManyEvents, None);
}

/// An event that is nested `levels` deep: itself, its properties, and arrays in them.
fn nested(levels: usize) -> String {
    let (open, close) = ("[".repeat(levels - 2), "]".repeat(levels - 2));
    format!(r#"{{"type":"pageview","experiment_id":"e","session_id":"s","properties":{{"a":{open}{close}}}}}"#)
}

#[test]
fn json_is_at_most_64_levels_deep() {
    for levels in [3, 63, 64] {
        let properties = format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 2), "]".repeat(levels - 2));
        let pageview = experiment(ExperimentEventKind::Pageview, None);
        check(&nested(levels), &[of_experiment(ExperimentEvent { properties: Some(properties), ..pageview })]);
    }
    for levels in [65, 127, 128, 129, 100_000] {
        check_refused(nested(levels), Code::NestingTooDeep, None);
        check_refused("[".repeat(levels), Code::NestingTooDeep, None);
        check_refused("{\"a\":".repeat(levels), Code::NestingTooDeep, None);
        check_refused(format!("{}{}", "[".repeat(levels), "]".repeat(levels)), Code::NestingTooDeep, None);
        check_refused(format!("{}{}", "[{\"a\":".repeat(levels), "}]".repeat(levels)), Code::NestingTooDeep, None);
    }
    let flat = format!("[{}]", vec!["[]"; 400].join(","));
    assert_eq!(read(flat.as_bytes()).map(|events| events.len()), Ok(400));
}

#[test]
fn brackets_in_a_text_are_no_levels() {
    let brackets = "[{".repeat(40);
    check_field(&format!(r#""visitor":"{brackets}""#), Ok(prompt(Kind::View { visitor: Some(brackets.clone()) })));
    let quoted = format!(r#"\"{brackets}"#);
    check_field(&format!(r#""visitor":"{quoted}""#), Ok(prompt(Kind::View { visitor: Some(format!("\"{brackets}")) })));
    let closed = format!(r#"{{"a":"\\","b":{}}}"#, "[".repeat(64));
    check_refused(closed, Code::NestingTooDeep, None);
}

#[test]
fn lone_surrogates_are_refused_where_they_would_be_kept() {
    for escape in [r"\ud800", r"\udc00", r"\ud83d", r"\ud83d\ud83d", r"\ude00\ud83d", r"\ud83dx", r"\ud83d\n"] {
        check_field(&format!(r#""id":"{escape}""#), Err((Code::InvalidJson, "/id")));
        check_field(&format!(r#""visitor":"a{escape}b""#), Err((Code::InvalidJson, "/visitor")));
        check_event(&format!(r#"{{"type":"{escape}"}}"#), Err((Code::InvalidJson, "/type")));
        for properties in [format!(r#"{{"a":["{escape}"]}}"#), format!(r#"{{"{escape}":1}}"#)] {
            let event =
                format!(r#"{{"type":"pageview","experiment_id":"e","session_id":"s","properties":{properties}}}"#);
            check_event(&event, Err((Code::InvalidJson, "/properties")));
        }
    }
}

#[test]
fn what_is_not_utf_8_is_refused_with_its_place() {
    for (bad, place) in [
        (b"\xff".as_slice(), 8),
        (b"\x80", 8),
        (b"\xc3", 8),
        (b"\xc0\xaf", 8),
        (b"\xed\xa0\x80", 8),
        (b"\xf5\x80\x80\x80", 8),
        (b"caf\xe9", 11),
    ] {
        let body = [br#"{"type":"#.as_slice(), bad, br"}"].concat();
        check_refused(&body, Code::InvalidUtf8, None);
        let detail = read(&body).unwrap_err().detail;
        assert!(detail.contains(&format!("first {place} ")), "{detail}");
    }
    check_refused([0xff, 0xfe, b'{', 0, b'}', 0], Code::InvalidUtf8, None);
}

fn check_properties(properties: &str, expected: Result<(), Code>) {
    let event = format!(r#"{{"type":"pageview","experiment_id":"e","session_id":"s","properties":{properties}}}"#);
    let kept =
        ExperimentEvent { properties: Some(properties.to_owned()), ..experiment(ExperimentEventKind::Pageview, None) };
    check_event(&event, expected.map(|()| of_experiment(kept)).map_err(|code| (code, "/properties")));
}

#[test]
fn properties_are_kept_byte_for_byte() {
    for properties in [
        "{}",
        "{ }",
        r#"{ "b" : 1 ,"a":[ 1,2 ]}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":"\u00e9é\u0000\ud83d\ude00😀\/"}"#,
        r#"{"a":1.0,"b":1e3,"c":123456789012345678901234567890,"d":-0}"#,
        "{\n\t\"a\": null\r\n}",
    ] {
        check_properties(properties, Ok(()));
    }
    for properties in ["[]", "7", "\"{}\"", "true"] {
        check_properties(properties, Err(Code::InvalidType));
    }
    let of_bytes = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "é".repeat((bytes - 8) / 2));
    check_properties(&of_bytes(4096), Ok(()));
    check_properties(&of_bytes(4098), Err(Code::TooLarge));
    check_properties(&format!("{} }}", &of_bytes(4096)[..4095]), Err(Code::TooLarge));
}

/// A metric and perhaps a value.
type Measured<'a> = Option<(&'a str, Option<f64>)>;

/// An event of this type with these properties: what it measured, or what is wrong and where.
fn check_measurement(kind: &str, properties: &str, expected: Result<Measured<'_>, (Code, &str)>) {
    let event = format!(
        r#"{{"type":"{kind}","experiment_id":"e","session_id":"s","variant_key":"a","properties":{properties}}}"#
    );
    let with = |measured: Measured<'_>| {
        let measurement = measured.map(|(metric, value)| Measurement { metric: metric.to_owned(), value });
        let plain = experiment(ExperimentEventKind::of_name(kind).unwrap(), Some("a"));
        of_experiment(ExperimentEvent { properties: Some(properties.to_owned()), measurement, ..plain })
    };
    check_event(&event, expected.map(with));
}

#[test]
fn a_conversion_may_name_what_it_measured() {
    for (properties, metric, value) in [
        (r#"{"metric":"m"}"#, "m", None),
        (r#"{"metric":"m","value":null}"#, "m", None),
        (r#"{"value":1,"metric":"m"}"#, "m", Some(1.0)),
        (r#"{ "a":{"metric":7,"value":"x"} , "metric" : "m" , "value" : 12.25 }"#, "m", Some(12.25)),
        (r#"{"m\u0065tric":"\u00e9\ud83d\ude00\"","v\u0061lue":-3}"#, "é😀\"", Some(-3.0)),
        (r#"{"metric":"m","value":0}"#, "m", Some(0.0)),
        (r#"{"metric":"m","value":-0.0}"#, "m", Some(0.0)),
        (r#"{"metric":"m","value":1e3}"#, "m", Some(1000.0)),
        (r#"{"metric":"m","value":1.5E-2}"#, "m", Some(0.015)),
        (r#"{"metric":"m","value":25e-1}"#, "m", Some(2.5)),
        (r#"{"metric":"m","value":0.1}"#, "m", Some(0.1)),
        (r#"{"metric":"m","value":1e-400}"#, "m", Some(0.0)),
        (r#"{"metric":"m","value":1000000000}"#, "m", Some(1e9)),
        (r#"{"metric":"m","value":1e9}"#, "m", Some(1e9)),
        (r#"{"metric":"m","value":-1000000000.0}"#, "m", Some(-1e9)),
        (r#"{"metric":"m","other":1,"other":2}"#, "m", None),
    ] {
        check_measurement("conversion", properties, Ok(Some((metric, value))));
        check_measurement("pageview", properties, Ok(None));
        check_measurement("exposure", properties, Ok(None));
    }
    let longest = "é".repeat(64);
    check_measurement("conversion", &format!(r#"{{"metric":"{longest}"}}"#), Ok(Some((&longest, None))));
}

#[test]
fn a_conversion_without_a_metric_measured_nothing() {
    for properties in [
        "{}",
        r#"{"value":1}"#,
        r#"{"value":"much"}"#,
        r#"{"metric":null}"#,
        r#"{"metric":null,"value":"much"}"#,
        r#"{"Metric":"m","metric ":"m","a":{"metric":"m"}}"#,
    ] {
        check_measurement("conversion", properties, Ok(None));
    }
    for properties in ["null", "[]", r#""metric""#] {
        let event =
            format!(r#"{{"type":"conversion","experiment_id":"e","session_id":"s","properties":{properties}}}"#);
        let none = of_experiment(experiment(ExperimentEventKind::Conversion, None));
        check_event(&event, if properties == "null" { Ok(none) } else { Err((Code::InvalidType, "/properties")) });
    }
}

#[test]
fn a_bad_measurement_is_told_with_its_field() {
    let metric = "/properties/metric";
    let value = "/properties/value";
    let too_long = format!(r#"{{"metric":"{}"}}"#, "é".repeat(65));
    for (properties, code, pointer) in [
        (r#"{"metric":7}"#, Code::InvalidType, metric),
        (r#"{"metric":true}"#, Code::InvalidType, metric),
        (r#"{"metric":["m"]}"#, Code::InvalidType, metric),
        (r#"{"metric":{},"value":1}"#, Code::InvalidType, metric),
        (r#"{"metric":""}"#, Code::InvalidLength, metric),
        (&too_long, Code::InvalidLength, metric),
        (r#"{"metric":"a\u0000"}"#, Code::InvalidValue, metric),
        (r#"{"metric":"a\nb"}"#, Code::InvalidValue, metric),
        (r#"{"metric":"m","value":"1"}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":true}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":[1]}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":{}}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":1000000000.0000002}"#, Code::InvalidValue, value),
        (r#"{"metric":"m","value":1000000001}"#, Code::InvalidValue, value),
        (r#"{"metric":"m","value":-1e10}"#, Code::InvalidValue, value),
        (r#"{"metric":"m","value":1e300}"#, Code::InvalidValue, value),
    ] {
        check_measurement("conversion", properties, Err((code, pointer)));
        check_measurement("pageview", properties, Ok(None));
    }
    // What is no number of JSON at all is none in any event.
    for kind in ["conversion", "pageview"] {
        check_measurement(kind, r#"{"metric":"m","value":1e400}"#, Err((Code::InvalidJson, "/properties")));
    }
}

/// A reader of JSON takes the first of two, or the last: what is meant is not known.
#[test]
fn a_metric_or_value_that_stands_twice_is_refused() {
    for properties in [
        r#"{"metric":"m","metric":"m"}"#,
        r#"{"metric":null,"metric":"m"}"#,
        r#"{"value":1,"metric":"m","value":2}"#,
        r#"{"metric":"m","m\u0065tric":"n"}"#,
    ] {
        let event =
            format!(r#"{{"type":"conversion","experiment_id":"e","session_id":"s","properties":{properties}}}"#);
        let refused = read(format!("[{event}]").as_bytes()).unwrap();
        assert!(
            matches!(refused.as_slice(), [Err((Code::InvalidJson, Some(place)))] if place == "/properties"),
            "{properties}: {refused:?}"
        );
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

/// Visitor and comparison of a shorthand's body, or what is wrong and where.
type Shorthand<'a> = Result<[Option<&'a str>; 2], (Code, Option<&'a str>)>;

fn check_shorthand(body: &str, expected: Shorthand<'_>) {
    let expected = expected
        .map(|texts| texts.map(|text| text.map(str::to_owned)))
        .map(|[visitor, comparison_id]| ShorthandBody { visitor, comparison_id, is_steered: false })
        .map_err(|(code, pointer)| (code, pointer.map(str::to_owned)));
    assert_eq!(parse_shorthand(body).map_err(refusal), expected, "{body}");
}

#[test]
fn shorthand_bodies_are_empty_or_an_object() {
    for body in ["", " \r\n", "{}", r#"{"visitor":null}"#, r#"{"other":1}"#] {
        check_shorthand(body, Ok([None, None]));
    }
    check_shorthand(r#"{"visitor":"v"}"#, Ok([Some("v"), None]));
    check_shorthand(r#"{"comparison_id":"c"}"#, Ok([None, Some("c")]));
    check_shorthand(r#"{"visitor":"v","comparison_id":"c"}"#, Ok([Some("v"), Some("c")]));
    for body in ["null", "7", "[]", r#"["v"]"#, r#""v""#] {
        check_shorthand(body, Err((Code::InvalidType, None)));
    }
    for body in ["{", "{}}", r#"{"visitor":"v","visitor":"v"}"#] {
        check_shorthand(body, Err((Code::InvalidJson, None)));
    }
    check_shorthand(r#"{"visitor":7}"#, Err((Code::InvalidType, Some("/visitor"))));
    check_shorthand(r#"{"visitor":""}"#, Err((Code::InvalidLength, Some("/visitor"))));
    check_shorthand(r#"{"visitor":"\ud800"}"#, Err((Code::InvalidJson, Some("/visitor"))));
    check_shorthand(r#"{"comparison_id":7}"#, Err((Code::InvalidType, Some("/comparison_id"))));
}

#[test]
fn idempotency_keys_are_ids() {
    let longest = "😀".repeat(64);
    for key in ["a", "6d1f3c1e-0000-7000-8000-000000000000", "a b", &longest] {
        assert_eq!(parse_idempotency_key(Some(key)), Ok(Some(key.to_owned())));
    }
    assert_eq!(parse_idempotency_key(None), Ok(None));
    for (key, code) in [
        ("", Code::InvalidLength),
        (&format!("{longest}a"), Code::InvalidLength),
        ("a\tb", Code::InvalidValue),
        ("\u{7f}", Code::InvalidValue),
    ] {
        assert_eq!(parse_idempotency_key(Some(key)).map_err(refusal), Err((code, None)), "{key:?}");
    }
}

#[test]
fn content_types_are_compared_without_case_and_parameters() {
    let events = ["application/json", "text/plain"];
    for accepted in [
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        " application/json ; charset=utf-8",
        "text/plain",
        "text/plain;charset=UTF-8",
    ] {
        assert_eq!(body::check_type(Some(accepted), &events), Ok(()), "{accepted}");
    }
    for refused in [
        None,
        Some(""),
        Some(";"),
        Some("application/jsonx"),
        Some("application/json+x"),
        Some("application/json, text/plain"),
        Some("text/html"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let actual = body::check_type(refused, &events).map_err(refusal);
        assert_eq!(actual, Err((Code::UnsupportedMediaType, None)), "{refused:?}");
    }
    let actual = body::check_type(Some("text/plain"), &["application/json"]).map_err(refusal);
    assert_eq!(actual, Err((Code::UnsupportedMediaType, None)));
}
