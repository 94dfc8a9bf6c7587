//! Decides what a command changes in a shard. As in a counter, a change is decided, stored, and then kept.

use crate::counting::judging::Judging;
use crate::counting::ledger::{Ledger, Recalled};
use crate::counting::protocol::{Delivery, Increment, Told};
use crate::counting::segment::{LedgerChange, SEGMENT_ENTRIES, Segment};
use crate::counting::tally::Tally;

/// Increments that a shard holds for its counter at the most: what comes beyond is refused, and may come again.
pub const HELD: usize = 200_000;

/// A shard in an epoch.
#[derive(Debug, Default)]
pub struct Shard {
    /// The epoch.
    pub epoch: u64,
    /// Whether the epoch is closed: then nothing is accepted.
    pub is_closed: bool,
    /// The ids that fall to it: those that the counter knew, and those that it accepted.
    pub ledger: Ledger,
    /// The number of the first segment of ids that it accepted itself.
    pub first_own: u64,
    /// The number of the last batch that it accepted.
    pub batch: u64,
    /// How many increments it holds.
    pub held: usize,
    /// The counts of all, as far as it knows; they are not stored, so one that woke has yet to [learn](Self::learn) them.
    pub total: Option<Tally>,
}

/// A change to be stored in one transaction.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its number: one more than that of the batch before.
    pub number: u64,
    /// What is accepted, without ids.
    pub increments: Vec<Increment>,
    /// What changes in the ledger.
    pub ledger: LedgerChange,
    /// The counts of all afterwards.
    pub total: Tally,
}

impl Shard {
    /// A shard that begins in an epoch, with the ids that fall to it, in so many segments, and the counts of all.
    #[must_use]
    pub fn beginning(epoch: u64, (ledger, segments): (Ledger, u64), total: Tally) -> Self {
        let mut shard = Self { epoch, ledger, total: Some(total), ..Self::default() };
        shard.begin_own(segments);
        shard
    }

    /// Has the ids that it accepts go to segments from this number on, and not behind those that the counter knew.
    pub fn begin_own(&mut self, first_own: u64) {
        self.first_own = first_own;
        if self.ledger.next_number() <= first_own {
            self.ledger.restore(Segment { number: first_own, newest_ms: 0, entries: Vec::new() });
        }
    }

    /// The segment with the first of so many ids that it accepted itself, the newest.
    #[must_use]
    pub fn own_ids_from(&self, ids: u64) -> u64 {
        let segments = ids.div_ceil(SEGMENT_ENTRIES as u64);
        self.ledger.next_number().saturating_sub(segments).max(self.first_own)
    }

    /// Judges deliveries, one behind another, whose keys were recalled: what each is told, and what is to be stored, if anything
    /// is. `None` as long as it does not know the counts, which each is told.
    #[must_use]
    pub fn count<'a>(
        &self,
        deliveries: impl Iterator<Item = &'a Delivery>,
        recalled: &Recalled,
        now_ms: i64,
    ) -> Option<(Vec<Told>, Option<Batch>)> {
        let mut total = self.total?;
        let mut judging = Judging::by(&self.ledger, recalled);
        let mut increments = Vec::new();
        let told = deliveries
            .map(|delivery| {
                let outcomes = judging.judge(delivery, |increment| {
                    total.add(increment.metric, 1);
                    increments.push(Increment { id: None, ..*increment });
                });
                Told { tally: total, outcomes }
            })
            .collect();
        let ledger = self.ledger.change(&judging.into_fresh(), now_ms);
        let batch = (!increments.is_empty()).then_some(Batch { number: self.batch + 1, increments, ledger, total });
        Some((told, batch))
    }

    /// Keeps a batch that has been stored.
    pub fn keep(&mut self, batch: Batch) {
        self.batch = batch.number;
        self.held += batch.increments.len();
        self.total = Some(batch.total);
        self.ledger.apply(batch.ledger);
    }

    /// Learns the counts of all from the counter, which has everything but what is held here.
    pub fn learn(&mut self, total: &Tally, held: &[Increment]) {
        self.held = held.len();
        let mut total = *total;
        for increment in held {
            total.add(increment.metric, 1);
        }
        self.total = Some(total);
    }
}
