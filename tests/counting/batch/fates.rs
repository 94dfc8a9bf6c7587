//! What became of each event, and what is answered.

use super::*;

/// Whether a stored row records an event.
fn check_standing(change: impl Fn(&mut StoredLineage), expected: Standing) {
    let event = LineageEvent {
        id: "an id".to_owned(),
        prompt_id: PROMPT,
        user: Some(user()),
        kind: Kind::CompareAdd { comparison_id: Some("c".to_owned()) },
        created_at: NOW.to_owned(),
    };
    let mut stored = StoredLineage {
        id: "an id".to_owned(),
        prompt_id: PROMPT,
        user_id: Some(USER),
        event_type: "compare_add".to_owned(),
        child_prompt_id: None,
        comparison_id: Some("c".to_owned()),
        created_at: NOW.to_owned(),
        uncounted_since_ms: None,
    };
    let whole = LineageEvent { user: Some(User { email: None, ..user() }), ..event.clone() };
    assert_eq!(stored.event(), whole);
    change(&mut stored);
    assert_eq!(stored.standing_of(&event), expected, "{stored:?}");
}

#[test]
fn a_stored_row_records_the_same_event_or_another_one() {
    check_standing(|_| {}, Standing::Counted);
    check_standing(|row| row.uncounted_since_ms = Some(NOW_MS), Standing::Uncounted);
    check_standing(|row| row.created_at = "2027-01-15T07:00:00.000000+00:00".to_owned(), Standing::Counted);
    check_standing(|row| row.user_id = Some(PROMPT), Standing::Taken);
    check_standing(|row| row.user_id = None, Standing::Taken);
    check_standing(|row| row.comparison_id = None, Standing::Taken);
    check_standing(|row| row.event_type = "fork".to_owned(), Standing::Taken);
    let taken_and_uncounted = |row: &mut StoredLineage| {
        row.comparison_id = None;
        row.uncounted_since_ms = Some(NOW_MS);
    };
    check_standing(taken_and_uncounted, Standing::Taken);
}

fn check_answer(fates: &[Fate], expected: Result<&str, Code>) {
    let actual = answer(fates.to_vec()).map(|answer| serde_json::to_string(&answer).unwrap());
    let actual = actual.as_deref().map_err(|problem| problem.code);
    assert_eq!(actual, expected, "{fates:?}");
}

#[test]
fn the_answer_counts_and_lists_in_the_order_of_the_events() {
    let unknown = || Fate::Rejected(Problem::at(Code::UnknownType, "/type", "No such type."));
    let storage = || Fate::Rejected(Problem::storage());
    check_answer(&[], Ok(r#"{"accepted":0,"duplicates":0,"rejected":[]}"#));
    check_answer(&[Fate::Accepted], Ok(r#"{"accepted":1,"duplicates":0,"rejected":[]}"#));
    check_answer(
        &[unknown(), Fate::Accepted, Fate::Duplicate, unknown(), Fate::Accepted],
        Ok(concat!(
            r#"{"accepted":2,"duplicates":1,"rejected":[{"index":0,"code":"unknown_type","detail":"No such type."},"#,
            r#"{"index":3,"code":"unknown_type","detail":"No such type."}]}"#,
        )),
    );
    check_answer(
        &[unknown()],
        Ok(concat!(
            r#"{"accepted":0,"duplicates":0,"#,
            r#""rejected":[{"index":0,"code":"unknown_type","detail":"No such type."}]}"#,
        )),
    );
    check_answer(
        &[storage(), Fate::Accepted, unknown()],
        Ok(concat!(
            r#"{"accepted":1,"duplicates":0,"rejected":[{"index":0,"code":"storage_unavailable","#,
            r#""detail":"Nothing was acknowledged. Send the same request again, with the same ids."},"#,
            r#"{"index":2,"code":"unknown_type","detail":"No such type."}]}"#,
        )),
    );
    check_answer(
        &[Fate::Duplicate, storage()],
        Ok(concat!(
            r#"{"accepted":0,"duplicates":1,"rejected":[{"index":1,"code":"storage_unavailable","#,
            r#""detail":"Nothing was acknowledged. Send the same request again, with the same ids."}]}"#,
        )),
    );
    check_answer(&[storage()], Err(Code::StorageUnavailable));
    check_answer(&[unknown(), storage(), unknown()], Err(Code::StorageUnavailable));
    check_answer(&[storage(), unknown()], Err(Code::StorageUnavailable));
}

#[test]
fn an_event_that_is_dropped_is_in_no_number_but_it_is_stored() {
    let (storage, dropped) = (Fate::Rejected(Problem::storage()), Fate::Dropped(Reason::Bot));
    let answered = |rejected: &str| format!(r#"{{"accepted":0,"duplicates":0,"rejected":[{rejected}]}}"#);
    check_answer(std::slice::from_ref(&dropped), Ok(&answered("")));
    let detail = Problem::storage().detail;
    let failed = format!(r#"{{"index":0,"code":"storage_unavailable","detail":"{detail}"}}"#);
    check_answer(&[storage, dropped.clone()], Ok(&answered(&failed)));
    assert!(!dropped.is_storage_failure());
    let fates = [Fate::Dropped(Reason::Prefetch), dropped.clone(), Fate::Accepted, dropped];
    assert_eq!(dropped_header(&fates).as_deref(), Some("bot, prefetch"));
    assert_eq!(dropped_header(&[Fate::Accepted, Fate::Duplicate]), None);
}

#[test]
fn a_use_that_storage_failed_to_store_spoils_no_answer() {
    let rejected = |index| {
        let detail = "The use was not recorded. Send it again, with the same id.";
        format!(r#"{{"index":{index},"code":"storage_unavailable","detail":"{detail}"}}"#)
    };
    let answered = |accepted, list: &[String]| {
        format!(r#"{{"accepted":{accepted},"duplicates":0,"rejected":[{}]}}"#, list.join(","))
    };
    check_answer(&[Fate::Unrecorded], Ok(&answered(0, &[rejected(0)])));
    check_answer(&[Fate::Unrecorded, Fate::Accepted, Fate::Unrecorded], Ok(&answered(1, &[rejected(0), rejected(2)])));
    check_answer(&[Fate::Unrecorded, Fate::Rejected(Problem::storage())], Err(Code::StorageUnavailable));
    assert!(Fate::Unrecorded.is_storage_failure());
    assert_eq!(Fate::of_use(Problem::storage()), Fate::Unrecorded);
    assert_eq!(Fate::of_use(unknown_prompt()), Fate::Rejected(unknown_prompt()));
}

#[test]
fn a_counters_outcome_is_an_events_fate() {
    assert_eq!(fate_of(Outcome::Counted), Fate::Accepted);
    assert_eq!(fate_of(Outcome::Repeated), Fate::Duplicate);
    let Fate::Rejected(problem) = fate_of(Outcome::Conflicting) else { panic!("a conflict is rejected") };
    assert_eq!(problem.code, Code::IdempotencyKeyReused);
}
