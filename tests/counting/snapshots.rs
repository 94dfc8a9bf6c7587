//! When a counter tells the database what it counted.

use promptmeter::counting::snapshot::{GATHERING_MS, LONGEST_WAIT_MS, Pace};
use proptest::prelude::*;

const NOW_MS: i64 = 1_800_000_000_000;
const SECOND_MS: i64 = 1000;
const DAY_MS: i64 = 86_400_000;
/// From one snapshot to the next: with what it waits for others none is older than ten seconds.
const PACE_MS: i64 = 10 * SECOND_MS - GATHERING_MS;

/// The pace of an instance that last wrote one so many milliseconds after `NOW_MS`.
fn pace(last_ms: Option<i64>) -> Pace {
    let mut pace = Pace::default();
    if let Some(last_ms) = last_ms {
        pace.begin(NOW_MS + last_ms);
    }
    pace
}

#[test]
fn one_that_was_not_stored_is_written_again_without_waiting() {
    let mut pace = pace(Some(-1));
    assert_eq!((pace.begun_ms(), pace.early_until_ms(NOW_MS)), (Some(NOW_MS - 1), Some(NOW_MS - 1 + PACE_MS)));
    let retry_ms = pace.fail(NOW_MS, 0);
    assert_eq!(retry_ms, NOW_MS + SECOND_MS);
    assert_eq!((pace.begun_ms(), pace.early_until_ms(retry_ms)), (None, None));
    assert!(pace.begin(retry_ms), "by itself: one of those with which it was to be stored may be why");
    pace.succeed();
    assert!(!pace.begin(NOW_MS + PACE_MS));
}

#[test]
fn a_database_that_stores_none_is_asked_less_and_less() {
    let (mut pace, mut now_ms) = (Pace::default(), NOW_MS);
    let mut waits = Vec::new();
    for failure in 0..9 {
        assert_eq!(pace.begin(now_ms), failure % 2 == 1, "by itself every other time after a failure");
        let retry_ms = pace.fail(now_ms, 0);
        // Neither an alarm for something else nor what is counted meanwhile begins one before.
        assert_eq!(pace.early_until_ms(now_ms), Some(retry_ms));
        assert_eq!([1, 2].map(|version| pace.due_ms(version, now_ms)), [retry_ms; 2]);
        waits.push((retry_ms - now_ms) / SECOND_MS);
        now_ms = retry_ms;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 16, 16, 16, 16]);
    // Counters that failed together do not come back together.
    let spread: Vec<i64> = [0, 3 * SECOND_MS, 7 * SECOND_MS, 8 * SECOND_MS, 900 * SECOND_MS - 1]
        .into_iter()
        .map(|spread_ms| pace.fail(now_ms, spread_ms) - now_ms - 16 * SECOND_MS)
        .collect();
    assert_eq!(spread, [0, 3 * SECOND_MS, 7 * SECOND_MS, 0, 4 * SECOND_MS - 1]);
    assert!(spread.iter().all(|more_ms| 16 * SECOND_MS + more_ms < LONGEST_WAIT_MS));
    pace.succeed();
    pace.begin(now_ms);
    assert_eq!(pace.fail(now_ms, 0), now_ms + SECOND_MS);
}

#[test]
fn snapshots_are_due_a_second_or_ten_after_a_change() {
    for (version, last_ms, due_ms) in [
        (0, None, SECOND_MS),
        (1, None, SECOND_MS),
        (2, None, PACE_MS),
        (100, None, PACE_MS),
        (100, Some(0), PACE_MS),
        (100, Some(-4 * SECOND_MS), PACE_MS - 4 * SECOND_MS),
        (100, Some(SECOND_MS - PACE_MS), SECOND_MS),
        (100, Some(-PACE_MS), SECOND_MS),
        (100, Some(-DAY_MS), SECOND_MS),
    ] {
        let actual = pace(last_ms).due_ms(version, NOW_MS);
        assert_eq!(actual - NOW_MS, due_ms, "version {version}, last {last_ms:?}");
    }
}

#[test]
fn an_alarm_for_something_else_writes_no_snapshot_within_ten_seconds() {
    for (last_ms, until_ms) in [
        (None, None),
        (Some(0), Some(PACE_MS)),
        (Some(1 - PACE_MS), Some(1)),
        (Some(-PACE_MS), None),
        (Some(-DAY_MS), None),
    ] {
        let until = pace(last_ms).early_until_ms(NOW_MS);
        assert_eq!(until.map(|until| until - NOW_MS), until_ms, "last {last_ms:?}");
    }
}

/// The object's alarm: set with a change when none is set, and kept by storage through a restart.
#[derive(Default)]
struct Alarm {
    /// When it rings, and when the first change was made that it is set for.
    set: Option<(i64, i64)>,
    /// When it rang, and a snapshot was written.
    written_ms: Vec<i64>,
}

impl Alarm {
    /// Writes the snapshot that was due by `now_ms`.
    fn ring(&mut self, now_ms: i64) {
        if let Some((due_ms, changed_ms)) = self.set.take_if(|(due_ms, _)| *due_ms <= now_ms) {
            let age_ms = due_ms + GATHERING_MS - changed_ms;
            assert!((0..=10 * SECOND_MS).contains(&age_ms), "{age_ms} ms old");
            if let Some(last_ms) = self.written_ms.last() {
                assert!(due_ms - last_ms >= PACE_MS, "{} ms after the last", due_ms - last_ms);
            }
            self.written_ms.push(due_ms);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn snapshots_are_10_seconds_apart_and_none_is_older(
        changes in prop::collection::vec((0..14_000_i64, prop::bool::weighted(0.1)), 1..40),
    ) {
        let (mut version, mut alarm) = (0, Alarm::default());
        let (mut now_ms, mut pace) = (NOW_MS, Pace::default());
        for (wait_ms, restarts) in changes {
            now_ms += wait_ms;
            let written = alarm.written_ms.len();
            alarm.ring(now_ms);
            if alarm.written_ms.len() > written {
                pace.begin(alarm.written_ms[written]);
            }
            if restarts {
                pace = Pace::default();
            }
            version += 1;
            if alarm.set.is_none() {
                alarm.set = Some((pace.due_ms(version, now_ms), now_ms));
            }
        }
        alarm.ring(i64::MAX);
        prop_assert!(!alarm.written_ms.is_empty());
    }
}
