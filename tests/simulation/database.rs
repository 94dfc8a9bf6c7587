//! What the database holds, and what one transaction does to it, as the statements of `edge/d1` do.

use std::collections::{BTreeMap, HashMap};

use promptmeter::counting::ledger::RETENTION_MS;
use promptmeter::counting::protocol::IdDigest;
use promptmeter::counting::segment::Segment;
use promptmeter::counting::snapshot::Snapshot;
use promptmeter::counting::tally::Tally;
use promptmeter::experiments::rollup::{Changes, RulesInForce, SessionDigest, SessionKey};
use promptmeter::experiments::session::{Rules, Session};
use promptmeter::recording::batch::NewBatch;
use promptmeter::recording::names::Names;
use promptmeter::recording::recorder::DELIVERY_MS;

use super::rolled::storage::{Storage, number_of};
use super::world::{Defect, Failure, World};

/// How far the rollup is: the arrival number, and the version.
pub(crate) type Position = (i64, i64);

pub(crate) struct StoredBatch {
    pub(crate) experiment: &'static str,
    writer: u64,
    pub(crate) new: NewBatch,
}

#[derive(Default)]
pub(crate) struct Database {
    /// By their place in the order of arrival.
    pub(crate) batches: BTreeMap<i64, StoredBatch>,
    names: BTreeMap<&'static str, Names>,
    pub(crate) position: Position,
    pub(crate) rollup: Storage,
    pub(crate) declared: BTreeMap<&'static str, Rules>,
    /// Counts, visitors and version, by prompt.
    pub(crate) snapshots: BTreeMap<usize, (Tally, u64, u64)>,
    /// When the rankings were told, and what, by prompt.
    pub(crate) rankings: BTreeMap<usize, (i64, Tally)>,
}

impl Database {
    /// What [`promptmeter::recording::recorder::Recorder::restore`] takes.
    pub(crate) fn recorder_parts(&self, world: &World, experiment: &str) -> (Vec<Segment>, Vec<Segment>, i64, Names) {
        let of_experiment = || self.batches.values().filter(|batch| batch.experiment == experiment);
        let segments = |within_ms: i64, entries: fn(&NewBatch) -> &Vec<IdDigest>| {
            let oldest_ms = world.now_ms.get() - within_ms;
            let mut segments: Vec<Segment> = of_experiment()
                .filter(|batch| batch.new.received_ms >= oldest_ms && !entries(&batch.new).is_empty())
                .map(|batch| {
                    let (number, newest_ms) = (batch.new.number.unsigned_abs(), batch.new.received_ms);
                    Segment { number, newest_ms, entries: entries(&batch.new).clone() }
                })
                .collect();
            segments.sort_by_key(|segment| segment.number);
            segments
        };
        let (mut ids, mut deliveries) =
            (segments(RETENTION_MS, |batch| &batch.ids), segments(DELIVERY_MS, |batch| &batch.deliveries));
        if world.has(Defect::RestoresNoIdsOfBatches) {
            ids.clear();
        }
        if world.has(Defect::RestoresNoDeliveries) {
            deliveries.clear();
        }
        let next_number = of_experiment().map(|batch| batch.new.number + 1).max().unwrap_or_default();
        (ids, deliveries, next_number, self.names.get(experiment).cloned().unwrap_or_default())
    }

    pub(crate) fn store_batches(
        &mut self,
        world: &World,
        experiment: &'static str,
        writer: u64,
        batches: &[NewBatch],
        names: &Names,
    ) -> Result<(), Failure> {
        let stored = |number| move |batch: &&StoredBatch| batch.experiment == experiment && batch.new.number == number;
        let ignores_numbers = world.has(Defect::StoresBatchesUnderTakenNumbers);
        for batch in batches {
            let known = self.batches.values().find(stored(batch.number));
            if known.is_some_and(|known| known.writer != writer) && !ignores_numbers {
                return Err("another writer has stored a batch of this number");
            }
        }
        for batch in batches {
            if !ignores_numbers && self.batches.values().any(|known| stored(batch.number)(&known)) {
                world.note("batch was stored already");
                continue;
            }
            world.note("batch stored");
            let seq = self.batches.last_key_value().map_or(1, |(last, _)| last + 1);
            self.batches.insert(seq, StoredBatch { experiment, writer, new: batch.clone() });
        }
        let known = self.names.entry(experiment).or_default();
        for name in names {
            if !known.contains(name) {
                known.push(name.clone());
            }
        }
        Ok(())
    }

    pub(crate) fn writer_of(&self, experiment: &str, number: i64) -> Option<u64> {
        let mut batches = self.batches.values();
        batches.find(|batch| batch.experiment == experiment && batch.new.number == number).map(|batch| batch.writer)
    }

    /// The next batches that hold so many events together, one at the least.
    pub(crate) fn batches_after(&self, seq: i64, events: usize) -> Vec<(i64, &'static str, NewBatch)> {
        let mut before = 0;
        let next = self.batches.range(seq + 1..).take_while(|(_, batch)| {
            let is_taken = before < events;
            before += batch.new.event_count;
            is_taken
        });
        next.map(|(seq, batch)| (*seq, batch.experiment, batch.new.clone())).collect()
    }

    /// The rules of experiments; one that is new has those that are declared.
    pub(crate) fn rules_of(&mut self, experiments: &[&'static str]) -> HashMap<i64, RulesInForce> {
        let of = |experiment: &&'static str| {
            let declared = self.declared.get(experiment).copied().unwrap_or_default();
            let number = number_of(experiment);
            let in_force = self.rollup.rules.entry(number).or_insert(RulesInForce { rules: declared, next: None });
            (number, in_force.clone())
        };
        experiments.iter().map(of).collect()
    }

    pub(crate) fn sessions(&self, keys: &[SessionKey]) -> HashMap<SessionKey, Session> {
        keys.iter().filter_map(|key| Some((*key, self.rollup.session(key)?))).collect()
    }

    /// Sessions of an experiment after one, in the order of their digests.
    pub(crate) fn sessions_after(
        &self,
        experiment: i64,
        after: Option<SessionDigest>,
        limit: usize,
    ) -> Vec<(SessionKey, Session)> {
        let keys = self
            .rollup
            .sessions
            .keys()
            .filter(|key| key.experiment == experiment && after.is_none_or(|after| key.session > after));
        keys.take(limit).filter_map(|key| Some((*key, self.rollup.session(key)?))).collect()
    }

    /// Stores what changes and moves the watermark, all or nothing, unless it was moved by another run.
    pub(crate) fn store_changes(
        &mut self,
        world: &World,
        changes: Changes,
        (from, to): (Position, i64),
        rules: Option<(i64, RulesInForce)>,
    ) -> Result<(), Failure> {
        if self.position.1 != from.1 && !world.has(Defect::RollsUpFromAnywhere) {
            world.note("another run rolled up");
            return Err("the watermark has moved");
        }
        assert!(to >= self.position.0 || world.has(Defect::RollsUpFromAnywhere), "the watermark goes back");
        self.position = (to, self.position.1 + 1);
        self.rollup.apply(changes);
        self.rollup.rules.extend(rules);
        Ok(())
    }

    /// Gives when the rankings were last told, unless a newer snapshot is there.
    pub(crate) fn store_snapshot(
        &mut self,
        world: &World,
        prompt: usize,
        snapshot: &Snapshot,
        (now_ms, interval_ms): (i64, i64),
    ) -> Option<i64> {
        let durable = world.counters.borrow()[prompt].disk().durable();
        assert!(snapshot.version <= durable.version, "a snapshot is ahead of its counter");
        let stored = self.snapshots.entry(prompt).or_default();
        if snapshot.version > stored.2 || world.has(Defect::OverwritesNewerSnapshots) {
            world.note("snapshot stored");
            assert!(snapshot.version > stored.2, "a snapshot is stored over one that is as new");
            *stored = (snapshot.tally, snapshot.unique_visitors, snapshot.version);
        } else {
            world.note("snapshot as new as the one that is stored");
        }
        if stored.2 != snapshot.version {
            return None;
        }
        let (told_ms, told) = self.rankings.entry(prompt).or_default();
        if *told_ms <= now_ms - interval_ms {
            *told_ms = now_ms;
        }
        if *told_ms == now_ms {
            world.note("rankings told");
            *told = snapshot.tally;
        } else {
            world.note("rankings told later");
        }
        Some(*told_ms)
    }
}
