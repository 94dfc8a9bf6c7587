//! Rows of other systems: one JSON object a line.

mod events;
mod streams;

use promptmeter::counting::tally::Metric;
use promptmeter::data::import::{ImportLine, ImportRow, ImportedEvent, read_line};
use promptmeter::data::import_report::{ImportReport, RowCounts};
use promptmeter::data::json_rows::{ARRAY_BYTES, json_arrays};
use promptmeter::data::lines::Lines;
use promptmeter::data::prompt::PromptRow;
use promptmeter::http::problem::{Code, Problem};
use promptmeter::limits::{IMPORT_LINE_BYTES, NESTING_LEVELS, STORED_ROW_BYTES, TAGS_BYTES};
use promptmeter::rest::rows::Cell;
use uuid::Uuid;

const PROMPT: &str = "01234567-89ab-7def-8123-456789abcdef";
const USER: &str = "11111111-2222-7333-8444-555555555555";

fn check(line: &[u8], expected: Result<ImportRow, (Code, Option<&str>)>) {
    let actual = read_line(line).map_err(|problem| (problem.code, problem.pointer));
    let expected = expected.map(ImportLine::Row);
    let expected = expected.map_err(|(code, pointer)| (code, pointer.map(str::to_owned)));
    assert_eq!(actual, expected, "{}", String::from_utf8_lossy(line).chars().take(300).collect::<String>());
}

/// A line that is refused.
fn check_refused(line: impl AsRef<[u8]>, code: Code, pointer: Option<&str>) {
    check(line.as_ref(), Err((code, pointer)));
}

fn prompt_line(fields: &str) -> String {
    format!(r#"{{"table":"prompts","row":{{"id":"{PROMPT}","user_id":"{USER}",{fields}}}}}"#)
}

fn event_line(fields: &str) -> String {
    format!(r#"{{"table":"prompt_events","row":{{{fields}}}}}"#)
}

fn prompt_row(title: &str, template: &str) -> PromptRow {
    PromptRow {
        id: Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef),
        slug: None,
        user_id: Uuid::from_u128(0x1111_1111_2222_7333_8444_5555_5555_5555),
        title: title.to_owned(),
        goal: None,
        template: template.to_owned(),
        variables: None,
        negative_prompt: None,
        category: None,
        tags: None,
        is_public: false,
        is_active: true,
        forked_from: None,
        created_at: None,
        updated_at: None,
    }
}

fn check_prompt(fields: &str, expected: PromptRow) {
    check(prompt_line(fields).as_bytes(), Ok(ImportRow::Prompt(Box::new(expected))));
}

#[test]
fn a_prompt_keeps_every_byte() {
    check_prompt(r#""title":"t","template":"x""#, prompt_row("t", "x"));
    check_prompt(r#""title":"","template":"""#, prompt_row("", ""));
    check_prompt(r#""title":" t\r\n","template":"\u0000\t😀é\u00e9e\u0301\ud83d\ude00\\\/\"\ufeff\uffff""#, {
        prompt_row(" t\r\n", "\u{0}\t😀éée\u{301}😀\\/\"\u{feff}\u{ffff}")
    });
    let text = |text: &str| Some(text.to_owned());
    check_prompt(
        &[
            r#""title":"t","template":"x","slug":"a-slug","goal":" g ","negative_prompt":"n","category":"c""#,
            r#""variables":[{ "name" : "\u00e9","n":1.0 }],"tags":["a", "\u00e9"],"is_public":true,"is_active":false"#,
            r#""forked_from":"11111111-2222-7333-8444-555555555555""#,
            r#""created_at":"2024-03-05 12:34:56.789012+00""#,
        ]
        .join(","),
        PromptRow {
            slug: text("a-slug"),
            goal: text(" g "),
            negative_prompt: text("n"),
            category: text("c"),
            variables: text(r#"[{ "name" : "\u00e9","n":1.0 }]"#),
            tags: text(r#"["a", "\u00e9"]"#),
            is_public: true,
            is_active: false,
            forked_from: Some(Uuid::from_u128(0x1111_1111_2222_7333_8444_5555_5555_5555)),
            created_at: text("2024-03-05T12:34:56.789012+00:00"),
            ..prompt_row("t", "x")
        },
    );
    let nulls = [
        "slug",
        "goal",
        "negative_prompt",
        "category",
        "variables",
        "tags",
        "is_public",
        "is_active",
        "forked_from",
        "created_at",
    ];
    let nulls = nulls.map(|name| format!(r#""{name}":null"#)).join(",");
    check_prompt(&format!(r#""title":"t","template":"x",{nulls}"#), prompt_row("t", "x"));
}

#[test]
fn a_prompt_that_tells_every_column_is_a_row_as_it_stands() {
    let rest = r#""slug":null,"title":"","goal":null,"template":"","variables":{ "a" : 1.0 },"negative_prompt":null,"category":"",
        "tags":[null],"is_public":true,"is_active":false,"forked_from":null,
        "created_at":"2024-03-05T12:34:56.789012+00:00","updated_at":"2024-03-05T12:34:56.000000+00:00""#;
    let Ok(ImportLine::Row(ImportRow::Row(row))) = read_line(prompt_line(rest).as_bytes()) else { panic!() };
    let told = ["variables", "category", "tags", "is_active", "slug"].map(|name| row.get(name));
    let text = |text: &str| Cell::Text(text.to_owned());
    assert_eq!(told, [text(r#"{ "a" : 1.0 }"#), text(""), text("[null]"), Cell::Number(0.0), Cell::Null]);
    let refused = |line: String| read_line(line.as_bytes()).map_err(|problem| problem.code);
    assert_eq!(refused(prompt_line(&rest.replace("[null]", "[1]"))), Err(Code::InvalidType));
    let slug = format!(r#""slug":"{PROMPT}""#);
    assert_eq!(refused(prompt_line(&rest.replace(r#""slug":null"#, &slug))), Err(Code::InvalidValue));
}

#[test]
fn the_ends_of_lines_of_other_systems_are_read() {
    let line = prompt_line(r#""title":"t","template":"x""#);
    let expected = || Ok(ImportRow::Prompt(Box::new(prompt_row("t", "x"))));
    check(format!("{line}\r").as_bytes(), expected());
    check(format!("  {line}\t").as_bytes(), expected());
}

#[test]
fn a_stored_prompt_has_a_largest_size() {
    let longest = "é".repeat(STORED_ROW_BYTES / 2 - 100);
    let rest = "x".repeat(198);
    check_prompt(
        &format!(r#""title":"tt","template":"{longest}{rest}""#),
        prompt_row("tt", &format!("{longest}{rest}")),
    );
    let too_much = format!("{rest}x");
    for (title, template, other) in [
        (too_much.as_str(), longest.as_str(), r#","goal":"gg""#),
        (&longest, &too_much, r#","goal":"gg""#),
        ("tt", &too_much, &format!(r#","goal":"{longest}""#)),
        ("tt", &too_much, &format!(r#","negative_prompt":"{longest}""#)),
        ("tt", &too_much, &format!(r#","variables":"{longest}""#)),
    ] {
        let line = prompt_line(&format!(r#""title":"{title}","template":"{template}"{other}"#));
        check_refused(line, Code::TooLarge, Some("/row"));
    }
}

#[test]
fn tags_have_a_largest_size() {
    let tags = |bytes: usize| format!(r#""title":"tt","template":"x","tags":["{}"]"#, "t".repeat(bytes - 4));
    assert!(read_line(prompt_line(&tags(TAGS_BYTES)).as_bytes()).is_ok());
    check_refused(prompt_line(&tags(TAGS_BYTES + 1)), Code::TooLarge, Some("/row/tags"));
}

#[test]
fn a_value_is_as_deep_as_a_body_may_be_within_its_line_and_its_row() {
    let nested = |levels: usize| {
        let value = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        prompt_line(&format!(r#""title":"t","template":"x","variables":{value}"#))
    };
    assert!(read_line(nested(NESTING_LEVELS).as_bytes()).is_ok());
    check_refused(nested(NESTING_LEVELS + 1), Code::NestingTooDeep, None);
}

#[test]
fn a_line_has_at_most_13_mib() {
    let line = prompt_line(r#""title":"t","template":"x""#);
    let padded = |bytes: usize| format!("{line}{}", " ".repeat(bytes - line.len()));
    assert_eq!(IMPORT_LINE_BYTES, 13 << 20);
    check(padded(13 << 20).as_bytes(), Ok(ImportRow::Prompt(Box::new(prompt_row("t", "x")))));
    check_refused(padded((13 << 20) + 1), Code::TooLarge, None);
    check_refused(vec![0xff; (13 << 20) + 1], Code::TooLarge, None);
}

#[test]
fn a_bad_prompt_is_told_with_its_column() {
    for (fields, code, column) in [
        (r#""template":"x""#, Code::MissingField, "title"),
        (r#""title":null,"template":"x""#, Code::MissingField, "title"),
        (r#""title":"t""#, Code::MissingField, "template"),
        (r#""title":7,"template":"x""#, Code::InvalidType, "title"),
        (r#""title":"t","template":["x"]"#, Code::InvalidType, "template"),
        (r#""title":"t","template":"\ud800""#, Code::InvalidJson, "template"),
        (r#""title":"t","template":"x","slug":7"#, Code::InvalidType, "slug"),
        (r#""title":"t","template":"x","slug":"01234567-89ab-7def-8123-456789abcdef""#, Code::InvalidValue, "slug"),
        (r#""title":"t","template":"x","slug":"""#, Code::InvalidLength, "slug"),
        (r#""title":"t","template":"x","slug":"a\u0000""#, Code::InvalidValue, "slug"),
        (r#""title":"t","template":"x","category":"""#, Code::InvalidLength, "category"),
        (r#""title":"t","template":"x","goal":{}"#, Code::InvalidType, "goal"),
        (r#""title":"t","template":"x","variables":"\udfff""#, Code::InvalidJson, "variables"),
        (r#""title":"t","template":"x","tags":"a,b""#, Code::InvalidType, "tags"),
        (r#""title":"t","template":"x","tags":["a",1]"#, Code::InvalidType, "tags"),
        (r#""title":"t","template":"x","tags":["\ud800"]"#, Code::InvalidJson, "tags"),
        (r#""title":"t","template":"x","is_public":1"#, Code::InvalidType, "is_public"),
        (r#""title":"t","template":"x","is_active":"true""#, Code::InvalidType, "is_active"),
        (r#""title":"t","template":"x","forked_from":"x""#, Code::InvalidUuid, "forked_from"),
        (r#""title":"t","template":"x","created_at":"yesterday""#, Code::InvalidTimestamp, "created_at"),
        (r#""title":"t","template":"x","created_at":"0000-12-31T23:00:00Z""#, Code::InvalidTimestamp, "created_at"),
        (r#""title":"t","template":"x","updated_at":1700000000"#, Code::InvalidType, "updated_at"),
        (r#""title":"t","template":"x","author":"me""#, Code::UnknownColumn, "author"),
        (r#""title":"t","template":"x","a/b~c":null"#, Code::UnknownColumn, "a~1b~0c"),
    ] {
        check_refused(prompt_line(fields), code, Some(&format!("/row/{column}")));
    }
    for (row, code, column) in [
        ("{}", Code::MissingField, "id"),
        (r#"{"id":7}"#, Code::InvalidType, "id"),
        (r#"{"id":"a-slug"}"#, Code::InvalidUuid, "id"),
        (&format!(r#"{{"id":"{PROMPT}"}}"#), Code::MissingField, "user_id"),
        (&format!(r#"{{"id":"{PROMPT}","user_id":"nobody"}}"#), Code::InvalidUuid, "user_id"),
    ] {
        let line = format!(r#"{{"table":"prompts","row":{row}}}"#);
        check_refused(line, code, Some(&format!("/row/{column}")));
    }
}

#[test]
fn a_line_that_is_no_row_is_refused() {
    for line in ["", " ", "{", "[", "prompts", "{\"table\":\"prompts\"} {}", "\u{feff}{}"] {
        check_refused(line, Code::InvalidJson, None);
    }
    for line in ["null", "7", "\"prompts\"", "[]"] {
        check_refused(line, Code::InvalidType, None);
    }
    for (line, code, pointer) in [
        ("{}", Code::MissingField, "/table"),
        (r#"{"table":null,"row":{}}"#, Code::MissingField, "/table"),
        (r#"{"table":7,"row":{}}"#, Code::InvalidType, "/table"),
        (r#"{"table":"prompt_stats","row":{}}"#, Code::UnknownTable, "/table"),
        (r#"{"table":"Prompts","row":{}}"#, Code::UnknownTable, "/table"),
        (r#"{"table":"","row":{}}"#, Code::UnknownTable, "/table"),
        (r#"{"table":"prompts"}"#, Code::MissingField, "/row"),
        (r#"{"table":"prompts","row":null}"#, Code::MissingField, "/row"),
        (r#"{"table":"prompts","row":[]}"#, Code::InvalidType, "/row"),
        (r#"{"table":"prompts","row":"x"}"#, Code::InvalidType, "/row"),
    ] {
        check_refused(line, code, Some(pointer));
    }
    check_refused(r#"{"table":"prompts","table":"prompts","row":{}}"#, Code::InvalidJson, None);
    check_refused(b"{\"table\":\"\xff\"}", Code::InvalidUtf8, None);
    check_refused("[".repeat(100_000), Code::NestingTooDeep, None);
    let deep = format!(r#""title":"t","template":"x","variables":{}{}"#, "[".repeat(65), "]".repeat(65));
    check_refused(prompt_line(&deep), Code::NestingTooDeep, None);
}

#[test]
fn an_array_is_no_line() {
    let array = format!(r#"["prompts",{{"id":"{PROMPT}","user_id":"{USER}","title":"t","template":"x"}}]"#);
    let problem = read_line(array.as_bytes()).unwrap_err();
    assert_eq!(problem.code.status(), 400, "{problem:?}");
}

#[test]
fn a_column_that_stands_twice_is_refused() {
    let line = prompt_line(r#""title":"one","title":"another","template":"x""#);
    check_refused(line, Code::InvalidJson, Some("/row"));
    let event = format!(r#""id":1,"id":2,"prompt_id":"{PROMPT}","event_type":"view","created_at":"2024-03-05T00:00Z""#);
    check_refused(event_line(&event), Code::InvalidJson, Some("/row"));
}
