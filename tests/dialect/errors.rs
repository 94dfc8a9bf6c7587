//! What failures, problems and refusals become in the data dialect.

use promptmeter::http::identity::Identity;
use promptmeter::http::problem::{Code, Problem};
use promptmeter::rest::error::{DataError, ErrorCode};
use serde_json::json;

use crate::database::{self, user};

/// What the database says when a statement of this program's tests fails.
fn failure_of(sql: &str) -> String {
    let database = database::open();
    let me = database::user_id(1).to_string();
    database::execute(&database, "insert into users values (?1, null, '2026')", &[&me]);
    database.execute_batch(sql).expect_err(sql).to_string()
}

/// Two prompts with one slug.
const SAME_SLUG: &str = "insert into prompts (id, user_id, title, template, slug, is_public, is_active, created_at, updated_at) \
    select '00000000-0000-4000-8000-00000000000' || value, users.id, 't', 't', 's', 1, 1, '2026', '2026' from users, json_each('[1,2]')";

#[test]
fn constraints_are_told_as_postgresql_tells_them() {
    let cases = [
        (SAME_SLUG, "prompts", ErrorCode::Unique, "duplicate key value", Some("Key (slug) already exists.")),
        (
            "insert into template_likes (user_id, template_id, created_at) values ('nobody', 'nothing', '2026')",
            "template_likes",
            ErrorCode::ForeignKey,
            "a row of \"template_likes\" violates a foreign key",
            None,
        ),
        (
            "update users set created_at = null",
            "users",
            ErrorCode::NotNull,
            "null value in column \"created_at\" of relation \"users\"",
            None,
        ),
    ];
    for (sql, table, code, message, details) in cases {
        let failure = failure_of(sql);
        let error = DataError::of_failure(&failure, table).unwrap_or_else(|| panic!("{failure}"));
        assert_eq!((error.code, error.details.as_deref()), (code, details), "{failure}");
        assert!(error.message.contains(message), "{failure}: {}", error.message);
    }
}

/// D1 puts words of its own around what SQLite says.
#[test]
fn what_d1_says_of_a_failure_is_understood() {
    let cases = [
        (
            "D1_ERROR: UNIQUE constraint failed: template_likes.user_id, template_likes.template_id: SQLITE_CONSTRAINT",
            "template_likes",
            Some((ErrorCode::Unique, "Key (user_id, template_id) already exists.")),
        ),
        (
            "D1_ERROR: NOT NULL constraint failed: prompts.title: SQLITE_CONSTRAINT_NOTNULL",
            "prompts",
            Some((
                ErrorCode::NotNull,
                "null value in column \"title\" of relation \"prompts\" violates not-null constraint",
            )),
        ),
        (
            "D1_ERROR: CHECK constraint failed: length(title) <= 10: SQLITE_CONSTRAINT_CHECK",
            "prompts",
            Some((ErrorCode::Check, "\"prompts_title_check\"")),
        ),
        (
            "CHECK constraint failed: is_public in (0, 1)",
            "prompts",
            Some((ErrorCode::Check, "\"prompts_is_public_check\"")),
        ),
        ("CHECK constraint failed: title.length", "prompts", Some((ErrorCode::Check, "\"prompts_title_check\""))),
        ("CHECK constraint failed: nothing known", "prompts", Some((ErrorCode::Check, "\"prompts_row_check\""))),
        ("CHECK constraint failed: title", "nothing", Some((ErrorCode::Check, "\"nothing_row_check\""))),
        ("D1_ERROR: string or blob too big: SQLITE_TOOBIG", "prompts", Some((ErrorCode::TooLarge, "2 MB"))),
        ("D1_ERROR: no such table: prompts: SQLITE_ERROR", "prompts", None),
        ("", "prompts", None),
    ];
    for (failure, table, expected) in cases {
        let error = DataError::of_failure(failure, table);
        assert_eq!(error.as_ref().map(|error| error.code), expected.map(|(code, _)| code), "{failure}");
        let Some((error, (_, named))) = error.zip(expected) else { continue };
        let told = format!("{} {}", error.message, error.details.unwrap_or_default());
        assert!(told.contains(named), "{failure}: {told}");
    }
}

/// Whoever is nobody is asked who he is.
#[test]
fn a_write_that_is_not_allowed_is_told_by_who_asks() {
    let challenge = vec![("WWW-Authenticate", "Bearer".to_owned())];
    for (identity, status, headers) in
        [(Identity::Anonymous, 401, challenge), (user(1), 403, vec![]), (Identity::Service(None), 403, vec![])]
    {
        let error = DataError::forbidden_row(&identity, "prompts");
        assert_eq!((error.code, error.status, error.headers), (ErrorCode::Forbidden, status, headers), "{identity:?}");
        assert_eq!(error.message, "new row violates row-level security policy for table \"prompts\"");
    }
}

#[test]
fn problems_of_all_routes_have_codes_of_the_dialect() {
    let cases = [
        (Code::UnknownRoute, "PGRST125"),
        (Code::MethodNotAllowed, "PGRST117"),
        (Code::TooLarge, "54000"),
        (Code::TooManyEvents, "54000"),
        (Code::UnsupportedMediaType, "PGRST107"),
        (Code::InvalidCredential, "PGRST301"),
        (Code::CredentialRequired, "PGRST302"),
        (Code::UserRequired, "PGRST302"),
        (Code::RateLimited, "53400"),
        (Code::ServiceRequired, "42501"),
        (Code::Overloaded, "PGRST001"),
        (Code::StorageUnavailable, "PGRST001"),
        (Code::KeysUnavailable, "PGRST001"),
        (Code::InvalidJson, "PGRST102"),
        (Code::UnknownPrompt, "PGRST102"),
    ];
    for (code, name) in cases {
        let problem = Problem { allow: Some("GET".to_owned()), retry_after_s: Some(7), ..Problem::new(code, "why") };
        let error = DataError::from(problem.clone());
        assert_eq!((error.code.name(), error.status), (name, code.status()), "{code:?}");
        assert_eq!((error.message.as_str(), &error.headers), ("why", &problem.headers()), "{code:?}");
    }
}

#[test]
fn an_error_has_four_members() {
    let bare = DataError::unsupported("that");
    let body = json!({"code": "PGRST100", "message": "that is not supported", "details": null, "hint": null});
    assert_eq!(serde_json::to_value(&bare).unwrap(), body);
    let more = DataError::new(ErrorCode::Unique, "taken").details("by whom").hint("take another");
    let body = json!({"code": "23505", "message": "taken", "details": "by whom", "hint": "take another"});
    assert_eq!(serde_json::to_value(&more).unwrap(), body);
    assert_eq!((bare.status, more.status), (400, 409));
}
