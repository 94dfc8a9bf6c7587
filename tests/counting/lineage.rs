//! When stored forks and comparisons are counted.

use promptmeter::events::lineage::StoredLineage;
use promptmeter::limits::{EVENT_FUTURE_MS, EVENT_PAST_MS};
use promptmeter::time::timestamp_from_ms;
use uuid::Uuid;

const STORED_MS: i64 = 1_800_000_000_000;

/// Checks for which hour a row counts that tells `at_ms`.
fn check(at_ms: i64, uncounted_since_ms: Option<i64>, expected_ms: i64) {
    let row = StoredLineage {
        id: "a".to_owned(),
        prompt_id: Uuid::nil(),
        user_id: None,
        event_type: "fork".to_owned(),
        child_prompt_id: None,
        comparison_id: None,
        created_at: timestamp_from_ms(at_ms).unwrap(),
        uncounted_since_ms,
    };
    assert_eq!(row.event().increment().at_ms, expected_ms, "{at_ms}");
}

#[test]
fn an_event_counts_when_it_happened_if_that_is_near_to_when_it_was_stored() {
    let (first, last) = (STORED_MS - EVENT_PAST_MS, STORED_MS + EVENT_FUTURE_MS);
    for at_ms in [first, STORED_MS, last] {
        check(at_ms, Some(STORED_MS), at_ms);
    }
    for at_ms in [0, first - 1, last + 1, 4_000_000_000_000] {
        check(at_ms, Some(STORED_MS), STORED_MS);
        check(at_ms, None, at_ms);
    }
}
