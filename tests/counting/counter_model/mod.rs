//! Counting with ids that are remembered, against a model that forgets nothing.

mod model;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use model::Model;
use promptmeter::counting::counter::{Commit, Counter};
use promptmeter::counting::day::Day;
use promptmeter::counting::day_change::{ChangedDay, DayChange};
use promptmeter::counting::ledger::{Bounds, Ledger};
use promptmeter::counting::protocol::{IdDigest, Increment, Outcome};
use promptmeter::counting::segment::SEGMENT_ENTRIES;
use promptmeter::counting::sources::{SOURCE_DAYS, SourcedDay, Sources};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::counting::visitors::Visitors;
use promptmeter::counting::visits::{NewVisits, Visits, WINDOW_MS};
use promptmeter::time::DAY_QUARTERS;
use proptest::prelude::*;
use storage::Storage;

use crate::counted::count_beside;
use crate::stored_ids::StoredIds;

const NOW_MS: i64 = 1_800_000_000_000;
const SECOND_MS: i64 = 1000;
const QUARTER_MS: i64 = 900_000;
const HOUR_MS: i64 = 4 * QUARTER_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const METRICS: [Metric; 4] = [Metric::View, Metric::Copy, Metric::Fork, Metric::Compare];

/// An object under test: what it knows, what is stored, and what is right.
struct Simulation {
    bounds: Bounds,
    counter: Counter,
    storage: Storage,
    model: Model,
    sent: Vec<(u64, i64, Vec<Increment>)>,
    bulk_ids: u64,
    now_ms: i64,
    /// When the last commit was made.
    counted_ms: i64,
}

/// An increment to send: its metric, minutes since now, key and payload where it has an id, visitor and source.
type Drawn = (usize, i64, Option<(u64, u32)>, [Option<u64>; 2]);

#[derive(Clone, Debug)]
enum Step {
    /// New increments.
    Count(Vec<Drawn>),
    /// As many increments with ids that are new.
    Bulk(u64),
    /// The same command again, counted from the last one.
    Repeat(usize),
    /// A command whose storing fails.
    Fail(Vec<Drawn>),
    /// Takes back what these sources added, twice.
    Retract(Vec<u64>),
    Restart,
    Wait(i64),
}

impl Simulation {
    fn within(bounds: Bounds) -> Self {
        let counter = Storage::default().restore(bounds);
        let (storage, model, sent) = Default::default();
        Self { bounds, counter, storage, model, sent, bulk_ids: 0, now_ms: NOW_MS, counted_ms: 0 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Count(increments) => self.count_new(self.increments(&increments)),
            Step::Bulk(length) => {
                let first = 1_000_000 + self.bulk_ids;
                self.bulk_ids += length;
                let id = |key| Some(IdDigest { key, payload: 0 });
                let increment = |key| Increment::of(Metric::View, self.now_ms, id(key));
                self.count_new((first..first + length).map(increment).collect());
            }
            Step::Repeat(back) => {
                let fresh: Vec<_> = self.sent.iter().filter(|(_, at_ms, _)| self.now_ms - at_ms <= DAY_MS).collect();
                if let Some((delivery, _, increments)) = fresh.iter().rev().nth(back).map(|sent| (*sent).clone()) {
                    self.count(delivery, &increments);
                }
            }
            Step::Fail(increments) => {
                let increments = self.increments(&increments);
                let first = self.judged(u64::MAX, &increments);
                assert_eq!(self.judged(u64::MAX, &increments), first);
            }
            Step::Retract(sources) => {
                self.retract(&sources);
                let before = self.storage.version;
                self.retract(&sources);
                assert_eq!(self.storage.version, before);
            }
            Step::Restart => self.counter = self.storage.restore(self.bounds),
            Step::Wait(wait_ms) => self.now_ms += wait_ms,
        }
    }

    fn increments(&self, increments: &[Drawn]) -> Vec<Increment> {
        let increment = |&(metric, minutes, id, [visitor, source]): &Drawn| {
            let id = id.map(|(key, payload)| IdDigest { key, payload });
            let at_ms = self.now_ms + minutes * QUARTER_MS / 15;
            Increment { visitor, source, ..Increment::of(METRICS[metric], at_ms, id) }
        };
        increments.iter().map(increment).collect()
    }

    fn count_new(&mut self, increments: Vec<Increment>) {
        let delivery = 2_000_000 + u64::try_from(self.sent.len()).unwrap();
        self.count(delivery, &increments);
        self.sent.push((delivery, self.now_ms, increments));
    }

    fn judged(&self, delivery: u64, increments: &[Increment]) -> (Vec<Outcome>, Option<Commit>) {
        count_beside(&self.storage.ids, &self.counter, delivery, increments, self.now_ms)
    }

    fn count(&mut self, delivery: u64, increments: &[Increment]) {
        let (outcomes, commit) = self.judged(delivery, increments);
        let before = self.model.tally;
        self.model.count((delivery, increments), self.now_ms, &outcomes, &self.counter.visits);
        assert_eq!(commit.as_ref().map_or(before, |commit| commit.tally), self.model.tally);
        assert_eq!(commit.is_some(), before != self.model.tally);
        if let Some(commit) = commit {
            let days = self.storage.day_change(&self.counter, &commit, self.now_ms);
            self.storage.store(&commit, &days);
            self.counter.keep(commit, days);
            self.counted_ms = self.now_ms;
        }
        self.check();
    }

    fn retract(&mut self, sources: &[u64]) {
        let first = self.now_ms.div_euclid(DAY_MS) - SOURCE_DAYS;
        let days = self.storage.sourced_days(first);
        let expected = self.model.retract(sources, self.now_ms);
        let Some(retraction) = self.counter.retract(days, sources) else {
            return assert_eq!(expected, (Tally::default(), 0));
        };
        assert_eq!(retraction.version, self.storage.version + 1);
        (self.storage.tally, self.storage.version) = (retraction.tally, retraction.version);
        self.storage.retracted_visitors = retraction.retracted_visitors;
        self.storage.store_retracted(&retraction.days);
        assert_eq!(self.counter.keep_retraction(&retraction), expected);
        self.check();
    }

    fn check(&self) {
        let (visitors, tally) = (self.counter.unique_visitors(), self.counter.tally);
        assert_eq!(visitors, self.model.unique_visitors());
        assert!(visitors <= tally.visits && tally.visits <= tally.views, "{visitors} visitors, {tally:?}");
        assert_eq!(self.storage.restore(self.bounds).unique_visitors(), visitors);
        assert_eq!((self.counter.tally, self.counter.version), (self.storage.tally, self.storage.version));
        let audit = self.counter.audit(&self.storage.days(), [None, None]);
        assert_eq!((audit.days, audit.tally), (self.model.tally, self.model.tally));
        assert_eq!(self.storage.quarters(), self.model.quarters);
        assert_eq!(self.counter.open_day, self.storage.open_day);
        self.check_ledger();
    }

    /// What is remembered is what is stored; of what is too old, at most the segment that was just filled.
    fn check_ledger(&self) {
        let restored = self.storage.restore(self.bounds);
        assert_eq!(self.counter.ledger.len(), restored.ledger.len());
        assert_eq!(self.counter.visits.len(), restored.visits.len());
        let full = self.storage.ids.0.values().rev().skip(1);
        let too_old = full.filter(|(newest_ms, _)| self.counted_ms - newest_ms > DAY_MS);
        assert!(too_old.count() <= 1);
    }
}

fn any_increments() -> impl Strategy<Value = Vec<Drawn>> {
    let id = prop::option::weighted(0.8, (0..12_u64, prop::sample::select(vec![0_u32, 0, 0, 1])));
    let minutes = prop_oneof![-4..=5_i64, -40..=5_i64, -130..=5_i64];
    let people = prop::array::uniform2(prop::option::weighted(0.7, 0..6_u64));
    prop::collection::vec((0..METRICS.len(), minutes, id, people), 0..6)
}

fn any_step() -> impl Strategy<Value = Step> {
    let waits =
        vec![1, SECOND_MS, 10 * 60 * SECOND_MS, WINDOW_MS, HOUR_MS, 8 * HOUR_MS, DAY_MS - 1, DAY_MS, DAY_MS + 1];
    prop_oneof![
        6 => any_increments().prop_map(Step::Count),
        1 => (1..2800_u64).prop_map(Step::Bulk),
        4 => (0..4_usize).prop_map(Step::Repeat),
        1 => any_increments().prop_map(Step::Fail),
        1 => prop::collection::vec(0..6_u64, 1..3).prop_map(Step::Retract),
        2 => Just(Step::Restart),
        3 => prop::sample::select(waits).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn each_id_is_counted_once_within_24_hours(
        whole in prop::sample::select(vec![Bounds::COUNTER.whole, 2000, 0]),
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        let mut simulation = Simulation::within(Bounds { whole, ..Bounds::COUNTER });
        for step in steps {
            simulation.step(step);
        }
    }
}
