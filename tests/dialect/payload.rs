//! From the body of a write to the rows to store, and from the arguments of a call to the function.

use promptmeter::data::tables::table;
use promptmeter::limits::{TAGS_BYTES, WRITTEN_ROWS};
use promptmeter::rest::error::{DataError, ErrorCode};
use promptmeter::rest::function::{Arguments, Function};
use promptmeter::rest::payload::{Origin, Payload};
use uuid::Uuid;

use crate::database::{NOW, parameters, user_id};

const NEW_ID: &str = "00000000-0000-0000-0000-000000000099";

fn read_new(name: &str, body: &[u8], columns: Option<&str>, missing_is_default: bool) -> Result<Payload, DataError> {
    let mut origin = Origin { now: NOW, caller: Some(user_id(1)), new_id: &mut || Uuid::try_parse(NEW_ID).unwrap() };
    Payload::read_new(table(name).unwrap(), body, columns, missing_is_default, &mut origin)
}

/// The rows, as JSON in which the values of `columns` and then those of the defaults stand.
fn check(name: &str, body: &str, columns: Option<&str>, missing_is_default: bool, expected: &str) {
    let payload = read_new(name, body.as_bytes(), columns, missing_is_default)
        .unwrap_or_else(|error| panic!("{body}: {error:?}"));
    let expected = expected.replace("ID", NEW_ID).replace("NOW", NOW).replace("ME", &user_id(1).to_string());
    assert_eq!(payload.json(), expected, "{body}");
}

fn check_refused(name: &str, body: impl AsRef<[u8]>, code: ErrorCode) {
    let shown = String::from_utf8_lossy(body.as_ref()).chars().take(200).collect::<String>();
    let error = read_new(name, body.as_ref(), None, false).err().unwrap_or_else(|| panic!("{shown} is not refused"));
    assert_eq!(error.code, code, "{shown}: {error:?}");
}

#[test]
fn rows_have_what_they_name_and_defaults_for_the_rest() {
    let likes = "template_likes";
    let (template, full) = (
        r#"{"template_id":"00000000-0000-0000-0000-00000000000A"}"#,
        r#""template_id":"00000000-0000-0000-0000-00000000000a""#,
    );
    check(likes, template, None, false, &format!(r#"[{{{full},"user_id":"ME","created_at":"NOW"}}]"#));
    check(likes, &format!("[{template}]"), None, false, &format!(r#"[{{{full},"user_id":"ME","created_at":"NOW"}}]"#));
    check(likes, "{}", None, false, r#"[{"user_id":"ME","created_at":"NOW"}]"#);
    check(likes, "[]", None, false, "[]");
    check(
        likes,
        "[{},{}]",
        None,
        false,
        r#"[{"user_id":"ME","created_at":"NOW"},{"user_id":"ME","created_at":"NOW"}]"#,
    );
    check("users", r#"{"email":null}"#, None, false, r#"[{"email":null,"id":"ID","created_at":"NOW"}]"#);
    check(
        "prompts",
        r#"{"title":"t"}"#,
        None,
        false,
        r#"[{"title":"t","id":"ID","user_id":"ME","is_public":0,"is_active":1,"created_at":"NOW","updated_at":"NOW"}]"#,
    );
    assert!(read_new(likes, b"{}", None, false).unwrap().is_single);
    assert!(!read_new(likes, b"[{}]", None, false).unwrap().is_single);
}

#[test]
fn the_parameter_columns_says_what_is_set() {
    let body = r#"[{"email":"a","id":"nonsense"},{"email":"b"}]"#;
    let expected = r#"[{"email":"a","id":"ID","created_at":"NOW"},{"email":"b","id":"ID","created_at":"NOW"}]"#;
    check("users", body, Some("email"), false, expected);
    check("users", body, Some("\"email\",email"), false, expected);
    check("users", "[{}]", Some("email,created_at"), false, r#"[{"created_at":null,"email":null,"id":"ID"}]"#);
    check("users", "[{}]", Some("email,created_at"), true, r#"[{"created_at":"NOW","email":null,"id":"ID"}]"#);
    for (columns, code) in [
        ("nothing", ErrorCode::UnknownPayloadColumn),
        ("email;", ErrorCode::Unsupported),
        ("email,", ErrorCode::Unsupported),
    ] {
        assert_eq!(read_new("users", b"[{}]", Some(columns), false).unwrap_err().code, code, "{columns}");
    }
}

#[test]
fn rows_name_the_same_columns() {
    check_refused("users", r#"[{"email":"a"},{}]"#, ErrorCode::InvalidBody);
    check_refused("users", r#"[{"email":"a"},{"id":null}]"#, ErrorCode::InvalidBody);
    check(
        "users",
        r#"[{"email":"a","id":null},{"id":null,"email":"b"}]"#,
        None,
        false,
        r#"[{"email":"a","id":null,"created_at":"NOW"},{"email":"b","id":null,"created_at":"NOW"}]"#,
    );
    check_refused("users", r#"{"nothing":1}"#, ErrorCode::UnknownPayloadColumn);
    check_refused("prompt_events", r#"{"claimed_by":"a"}"#, ErrorCode::UnknownPayloadColumn);
}

#[test]
fn bodies_are_json_objects() {
    for body in
        ["", "null", "1", "\"a\"", "[1]", "[[]]", "[null]", "{", "[{}", "{} {}", "{\"email\":\"a\",\"email\":\"b\"}"]
    {
        check_refused("users", body, ErrorCode::InvalidBody);
    }
    check_refused("users", b"\xff{}", ErrorCode::InvalidBody);
    let rows = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(read_new("users", rows(WRITTEN_ROWS).as_bytes(), None, false).unwrap().rows.len(), WRITTEN_ROWS);
    check_refused("users", rows(WRITTEN_ROWS + 1), ErrorCode::TooLarge);
}

/// A value of a column, as it is stored or refused.
fn check_value(name: &str, column: &str, value: &str, expected: Result<&str, ErrorCode>) {
    let payload = read_new(name, format!("{{\"{column}\":{value}}}").as_bytes(), None, false);
    let stored = payload.as_ref().map(|payload| payload.rows[0][0].as_str()).map_err(|error| error.code);
    assert_eq!(stored, expected, "{name}.{column} {value}");
}

#[test]
fn values_are_those_of_their_columns_kind() {
    use ErrorCode::{Check, InvalidBody, InvalidCharacter, InvalidDatetime, InvalidText, OutOfRange, TooLong};
    check_value(
        "prompts",
        "id",
        r#""00000000-0000-0000-0000-00000000000A""#,
        Ok("\"00000000-0000-0000-0000-00000000000a\""),
    );
    check_value("prompts", "id", "\"a\"", Err(InvalidText));
    for other in ["0000000000000000000000000000000A", "{00000000-0000-0000-0000-00000000000a}"] {
        check_value("prompts", "id", &format!("\"{other}\""), Ok("\"00000000-0000-0000-0000-00000000000a\""));
    }
    check_value("prompts", "id", "\"urn:uuid:00000000-0000-0000-0000-00000000000a\"", Err(InvalidText));
    check_value("prompts", "id", "1", Err(InvalidText));
    check_value("prompts", "id", "{}", Err(InvalidText));
    check_value("prompts", "title", "\"a\\u00e9\\n\"", Ok("\"aé\\n\""));
    check_value("prompts", "title", "12.50", Ok("\"12.50\""));
    check_value("prompts", "title", "true", Ok("\"true\""));
    check_value("prompts", "title", "null", Ok("null"));
    check_value("prompts", "title", "\"a\\u0000\"", Err(InvalidCharacter));
    check_value("prompts", "title", "\"\\ud800\"", Err(InvalidBody));
    check_value("prompts", "is_public", "true", Ok("1"));
    check_value("prompts", "is_public", "\"no\"", Ok("0"));
    check_value("prompts", "is_public", "1", Ok("1"));
    check_value("prompts", "is_public", "2", Err(InvalidText));
    check_value("prompts", "created_at", "\"2026-11-20\"", Ok("\"2026-11-20T00:00:00.000000+00:00\""));
    check_value("prompts", "created_at", "\"soon\"", Err(InvalidDatetime));
    check_value("prompts", "created_at", "1", Err(InvalidDatetime));
    check_value("prompts", "variables", "{\"a\": [1, 2.50]}", Ok("{\"a\": [1, 2.50]}"));
    check_value("prompts", "variables", "\"a\"", Ok("\"a\""));
    check_value("prompts", "variables", "\"\\u0000\"", Err(InvalidCharacter));
    check_value("prompts", "tags", "[\"a\", \"b\"]", Ok("[\"a\",\"b\"]"));
    check_value("prompts", "tags", "[]", Ok("[]"));
    check_value("prompts", "tags", "\"a\"", Err(InvalidText));
    check_value("prompts", "tags", "[1, true, null]", Ok("[\"1\",\"true\",null]"));
    check_value("prompts", "tags", "[[\"a\"]]", Err(InvalidText));
    check_value("prompts", "tags", "[\"\\u0000\"]", Err(InvalidCharacter));
    check_value("prompts", "slug", "\"00000000-0000-0000-0000-00000000000a\"", Err(Check));
    check_value("prompts", "category", &format!("\"{}\"", "é".repeat(129)), Err(TooLong));
    let tags = |bytes: usize| format!("[\"{}\"]", "x".repeat(bytes - 4));
    check_value("prompts", "tags", &tags(TAGS_BYTES), Ok(&tags(TAGS_BYTES)));
    check_value("prompts", "tags", &tags(TAGS_BYTES + 1), Err(TooLong));
    check_value("prompts", "category", &format!("\"{}\"", "é".repeat(128)), Ok(&format!("\"{}\"", "é".repeat(128))));
    check_value("test_results", "rating", "5", Ok("5"));
    check_value("test_results", "rating", "\" 5 \"", Ok("5"));
    check_value("test_results", "rating", "6", Ok("6"));
    check_value("test_results", "rating", "4.5", Err(InvalidText));
    check_value("test_results", "rating", "true", Err(InvalidText));
    check_value("test_results", "duration_ms", "9007199254740992", Ok("9007199254740992"));
    check_value("test_results", "duration_ms", "9007199254740993", Err(OutOfRange));
    check_value("test_results", "duration_ms", "99999999999999999999", Err(OutOfRange));
}

#[test]
fn changes_are_one_row_and_touch_it() {
    let check = |name: &str, body: &str, expected: Result<&str, ErrorCode>| {
        let changes = Payload::read_changes(table(name).unwrap(), body.as_bytes(), None, NOW);
        let json = changes.map(|changes| changes.json().replace(NOW, "NOW")).map_err(|error| error.code);
        assert_eq!(json.as_deref(), expected.as_ref().map(|json| *json), "{name} {body}");
    };
    check("prompts", r#"{"title":"a"}"#, Ok(r#"[{"title":"a","updated_at":"NOW"}]"#));
    check(
        "prompts",
        r#"{"title":"a","updated_at":"2026-01-01"}"#,
        Ok(r#"[{"title":"a","updated_at":"2026-01-01T00:00:00.000000+00:00"}]"#),
    );
    check("users", r#"{"email":"a"}"#, Ok(r#"[{"email":"a"}]"#));
    check("prompts", "{}", Ok("[{}]"));
    check("prompts", r#"[{"title":"a"}]"#, Ok(r#"[{"title":"a","updated_at":"NOW"}]"#));
    check("prompts", "[]", Err(ErrorCode::InvalidBody));
    check("prompts", r#"[{"title":"a"},{"title":"b"}]"#, Err(ErrorCode::InvalidBody));
    check("prompts", r#"{"likes":1}"#, Err(ErrorCode::UnknownPayloadColumn));
}

#[test]
fn rows_that_would_be_written_over_twice_are_found() {
    let check = |body: &str, key: &[&str], expected: bool| {
        assert_eq!(read_new("prompts", body.as_bytes(), None, false).unwrap().repeats(key), expected, "{body}");
    };
    check(r#"[{"slug":"a"},{"slug":"a"}]"#, &["slug"], true);
    check(r#"[{"slug":"a"},{"slug":"b"}]"#, &["slug"], false);
    check(r#"[{"slug":null},{"slug":null}]"#, &["slug"], false);
    check(r#"[{"slug":"a","title":"x"},{"slug":"a","title":"y"}]"#, &["slug", "title"], false);
    check(r#"[{"slug":"\u0061"},{"slug":"a"}]"#, &["slug"], true);
}

fn check_call(name: &str, body: &str, expected: Result<&Function, ErrorCode>) {
    let function = Arguments::of_body(body.as_bytes()).and_then(|arguments| Function::read(name, &arguments));
    assert_eq!(function.as_ref().map_err(|error| error.code), expected, "{name}({body})");
}

const A: Uuid = Uuid::from_u128(0xa);
const A_PROMPT: &str = r#"{"prompt_id":"00000000-0000-0000-0000-00000000000A"}"#;
const A_TEMPLATE: &str = r#"{"template_id":"00000000-0000-0000-0000-00000000000a"}"#;

#[test]
fn functions_are_called_with_their_arguments() {
    check_call("increment_prompt_views", A_PROMPT, Ok(&Function::IncrementPromptViews(A)));
    check_call("increment_prompt_copies", A_PROMPT, Ok(&Function::IncrementPromptCopies(A)));
    check_call("increment_fork_count", A_PROMPT, Ok(&Function::IncrementForkCount(A)));
    check_call("increment_likes_count", A_TEMPLATE, Ok(&Function::IncrementLikesCount(A)));
    check_call("increment_uses_count", A_TEMPLATE, Ok(&Function::IncrementUsesCount(A)));
    check_call("increment_uses_count", A_PROMPT, Err(ErrorCode::UnknownFunction));
    check_call("increment_prompt_views", "{}", Err(ErrorCode::UnknownFunction));
    check_call("increment_prompt_views", "", Err(ErrorCode::UnknownFunction));
    check_call("drop_table", "{}", Err(ErrorCode::UnknownFunction));
    check_call("increment_prompt_views", r#"{"prompt_id":null}"#, Err(ErrorCode::NotNull));
    check_call("increment_prompt_views", r#"{"prompt_id":"a"}"#, Err(ErrorCode::InvalidText));
    check_call("increment_prompt_views", "[]", Err(ErrorCode::InvalidBody));
    check_call("increment_prompt_views", "{", Err(ErrorCode::InvalidBody));
}

#[test]
fn functions_that_count_do_not_only_read() {
    let counting =
        [Function::IncrementPromptViews(A), Function::IncrementLikesCount(A), Function::IncrementUsesCount(A)];
    assert!(counting.iter().all(|function| !function.is_reading()));
    assert!(Function::GetPopularTemplates { limit: 10, category: None }.is_reading());
}

#[test]
fn popular_templates_have_defaults_and_at_most_100_rows() {
    let check = |body: &str, limit: i64, category: Option<&str>| {
        let expected = Function::GetPopularTemplates { limit, category: category.map(str::to_owned) };
        check_call("get_popular_templates", body, Ok(&expected));
    };
    check("", 10, None);
    check("{}", 10, None);
    check(r#"{"limit_count":5,"category_filter":"art"}"#, 5, Some("art"));
    check(r#"{"category_filter":null}"#, 10, None);
    check(r#"{"limit_count":"7"}"#, 7, None);
    check(r#"{"limit_count":1000}"#, 100, None);
    check(r#"{"limit_count":-1}"#, 0, None);
    check_call("get_popular_templates", r#"{"limit_count":"x"}"#, Err(ErrorCode::InvalidText));
    check_call("get_popular_templates", r#"{"limit":1}"#, Err(ErrorCode::UnknownFunction));
    let arguments =
        Arguments::of_parameters(&parameters(&[("limit_count", "3"), ("category_filter", "a\"b")])).unwrap();
    let expected = Function::GetPopularTemplates { limit: 3, category: Some("a\"b".to_owned()) };
    assert_eq!(Function::read("get_popular_templates", &arguments), Ok(expected));
}
