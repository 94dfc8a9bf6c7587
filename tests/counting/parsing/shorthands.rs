//! Bodies, keys and types of the shorthands.

use super::*;

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
