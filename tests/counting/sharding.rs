//! A counter that spreads over shards and folds back, with messages that are repeated and get lost, against what was sent.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::counting::counter::Counter;
use promptmeter::counting::day_change::DayChange;
use promptmeter::counting::ledger::{Bounds, Ledger};
use promptmeter::counting::protocol::{Delivery, IdDigest, Increment, Outcome};
use promptmeter::counting::segment::{SEGMENT_ENTRIES, numbered};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::sharding::load::{Load, SHARDS, WINDOW_MS};
use promptmeter::sharding::placement::{Place, Spread};
use promptmeter::sharding::protocol::{Pull, Pulled};
use promptmeter::sharding::shard::Shard;
use promptmeter::sharding::standing::Standing;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};

use crate::stored_ids::StoredIds;

const NOW_MS: i64 = 1_800_000_000_000;

fn view(key: Option<u64>) -> Increment {
    Increment::of(Metric::View, NOW_MS, key.map(|key| IdDigest { key, payload: 1 }))
}

#[test]
fn load_decides_over_how_many_shards() {
    let check = |commands: u64, shards: u32, limit: u64, expected: Option<u32>| {
        let mut load = Load::default();
        assert_eq!(load.decide(NOW_MS, shards, limit), None);
        load.note(commands, NOW_MS);
        assert_eq!(load.decide(NOW_MS + WINDOW_MS - 1, shards, limit), None, "the window is not over");
        assert_eq!(load.decide(NOW_MS + WINDOW_MS, shards, limit), expected);
    };
    let seconds = WINDOW_MS.unsigned_abs() / 1000;
    check(200 * seconds, 1, 200, None);
    check(202 * seconds, 1, 200, Some(3));
    check(1000 * seconds, 1, 200, Some(10));
    check(1000 * seconds, 4, 200, Some(10));
    check(800 * seconds, 4, 200, None);
    check(u64::MAX, 1, 200, Some(SHARDS));
    check(u64::MAX, SHARDS, 200, None);
    check(0, 1, 200, None);
    check(10 * seconds, 1, 1, Some(20));
}

#[test]
fn commands_are_steady_that_come_soon_behind_others() {
    let check = |pauses_ms: &[i64], expected: bool| {
        let mut load = Load::default();
        let mut now_ms = NOW_MS;
        load.note(1, now_ms);
        for pause_ms in pauses_ms {
            now_ms += pause_ms;
            load.decide(now_ms, 1, 200);
            load.note(1, now_ms);
        }
        assert_eq!(load.is_steady(), expected, "{pauses_ms:?}");
    };
    check(&[], false);
    check(&[0], true);
    check(&[1000], true);
    check(&[1001], false);
    check(&[5, 1001], false);
    check(&[1001, 5], true);
    check(&[WINDOW_MS, 5, 5], true);
}

#[test]
fn a_counter_that_was_cold_for_some_time_folds_back() {
    let mut load = Load::default();
    let decided: Vec<Option<u32>> = (1..=8)
        .map(|window| {
            // One window that is not cold begins the waiting anew.
            load.note(if window == 2 { 1000 } else { 10 }, NOW_MS + window * WINDOW_MS);
            load.decide(NOW_MS + window * WINDOW_MS, 4, 200)
        })
        .collect();
    assert_eq!(decided, [None, None, None, None, None, None, Some(1), Some(1)]);
    assert_eq!(load.decide(NOW_MS + 9 * WINDOW_MS, 1, 200), None, "it is not spread any more");
}

proptest! {
    #[test]
    fn parts_are_all_and_what_has_an_id_goes_by_it(
        keys in vec(proptest::option::of(any::<u64>()), 0..50), delivery: u64, shards in 2..40_u32,
    ) {
        let spread = Spread { epoch: 1, shards };
        let increments: Vec<Increment> = keys.iter().map(|key| view(*key)).collect();
        let parts = spread.parts(delivery, &increments);
        let mut all: Vec<usize> = parts.values().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, (0..keys.len()).collect::<Vec<_>>());
        for (shard, indexes) in parts {
            assert!(shard < shards);
            for index in indexes {
                assert_eq!(spread.shard_of(keys[index].unwrap_or(delivery)), shard);
            }
        }
    }
}

/// A few ids fill a segment of a shard, and hardly any is whole in memory.
const BOUNDS: Bounds = Bounds { whole: 3, segment: 2, ..Bounds::COUNTER };
/// Ids that are told at once.
const IDS_AT_ONCE: usize = 2;

/// A shard and what its tables hold.
#[derive(Default)]
struct StoredShard {
    shard: Option<Shard>,
    ids: StoredIds,
    accepted: BTreeMap<u64, Vec<Increment>>,
}

impl StoredShard {
    fn begin(&mut self, epoch: u64, counter: &Counter, parts: Vec<(i64, Vec<IdDigest>)>) {
        assert!(parts.iter().all(|(_, entries)| (1..=SEGMENT_ENTRIES).contains(&entries.len())));
        let segments = numbered(parts, 0);
        self.accepted.clear();
        self.ids = StoredIds::of(&segments);
        let (mut ledger, count) = (Ledger::within(BOUNDS, 0), segments.len() as u64);
        for segment in segments {
            ledger.restore(segment);
        }
        self.shard = Some(Shard::beginning(epoch, (ledger, count), counter.tally));
    }

    fn count(&mut self, delivery: &Delivery) -> Vec<Outcome> {
        let shard = self.shard.as_mut().unwrap();
        let recalled = self.ids.recall(&shard.ledger, delivery.keys());
        let (told, batch) = shard.count([delivery].into_iter(), &recalled, NOW_MS).expect("it knows the counts");
        if let Some(batch) = batch {
            self.accepted.insert(batch.number, batch.increments.clone());
            self.ids.store(&batch.ledger);
            shard.keep(batch);
        }
        told.into_iter().next().unwrap().outcomes
    }

    fn restart(&mut self) {
        let Some(before) = self.shard.take() else { return };
        let ledger = Ledger::within(BOUNDS, 0);
        let mut shard = Shard { epoch: before.epoch, is_closed: before.is_closed, ledger, ..Shard::default() };
        self.ids.segments().for_each(|segment| shard.ledger.restore(segment));
        shard.begin_own(before.first_own);
        for (number, increments) in &self.accepted {
            shard.batch = *number;
            shard.held += increments.len();
        }
        self.shard = Some(shard);
    }
}

/// A counter with its shards.
#[derive(Default)]
struct Model {
    counter: Counter,
    ids: StoredIds,
    standing: Standing,
    shards: BTreeMap<u32, StoredShard>,
}

impl Model {
    fn count_alone(&mut self, delivery: &Delivery) -> Vec<Outcome> {
        let recalled = self.ids.recall(&self.counter.ledger, delivery.keys());
        let (told, commit) = self.counter.count([delivery].into_iter(), &recalled, NOW_MS);
        if let Some(commit) = commit {
            self.ids.store(&commit.ledger);
            self.counter.keep(commit, DayChange::default());
        }
        told.into_iter().next().unwrap().outcomes
    }

    fn count(&mut self, delivery: &Delivery) -> Vec<Outcome> {
        let Some(spread) = self.standing.spread() else { return self.count_alone(delivery) };
        let mut outcomes = vec![Outcome::Counted; delivery.increments.len()];
        for (number, indexes) in spread.parts(delivery.id, &delivery.increments) {
            let shard = self.shards.entry(number).or_default();
            if shard.shard.as_ref().is_none_or(|shard| shard.epoch != spread.epoch) {
                assert!(self.standing.admits(Place { epoch: spread.epoch, shard: number }));
                let parts = self.ids.pages(0, IDS_AT_ONCE, |key| spread.shard_of(key) == number);
                shard.begin(spread.epoch, &self.counter, parts);
            }
            if shard.shard.as_ref().is_some_and(|shard| shard.total.is_none()) {
                self.pull(number, false, false);
            }
            let shard = self.shards.entry(number).or_default();
            let increments = indexes.iter().map(|index| delivery.increments[*index]).collect();
            let told = shard.count(&Delivery { id: delivery.id, increments });
            for (index, outcome) in indexes.into_iter().zip(told) {
                outcomes[index] = outcome;
            }
        }
        outcomes
    }

    /// Asks a shard for what it accepted, and gives what it tells.
    fn ask(&mut self, number: u32, closes: bool, ids_from: u64) -> Option<(Pull, Pulled)> {
        let epoch = self.standing.spread()?.epoch;
        let (through, total) = (self.standing.pulled(number), self.counter.tally);
        let pull = Pull { epoch, through, total, closes, ids_from, most_ids: u64::MAX };
        let stored = self.shards.get_mut(&number)?;
        let shard = stored.shard.as_mut().filter(|shard| shard.epoch == epoch)?;
        stored.accepted.retain(|batch, _| *batch >= through);
        shard.is_closed |= closes;
        let mut pulled = Pulled { through, ..Pulled::default() };
        let held = stored.accepted.range(through + 1..);
        pulled.increments = held.flat_map(|(_, held)| held).copied().collect();
        shard.learn(&self.counter.tally, &pulled.increments);
        pulled.through = stored.accepted.keys().last().copied().unwrap_or(through);
        if closes {
            let page = stored.ids.page(ids_from.max(shard.own_ids_from(u64::MAX)), IDS_AT_ONCE, |_| true);
            pulled.ids_left = page.next;
            pulled.ids = page.into_ids();
        }
        Some((pull, pulled))
    }

    /// Takes what a shard told, unless another pull brought it; gives from which segment on ids are asked for next.
    fn take(&mut self, number: u32, (pull, pulled): &(Pull, Pulled)) -> Option<u64> {
        if self.standing.pulled(number) != pull.through {
            return pulled.next(pull, false);
        }
        let recalled = self.ids.recall(&self.counter.ledger, pulled.ids.iter().map(|id| id.key));
        if let Some(commit) = self.counter.absorb(&pulled.increments, &pulled.ids, &recalled, NOW_MS) {
            self.ids.store(&commit.ledger);
            self.counter.keep(commit, DayChange::default());
            self.standing = self.standing.with_pulled(number, pulled.through);
        }
        pulled.next(pull, true)
    }

    /// Pulls; an answer that is lost was still given.
    fn pull(&mut self, number: u32, is_lost: bool, closes: bool) {
        let mut ids_from = Some(0);
        while let Some(from) = ids_from.filter(|_| !is_lost) {
            let Some(told) = self.ask(number, closes, from) else { return };
            ids_from = self.take(number, &told);
        }
        if is_lost {
            self.ask(number, closes, 0);
        }
    }

    /// Pulls for the last time, beside a reader's pull that was asked before and is taken before.
    fn close(&mut self, number: u32) {
        let (beside, last) = (self.ask(number, false, 0), self.ask(number, true, 0));
        let mut told = last;
        if let Some(beside) = beside {
            self.take(number, &beside);
        }
        while let Some(next) = told.and_then(|told| self.take(number, &told)) {
            told = self.ask(number, true, next);
        }
    }

    fn spread_over(&mut self, shards: u32) {
        if let Some(spread) = self.standing.spread() {
            self.standing = self.standing.folding();
            assert!(spread.places().all(|place| !self.standing.admits(place)));
            for number in 0..spread.shards {
                if number % 2 == 0 {
                    self.close(number);
                } else {
                    self.pull(number, true, true);
                    self.pull(number, false, true);
                    self.pull(number, false, true);
                }
            }
            self.standing = self.standing.over(1);
        }
        if shards > 1 {
            self.standing = self.standing.over(shards);
        }
    }
}

/// What happens to a counter.
#[derive(Clone, Debug)]
enum Step {
    /// A delivery comes, with these ids (0 is none).
    Deliver(u64, Vec<u64>),
    /// The counter pulls from a shard.
    Pull(u32, bool),
    /// The counter spreads or folds.
    Spread(u32),
    /// A shard loses its memory.
    Restart(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..6_u64, vec(0..12_u64, 1..4)).prop_map(|(delivery, ids)| Step::Deliver(delivery, ids)),
        2 => (0..5_u32, any::<bool>()).prop_map(|(shard, is_lost)| Step::Pull(shard, is_lost)),
        1 => (1..5_u32).prop_map(Step::Spread),
        1 => (0..5_u32).prop_map(Step::Restart),
    ]
}

/// Spreads small numbers over all 64 bits, as digests are.
fn digest(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// However the counter is spread meanwhile: each id is counted once, each delivery's increments without one are counted once, and
/// what was accepted is what is counted.
fn check_counted_once(steps: Vec<Step>) {
    let mut model = Model::default();
    let (mut ids, mut deliveries) = (BTreeSet::new(), BTreeSet::new());
    let mut expected = 0;
    for step in steps {
        match step {
            Step::Deliver(delivery, keys) => {
                let delivery = Delivery {
                    id: digest(1000 + delivery),
                    increments: keys.iter().map(|key| view((*key > 0).then(|| digest(*key)))).collect(),
                };
                let is_new = !deliveries.contains(&delivery.id);
                let outcomes: Vec<Outcome> = delivery
                    .increments
                    .iter()
                    .map(|increment| match increment.id {
                        None => {
                            expected += u64::from(is_new);
                            deliveries.insert(delivery.id);
                            Outcome::Counted
                        }
                        Some(id) if ids.insert(id.key) => {
                            expected += 1;
                            Outcome::Counted
                        }
                        Some(_) => Outcome::Repeated,
                    })
                    .collect();
                assert_eq!(model.count(&delivery), outcomes);
            }
            Step::Pull(shard, is_lost) => model.pull(shard, is_lost, false),
            Step::Spread(shards) => model.spread_over(shards),
            Step::Restart(shard) => {
                if let Some(shard) = model.shards.get_mut(&shard) {
                    shard.restart();
                }
            }
        }
    }
    for shard in 0..5 {
        model.pull(shard, false, false);
    }
    assert_eq!(model.counter.tally, Tally { views: expected, ..Tally::default() });
    model.spread_over(1);
    assert_eq!(model.counter.tally.views, expected);
    for key in ids {
        let repeated = Delivery { id: u64::MAX, increments: vec![view(Some(key))] };
        assert_eq!(model.count(&repeated), [Outcome::Repeated]);
    }
    for id in deliveries {
        model.count(&Delivery { id, increments: vec![view(None)] });
    }
    assert_eq!(model.counter.tally.views, expected);
}

#[test]
fn a_shard_that_starts_again_numbers_its_batches_from_where_it_was() {
    use Step::{Deliver, Pull, Restart, Spread};
    let pulled = [Pull(2, false), Pull(2, false)];
    for pulls in [0, 1, 2] {
        let mut steps = vec![Deliver(1, vec![0]), Spread(3), Deliver(2, vec![0])];
        steps.extend(pulled.iter().take(pulls).cloned());
        steps.extend([Restart(2), Deliver(1, vec![2]), Restart(2), Deliver(3, vec![5])]);
        check_counted_once(steps);
    }
}

proptest! {
    #[test]
    fn everything_is_counted_once(steps in vec(step(), 0..60)) {
        check_counted_once(steps);
    }
}
