//! Prompts that callers make: whose they are, their answers, and the keys under which they are made once.

use promptmeter::data::creation::{AnswerRow, Creation, CreationKey};
use promptmeter::http::identity::{Identity, User};
use promptmeter::http::problem::{Code, Problem};
use promptmeter::limits::PROMPT_ANSWERS;
use uuid::Uuid;

const USER: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

fn identity_of(user: Uuid) -> Identity {
    Identity::User(User { id: user, email: None })
}

/// Reads a body; new ids are 100, 101 and so on.
fn read(body: &str, identity: &Identity) -> Result<Creation, Problem> {
    let mut ids = 100..;
    Creation::read(body, identity, || Uuid::from_u128(ids.next().unwrap()))
}

fn check_refused(body: &str, identity: &Identity, code: Code, pointer: Option<&str>) {
    let problem = read(body, identity).unwrap_err();
    assert_eq!((problem.code, problem.pointer.as_deref()), (code, pointer), "{body}");
}

fn with(fields: &str) -> String {
    format!(r#"{{"title":"t","template":"x",{fields}}}"#)
}

#[test]
fn a_user_makes_prompts_of_their_own_and_the_service_those_of_others() {
    let named = |user: Uuid| with(&format!(r#""user_id":"{user}""#));
    let plain = r#"{"title":"t","template":"x"}"#;
    let owner = |body: &str, identity: &Identity| read(body, identity).map(|creation| creation.prompt.user_id);
    assert_eq!(owner(plain, &identity_of(USER)).unwrap(), USER);
    assert_eq!(owner(&named(USER), &identity_of(USER)).unwrap(), USER);
    assert_eq!(owner(&named(OTHER), &Identity::Service(None)).unwrap(), OTHER);
    let acts_for = Identity::Service(Some(User { id: USER, email: None }));
    assert_eq!(owner(plain, &acts_for).unwrap(), USER);
    assert_eq!(owner(&named(OTHER), &acts_for).unwrap(), OTHER);
    check_refused(&named(OTHER), &identity_of(USER), Code::ServiceRequired, Some("/user_id"));
    check_refused(plain, &Identity::Anonymous, Code::UserRequired, None);
    check_refused(plain, &Identity::Service(None), Code::MissingField, Some("/user_id"));
    check_refused(&named(USER), &Identity::Anonymous, Code::UserRequired, None);
}

#[test]
fn ids_are_those_that_are_told_or_new_ones_in_their_order() {
    let answers = r#""answers":[{"question":"q","answer":"a"},
        {"question":"Q","answer":"A","position":-5,"id":"00000000-0000-0000-0000-000000000007"},{"question":"","answer":""}]"#;
    let creation = read(&with(answers), &identity_of(USER)).unwrap();
    assert_eq!(creation.prompt.id, Uuid::from_u128(100));
    let answer = |id, question: &str, answer: &str, position| AnswerRow {
        id: Uuid::from_u128(id),
        question: question.to_owned(),
        answer: answer.to_owned(),
        position,
    };
    assert_eq!(creation.answers, [answer(101, "q", "a", 0), answer(7, "Q", "A", -5), answer(102, "", "", 2)]);
    let named = read(&with(r#""id":"00000000-0000-0000-0000-000000000009","answers":null"#), &identity_of(USER));
    assert_eq!(named.map(|creation| (creation.prompt.id, creation.answers)), Ok((Uuid::from_u128(9), Vec::new())));
}

#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let answers = |answers: &str| with(&format!(r#""answers":{answers}"#));
    let many = |count: usize| answers(&format!("[{}]", vec![r#"{"question":"q","answer":"a"}"#; count].join(",")));
    assert_eq!(read(&many(PROMPT_ANSWERS), &identity_of(USER)).unwrap().answers.len(), PROMPT_ANSWERS);
    for (body, code, pointer) in [
        (with(r#""nothing":1"#), Code::UnknownColumn, "/nothing"),
        (with(r#""id":"7""#), Code::InvalidUuid, "/id"),
        (answers("{}"), Code::InvalidType, "/answers"),
        (many(PROMPT_ANSWERS + 1), Code::TooLarge, "/answers"),
        (answers(r#"[{"question":"q","answer":"a"},{"question":"q"}]"#), Code::MissingField, "/answers/1/answer"),
        (answers(r#"[{"question":1,"answer":"a"}]"#), Code::InvalidType, "/answers/0/question"),
        (answers(r#"[{"question":"q","answer":"a","rank":1}]"#), Code::UnknownColumn, "/answers/0/rank"),
        (
            answers(r#"[{"question":"q","answer":"a","position":2147483648}]"#),
            Code::InvalidValue,
            "/answers/0/position",
        ),
        (answers(r#"[{"question":"q","answer":"a","position":0.5}]"#), Code::InvalidType, "/answers/0/position"),
    ] {
        check_refused(&body, &identity_of(USER), code, Some(pointer));
    }
    for position in [i32::MIN, i32::MAX] {
        let body = answers(&format!(r#"[{{"question":"q","answer":"a","position":{position}}}]"#));
        assert_eq!(read(&body, &identity_of(USER)).unwrap().answers[0].position, i64::from(position));
    }
}

#[test]
fn a_repeated_request_is_known_by_its_key_and_by_all_that_it_says() {
    let key = |what: &str, body: &str| CreationKey::new("k".to_owned(), what, body);
    assert_eq!(key("prompt", "{}"), key("prompt", "{}"));
    assert_eq!(key("prompt", "{}").key, "k");
    let digests =
        [("prompt", "{}"), ("prompt", "{} "), ("fork", "{}"), ("fork ", "{}")].map(|(what, body)| key(what, body));
    for (place, one) in digests.iter().enumerate() {
        assert_eq!(one.request_digest.len(), 16);
        assert!(digests[..place].iter().all(|other| other.request_digest != one.request_digest));
    }
}
