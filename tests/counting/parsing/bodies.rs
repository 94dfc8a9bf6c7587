//! Bodies that are refused as a whole, and limits of all of them.

use super::*;

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
