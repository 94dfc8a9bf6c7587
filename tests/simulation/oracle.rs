//! What was sent and what was told, by which everything is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use promptmeter::counting::merging::{CARRYING_MS, WAITING};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::recording::batch::NewBatch;
use promptmeter::recording::protocol::Delivery;
use promptmeter::recording::recorder::DELIVERY_MS;
use promptmeter::time::{HOUR_MS, QUARTER_MS};

use super::rolled::definition::{Arrived, EDGE_MS, Sent};
use super::rolled::storage::number_of;
use super::world::{PROMPTS, World};

/// An event of a client.
pub(crate) struct Planned {
    pub(crate) subject: Subject,
    /// Whether it has an id, by which it is sent until it is acknowledged.
    pub(crate) is_named: bool,
    pub(crate) is_sent: bool,
    /// Told as stored, or as queued.
    pub(crate) told: Option<Ack>,
    /// How often it was told to be new.
    pub(crate) accepted: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ack {
    Durable,
    Queued,
}

#[derive(Clone)]
pub(crate) enum Subject {
    Prompt { prompt: usize, metric: Metric, at_ms: i64, visitor: Option<u64> },
    Experiment(Sent),
}

#[derive(Default)]
pub(crate) struct Oracle {
    pub(crate) planned: Vec<Planned>,
    /// Whether something happened by which events may get lost that were queued and not stored.
    pub(crate) may_lose_queued: bool,
    /// What was acknowledged of a prompt when its counter was spread the last time, if it ever was.
    pub(crate) spread_with: [Option<Tally>; PROMPTS],
    pub(crate) acknowledged: [Tally; PROMPTS],
    pub(crate) attempted: [Tally; PROMPTS],
    pub(crate) told_views: BTreeSet<(usize, u64)>,
    /// The deliveries that isolates made, by the ids of their attempts.
    attempts: BTreeMap<u64, u64>,
    /// When a delivery was first decided, within the time for which it is known.
    decided_ms: BTreeMap<u64, i64>,
    /// Events that were delivered to recorders, by experiment.
    delivered: BTreeMap<String, u64>,
    /// Clients that are not through.
    pub(crate) clients: usize,
}

impl Oracle {
    pub(crate) fn plan(&mut self, subject: Subject, is_named: bool) -> usize {
        self.planned.push(Planned { subject, is_named, is_sent: false, told: None, accepted: 0 });
        self.planned.len() - 1
    }

    pub(crate) fn note_sent(&mut self, event: usize) {
        let planned = &mut self.planned[event];
        if !std::mem::replace(&mut planned.is_sent, true)
            && let Subject::Prompt { prompt, metric, .. } = planned.subject
        {
            self.attempted[prompt].add(metric, 1);
        }
    }

    pub(crate) fn note_told(&mut self, event: usize, ack: Ack) {
        let planned = &mut self.planned[event];
        if planned.told.is_none() {
            planned.told = Some(ack);
            if let (Subject::Prompt { prompt, metric, .. }, Ack::Durable) = (&planned.subject, ack) {
                self.acknowledged[*prompt].add(*metric, 1);
            }
        }
    }

    /// An event was told to be new, whether or not anybody heard it.
    pub(crate) fn note_accepted(&mut self, event: usize) {
        let planned = &mut self.planned[event];
        planned.accepted += 1;
        assert!(planned.accepted == 1 || !planned.is_named, "event {event} was told to be new twice");
    }

    pub(crate) fn note_attempt(&mut self, attempt: u64, delivery: u64) {
        self.attempts.insert(attempt, delivery);
    }

    /// Events that are delivered; they may be noted again if they come again when nobody knows their delivery any more.
    pub(crate) fn note_decided(&mut self, delivery: &Delivery, now_ms: i64) {
        let decided_ms = self.decided_ms.entry(self.attempts[&delivery.id.unwrap()]).or_insert(i64::MIN / 2);
        if now_ms - *decided_ms > DELIVERY_MS {
            *decided_ms = now_ms;
            let events = delivery.events.len() as u64 + u64::from(delivery.rejected);
            *self.delivered.entry(delivery.experiment_id.clone()).or_default() += events;
        }
    }

    pub(crate) fn note_spread(&mut self, prompt: usize) {
        self.spread_with[prompt] = Some(self.acknowledged[prompt]);
    }

    fn is_certain(&self, planned: &Planned) -> bool {
        planned.told == Some(Ack::Durable) || (planned.told == Some(Ack::Queued) && !self.may_lose_queued)
    }

    /// What a counter holds is what was sent: each event once that was acknowledged, and none that was not sent.
    fn check_counter(&self, world: &World, prompt: usize) {
        let object = Rc::clone(&world.counters.borrow()[prompt]);
        let tables = object.disk().durable();
        let mut expected: BTreeMap<(i64, &str), (u64, u64)> = BTreeMap::new();
        let (mut certain_visitors, mut possible_visitors) = (BTreeSet::new(), BTreeSet::new());
        for planned in self.planned.iter().filter(|planned| planned.is_sent) {
            let Subject::Prompt { prompt: of, metric, at_ms, visitor } = planned.subject else { continue };
            if of != prompt {
                continue;
            }
            let (least, most) = expected.entry((at_ms.div_euclid(QUARTER_MS), metric.name())).or_default();
            let is_certain = self.is_certain(planned);
            *least += u64::from(is_certain);
            *most += 1;
            possible_visitors.extend(visitor);
            certain_visitors.extend(visitor.filter(|_| is_certain));
        }
        let days = tables.days();
        let mut sum = Tally::default();
        for (quarter, tally) in days.iter().flat_map(|(number, day)| day.quarters(*number)) {
            sum.add_all(tally);
            for metric in Metric::ALL.into_iter().filter(|metric| *metric != Metric::Visit) {
                let (least, most) = expected.remove(&(quarter, metric.name())).unwrap_or_default();
                let counted = tally.count(metric);
                assert!(
                    (least..=most).contains(&counted),
                    "prompt {prompt} counted {counted} of {metric:?} in quarter {quarter}, and not {least} to {most}"
                );
            }
        }
        for (place, (least, _)) in expected {
            assert_eq!(least, 0, "prompt {prompt} did not count what was acknowledged of {place:?}");
        }
        assert_eq!(sum, tables.tally, "the days of prompt {prompt} do not add up to its counts");
        let restored = tables.restore();
        let visitors = restored.unique_visitors();
        assert!(visitors <= sum.visits && sum.visits <= sum.views, "more visitors than visits, or visits than views");
        let (least, most) = (certain_visitors.len() as u64, possible_visitors.len() as u64);
        assert!((least..=most).contains(&visitors), "prompt {prompt} had {visitors} visitors, not {least} to {most}");
        let snapshot = world.database.borrow().snapshots.get(&prompt).copied().unwrap_or_default();
        assert_eq!(snapshot, (tables.tally, visitors, tables.version), "the snapshot of prompt {prompt}");
        let (_, ranked) = world.database.borrow().rankings.get(&prompt).copied().unwrap_or_default();
        assert_eq!(ranked, tables.tally, "what ranks prompt {prompt}");
        assert_eq!(tables.standing.shards, 1, "prompt {prompt} is spread and nobody asks for it");
        object.check_memory();
    }

    /// Everything is where it belongs, once nothing goes on any more.
    pub(crate) fn check(&self, world: &World) {
        for prompt in 0..PROMPTS {
            self.check_counter(world, prompt);
        }
        for shard in world.shards.borrow().values() {
            // One that was not reached when its epoch ended forgets it when it begins anew.
            assert!(shard.disk.read().is_over(), "a shard accepts, and its counter does not know");
        }
        for isolate in world.isolates.borrow().iter() {
            let now_ms = world.now_ms.get() + CARRYING_MS + 1;
            // What was given up with a carrier that was cut off may still be there.
            assert!(
                self.may_lose_queued || isolate.queues.borrow_mut().has_room(WAITING, now_ms),
                "increments wait for ever"
            );
        }
        self.check_quality(world);
        let mut stored = BTreeMap::new();
        for event in self.arrived(world, i64::MAX).1 {
            *stored.entry(event).or_insert(0) += 1;
        }
        for (event, planned) in self.planned.iter().enumerate() {
            let times = stored.get(&event).copied().unwrap_or_default();
            if matches!(planned.subject, Subject::Experiment(_)) {
                let (least, most) = (i32::from(self.is_certain(planned)), i32::from(planned.is_sent));
                assert!((least..=most).contains(&times), "experiment event {event} is stored {times} times");
            }
        }
    }

    /// What came of an experiment's events, duplicates and refusals included, is no more than was delivered.
    fn check_quality(&self, world: &World) {
        let mut noted: BTreeMap<&str, u64> = BTreeMap::new();
        for batch in world.database.borrow().batches.values() {
            let NewBatch { event_count, duplicates, rejected, .. } = batch.new;
            *noted.entry(batch.experiment).or_default() += event_count as u64 + u64::from(duplicates + rejected);
        }
        for (experiment, noted) in noted {
            let delivered = self.delivered[experiment];
            assert!(noted <= delivered, "{noted} events of {experiment} are noted, and {delivered} were delivered");
        }
    }

    /// The events of the batches up to one, as they were sent, in the order in which they arrived; and their numbers.
    fn arrived(&self, world: &World, through: i64) -> (Arrived, Vec<usize>) {
        let (mut arrived, mut events) = (Arrived::default(), Vec::new());
        for (_, batch) in world.database.borrow().batches.range(..=through) {
            let rows: Vec<Vec<serde_json::Value>> = serde_json::from_str(&batch.new.events).unwrap();
            assert_eq!(rows.len(), batch.new.event_count);
            let noted = arrived.noted.entry(batch.experiment.to_owned()).or_default();
            noted[1] += i64::from(batch.new.duplicates);
            noted[2] += i64::from(batch.new.rejected);
            for row in rows {
                // The view's id tells which event it is, also of one without an id.
                let event: usize = row[8].as_str().unwrap().parse().unwrap();
                let Subject::Experiment(sent) = &self.planned[event].subject else { panic!("no experiment event") };
                noted[0] += i64::from(batch.new.received_ms - EDGE_MS - sent.at_ms > HOUR_MS);
                arrived.events.push(*sent);
                events.push(event);
            }
        }
        (arrived, events)
    }

    /// What is rolled up is what the definition makes of the batches up to the watermark.
    pub(crate) fn check_rollup(&self, world: &World) {
        let through = world.database.borrow().position.0;
        let arrived = self.arrived(world, through).0;
        let mut database = world.database.borrow_mut();
        database.rollup.arrived = arrived;
        database.rollup.check("up to the watermark");
    }

    /// All is rolled up, by the rules that are declared.
    pub(crate) fn check_rolled_up(&self, world: &World) {
        {
            let database = world.database.borrow();
            assert_eq!(
                database.position.0,
                database.batches.keys().next_back().copied().unwrap_or(0),
                "batches are left"
            );
            for (experiment, declared) in &database.declared {
                if let Some(rules) = database.rollup.rules.get(&number_of(experiment)) {
                    assert_eq!((rules.rules, rules.next), (*declared, None), "the rules of {experiment}");
                }
            }
        }
        self.check_rollup(world);
    }
}
