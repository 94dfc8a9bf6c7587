//! How much an isolate has in hand, and when it lets nothing more in.

use promptmeter::http::admission::{Admission, CLOSED_MS, PERIOD_MS, PLACE_BYTES, Places, TELLING_MS};
use promptmeter::http::problem::Code;
use promptmeter::limits::{BODY_BYTES, UNREAD_BYTES};
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

const NOW_MS: i64 = 1_800_000_000_000;

/// Lets so many requests without a body in.
fn fill(admission: &mut Admission, requests: usize, now_ms: i64) -> Vec<Places> {
    (0..requests).map(|_| admission.enter(0, now_ms).unwrap()).collect()
}

#[test]
fn as_many_are_let_in_as_there_are_places_and_another_one_when_one_has_left() {
    let mut admission = Admission::of(10);
    let mut inside = fill(&mut admission, 10, NOW_MS);
    let problem = admission.enter(0, NOW_MS).unwrap_err();
    assert_eq!((problem.code, problem.code.status()), (Code::Overloaded, 503));
    assert_eq!(problem.headers(), [("Retry-After", "1".to_owned())]);
    admission.leave(inside.pop().unwrap());
    inside.push(admission.enter(0, NOW_MS).unwrap());
    assert!(admission.enter(0, NOW_MS).is_err());
    for places in inside {
        admission.leave(places);
    }
    assert_eq!(admission.taken(), 0);
}

#[test]
fn a_long_body_takes_more_places_but_no_more_than_one_that_is_read_whole() {
    for (bytes, places) in
        [(0, 1), (PLACE_BYTES - 1, 1), (PLACE_BYTES, 2), (BODY_BYTES, 65), (BODY_BYTES + 1, 65), (usize::MAX, 65)]
    {
        let mut admission = Admission::of(100);
        let entered = admission.enter(bytes, NOW_MS).unwrap();
        assert_eq!(admission.taken(), places, "{bytes}");
        admission.leave(entered);
        assert_eq!(admission.taken(), 0, "{bytes}");
    }
}

#[test]
fn a_request_that_takes_more_places_than_there_are_comes_in_alone() {
    let mut admission = Admission::of(10);
    let one = admission.enter(0, NOW_MS).unwrap();
    assert!(admission.enter(BODY_BYTES, NOW_MS).is_err());
    admission.leave(one);
    let all = admission.enter(BODY_BYTES, NOW_MS).unwrap();
    assert!(admission.enter(0, NOW_MS).is_err());
    admission.leave(all);
    assert!(admission.enter(0, NOW_MS).is_ok());
}

#[test]
fn places_that_never_come_back_are_forgotten_after_one_period_at_the_least_and_two_at_the_most() {
    let begin_ms = NOW_MS - NOW_MS.rem_euclid(PERIOD_MS);
    for taken_ms in [begin_ms, begin_ms + PERIOD_MS - 1] {
        let mut admission = Admission::of(3);
        let lost = fill(&mut admission, 3, taken_ms);
        assert!(admission.enter(0, taken_ms + PERIOD_MS).is_err(), "they may still come back");
        let mut others = fill(&mut admission, 3, taken_ms + 2 * PERIOD_MS);
        // They come back after all: that is nothing to those who are in.
        for places in lost {
            admission.leave(places);
        }
        assert_eq!(admission.taken(), 3);
        assert!(admission.enter(0, taken_ms + 2 * PERIOD_MS).is_err());
        admission.leave(others.pop().unwrap());
        assert!(admission.enter(0, taken_ms + 2 * PERIOD_MS).is_ok());
    }
    let mut silent = Admission::of(1);
    drop(silent.enter(0, NOW_MS).unwrap());
    assert!(silent.enter(0, NOW_MS + 1000 * PERIOD_MS).is_ok());
}

#[test]
fn the_door_closes_when_all_is_taken_and_opens_when_an_eighth_is_free() {
    for (bound, free) in [(1, 1), (2, 1), (7, 1), (8, 1), (16, 2), (512, 64)] {
        let mut admission = Admission::of(bound);
        let mut inside = Vec::new();
        for number in 1..=bound {
            inside.extend(fill(&mut admission, 1, NOW_MS));
            assert!(!admission.opens());
            assert_eq!(admission.closes(NOW_MS), number == bound, "{bound}: {number} are in");
        }
        assert!(!admission.closes(NOW_MS + CLOSED_MS - 1), "it is closed already");
        for left in 1..=free {
            admission.leave(inside.pop().unwrap());
            assert_eq!(admission.opens(), left == free, "{bound}: {left} have left");
        }
        assert!(!admission.opens(), "it is open already");
        inside.extend(fill(&mut admission, free, NOW_MS));
        assert!(admission.closes(NOW_MS));
        // It opened by itself.
        assert!(admission.closes(NOW_MS + CLOSED_MS));
    }
}

#[test]
fn what_was_refused_is_told_now_and_then() {
    let mut admission = Admission::of(1);
    assert_eq!(admission.to_tell(NOW_MS), None);
    admission.refused(3);
    assert_eq!(admission.to_tell(NOW_MS), Some(3));
    admission.refused(4);
    assert_eq!(admission.to_tell(NOW_MS + TELLING_MS - 1), None);
    admission.refused(5);
    assert_eq!(admission.to_tell(NOW_MS + TELLING_MS), Some(9));
    assert_eq!(admission.to_tell(NOW_MS + 2 * TELLING_MS), None);
}

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    Enter(usize),
    Leave(prop::sample::Index),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3 * PLACE_BYTES).prop_map(Step::Enter),
        3 => any::<prop::sample::Index>().prop_map(Step::Leave),
        1 => (0..PERIOD_MS).prop_map(Step::Pass),
    ]
}

proptest! {
    /// The oracle keeps a list of all who are in, with the period in which they came.
    #[test]
    fn it_knows_who_is_in(steps in prop::collection::vec(step(), 1..200)) {
        const BOUND: usize = 8;
        let mut admission = Admission::of(BOUND);
        let mut inside: Vec<(i64, usize, Places)> = Vec::new();
        let mut now_ms = NOW_MS;
        for step in steps {
            match step {
                Step::Pass(ms) => now_ms += ms,
                Step::Leave(index) if !inside.is_empty() => {
                    let (.., places) = inside.swap_remove(index.index(inside.len()));
                    admission.leave(places);
                }
                Step::Leave(_) => {}
                Step::Enter(bytes) => {
                    let (period, count) = (now_ms.div_euclid(PERIOD_MS), 1 + bytes / PLACE_BYTES);
                    let taken: usize = inside.iter().filter(|(of, ..)| *of >= period - 1).map(|(_, count, _)| count).sum();
                    match admission.enter(bytes, now_ms) {
                        Ok(places) => {
                            assert!(taken == 0 || taken + count <= BOUND);
                            assert_eq!(admission.taken(), taken + count);
                            inside.push((period, count, places));
                        }
                        Err(_) => assert!(taken > 0 && taken + count > BOUND),
                    }
                }
            }
        }
    }
}

#[test]
fn what_javascript_knows_of_bodies_is_what_is_known_here() {
    let check = |script: &str, name: &str, bytes: usize| {
        let line = format!("const {name} = {} * 1024;", bytes / 1024);
        assert!(script.lines().any(|known| known == line), "no line says {line}");
    };
    check(include_str!("../../src/edge/entry.js"), "SHORT_BODY_BYTES", PLACE_BYTES);
    check(include_str!("../../src/edge/door.js"), "UNREAD_BYTES", UNREAD_BYTES);
}
