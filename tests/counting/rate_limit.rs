//! How many events one address prefix may send, and what is remembered of it.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::http::problem::{Code, Problem};
use promptmeter::traffic::address::AddressPrefix::{self, Unknown, V4};
use promptmeter::traffic::rate_limit::{PREFIXES, RateLimit};
use promptmeter::traffic::recent::Recent;
use proptest::prelude::*;

const NOW_MS: i64 = 1_800_000_000_000;

fn prefix(number: u32) -> AddressPrefix {
    V4(number.to_be_bytes())
}

/// Of a request that is never let in.
const NEVER: u64 = u64::MAX;

/// After how many seconds a request may come again; 0 if it is let in.
fn wait_s(outcome: Result<(), Problem>) -> u64 {
    match outcome {
        Ok(()) => 0,
        Err(Problem { code: Code::TooManyEvents, retry_after_s: None, .. }) => NEVER,
        Err(problem) => {
            assert_eq!(problem.code, Code::RateLimited);
            problem.retry_after_s.unwrap()
        }
    }
}

/// Requests of one prefix, as milliseconds from the first, events, and the wait that each is told.
fn check(per_minute: u32, requests: &[(i64, usize, u64)]) {
    let mut limit = RateLimit::of(per_minute);
    for &(at_ms, events, expected) in requests {
        let actual = wait_s(limit.take(prefix(1), events, NOW_MS + at_ms));
        assert_eq!(actual, expected, "{per_minute} a minute: {events} events at {at_ms} of {requests:?}");
    }
}

#[test]
fn a_minutes_events_may_come_at_once_and_then_one_whenever_a_place_has_passed() {
    check(6, &[(0, 6, 0), (0, 1, 10), (1, 1, 10), (9001, 1, 1), (9999, 1, 1), (10_000, 1, 0), (10_000, 1, 10)]);
    check(6, &[(0, 6, 0), (0, 3, 30), (29_999, 3, 1), (30_000, 3, 0), (60_000, 4, 10), (60_000, 3, 0)]);
    check(6, &[(0, 2, 0), (0, 2, 0), (0, 3, 10), (0, 2, 0)]);
    check(6, &[(0, 6, 0), (60_000, 6, 0), (180_000, 6, 0), (180_000, 6, 60)]);
    check(600, &[(0, 500, 0), (0, 101, 1), (0, 100, 0), (0, 500, 50), (50_000, 500, 0)]);
}

#[test]
fn places_lie_exactly_where_the_limit_does_not_divide_the_minute() {
    // A place is 8571 3/7 ms long.
    check(7, &[(0, 7, 0), (8571, 1, 1), (8572, 1, 0), (17_142, 1, 1), (17_143, 1, 0), (25_714, 1, 1), (25_715, 1, 0)]);
}

#[test]
fn a_request_without_events_takes_no_place() {
    check(2, &[(0, 0, 0), (0, 2, 0), (0, 0, 0), (0, 1, 30)]);
}

#[test]
fn a_request_that_never_fits_is_told_so_and_not_to_come_again() {
    let mut limit = RateLimit::of(100);
    let refused = limit.take(prefix(1), 101, NOW_MS).unwrap_err();
    assert!(refused.detail.contains("100 events a minute") && refused.detail.contains("fewer"), "{}", refused.detail);
    assert_eq!((refused.code, refused.retry_after_s), (Code::TooManyEvents, None));
    let late = limit.take(prefix(1), 40, NOW_MS).and_then(|()| limit.take(prefix(1), 61, NOW_MS)).unwrap_err();
    assert!(!late.detail.contains("fewer"), "{}", late.detail);
    check(100, &[(0, 40, 0), (0, 500, NEVER), (0, 60, 0), (0, usize::MAX, NEVER)]);
}

#[test]
fn prefixes_do_not_disturb_each_other() {
    let mut limit = RateLimit::of(1);
    for prefix in [prefix(1), prefix(2), Unknown] {
        assert_eq!(wait_s(limit.take(prefix, 1, NOW_MS)), 0);
        assert_eq!(wait_s(limit.take(prefix, 1, NOW_MS)), 60);
    }
}

#[test]
fn the_table_is_bounded_and_forgets_who_was_silent() {
    let half = u32::try_from(PREFIXES / 2).unwrap();
    let mut limit = RateLimit::of(1);
    for number in 0..4 * half {
        assert_eq!(wait_s(limit.take(prefix(number), 1, NOW_MS)), 0);
        // Whoever goes on sending is not forgotten, though it is refused.
        assert_eq!(wait_s(limit.take(Unknown, 1, NOW_MS)), if number == 0 { 0 } else { 60 }, "{number}");
        assert!(limit.prefixes() <= PREFIXES);
    }
    assert_eq!(wait_s(limit.take(prefix(4 * half - 1), 1, NOW_MS)), 60, "the last is known");
    assert_eq!(wait_s(limit.take(prefix(0), 1, NOW_MS)), 0, "the first is forgotten");
}

proptest! {
    /// The definition: a request is let in exactly if, for every earlier request that was, all events from that on fit
    /// into the time that has passed since and a minute.
    #[test]
    fn what_is_let_in_fits_every_stretch_of_time(
        per_minute in 1u32..50,
        requests in prop::collection::vec((0i64..20_000, 1usize..20, 0u32..2), 1..60),
    ) {
        let mut limit = RateLimit::of(per_minute);
        let mut let_in: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
        let mut now_ms = 0;
        for (after_ms, events, sender) in requests {
            now_ms += after_ms;
            let earlier = let_in.entry(sender).or_default();
            let size = i64::try_from(events).unwrap();
            let fits_at = |at_ms: i64| {
                let mut sum = size;
                // Events times a minute against time times the limit: no division.
                sum <= i64::from(per_minute) && earlier.iter().rev().all(|(then_ms, more)| {
                    sum += more;
                    sum * 60_000 <= (at_ms - then_ms + 60_000) * i64::from(per_minute)
                })
            };
            let wait = wait_s(limit.take(prefix(sender), events, NOW_MS + now_ms));
            prop_assert_eq!(wait == 0, fits_at(now_ms));
            prop_assert_eq!(wait == NEVER, size > i64::from(per_minute));
            if wait == 0 {
                earlier.push((now_ms, size));
            } else if wait != NEVER {
                let wait_ms = i64::try_from(wait).unwrap() * 1000;
                prop_assert!(fits_at(now_ms + wait_ms), "it was told to come too early");
                prop_assert!(!fits_at(now_ms + wait_ms - 1000), "it was told to come too late");
            }
        }
    }

    /// What is used within the last generation of others is known, with its last number; and never is more remembered
    /// than two generations.
    #[test]
    fn what_was_used_lately_is_known(uses in prop::collection::vec((0u64..12, prop::option::of(0i64..100)), 1..200)) {
        let mut recent = Recent::with_generation(4);
        let mut history: Vec<(u64, i64)> = Vec::new();
        for (key, number) in uses {
            let last = history.iter().rposition(|(used, _)| *used == key);
            let number = if let Some(number) = number {
                recent.insert(key, number);
                number
            } else {
                let told = recent.get_or_insert_with(key, || -1);
                if let Some(last) = last {
                    let others: BTreeSet<u64> = history[last + 1..].iter().map(|(used, _)| *used).collect();
                    prop_assert!(told == history[last].1 || (told == -1 && others.len() >= 4));
                } else {
                    prop_assert_eq!(told, -1);
                }
                told
            };
            history.push((key, number));
            prop_assert!(recent.len() <= 8 && !recent.is_empty());
        }
    }
}
