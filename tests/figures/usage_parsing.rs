//! From the bytes of a body to uses, or to what is wrong with them.

use promptmeter::events::event::{Event, Subject};
use promptmeter::events::parse::{parse, parse_usage};
use promptmeter::http::problem::{Code, Problem};
use promptmeter::usage::event::Usage;
use uuid::Uuid;

const PROMPT: &str = "01234567-89ab-7def-8123-456789abcdef";
const VIEW: &str = r#"{"type":"view","prompt_id":"01234567-89ab-7def-8123-456789abcdef"}"#;

type Refusal = (Code, Option<String>);

fn refusal(problem: Problem) -> Refusal {
    (problem.code, problem.pointer)
}

/// An event of `/v1/events`, alone and in an array.
fn check_event(event: &str, expected: Result<Event, (Code, &str)>) {
    let expected = expected.map_err(|(code, pointer)| (code, Some(pointer.to_owned())));
    let read = |body: &str| -> Result<Vec<Result<Event, Refusal>>, Refusal> {
        let events = parse(body).map_err(refusal)?.events;
        Ok(events.into_iter().map(|event| event.map_err(refusal)).collect())
    };
    assert_eq!(read(event), expected.clone().map(|event| vec![Ok(event)]), "{event}");
    assert_eq!(read(&format!("[{event},{event}]")), Ok(vec![expected.clone(), expected]), "{event}");
}

fn usage() -> Usage {
    Usage {
        prompt_id: Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef),
        post_id: None,
        character_id: None,
        job_id: None,
        scene: None,
        environment: None,
        outfit: None,
        prompt: None,
        negative_prompt: None,
        success: true,
        generation_time_ms: None,
        error_message: None,
    }
}

fn of_usage(usage: Usage) -> Event {
    Event { id: None, at_ms: None, subject: Subject::Usage(usage) }
}

#[test]
fn a_use_has_its_context() {
    let text = |text: &str| Some(text.to_owned());
    let message = "é".repeat(1024);
    check_event(&format!(r#"{{"type":"usage","prompt_id":"{PROMPT}"}}"#), Ok(of_usage(usage())));
    let fields = concat!(
        r#""post_id":"p","character_id":"c","job_id":"j","scene":"s","environment":"e","outfit":"o","prompt":"","#,
        r#""negative_prompt":"a\u0000\n","success":false,"generation_time_ms":86400000"#,
    );
    check_event(
        &format!(r#"{{"type":"usage","prompt_id":"{PROMPT}",{fields},"error_message":"{message}"}}"#),
        Ok(of_usage(Usage {
            post_id: text("p"),
            character_id: text("c"),
            job_id: text("j"),
            scene: text("s"),
            environment: text("e"),
            outfit: text("o"),
            prompt: text(""),
            negative_prompt: text("a\0\n"),
            success: false,
            generation_time_ms: Some(86_400_000),
            error_message: Some(message.clone()),
            ..usage()
        })),
    );
}

#[test]
fn a_bad_field_of_a_use_is_told_by_its_name() {
    let check = |field: &str, code, pointer: &str| {
        let event = format!(r#"{{"type":"usage","prompt_id":"{PROMPT}",{field}}}"#);
        check_event(&event, Err((code, pointer)));
    };
    for name in ["post_id", "character_id", "job_id", "scene", "environment", "outfit"] {
        for (value, code) in [
            ("7", Code::InvalidType),
            (r#""""#, Code::InvalidLength),
            (&format!("\"{}\"", "é".repeat(129)), Code::InvalidLength),
            (r#""\u0000""#, Code::InvalidValue),
        ] {
            check(&format!("\"{name}\":{value}"), code, &format!("/{name}"));
        }
    }
    let long = format!(r#""success":false,"error_message":"{}a""#, "é".repeat(1024));
    for (field, code, pointer) in [
        (r#""prompt":7"#, Code::InvalidType, "/prompt"),
        (r#""negative_prompt":["a"]"#, Code::InvalidType, "/negative_prompt"),
        (r#""prompt":"\ud800""#, Code::InvalidJson, "/prompt"),
        (r#""success":1"#, Code::InvalidType, "/success"),
        (r#""success":"false""#, Code::InvalidType, "/success"),
        (r#""generation_time_ms":"1""#, Code::InvalidType, "/generation_time_ms"),
        (r#""generation_time_ms":1.5"#, Code::InvalidType, "/generation_time_ms"),
        (r#""generation_time_ms":1e3"#, Code::InvalidType, "/generation_time_ms"),
        (r#""generation_time_ms":-1"#, Code::InvalidValue, "/generation_time_ms"),
        (r#""generation_time_ms":86400001"#, Code::InvalidValue, "/generation_time_ms"),
        (r#""error_message":"why""#, Code::InvalidValue, "/error_message"),
        (r#""error_message":"","success":true"#, Code::InvalidValue, "/error_message"),
        (r#""error_message":7,"success":false"#, Code::InvalidType, "/error_message"),
        (&long, Code::TooLarge, "/error_message"),
    ] {
        check(field, code, pointer);
    }
}

type Refused<'a> = (Code, Option<&'a str>);

/// What a body of `POST /v1/usage` is read as: the ids of its uses, or what is wrong with them.
fn check_usage(body: &str, key: Option<&str>, expected: Result<&[Result<Option<&str>, Refused<'_>>], Refused<'_>>) {
    let owned = |(code, pointer): Refused<'_>| (code, pointer.map(str::to_owned));
    let event = |id: Option<&str>| Event { id: id.map(str::to_owned), ..of_usage(usage()) };
    let events = |events: &[Result<Option<&str>, Refused<'_>>]| {
        events.iter().map(|one| one.map(event).map_err(owned)).collect::<Vec<_>>()
    };
    let read = parse_usage(body, key.map(str::to_owned)).map_err(refusal);
    let read = read.map(|read| read.events.into_iter().map(|one| one.map_err(refusal)).collect::<Vec<_>>());
    assert_eq!(read, expected.map(events).map_err(owned), "{body} with {key:?}");
}

#[test]
fn uses_need_not_say_that_they_are_uses() {
    let one = &format!(r#"{{"prompt_id":"{PROMPT}"}}"#);
    let typed = &format!(r#"{{"type":"usage","prompt_id":"{PROMPT}","id":"i"}}"#);
    let other = (Code::UnknownType, Some("/type"));
    check_usage(one, None, Ok(&[Ok(None)]));
    check_usage(typed, None, Ok(&[Ok(Some("i"))]));
    check_usage("[]", None, Ok(&[]));
    check_usage(&format!("[{one},{typed}]"), None, Ok(&[Ok(None), Ok(Some("i"))]));
    check_usage(&format!(r#"{{"events":[{one},{typed}]}}"#), None, Ok(&[Ok(None), Ok(Some("i"))]));
    check_usage(VIEW, None, Err(other));
    check_usage(&format!("[{one},{VIEW}]"), None, Ok(&[Ok(None), Err(other)]));
    check_usage(r#"{"type":7}"#, None, Err((Code::InvalidType, Some("/type"))));
    check_usage("{}", None, Err((Code::MissingField, Some("/prompt_id"))));
    check_usage("7", None, Err((Code::InvalidType, None)));
}

#[test]
fn the_key_of_a_request_is_the_id_of_its_one_use() {
    let one = &format!(r#"{{"prompt_id":"{PROMPT}"}}"#);
    let named = &format!(r#"{{"prompt_id":"{PROMPT}","id":"i"}}"#);
    let key = Some("i");
    for body in [one, named] {
        check_usage(body, key, Ok(&[Ok(key)]));
        check_usage(&format!("[{body}]"), key, Ok(&[Ok(key)]));
        check_usage(&format!("[{body},{one}]"), key, Err((Code::InvalidValue, None)));
    }
    check_usage(named, Some("another"), Err((Code::InvalidValue, Some("/id"))));
    check_usage("[]", key, Ok(&[]));
    check_usage("[{}]", key, Ok(&[Err((Code::MissingField, Some("/prompt_id")))]));
}
