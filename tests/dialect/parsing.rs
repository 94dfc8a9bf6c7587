//! From the parameters and headers of a request to the rows of a table to the closed form, but for its conditions.

use promptmeter::limits::ORDER_COLUMNS;
use promptmeter::rest::error::{DataError, ErrorCode};
use promptmeter::rest::preference::{Format, Preferences, RequestHeaders, Resolution, check_profile, read_range};
use promptmeter::rest::request::Request;

use crate::database::{self, parameters, request};

/// A refusal: its code, and what its message, details or hint must name.
pub(crate) fn check_refused(result: Result<Request, DataError>, code: ErrorCode, named: &str, what: &str) {
    let error = result.err().unwrap_or_else(|| panic!("{what} is not refused"));
    assert_eq!(error.code, code, "{what}: {error:?}");
    let told = format!("{} {} {}", error.message, error.details.unwrap_or_default(), error.hint.unwrap_or_default());
    assert!(told.contains(named), "{what}: {told}");
}

fn check_order(order: &str, expected: &str) {
    let pairs = [("select", "id,prompts(id),template_likes(user_id)"), ("order", order)];
    let query = request("prompt_templates", &pairs).unwrap_or_else(|error| panic!("{order}: {error:?}")).query;
    let shown = query.order.iter().map(|order| {
        let embed = order.embed.map(|place| format!("{place}.")).unwrap_or_default();
        let direction = if order.is_descending { " desc" } else { "" };
        format!("{embed}{}{direction} nulls {}", order.column.name, if order.nulls_first { "first" } else { "last" })
    });
    assert_eq!(shown.collect::<Vec<_>>().join(", "), expected, "{order}");
}

#[test]
fn order_names_columns_directions_and_where_nulls_stand() {
    check_order("category", "category nulls last");
    check_order("category.asc", "category nulls last");
    check_order("category.desc", "category desc nulls first");
    check_order("category.nullsfirst", "category nulls first");
    check_order("category.asc.nullsfirst", "category nulls first");
    check_order("category.desc.nullslast", "category desc nulls last");
    check_order("category.desc.nullsfirst", "category desc nulls first");
    check_order("likes_count.desc,id", "likes_count desc nulls first, id nulls last");
    check_order("\"likes_count\".desc", "likes_count desc nulls first");
    check_order("prompts(title).desc.nullslast,id.asc", "1.title desc nulls last, id nulls last");
}

#[test]
fn order_refuses_by_name_what_it_does_not_have() {
    let cases = [
        ("variables->a", ErrorCode::Unsupported, "the JSON operator"),
        ("", ErrorCode::Unsupported, "a name"),
        ("id,", ErrorCode::Unsupported, "a name"),
        ("id.up", ErrorCode::Unsupported, ".up"),
        ("id.desc.asc", ErrorCode::Unsupported, ".asc"),
        ("id.nullslast.desc", ErrorCode::Unsupported, ".desc"),
        ("id desc", ErrorCode::Unsupported, " desc"),
        ("tags->0", ErrorCode::Unsupported, "->"),
        ("nothing", ErrorCode::UnknownColumn, "nothing"),
        ("users(id)", ErrorCode::NotEmbedded, "users"),
        ("prompts(nothing)", ErrorCode::UnknownColumn, "prompts.nothing"),
        ("prompts(id", ErrorCode::Unsupported, "\")\""),
        ("template_likes(user_id)", ErrorCode::Unsupported, "template_likes"),
    ];
    for (order, code, named) in cases {
        let pairs = [("select", "id,prompts(id),template_likes(user_id)"), ("order", order)];
        check_refused(request("prompt_templates", &pairs), code, named, order);
    }
    assert!(request("users", &[("order", &vec!["id"; ORDER_COLUMNS].join(","))]).is_ok());
    let longer = vec!["id"; ORDER_COLUMNS + 1].join(",");
    check_refused(request("users", &[("order", &longer)]), ErrorCode::Unsupported, "16 columns", "columns");
}

fn check_page(pairs: &[(&str, &str)], range: Option<&str>, expected: (i64, i64)) {
    let headers = RequestHeaders { range: range.map(str::to_owned), ..RequestHeaders::default() };
    let query = Request::read("users", &parameters(pairs), &headers).unwrap().query;
    assert_eq!((query.offset, query.limit.unwrap()), expected, "{pairs:?} {range:?}");
}

#[test]
fn pages_are_those_of_the_parameters_or_else_of_the_header_and_at_most_1000_rows() {
    check_page(&[], None, (0, 1000));
    check_page(&[("limit", "10")], None, (0, 10));
    check_page(&[("limit", "0")], None, (0, 0));
    check_page(&[("limit", "4294967295"), ("offset", "7")], None, (7, 1000));
    check_page(&[], Some("0-9"), (0, 10));
    check_page(&[], Some("items=5-5"), (5, 1));
    check_page(&[], Some("10-"), (10, 1000));
    check_page(&[("limit", "3")], Some("10-19"), (0, 3));
    check_page(&[("offset", "3")], Some("10-19"), (3, 1000));
    for (name, value) in [("limit", "-1"), ("limit", ""), ("limit", "ten"), ("offset", "1.5"), ("offset", "4294967296")]
    {
        check_refused(request("users", &[(name, value)]), ErrorCode::Unsupported, name, value);
    }
}

#[test]
fn pages_of_embedded_rows_are_their_own() {
    let pairs =
        [("select", "id,prompts(id)"), ("prompts.limit", "3"), ("prompts.offset", "1"), ("prompts.order", "title")];
    let request = request("users", &pairs).unwrap();
    let embedded = &request.query.embed(1).unwrap().query;
    assert_eq!((embedded.limit, embedded.offset, embedded.order.len()), (Some(3), 1, 1));
    assert_eq!((request.query.offset, request.query.limit, request.is_paged), (0, Some(1000), false));
    let unknown = database::request("users", &[("select", "id"), ("prompts.limit", "3")]);
    check_refused(unknown, ErrorCode::NotEmbedded, "prompts", "not embedded");
}

#[test]
fn ranges_are_read_or_refused() {
    let cases = [("5-4", false), ("a-b", false), ("", false), ("-5", false), ("0-0", true), ("0-4294967295", true)];
    for (range, is_valid) in cases {
        assert_eq!(read_range(Some(range)).is_ok(), is_valid, "{range:?}");
    }
    assert_eq!(read_range(None), Ok(None));
    assert_eq!(read_range(Some("5-4")).unwrap_err().status, 416);
}

#[test]
fn preferences_are_known_or_refused_by_name() {
    let none = Preferences::default();
    for empty in [None, Some(""), Some("return=minimal, missing=null,handling=lenient , tx=commit"), Some(",,")] {
        assert_eq!(Preferences::read(empty), Ok(none), "{empty:?}");
    }
    let cases = [
        ("return=representation", Preferences { returns_rows: true, ..none }),
        ("count=exact", Preferences { counts: true, ..none }),
        ("count=planned", Preferences { counts: true, ..none }),
        ("resolution=merge-duplicates", Preferences { resolution: Some(Resolution::Merge), ..none }),
        ("resolution=ignore-duplicates", Preferences { resolution: Some(Resolution::Ignore), ..none }),
        ("missing=default", Preferences { missing_is_default: true, ..none }),
        ("return=representation,count=exact", Preferences { returns_rows: true, counts: true, ..none }),
    ];
    for (header, expected) in cases {
        assert_eq!(Preferences::read(Some(header)), Ok(expected), "{header}");
    }
    for other in ["tx=rollback", "max-affected=1", "return=headers-only", "timezone=UTC", "count", "RETURN=minimal x"] {
        let error = Preferences::read(Some(other)).unwrap_err();
        assert_eq!((error.code, error.message.contains(other)), (ErrorCode::UnsupportedPreference, true), "{other}");
    }
}

#[test]
fn the_first_format_that_is_available_is_taken() {
    let cases = [
        ("", Some(Format::Array)),
        ("*/*", Some(Format::Array)),
        ("application/json", Some(Format::Array)),
        ("Application/JSON; charset=utf-8", Some(Format::Array)),
        ("application/vnd.pgrst.object+json", Some(Format::Object)),
        ("text/csv", Some(Format::Csv)),
        ("text/csv, application/json", Some(Format::Csv)),
        ("image/png, text/csv", Some(Format::Csv)),
        ("application/vnd.pgrst.object+json;nulls=stripped", None),
        ("application/vnd.pgrst.plan+json", None),
        ("application/geo+json", None),
        ("text/html", None),
    ];
    for (accept, expected) in cases {
        assert_eq!(Format::read(Some(accept)).ok(), expected, "{accept}");
    }
    assert_eq!(Format::read(None), Ok(Format::Array));
    assert_eq!(Format::read(Some("text/html")).unwrap_err().status, 406);
}

#[test]
fn there_is_one_schema() {
    assert_eq!((check_profile(None), check_profile(Some("public"))), (Ok(()), Ok(())));
    assert_eq!(check_profile(Some("auth")).unwrap_err().code, ErrorCode::UnknownSchema);
}

#[test]
fn a_conflict_is_about_a_key() {
    let check = |table: &str, columns: &str, expected: Result<&[&str], ErrorCode>| {
        let target = request(table, &[("on_conflict", columns)]).and_then(|request| request.conflict_target());
        assert_eq!(target.map_err(|error| error.code), expected, "{table} {columns}");
    };
    check("prompts", "id", Ok(&["id"]));
    check("prompts", "slug", Ok(&["slug"]));
    check("prompts", "\"slug\"", Ok(&["slug"]));
    check("template_likes", "user_id,template_id", Ok(&["template_id", "user_id"]));
    check("template_likes", "user_id", Err(ErrorCode::InvalidConflictTarget));
    check("template_likes", "user_id,user_id", Err(ErrorCode::InvalidConflictTarget));
    check("prompts", "title", Err(ErrorCode::InvalidConflictTarget));
    check("prompts", "id,slug", Err(ErrorCode::InvalidConflictTarget));
    check("prompts", "nothing", Err(ErrorCode::UnknownColumn));
    check("prompts", "id) do nothing --", Err(ErrorCode::Unsupported));
    assert_eq!(request("user_favorites", &[]).unwrap().conflict_target(), Ok(&["user_id", "template_id"][..]));
}

#[test]
fn a_write_of_many_rows_needs_a_condition_and_no_page() {
    let check = |pairs: &[(&str, &str)], expected: Result<usize, ErrorCode>| {
        let request = request("prompts", pairs).unwrap();
        let conditions = request.written_conditions("DELETE").map(<[_]>::len).map_err(|error| error.code);
        assert_eq!(conditions, expected, "{pairs:?}");
    };
    check(&[("id", "not.is.null")], Ok(1));
    check(&[("or", "(id.is.null,title.eq.a)"), ("goal", "is.null"), ("select", "*")], Ok(2));
    check(&[], Err(ErrorCode::Cardinality));
    check(&[("order", "id"), ("select", "id")], Err(ErrorCode::Cardinality));
    check(&[("select", "users(id)"), ("users.id", "not.is.null")], Err(ErrorCode::Cardinality));
    check(&[("id", "not.is.null"), ("limit", "1")], Err(ErrorCode::Unsupported));
    check(&[("id", "not.is.null"), ("offset", "1")], Err(ErrorCode::Unsupported));
}

/// What it would mean for the rows that are written nobody has said.
#[test]
fn a_write_has_no_condition_on_embedded_rows() {
    for condition in [
        ("or", "(prompt_answers.created_at.lt.2026-01-01,id.is.null)"),
        ("not.and", "(or(users.email.eq.a))"),
        ("or", "(prompt_answers.answer.not.eq.a)"),
    ] {
        let request = request("prompts", &[("select", "id,users(id),prompt_answers(id)"), condition]).unwrap();
        let code = request.written_conditions("DELETE").map(<[_]>::len).map_err(|error| error.code);
        assert_eq!(code, Err(ErrorCode::Unsupported), "{condition:?}");
    }
}

/// Conditions may stand several times, and each of them is meant.
#[test]
fn what_is_asked_for_once_may_not_stand_twice() {
    for name in ["select", "order", "limit", "offset", "columns", "on_conflict"] {
        let value = if matches!(name, "limit" | "offset") { "1" } else { "id" };
        assert!(request("prompts", &[(name, value)]).is_ok(), "{name}");
        check_refused(request("prompts", &[(name, value), (name, value)]), ErrorCode::Unsupported, name, name);
    }
    let embedded = [("select", "id,prompt_answers(id)"), ("prompt_answers.limit", "1"), ("prompt_answers.limit", "2")];
    check_refused(request("prompts", &embedded), ErrorCode::Unsupported, "prompt_answers.limit", "embedded");
    let conditions = request("prompts", &[("title", "eq.a"), ("title", "eq.a")]).unwrap().query.conditions;
    assert_eq!(conditions.len(), 2);
}

#[test]
fn an_answer_is_of_the_media_type_that_was_asked_for() {
    for (accept, told) in [
        (None, "application/json; charset=utf-8"),
        (Some("*/*"), "application/json; charset=utf-8"),
        (Some("application/vnd.pgrst.object+json"), "application/vnd.pgrst.object+json; charset=utf-8"),
        (Some("text/csv"), "text/csv; charset=utf-8"),
    ] {
        assert_eq!(Format::read(accept).unwrap().media_type(), told, "{accept:?}");
    }
}
