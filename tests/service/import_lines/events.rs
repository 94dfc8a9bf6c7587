//! Lines with events of another system.

use super::*;

fn event(id: &str, metric: Metric, user_id: Option<Uuid>) -> ImportedEvent {
    ImportedEvent {
        id: id.to_owned(),
        prompt_id: Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef),
        user_id,
        metric,
        created_at: "2024-03-05T12:34:56.789012+00:00".to_owned(),
        at_ms: 1_709_642_096_789,
    }
}

fn check_event(id: &str, kind: &str, more: &str, expected: ImportedEvent) {
    let line = event_line(&format!(
        r#""id":{id},"prompt_id":"{PROMPT}","event_type":"{kind}","created_at":"2024-03-05 12:34:56.789012+00"{more}"#
    ));
    check(line.as_bytes(), Ok(ImportRow::Event(expected)));
}

#[test]
fn legacy_events_are_read() {
    let user = Some(Uuid::from_u128(0x1111_1111_2222_7333_8444_5555_5555_5555));
    for (kind, metric) in
        [("view", Metric::View), ("copy", Metric::Copy), ("fork", Metric::Fork), ("compare_add", Metric::Compare)]
    {
        check_event("\"an id\"", kind, "", event("an id", metric, None));
        check_event("\"an id\"", kind, r#","user_id":null"#, event("an id", metric, None));
        check_event("\"an id\"", kind, &format!(r#","user_id":"{USER}""#), event("an id", metric, user));
    }
    for (id, expected) in [
        ("1", "1"),
        ("0", "0"),
        ("-7", "-7"),
        ("9223372036854775807", "9223372036854775807"),
        ("\"1\"", "1"),
        ("\"\\u00e9\"", "é"),
    ] {
        check_event(id, "view", "", event(expected, Metric::View, None));
    }
}

#[test]
fn a_bad_legacy_event_is_told_with_its_column() {
    let good = [
        ("id", "1".to_owned()),
        ("prompt_id", format!("\"{PROMPT}\"")),
        ("event_type", "\"view\"".to_owned()),
        ("created_at", "\"2024-03-05T12:34:56Z\"".to_owned()),
    ];
    let with = |column: &str, json: &str| {
        let others =
            good.iter().filter(|(known, _)| *known != column).map(|(name, json)| format!(r#""{name}":{json}"#));
        event_line(&others.chain([format!(r#""{column}":{json}"#)]).collect::<Vec<_>>().join(","))
    };
    assert!(read_line(with("user_id", "null").as_bytes()).is_ok());
    for (column, _) in &good {
        check_refused(with(column, "null"), Code::MissingField, Some(&format!("/row/{column}")));
    }
    let too_long = format!("\"{}\"", "a".repeat(65));
    for (column, json, code) in [
        ("id", "1.5", Code::InvalidType),
        ("id", "1e3", Code::InvalidType),
        ("id", "9223372036854775808", Code::InvalidType),
        ("id", "true", Code::InvalidType),
        ("id", "\"\"", Code::InvalidLength),
        ("id", &too_long, Code::InvalidLength),
        ("id", "\"a\\u0000\"", Code::InvalidValue),
        ("prompt_id", "7", Code::InvalidType),
        ("prompt_id", "\"a-slug\"", Code::InvalidUuid),
        ("user_id", "\"nobody\"", Code::InvalidUuid),
        ("event_type", "\"usage\"", Code::InvalidValue),
        ("event_type", "\"VIEW\"", Code::InvalidValue),
        ("event_type", "7", Code::InvalidType),
        ("created_at", "\"infinity\"", Code::InvalidTimestamp),
        ("created_at", "1709642096", Code::InvalidType),
        ("metadata", "{}", Code::UnknownColumn),
        ("type", "\"view\"", Code::UnknownColumn),
    ] {
        check_refused(with(column, json), code, Some(&format!("/row/{column}")));
    }
}
