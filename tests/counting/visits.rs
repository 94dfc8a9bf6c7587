//! Visits, against their definition over all that was ever told.

use promptmeter::counting::segment::{SEGMENT_ENTRIES, Segment};
use promptmeter::counting::visits::{NewVisits, VISITS, Visits, WINDOW_MS};
use proptest::prelude::*;

const NOW_MS: i64 = 1_800_000_000_000;
const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const AHEAD_MS: i64 = 5 * MINUTE_MS;

/// Tells views one by one, each in a commit of its own, `(visitor, when, told when)` in seconds since now; gives which of
/// them are visits.
fn told(window_ms: i64, views: &[(u64, i64, i64)]) -> Vec<bool> {
    let mut visits = Visits::within(window_ms, 0);
    let tell = |(visitor, at, told): &(u64, i64, i64)| {
        let mut fresh = NewVisits::beside(&visits);
        let is_visit = fresh.note(*visitor, NOW_MS + at * SECOND_MS);
        let change = fresh.change(NOW_MS + told * SECOND_MS);
        visits.apply(change);
        is_visit
    };
    views.iter().map(tell).collect()
}

fn check(window_ms: i64, views: &[(u64, i64, i64)], expected: &[bool]) {
    assert_eq!(told(window_ms, views), expected, "{views:?}, window of {window_ms} ms");
}

#[test]
fn a_visit_is_half_an_hour_from_the_next() {
    assert_eq!(WINDOW_MS, 30 * MINUTE_MS);
    let (w, yes, no) = (1800, true, false);
    check(WINDOW_MS, &[(1, 0, 0), (1, 0, 0), (2, 0, 0)], &[yes, no, yes]);
    check(WINDOW_MS, &[(1, 0, 0), (1, w - 1, w - 1)], &[yes, no]);
    check(WINDOW_MS, &[(1, 0, 0), (1, w, w)], &[yes, yes]);
    // A view that is no visit does not put off the next one.
    check(WINDOW_MS, &[(1, 0, 0), (1, w - 1, w - 1), (1, w + 1, w + 1)], &[yes, no, yes]);
    // Told late, before and between others.
    check(WINDOW_MS, &[(1, 0, 0), (1, 1 - w, 10), (1, -w, 20)], &[yes, no, yes]);
    check(WINDOW_MS, &[(1, -2 * w, 0), (1, 0, 0), (1, -w, 0)], &[yes, yes, yes]);
    check(WINDOW_MS, &[(1, 1 - 2 * w, 0), (1, 0, 0), (1, -w, 0)], &[yes, yes, no]);
    // A visit that is older does not hide a newer one.
    check(WINDOW_MS, &[(1, 0, 0), (1, -100 * w, 1), (1, 10, 10)], &[yes, yes, no]);
    for minutes in [1, 7, 1440] {
        let w = minutes * 60;
        check(minutes * MINUTE_MS, &[(1, 0, 0), (1, w - 1, w - 1), (1, w, w)], &[yes, no, yes]);
    }
}

/// What an object holds, and what was ever told.
struct Simulation {
    window_ms: i64,
    visits: Visits,
    segments: Vec<Segment>,
    all: Vec<(u64, i64, i64)>,
    now_ms: i64,
}

#[derive(Clone, Debug)]
enum Step {
    /// Views in one commit: visitor, and seconds since now.
    Tell(Vec<(u64, i64)>),
    /// As many visits of others.
    Bulk(u64),
    Restart,
    Wait(i64),
}

impl Simulation {
    fn new(window_ms: i64) -> Self {
        let visits = Visits::within(window_ms, 0);
        Self { window_ms, visits, segments: Vec::new(), all: Vec::new(), now_ms: NOW_MS }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Tell(views) => self.tell(&views),
            Step::Bulk(count) => {
                let first = 1_000_000 + self.all.len() as u64;
                self.tell(&(first..first + count).map(|visitor| (visitor, 0)).collect::<Vec<_>>());
            }
            Step::Restart => {
                let room = self.segments.iter().map(|segment| segment.entries.len()).sum();
                self.visits = Visits::within(self.window_ms, room);
                for Segment { number, newest_ms, entries } in &self.segments {
                    let packed = Segment { number: *number, newest_ms: *newest_ms, entries: entries.clone() }.pack();
                    self.visits.restore(Segment::unpack(*number, *newest_ms, &packed));
                }
            }
            Step::Wait(wait_ms) => self.now_ms += wait_ms,
        }
    }

    fn tell(&mut self, views: &[(u64, i64)]) {
        let mut fresh = NewVisits::beside(&self.visits);
        for (visitor, seconds) in views {
            let at_ms = self.now_ms + seconds * SECOND_MS;
            let second = at_ms.div_euclid(SECOND_MS);
            let is_visit = fresh.note(*visitor, at_ms);
            let window = self.window_ms / SECOND_MS;
            let is_near = |(other, at, _): &&(u64, i64, i64)| other == visitor && (at - second).abs() < window;
            let mut near = self.all.iter().filter(is_near).peekable();
            if near.peek().is_none() {
                assert!(is_visit, "{visitor} at {second}");
            }
            if let Some(known) = near.find(|(_, _, told_ms)| self.now_ms - told_ms <= self.window_ms + AHEAD_MS) {
                assert!(!is_visit, "{visitor} at {second} beside {known:?}");
            }
            if is_visit {
                self.all.push((*visitor, second, self.now_ms));
            }
        }
        let change = fresh.change(self.now_ms);
        let had = self.segments.len();
        assert!(change.open().is_none_or(|open| open.entries.len() < SEGMENT_ENTRIES));
        for segment in &change.written {
            self.segments.retain(|stored| stored.number != segment.number);
            self.segments.push(segment.clone());
        }
        self.segments.retain(|segment| !change.expired.contains(&segment.number));
        assert_eq!(change.written.is_empty(), change == fresh_nothing(), "{had} segments");
        self.visits.apply(change);
        let is_old = |segment: &&Segment| self.now_ms - segment.newest_ms > self.window_ms + AHEAD_MS;
        if !views.is_empty() && self.segments.last().is_some_and(|tail| tail.newest_ms == self.now_ms) {
            // The segment that was the last one when the new ones were added stays for one more commit.
            assert!(self.segments.iter().filter(is_old).count() <= 1);
        }
    }
}

fn fresh_nothing() -> promptmeter::counting::segment::LedgerChange {
    NewVisits::beside(&Visits::default()).change(0)
}

fn any_step() -> impl Strategy<Value = Step> {
    let seconds = prop_oneof![-60..=300_i64, -2500..=300_i64, -100_000..=300_i64];
    let waits = vec![1, SECOND_MS, 7 * MINUTE_MS, 29 * MINUTE_MS, 30 * MINUTE_MS, 35 * MINUTE_MS, 36 * MINUTE_MS];
    prop_oneof![
        8 => prop::collection::vec((0..4_u64, seconds), 0..5).prop_map(Step::Tell),
        1 => (1..3000_u64).prop_map(Step::Bulk),
        2 => Just(Step::Restart),
        4 => prop::sample::select(waits).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn visits_are_those_of_the_definition(
        minutes in prop::sample::select(vec![1_i64, 30, 1440]),
        steps in prop::collection::vec(any_step(), 1..50),
    ) {
        let mut simulation = Simulation::new(minutes * MINUTE_MS);
        for step in steps {
            simulation.step(step);
        }
    }
}

#[test]
fn at_most_200_000_visits_are_known_and_the_oldest_are_forgotten() {
    let mut visits = Visits::default();
    assert!(visits.is_empty());
    for first in (0..230_000_u64).step_by(10_000) {
        let mut fresh = NewVisits::beside(&visits);
        assert!((first..first + 10_000).all(|visitor| fresh.note(visitor, NOW_MS)));
        let change = fresh.change(NOW_MS);
        visits.apply(change);
        assert!(visits.len() <= VISITS);
    }
    assert!(visits.len() > VISITS - SEGMENT_ENTRIES && !visits.is_empty());
    let oldest = 230_000 - visits.len() as u64;
    let mut probe = NewVisits::beside(&visits);
    assert!((oldest..230_000).all(|visitor| !probe.note(visitor, NOW_MS)));
    assert!((0..oldest).all(|visitor| probe.note(visitor, NOW_MS)));
}
