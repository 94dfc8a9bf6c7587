//! Problems as they are told, and their names.

use super::*;

fn check_problem(problem: &Problem, expected: &str, headers: &[(&str, &str)]) {
    assert_eq!(serde_json::to_string(problem).unwrap(), expected);
    let actual = problem.headers();
    let actual: Vec<(&str, &str)> = actual.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(actual, headers, "{expected}");
}

#[test]
fn problems() {
    check_problem(
        &Problem::at(Code::InvalidUuid, "/prompt_id", "prompt_id must be a UUID."),
        concat!(
            r#"{"type":"urn:promptmeter:problem:invalid_uuid","title":"A text is no UUID","status":400,"#,
            r#""detail":"prompt_id must be a UUID.","code":"invalid_uuid","pointer":"/prompt_id"}"#,
        ),
        &[],
    );
    check_problem(
        &Problem::new(Code::InvalidCredential, "No."),
        concat!(
            r#"{"type":"urn:promptmeter:problem:invalid_credential","title":"The credential is not valid","#,
            r#""status":401,"detail":"No.","code":"invalid_credential"}"#,
        ),
        &[("WWW-Authenticate", "Bearer")],
    );
    check_problem(
        &Problem::storage(),
        concat!(
            r#"{"type":"urn:promptmeter:problem:storage_unavailable","title":"Storage is unavailable","status":503,"#,
            r#""detail":"Nothing was acknowledged. Send the same request again, with the same ids.","#,
            r#""code":"storage_unavailable"}"#,
        ),
        &[("Retry-After", "1")],
    );
    check_problem(
        &Problem::rate_limited("Wait.".to_owned(), 17),
        concat!(
            r#"{"type":"urn:promptmeter:problem:rate_limited","title":"Too many events from this address","#,
            r#""status":429,"detail":"Wait.","code":"rate_limited"}"#,
        ),
        &[("Retry-After", "17")],
    );
    check_problem(
        &Problem { allow: Some("GET".to_owned()), ..Problem::new(Code::MethodNotAllowed, "\"") },
        concat!(
            r#"{"type":"urn:promptmeter:problem:method_not_allowed","title":"The method is not allowed","#,
            r#""status":405,"detail":"\"","code":"method_not_allowed"}"#,
        ),
        &[("Allow", "GET")],
    );
}

#[test]
fn a_problem_is_found_below_another_place() {
    for (pointer, expected) in [(Some("/id"), "/row/id"), (Some(""), "/row"), (None, "/row")] {
        let pointer = pointer.map(str::to_owned);
        let problem = Problem { pointer, ..Problem::new(Code::InvalidUuid, "") }.below("/row");
        assert_eq!(problem.pointer.as_deref(), Some(expected));
    }
}

#[test]
fn the_names_of_problems_are_stable() {
    for (code, name, status) in [
        (Code::InvalidJson, "invalid_json", 400),
        (Code::InvalidUtf8, "invalid_utf8", 400),
        (Code::NestingTooDeep, "nesting_too_deep", 400),
        (Code::InvalidType, "invalid_type", 400),
        (Code::InvalidValue, "invalid_value", 400),
        (Code::InvalidLength, "invalid_length", 400),
        (Code::InvalidUuid, "invalid_uuid", 400),
        (Code::InvalidTimestamp, "invalid_timestamp", 400),
        (Code::UnknownType, "unknown_type", 400),
        (Code::MissingField, "missing_field", 400),
        (Code::UnknownTable, "unknown_table", 400),
        (Code::UnknownColumn, "unknown_column", 400),
        (Code::UnknownVariant, "unknown_variant", 400),
        (Code::TooManyMetrics, "too_many_metrics", 400),
        (Code::TimestampOutOfRange, "timestamp_out_of_range", 400),
        (Code::CredentialRequired, "credential_required", 401),
        (Code::InvalidCredential, "invalid_credential", 401),
        (Code::UserRequired, "user_required", 401),
        (Code::ServiceRequired, "service_required", 403),
        (Code::UnknownRoute, "unknown_route", 404),
        (Code::UnknownPrompt, "unknown_prompt", 404),
        (Code::UnknownExperiment, "unknown_experiment", 404),
        (Code::MethodNotAllowed, "method_not_allowed", 405),
        (Code::ExperimentOver, "experiment_over", 409),
        (Code::Conflict, "conflict", 409),
        (Code::ExperimentRunning, "experiment_running", 409),
        (Code::InvalidTransition, "invalid_transition", 409),
        (Code::TooLarge, "too_large", 413),
        (Code::TooManyEvents, "too_many_events", 413),
        (Code::UnsupportedMediaType, "unsupported_media_type", 415),
        (Code::IdempotencyKeyReused, "idempotency_key_reused", 422),
        (Code::RateLimited, "rate_limited", 429),
        (Code::Overloaded, "overloaded", 503),
        (Code::StorageUnavailable, "storage_unavailable", 503),
        (Code::KeysUnavailable, "keys_unavailable", 503),
    ] {
        assert_eq!((code.name(), code.status()), (name, status));
    }
}
