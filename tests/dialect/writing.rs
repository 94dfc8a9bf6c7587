//! What of a request that writes is refused first, and what is told of the rows.

use promptmeter::data::tables::table;
use promptmeter::limits::{PARAMETER_BYTES, REREAD_ROWS};
use promptmeter::rest::error::{DataError, ErrorCode};
use promptmeter::rest::insert_sql;
use promptmeter::rest::payload::{Origin, Payload};
use promptmeter::rest::preference::{RequestHeaders, Resolution};
use promptmeter::rest::request::Request;
use promptmeter::rest::rows::Cell;
use promptmeter::rest::write_sql::Demand;
use uuid::Uuid;

use crate::database::{self, NOW, parameters, user_id};

fn request(table: &str, pairs: &[(&str, &str)], accept: &str, prefer: &str) -> Request {
    let told = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let headers = RequestHeaders { accept: told(accept), prefer: told(prefer), ..RequestHeaders::default() };
    Request::read(table, &parameters(pairs), &headers).unwrap()
}

fn rows(name: &str, body: &str) -> Payload {
    let mut ids = 1..;
    let mut new_id = || Uuid::from_u128(ids.next().unwrap());
    let mut origin = Origin { now: NOW, caller: Some(user_id(1)), new_id: &mut new_id };
    Payload::read_new(table(name).unwrap(), body.as_bytes(), None, true, &mut origin).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, DataError>) -> ErrorCode {
    result.unwrap_err().code
}

const OBJECT: &str = "application/vnd.pgrst.object+json";
const REPRESENTATION: &str = "return=representation";

#[test]
fn rows_are_told_where_they_are_asked_for() {
    for (accept, prefer, is_told, is_one) in [
        ("", "", false, false),
        ("", "return=minimal", false, false),
        ("", REPRESENTATION, true, false),
        (OBJECT, REPRESENTATION, true, true),
        (OBJECT, "", false, false),
    ] {
        let request = request("prompts", &[("select", "id")], accept, prefer);
        assert_eq!((request.told().is_some(), request.is_one()), (is_told, is_one), "{accept} {prefer}");
    }
}

#[test]
fn parameters_that_a_method_has_no_use_for_are_refused() {
    let uses = |parameter: (&str, &str)| {
        let request = request("prompts", &[parameter], "", "");
        ["GET", "POST", "PATCH", "DELETE"].map(|method| match request.refuse_unused(method) {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.code, ErrorCode::Unsupported);
                assert!(error.message.contains(method), "{}", error.message);
                false
            }
        })
    };
    for (parameter, expected) in [
        (("select", "id"), [true; 4]),
        (("order", "id"), [true; 4]),
        (("columns", ""), [true; 4]),
        (("columns", "title"), [false, true, true, false]),
        (("on_conflict", "id"), [false, true, false, false]),
        (("title", "eq.a"), [true, false, true, true]),
        (("or", "(title.eq.a)"), [true, false, true, true]),
        (("limit", "1"), [true, false, true, true]),
        (("offset", "1"), [true, false, true, true]),
    ] {
        assert_eq!(uses(parameter), expected, "{parameter:?}");
    }
}

#[test]
fn rows_with_those_of_others_or_in_an_order_are_read_anew() {
    for (pairs, expected) in [
        (&[("select", "id,title")][..], false),
        (&[("select", "id,prompt_answers(id)")], true),
        (&[("order", "title")], true),
        (&[("title", "eq.a")], false),
    ] {
        assert_eq!(request("prompts", pairs, "", REPRESENTATION).needs_reading(), expected, "{pairs:?}");
    }
}

#[test]
fn a_write_has_conditions_on_its_own_rows_and_no_page() {
    let of = |pairs: &[(&str, &str)]| request("prompts", pairs, "", "").written_conditions("DELETE").map(<[_]>::len);
    assert_eq!(of(&[("id", "not.is.null"), ("title", "eq.a")]).unwrap(), 2);
    for (pairs, expected) in [
        (&[][..], ErrorCode::Cardinality),
        (&[("select", "id")], ErrorCode::Cardinality),
        (&[("title", "eq.a"), ("limit", "1")], ErrorCode::Unsupported),
        (&[("title", "eq.a"), ("offset", "1")], ErrorCode::Unsupported),
        (
            &[("select", "id,prompt_answers(id)"), ("or", "(title.eq.a,prompt_answers.answer.eq.a)")],
            ErrorCode::Unsupported,
        ),
    ] {
        assert_eq!(code(of(pairs)), expected, "{pairs:?}");
    }
}

#[test]
fn a_row_is_known_by_its_key_or_by_columns_that_are_unique() {
    let likes = rows("template_likes", r#"[{"template_id":"00000000-0000-0000-0000-000000000001"}]"#);
    let merge = "resolution=merge-duplicates";
    let of = |name: &str, columns: Option<&str>, prefer: &str, payload: &Payload| {
        let pairs: Vec<_> = columns.map(|columns| ("on_conflict", columns)).into_iter().collect();
        request(name, &pairs, "", prefer).conflict(payload)
    };
    let key = &["template_id", "user_id"][..];
    assert_eq!(of("template_likes", None, "", &likes).unwrap(), None);
    assert_eq!(of("template_likes", None, merge, &likes).unwrap(), Some((Resolution::Merge, key)));
    let ignore = "resolution=ignore-duplicates";
    assert_eq!(
        of("template_likes", Some("user_id,template_id"), ignore, &likes).unwrap(),
        Some((Resolution::Ignore, key))
    );
    let prompts = rows("prompts", r#"[{"title":"a","template":"b","slug":"s"}]"#);
    assert_eq!(of("prompts", Some("slug"), merge, &prompts).unwrap(), Some((Resolution::Merge, &["slug"][..])));
    for (columns, expected) in [
        ("user_id", ErrorCode::InvalidConflictTarget),
        ("template_id,user_id,created_at", ErrorCode::InvalidConflictTarget),
        ("nothing", ErrorCode::UnknownColumn),
    ] {
        assert_eq!(code(of("template_likes", Some(columns), merge, &likes)), expected, "{columns}");
    }
}

#[test]
fn a_row_is_not_written_over_twice() {
    let one = r#"{"template_id":"00000000-0000-0000-0000-000000000001"}"#;
    let twice = rows("template_likes", &format!("[{one},{one}]"));
    let of = |prefer: &str| request("template_likes", &[], "", prefer).conflict(&twice);
    assert_eq!(code(of("resolution=merge-duplicates")), ErrorCode::Cardinality);
    assert!(of("resolution=ignore-duplicates").is_ok());
}

/// What a merge does not name stays as it is: what a new row would have there is for new rows. When it was is told anew.
#[test]
fn a_merge_changes_what_it_names_and_says_when() {
    let database = database::open();
    let me = database::user_id(1).to_string();
    database::execute(&database, "insert into users values (?1, null, '2025')", &[&me]);
    let before = "insert into prompts (id, slug, user_id, title, goal, template, is_public, is_active, created_at, updated_at) \
        values ('00000000-0000-0000-0000-000000000009', 'slug', ?1, 'before', 'a goal', 'before', 1, 0, '2025', '2025')";
    database::execute(&database, before, &[&me]);
    let payload = rows("prompts", r#"[{"slug":"slug","title":"after","template":"after"}]"#);
    let demand = Demand { identity: &database::user(1), is_one: false, told: None };
    let conflict = Some((Resolution::Merge, &["slug"][..]));
    let write = insert_sql::insert(table("prompts").unwrap(), &payload, conflict, demand);
    assert_eq!(database::perform(&database, &write).map(|(refused, ..)| refused), Ok(0));
    let columns = "title, template, goal, is_public, is_active, created_at, updated_at";
    let row = database::rows_of(&database, &format!("select {columns} from prompts"));
    let text = |text: &str| Cell::Text(text.to_owned());
    let expected =
        [text("after"), text("after"), text("a goal"), Cell::Number(1.0), Cell::Number(0.0), text("2025"), text(NOW)];
    assert_eq!(row, [expected]);
}

#[test]
fn no_more_rows_are_written_than_can_be_bound_and_told() {
    let one = r#"{"template_id":"00000000-0000-0000-0000-000000000001"}"#;
    let likes = |count: usize| rows("template_likes", &format!("[{}]", vec![one; count].join(",")));
    let ordered = request("template_likes", &[("order", "created_at")], "", REPRESENTATION);
    assert_eq!(ordered.refuse_amount(&likes(REREAD_ROWS)), Ok(()));
    assert_eq!(code(ordered.refuse_amount(&likes(REREAD_ROWS + 1))), ErrorCode::Unsupported);
    assert_eq!(request("template_likes", &[], "", REPRESENTATION).refuse_amount(&likes(REREAD_ROWS + 1)), Ok(()));
    let answer = r#"{"prompt_id":"00000000-0000-0000-0000-000000000001","question":"q","answer":"a"}"#;
    let answers = rows("prompt_answers", &format!("[{}]", vec![answer; REREAD_ROWS + 1].join(",")));
    assert_eq!(request("prompt_answers", &[("order", "id")], "", REPRESENTATION).refuse_amount(&answers), Ok(()));

    let one = request("prompts", &[], OBJECT, REPRESENTATION);
    let titled =
        |count: usize| rows("prompts", &format!("[{}]", vec![r#"{"title":"a","template":"b"}"#; count].join(",")));
    assert_eq!(one.refuse_amount(&titled(1)), Ok(()));
    for count in [0, 2] {
        assert_eq!(code(one.refuse_amount(&titled(count))), ErrorCode::NotOneRow, "{count}");
    }

    let long = |bytes: usize| rows("prompts", &format!(r#"[{{"title":"a","template":"{}"}}]"#, "x".repeat(bytes)));
    let around = long(0).json().len();
    let any = request("prompts", &[], "", "");
    assert_eq!(any.refuse_amount(&long(PARAMETER_BYTES - around)), Ok(()));
    assert_eq!(code(any.refuse_amount(&long(PARAMETER_BYTES - around + 1))), ErrorCode::TooLarge);
}
