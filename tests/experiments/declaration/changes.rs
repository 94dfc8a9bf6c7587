//! What a declaration changes of an experiment that is there.

use super::*;

/// An experiment that went through these statuses, a minute each, ending now.
fn known(statuses: &[&str]) -> Option<Experiment> {
    let mut known = None;
    for (minute, status) in (0..).zip(statuses) {
        let at_ms = NOW_MS - 60_000 * (i64::try_from(statuses.len()).unwrap() - minute);
        match decide(known, read(&body(&json!({ "status": status }))), false, at_ms) {
            Ok(Decision::Store(experiment)) => known = Some(experiment),
            other => panic!("{statuses:?}: {other:?}"),
        }
    }
    known
}

#[test]
fn an_experiment_goes_from_draft_to_running_to_stopped_and_back_to_running() {
    let minute = |minutes: i64| Some(NOW_MS - 60_000 * minutes);
    let refused = |pointer| Err((Code::InvalidTransition, pointer));
    for (before, status, expected) in [
        (&[][..], "draft", Ok((None, None, 1))),
        (&[], "running", Ok((Some(NOW_MS), None, 1))),
        (&[], "stopped", refused("/status")),
        (&["draft"], "running", Ok((Some(NOW_MS), None, 2))),
        (&["draft"], "stopped", refused("/status")),
        (&["running"], "draft", refused("/status")),
        (&["running"], "stopped", Ok((minute(1), Some(NOW_MS), 2))),
        (&["running", "stopped"], "draft", refused("/status")),
        (&["running", "stopped"], "running", Ok((minute(2), None, 3))),
        (&["draft", "running", "stopped", "running"], "stopped", Ok((minute(3), Some(NOW_MS), 5))),
    ] {
        let decision = decide(known(before), read(&body(&json!({ "status": status }))), false, NOW_MS);
        let actual = match &decision {
            Ok(Decision::Store(stored)) => Ok((stored.started_ms, stored.stopped_ms, stored.version)),
            Ok(Decision::Keep(_)) => panic!("{before:?} {status}: nothing is stored"),
            Err(problem) => Err((problem.code, problem.pointer.as_deref().unwrap_or_default())),
        };
        assert_eq!(actual, expected, "{before:?} {status}");
    }
}

#[test]
fn the_same_declaration_changes_nothing() {
    for statuses in [&["draft"][..], &["running"], &["running", "stopped"], &["running", "stopped", "running"]] {
        let stored = known(statuses).unwrap();
        let again = read(&body(&json!({"status": statuses.last()})));
        assert_eq!(decide(Some(stored.clone()), again, false, LATER_MS), Ok(Decision::Keep(stored)), "{statuses:?}");
    }
    let spelt =
        r#"{"variants":[{"weight":5e-1,"key":"a"},{"key":"\u0062","weight":0.50}],"coverage":1,"seed":"title"}"#;
    let stored = known(&["draft"]).unwrap();
    let again = Declaration::read(spelt, "title", Status::Draft).unwrap();
    assert_eq!(decide(Some(stored.clone()), again, false, LATER_MS), Ok(Decision::Keep(stored)));
}

/// Declares a change of an experiment with these statuses.
fn check_change(statuses: &[&str], status: &str, fields: &Value, expected: Result<(), (Code, &str)>) {
    let mut changed = body(fields);
    changed["status"] = json!(status);
    let before = known(statuses).unwrap();
    let actual = match decide(Some(before.clone()), read(&changed), false, NOW_MS) {
        Ok(Decision::Store(after)) => {
            assert_eq!((after.declaration, after.version), (read(&changed), before.version + 1), "{fields}");
            Ok(())
        }
        Ok(Decision::Keep(_)) => panic!("{statuses:?} {status} {fields}: nothing is stored"),
        Err(problem) => Err((problem.code, problem.pointer.unwrap_or_default())),
    };
    assert_eq!(
        actual,
        expected.map_err(|(code, pointer)| (code, pointer.to_owned())),
        "{statuses:?} {status} {fields}"
    );
}

#[test]
fn what_assigns_units_changes_only_while_the_experiment_does_not_run() {
    let both = |one: f64, other: f64| json!([{"key": "a", "weight": one}, {"key": "b", "weight": other}]);
    for (fields, pointer) in [
        (json!({"variants": both(0.4, 0.6)}), "/variants"),
        (json!({"variants": [{"key": "b", "weight": 0.5}, {"key": "a", "weight": 0.5}]}), "/variants"),
        (json!({"variants": [{"key": "a"}, {"key": "c"}]}), "/variants"),
        (json!({"variants": [{"key": "a"}, {"key": "b"}, {"key": "c"}]}), "/variants"),
        (json!({"variants": [{"key": "a"}]}), "/variants"),
        (json!({"seed": "another"}), "/seed"),
        (json!({"hash_version": 1}), "/hash_version"),
        (json!({"namespace": "layer"}), "/namespace"),
        (json!({"namespace": ["layer", 0, 0.5]}), "/namespace"),
    ] {
        let refused = Err((Code::ExperimentRunning, pointer));
        check_change(&["running"], "running", &fields, refused);
        check_change(&["running", "stopped", "running"], "running", &fields, refused);
        check_change(&["running"], "stopped", &fields, refused);
        for (statuses, status) in [
            (&["draft"][..], "draft"),
            (&["draft"], "running"),
            (&["running", "stopped"], "stopped"),
            (&["running", "stopped"], "running"),
        ] {
            check_change(statuses, status, &fields, Ok(()));
        }
    }
}

#[test]
fn everything_else_changes_at_any_time() {
    for fields in [
        json!({"coverage": 0.5}),
        json!({"name": "another"}),
        json!({"hypothesis": "another"}),
        json!({"project_id": "another"}),
        json!({"multi_variant": "first"}),
        json!({"conversion_window_hours": 24}),
    ] {
        for statuses in [&["draft"][..], &["running"], &["running", "stopped"]] {
            check_change(statuses, statuses[statuses.len() - 1], &fields, Ok(()));
        }
        check_change(&["running"], "stopped", &fields, Ok(()));
    }
}

/// What a declaration may have, what the table has and what the data dialect may not set are one list, told three times.
#[test]
fn fields_are_the_columns_that_only_a_declaration_sets_and_those_of_the_dialect() {
    const WORKERS: [&str; 5] = ["id", "started_ms", "stopped_ms", "created_ms", "updated_ms"];
    const DIALECTS: [&str; 5] = ["id", "project_id", "name", "multi_variant", "conversion_window_hours"];
    let declared = policy_of(&EXPERIMENTS).unwrap().declared_columns;
    for column in EXPERIMENTS.column_names() {
        let body = if column == "variants" { body(&json!({})) } else { body(&json!({ column: null })) };
        let read = Declaration::read(&body.to_string(), "title", Status::Draft).map_err(|problem| problem.code);
        assert_eq!(read.err() == Some(Code::UnknownColumn), WORKERS.contains(&column), "{column} as a field");
        assert_eq!(!declared.contains(&column), DIALECTS.contains(&column), "{column} in the dialect");
    }
    assert!(declared.iter().all(|column| EXPERIMENTS.column(column).is_some()));
    assert_eq!(Declaration::read(r#"{"more":1}"#, "title", Status::Draft).unwrap_err().code, Code::UnknownColumn);
}
