//! Counting with ids that are remembered, against a model that forgets nothing.

#![cfg(test)]

mod counted;

use std::collections::{BTreeMap, BTreeSet};

use counted::count;
use promptmeter::counting::counter::{Commit, Counter};
use promptmeter::counting::day::Day;
use promptmeter::counting::ledger::{LEDGER_ENTRIES, Ledger, LedgerChange, SEGMENT_ENTRIES, Segment};
use promptmeter::counting::protocol::{IdDigest, ImportedRow, Increment, Outcome};
use promptmeter::counting::sources::{SOURCE_DAYS, SourcedDay, Sources};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::counting::visitors::Visitors;
use promptmeter::counting::visits::{NewVisits, Visits, WINDOW_MS};
use promptmeter::time::DAY_QUARTERS;
use proptest::prelude::*;

const NOW_MS: i64 = 1_800_000_000_000;
const SECOND_MS: i64 = 1000;
const QUARTER_MS: i64 = 900_000;
const HOUR_MS: i64 = 4 * QUARTER_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const METRICS: [Metric; 4] = [Metric::View, Metric::Copy, Metric::Fork, Metric::Compare];

type Segments = BTreeMap<u64, (i64, Vec<u8>)>;

/// What an object's tables hold.
#[derive(Default)]
struct Storage {
    tally: Tally,
    version: u64,
    days: BTreeMap<i64, Vec<u8>>,
    sources: BTreeMap<i64, Vec<u8>>,
    segments: Segments,
    visits: Segments,
    visitors: Option<Vec<u8>>,
    retracted_visitors: u64,
}

fn store_segments(segments: &mut Segments, change: &LedgerChange) {
    assert!(change.closed().iter().all(|segment| segment.entries.len() == SEGMENT_ENTRIES));
    assert!(change.open().is_none_or(|open| open.entries.len() < SEGMENT_ENTRIES));
    for segment in &change.written {
        segments.insert(segment.number, (segment.newest_ms, segment.pack()));
    }
    for number in &change.expired {
        assert!(segments.remove(number).is_some(), "segment {number} is not stored");
    }
}

fn stored_bytes(segments: &Segments) -> u64 {
    segments.values().map(|(_, packed)| packed.len() as u64).sum()
}

fn unpacked(segments: &Segments) -> impl Iterator<Item = Segment> {
    segments.iter().map(|(&number, (at_ms, packed))| Segment::unpack(number, *at_ms, packed))
}

impl Storage {
    fn store(&mut self, commit: &Commit) {
        assert_eq!(commit.version, self.version + 1);
        (self.tally, self.version) = (commit.tally, commit.version);
        for added in &commit.days {
            let mut day = self.day(added.number);
            if !self.days.contains_key(&day.number) {
                self.sources = self.sources.split_off(&(day.number - SOURCE_DAYS));
            }
            if !added.sources.is_empty() {
                day.sources.add_all(&added.sources);
                self.sources.insert(day.number, day.sources.pack());
            }
            day.counts.add_all(&added.counts);
            self.days.insert(day.number, day.counts.pack());
        }
        let numbers: BTreeSet<i64> = commit.days.iter().map(|day| day.number).collect();
        assert_eq!(numbers.len(), commit.days.len());
        store_segments(&mut self.segments, &commit.ledger);
        store_segments(&mut self.visits, &commit.visits);
        if let Some(visitors) = &commit.visitors {
            self.visitors = Some(visitors.pack());
        }
    }

    fn day(&self, number: i64) -> SourcedDay {
        let counts = self.days.get(&number).map(|packed| Day::unpack(packed).unwrap()).unwrap_or_default();
        let sources = self.sources.get(&number).map(|packed| Sources::unpack(packed).unwrap()).unwrap_or_default();
        SourcedDay { number, counts, sources }
    }

    /// The counter as it is restored; its ledgers have room for what is stored.
    fn restore(&self) -> Counter {
        let mut ledger = Ledger::with_room_for(stored_bytes(&self.segments));
        unpacked(&self.segments).for_each(|segment| ledger.restore(segment));
        let mut visits = Visits::within(WINDOW_MS, stored_bytes(&self.visits));
        unpacked(&self.visits).for_each(|segment| visits.restore(segment));
        Counter {
            tally: self.tally,
            version: self.version,
            ledger,
            visits,
            visitors: self.visitors.as_ref().map(|packed| Visitors::unpack(packed).unwrap()).unwrap_or_default(),
            retracted_visitors: self.retracted_visitors,
        }
    }

    fn days(&self) -> Vec<(i64, Day)> {
        self.days.iter().map(|(number, packed)| (*number, Day::unpack(packed).unwrap())).collect()
    }

    /// What was counted in each quarter.
    fn quarters(&self) -> BTreeMap<i64, Tally> {
        let days = self.days();
        days.iter().flat_map(|(number, day)| day.quarters(*number)).map(|(quarter, tally)| (quarter, *tally)).collect()
    }
}

/// A visit by its definition, and when it was told.
#[derive(Clone, Debug)]
struct Visit {
    visitor: u64,
    second: i64,
    told_ms: i64,
}

/// What a source added on a day: in each quarter, and new visitors.
type Added = (BTreeMap<i64, Tally>, u64);

/// What has been counted since the beginning.
#[derive(Clone, Default)]
struct Model {
    tally: Tally,
    quarters: BTreeMap<i64, Tally>,
    days: BTreeSet<i64>,
    ids: BTreeMap<u64, (u32, i64)>,
    deliveries: BTreeMap<u64, i64>,
    visits: Vec<Visit>,
    visitors: BTreeSet<u64>,
    retracted_visitors: u64,
    sources: BTreeMap<(i64, u64), Added>,
}

impl Model {
    /// Counts a command, and checks the outcomes: within 24 hours there is one right one, later there are two.
    fn count(
        &mut self,
        (delivery, increments): (u64, &[Increment]),
        now_ms: i64,
        outcomes: &[Outcome],
        known: &Visits,
    ) {
        assert_eq!(outcomes.len(), increments.len());
        let mut probe = NewVisits::beside(known);
        let delivered = self.deliveries.contains_key(&delivery);
        for (increment, outcome) in increments.iter().zip(outcomes) {
            let counts = match increment.id {
                None => {
                    assert_eq!(*outcome, Outcome::Counted);
                    self.deliveries.insert(delivery, now_ms);
                    !delivered
                }
                Some(id) => self.count_id(id, now_ms, *outcome),
            };
            if counts {
                self.add(increment, now_ms, &mut probe);
            }
        }
    }

    fn add(&mut self, increment: &Increment, now_ms: i64, probe: &mut NewVisits) {
        let mut added = Tally::default();
        added.add(increment.metric, 1);
        let mut new_visitors = 0;
        if let (Metric::View, Some(visitor)) = (increment.metric, increment.visitor) {
            added.add(Metric::Visit, self.visit(visitor, increment.at_ms, now_ms, probe).into());
            new_visitors = u64::from(self.visitors.insert(visitor));
        }
        self.tally.add_all(&added);
        let quarter = increment.at_ms.div_euclid(QUARTER_MS);
        self.quarters.entry(quarter).or_default().add_all(&added);
        let day = quarter.div_euclid(DAY_QUARTERS);
        if self.days.insert(day) {
            self.sources.retain(|(known, _), _| *known >= day - SOURCE_DAYS);
        }
        let is_sourced = [Metric::View, Metric::Copy].contains(&increment.metric);
        if let Some(source) = increment.source.filter(|_| is_sourced) {
            let (quarters, visitors) = self.sources.entry((day, source)).or_default();
            quarters.entry(quarter).or_default().add_all(&added);
            *visitors += new_visitors;
        }
    }

    /// Whether a view is a visit, as the counter sees it, which is checked: a visit that is near was told too long ago to be
    /// known for sure, or decides.
    fn visit(&mut self, visitor: u64, at_ms: i64, now_ms: i64, probe: &mut NewVisits) -> bool {
        let second = at_ms.div_euclid(SECOND_MS);
        let is_near =
            |visit: &&Visit| visit.visitor == visitor && (visit.second - second).abs() < WINDOW_MS / SECOND_MS;
        let near: Vec<&Visit> = self.visits.iter().filter(is_near).collect();
        let is_visit = probe.note(visitor, at_ms);
        if near.is_empty() {
            assert!(is_visit, "{visitor} at {second}");
        }
        if let Some(known) = near.iter().find(|visit| now_ms - visit.told_ms <= WINDOW_MS) {
            assert!(!is_visit, "{visitor} at {second} after {known:?}");
        }
        if is_visit {
            self.visits.push(Visit { visitor, second, told_ms: now_ms });
        }
        is_visit
    }

    /// Takes back what sources added; gives that.
    fn retract(&mut self, sources: &[u64], now_ms: i64) -> (Tally, u64) {
        let first = now_ms.div_euclid(DAY_MS) - SOURCE_DAYS;
        let before = (self.tally, self.unique_visitors());
        let is_meant = |(day, source): &(i64, u64)| *day >= first && sources.contains(source);
        let (meant, left) = self.sources.clone().into_iter().partition(|(key, _)| is_meant(key));
        self.sources = left;
        let meant: BTreeMap<(i64, u64), Added> = meant;
        for (quarters, visitors) in meant.into_values() {
            self.retracted_visitors += visitors;
            for (quarter, added) in quarters {
                self.tally = self.tally.without(&added);
                let tally = self.quarters.get_mut(&quarter).unwrap();
                *tally = tally.without(&added);
            }
        }
        self.quarters.retain(|_, tally| *tally != Tally::default());
        (before.0.without(&self.tally), before.1 - self.unique_visitors())
    }

    fn unique_visitors(&self) -> u64 {
        self.visitors.len() as u64 - self.retracted_visitors
    }

    fn count_id(&mut self, id: IdDigest, now_ms: i64, outcome: Outcome) -> bool {
        let expected = match self.ids.get(&id.key) {
            None => Outcome::Counted,
            Some((_, at_ms)) if outcome == Outcome::Counted && now_ms - at_ms > DAY_MS => Outcome::Counted,
            Some((payload, _)) if *payload == id.payload => Outcome::Repeated,
            Some(_) => Outcome::Conflicting,
        };
        assert_eq!(outcome, expected, "{id:?} after {:?}", self.ids.get(&id.key));
        if outcome == Outcome::Counted {
            self.ids.insert(id.key, (id.payload, now_ms));
        }
        outcome == Outcome::Counted
    }
}

/// An object under test: what it knows, what is stored, and what is right.
#[derive(Default)]
struct Simulation {
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
                let first = count(&self.counter, u64::MAX, &increments, self.now_ms);
                assert_eq!(count(&self.counter, u64::MAX, &increments, self.now_ms), first);
            }
            Step::Retract(sources) => {
                self.retract(&sources);
                let before = self.storage.version;
                self.retract(&sources);
                assert_eq!(self.storage.version, before);
            }
            Step::Restart => self.counter = self.storage.restore(),
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

    fn count(&mut self, delivery: u64, increments: &[Increment]) {
        let (outcomes, commit) = count(&self.counter, delivery, increments, self.now_ms);
        let before = self.model.tally;
        self.model.count((delivery, increments), self.now_ms, &outcomes, &self.counter.visits);
        assert_eq!(commit.as_ref().map_or(before, |commit| commit.tally), self.model.tally);
        assert_eq!(commit.is_some(), before != self.model.tally);
        if let Some(commit) = commit {
            self.storage.store(&commit);
            self.counter.keep(commit);
            self.counted_ms = self.now_ms;
        }
        self.check();
    }

    fn retract(&mut self, sources: &[u64]) {
        let first = self.now_ms.div_euclid(DAY_MS) - SOURCE_DAYS;
        let days = self.storage.sources.range(first..).map(|(number, _)| self.storage.day(*number)).collect();
        let expected = self.model.retract(sources, self.now_ms);
        let Some(retraction) = self.counter.retract(days, sources) else {
            return assert_eq!(expected, (Tally::default(), 0));
        };
        assert_eq!(retraction.version, self.storage.version + 1);
        (self.storage.tally, self.storage.version) = (retraction.tally, retraction.version);
        self.storage.retracted_visitors = retraction.retracted_visitors;
        for day in &retraction.days {
            self.storage.days.insert(day.number, day.counts.pack());
            self.storage.sources.insert(day.number, day.sources.pack());
        }
        assert_eq!(self.counter.keep_retraction(&retraction), expected);
        self.check();
    }

    fn check(&self) {
        let (visitors, tally) = (self.counter.unique_visitors(), self.counter.tally);
        assert_eq!(visitors, self.model.unique_visitors());
        assert!(visitors <= tally.visits && tally.visits <= tally.views, "{visitors} visitors, {tally:?}");
        assert_eq!(self.storage.restore().unique_visitors(), visitors);
        assert_eq!((self.counter.tally, self.counter.version), (self.storage.tally, self.storage.version));
        let audit = self.counter.audit(&self.storage.days(), [None, None]);
        assert_eq!((audit.days, audit.tally), (self.model.tally, self.model.tally));
        assert_eq!(self.storage.quarters(), self.model.quarters);
        self.check_ledger();
    }

    /// What is remembered is what is stored; of what is too old, at most the segment that was just filled.
    fn check_ledger(&self) {
        let restored = self.storage.restore();
        assert_eq!(self.counter.ledger.len(), restored.ledger.len());
        assert_eq!(self.counter.visits.len(), restored.visits.len());
        let full = self.storage.segments.values().rev().skip(1);
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
    fn each_id_is_counted_once_within_24_hours(steps in prop::collection::vec(any_step(), 1..40)) {
        let mut simulation = Simulation { now_ms: NOW_MS, ..Simulation::default() };
        for step in steps {
            simulation.step(step);
        }
    }
}

fn increment(metric: Metric, id: Option<(u64, u32)>) -> Increment {
    Increment::of(metric, NOW_MS, id.map(|(key, payload)| IdDigest { key, payload }))
}

/// The outcomes of one command, and the tally of its commit where there is one.
fn check_count(counter: &Counter, delivery: u64, increments: &[Increment], outcomes: &[Outcome], tally: Option<Tally>) {
    let (actual, commit) = count(counter, delivery, increments, NOW_MS);
    assert_eq!(actual, outcomes);
    assert_eq!(commit.map(|commit| commit.tally), tally);
}

#[test]
fn an_id_is_judged_within_its_command_and_across_commands() {
    use Outcome::{Conflicting, Counted, Repeated};
    let (one, other) = (increment(Metric::View, Some((1, 7))), increment(Metric::Copy, Some((1, 8))));
    let anonymous = increment(Metric::View, None);
    let views = |views| Some(Tally { views, ..Tally::default() });
    let mut counter = Counter::default();
    check_count(&counter, 9, &[], &[], None);
    check_count(&counter, 9, &[one], &[Counted], views(1));
    check_count(&counter, 9, &[one, one, other], &[Counted, Repeated, Conflicting], views(1));
    check_count(&counter, 9, &[anonymous, anonymous], &[Counted, Counted], views(2));
    let (_, commit) = count(&counter, 9, &[one, anonymous], NOW_MS);
    counter.keep(commit.unwrap());
    assert_eq!((counter.version, counter.tally.views), (1, 2));
    check_count(&counter, 9, &[one, anonymous], &[Repeated, Counted], None);
    check_count(&counter, 10, &[one, anonymous], &[Repeated, Counted], views(3));
    check_count(&counter, 10, &[other], &[Conflicting], None);
}

#[test]
fn a_command_without_anonymous_increments_leaves_no_name() {
    let mut counter = Counter::default();
    let (_, commit) = count(&counter, 9, &[increment(Metric::View, Some((1, 7)))], NOW_MS);
    counter.keep(commit.unwrap());
    assert_eq!(counter.ledger.len(), 1);
    let (_, commit) = count(&counter, 10, &[increment(Metric::View, None), increment(Metric::View, None)], NOW_MS);
    counter.keep(commit.unwrap());
    assert_eq!(counter.ledger.len(), 2);
    assert!(!counter.ledger.is_empty());
}

/// A row that is written costs the same however little it says, so only those that change are.
#[test]
fn views_of_known_visitors_change_the_counts_and_the_day_alone() {
    let view = |visitor, id: Option<u64>| {
        let id = id.map(|key| IdDigest { key, payload: 0 });
        Increment { visitor, source: visitor, ..Increment::of(Metric::View, NOW_MS, id) }
    };
    let mut counter = Counter::default();
    let mut check = |increments: &[Increment], [days, ids, visits]: [usize; 3], visitors: bool| {
        let (_, commit) = count(&counter, counter.version, increments, NOW_MS);
        let commit = commit.unwrap();
        let written = [&commit.ledger, &commit.visits].map(|change| change.written.len() + change.expired.len());
        assert_eq!((commit.days.len(), written), (days, [ids, visits]), "{increments:?}");
        assert_eq!(commit.visitors.is_some(), visitors, "{increments:?}");
        counter.keep(commit);
    };
    check(&[view(Some(1), None)], [1, 1, 1], true);
    check(&[view(Some(1), Some(100))], [1, 1, 0], false);
    check(&[view(None, Some(101))], [1, 1, 0], false);
    check(&[view(Some(2), Some(102)), view(Some(3), Some(103))], [1, 1, 1], true);
    let fresh: Vec<Increment> = (1000..1250).map(|number| view(Some(number), Some(number))).collect();
    check(&fresh, [1, 1, 1], true);
}

#[test]
fn imported_rows_are_added_as_they_are() {
    let row = |metric, at_ms| ImportedRow { key: 7, metric, at_ms };
    let mut counter = Counter { tally: Tally { views: 5, ..Tally::default() }, version: 3, ..Counter::default() };
    assert_eq!(counter.import(&[]), None);
    let commit = counter.import(&[row(Metric::View, -1), row(Metric::View, 0), row(Metric::Copy, HOUR_MS)]).unwrap();
    let (view, copy) = (Tally { views: 1, ..Tally::default() }, Tally { copies: 1, ..Tally::default() });
    let day = |number, quarters: &[(i64, Tally)]| {
        let mut counts = Day::default();
        for (quarter, tally) in quarters {
            counts.add(*quarter, tally);
        }
        SourcedDay { number, counts, sources: Sources::default() }
    };
    let expected = Commit {
        tally: Tally { views: 7, copies: 1, ..Tally::default() },
        version: 4,
        days: vec![day(-1, &[(DAY_QUARTERS - 1, view)]), day(0, &[(0, view), (4, copy)])],
        ..Commit::default()
    };
    assert_eq!(commit, expected);
    counter.keep(commit);
    assert_eq!((counter.tally.views, counter.version), (7, 4));
}

fn ids(keys: std::ops::Range<usize>) -> Vec<IdDigest> {
    keys.map(|key| IdDigest { key: u64::try_from(key).unwrap(), payload: 0 }).collect()
}

/// A ledger that remembered `segments` full segments, each an hour after the one before.
fn ledger_of(segments: usize) -> Ledger {
    let mut ledger = Ledger::default();
    for (number, hour) in (0..segments).zip(0..) {
        let fresh = ids(number * SEGMENT_ENTRIES..(number + 1) * SEGMENT_ENTRIES);
        ledger.apply(ledger.change(&fresh, NOW_MS + hour * HOUR_MS));
    }
    ledger
}

#[test]
fn a_segment_is_forgotten_24_hours_after_its_newest_id() {
    for (after_ms, expired) in [
        (DAY_MS, 0..0),
        (DAY_MS + 1, 0..1),
        (DAY_MS + HOUR_MS, 0..1),
        (DAY_MS + HOUR_MS + 1, 0..2),
        (100 * DAY_MS, 0..4),
    ] {
        let mut ledger = ledger_of(4);
        let change = ledger.change(&ids(9_000..9_001), NOW_MS + after_ms);
        assert_eq!(change.open().map(|open| open.number), Some(4));
        assert_eq!(change.expired, expired.clone().collect::<Vec<u64>>(), "{after_ms} ms later");
        ledger.apply(change);
        for number in 0..4 {
            let id = IdDigest { key: number * SEGMENT_ENTRIES as u64, payload: 0 };
            let expected = if expired.contains(&number) { Outcome::Counted } else { Outcome::Repeated };
            assert_eq!(ledger.judge(id), expected, "segment {number}, {after_ms} ms later");
        }
    }
}

#[test]
fn an_id_that_is_added_to_a_segment_keeps_it() {
    let mut ledger = Ledger::default();
    ledger.apply(ledger.change(&ids(0..SEGMENT_ENTRIES - 1), NOW_MS));
    ledger.apply(ledger.change(&ids(1000..1002), NOW_MS + 20 * HOUR_MS));
    let change = ledger.change(&ids(2000..2001), NOW_MS + 20 * HOUR_MS + DAY_MS);
    assert!(change.expired.is_empty());
    let change = ledger.change(&ids(2000..2001), NOW_MS + 20 * HOUR_MS + DAY_MS + 1);
    assert_eq!(change.expired, [0]);
    // A clock that goes back makes no id older.
    ledger.apply(ledger.change(&ids(3000..3001), NOW_MS));
    assert_eq!(ledger.change(&ids(2000..2001), NOW_MS).written[0].newest_ms, NOW_MS + 20 * HOUR_MS);
}

#[test]
fn only_the_segments_that_change_are_written() {
    let ledger = ledger_of(3);
    let sizes = |fresh: usize| {
        let written = ledger.change(&ids(9_000..9_000 + fresh), NOW_MS).written;
        written.iter().map(|segment| (segment.number, segment.entries.len())).collect::<Vec<_>>()
    };
    assert_eq!(sizes(0), []);
    assert_eq!(sizes(1), [(3, 1)]);
    assert_eq!(sizes(1280), [(3, 1280), (4, 0)]);
    assert_eq!(sizes(2561), [(3, 1280), (4, 1280), (5, 1)]);
    let mut ledger = Ledger::default();
    ledger.apply(ledger.change(&ids(0..1260), NOW_MS));
    let written = ledger.change(&ids(9_000..9_050), NOW_MS).written;
    assert_eq!(written.iter().map(|segment| segment.entries.len()).collect::<Vec<_>>(), [1280, 30]);
    assert_eq!(written[0].entries[..1260], ids(0..1260));
}

/// Segments were once full at 320 ids.
#[test]
fn segments_of_320_are_restored_and_the_last_is_filled() {
    let mut ledger = Ledger::default();
    for number in 0..3 {
        let first = usize::try_from(number).unwrap() * 320;
        ledger.restore(Segment { number, newest_ms: NOW_MS, entries: ids(first..first + 320) });
    }
    let change = ledger.change(&ids(960..970), NOW_MS);
    assert_eq!(
        change.written.iter().map(|segment| (segment.number, segment.entries.len())).collect::<Vec<_>>(),
        [(2, 330)]
    );
    ledger.apply(change);
    assert!(ids(0..970).iter().all(|id| ledger.judge(*id) == Outcome::Repeated));
    let change = ledger.change(&ids(2000..2001), NOW_MS + DAY_MS + 1);
    assert_eq!(change.expired, [0, 1]);
    ledger.apply(change);
    assert!(ids(0..640).iter().all(|id| ledger.judge(*id) == Outcome::Counted));
    assert!(ids(640..970).iter().all(|id| ledger.judge(*id) == Outcome::Repeated));
}

#[test]
fn a_ledger_holds_at_most_400_000_ids_and_forgets_the_oldest() {
    assert_eq!(LEDGER_ENTRIES, 400_000);
    let mut ledger = Ledger::default();
    let step = 20_000;
    let total = 460_000;
    for first in (0..total).step_by(step) {
        ledger.apply(ledger.change(&ids(first..first + step), NOW_MS));
        assert!(ledger.len() <= LEDGER_ENTRIES, "{}", ledger.len());
    }
    assert!(ledger.len() > LEDGER_ENTRIES - SEGMENT_ENTRIES, "{}", ledger.len());
    let oldest_known = total - ledger.len();
    let known = ids(0..total).into_iter().filter(|id| ledger.judge(*id) == Outcome::Repeated);
    assert!(known.eq(ids(oldest_known..total)));
}

#[test]
fn snapshots_are_due_a_second_or_ten_after_a_change() {
    for (version, last_ms, due_ms) in [
        (0, None, SECOND_MS),
        (1, None, SECOND_MS),
        (2, None, 10 * SECOND_MS),
        (100, None, 10 * SECOND_MS),
        (100, Some(0), 10 * SECOND_MS),
        (100, Some(-4 * SECOND_MS), 6 * SECOND_MS),
        (100, Some(-9 * SECOND_MS), SECOND_MS),
        (100, Some(-10 * SECOND_MS), SECOND_MS),
        (100, Some(-DAY_MS), SECOND_MS),
    ] {
        let counter = Counter { version, ..Counter::default() };
        let actual = counter.snapshot_due_ms(last_ms.map(|last_ms| NOW_MS + last_ms), NOW_MS);
        assert_eq!(actual - NOW_MS, due_ms, "version {version}, last {last_ms:?}");
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
            assert!((0..=10 * SECOND_MS).contains(&(due_ms - changed_ms)), "{} ms old", due_ms - changed_ms);
            if let Some(last_ms) = self.written_ms.last() {
                assert!(due_ms - last_ms >= 10 * SECOND_MS, "{} ms after the last", due_ms - last_ms);
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
        let (mut counter, mut alarm) = (Counter::default(), Alarm::default());
        let (mut now_ms, mut last_ms) = (NOW_MS, None);
        for (wait_ms, restarts) in changes {
            now_ms += wait_ms;
            let written = alarm.written_ms.len();
            alarm.ring(now_ms);
            if alarm.written_ms.len() > written {
                last_ms = alarm.written_ms.last().copied();
            }
            if restarts {
                last_ms = None;
            }
            counter.version += 1;
            if alarm.set.is_none() {
                alarm.set = Some((counter.snapshot_due_ms(last_ms, now_ms), now_ms));
            }
        }
        alarm.ring(i64::MAX);
        prop_assert!(!alarm.written_ms.is_empty());
    }
}
