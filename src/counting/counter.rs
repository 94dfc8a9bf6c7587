//! Decides what a command changes in a counter. Storing the change and keeping it are two steps, so that a change that
//! could not be stored leaves no trace.

use std::collections::HashMap;

use super::day::Day;
use super::ledger::{Ledger, LedgerChange};
use super::protocol::{Audit, IdDigest, ImportedRow, Increment, Outcome};
use super::snapshot::Snapshot;
use super::tally::Tally;
use super::windows::Recent;
use crate::time::{DAY_QUARTERS, SECOND_MS, quarter_of};

/// At most one snapshot of a counter is written in this time, and none is older, in milliseconds.
pub const SNAPSHOT_INTERVAL_MS: i64 = 10 * SECOND_MS;
/// How long the first change after a quiet time waits for company, in milliseconds.
pub const SNAPSHOT_DELAY_MS: i64 = SECOND_MS;

/// What a counter knows in memory; all of it can be restored from storage.
#[derive(Debug, Default)]
pub struct Counter {
    /// The counts since the beginning.
    pub tally: Tally,
    /// Counts the commits: a snapshot of a higher version is newer.
    pub version: u64,
    /// The ids counted lately.
    pub ledger: Ledger,
}

/// A change to be stored in one transaction.
#[derive(Debug, PartialEq, Eq)]
pub struct Commit {
    /// The counts afterwards.
    pub tally: Tally,
    /// The version afterwards.
    pub version: u64,
    /// What is added to each day since 1970.
    pub days: HashMap<i64, Day>,
    /// What changes in the ledger.
    pub ledger: LedgerChange,
}

impl Counter {
    /// Judges the increments in their order. No commit when none of them counts.
    #[must_use]
    pub fn count(&self, delivery: u64, increments: &[Increment], now_ms: i64) -> (Vec<Outcome>, Option<Commit>) {
        let delivery = IdDigest { key: delivery, payload: 0 };
        let delivered_before = self.ledger.judge(delivery) != Outcome::Counted;
        let mut change = Change::new(self.tally);
        let mut payloads = HashMap::new();
        let mut fresh = Vec::new();
        let mut outcomes = Vec::with_capacity(increments.len());
        for increment in increments {
            let outcome = match increment.id {
                None => Outcome::Counted,
                Some(id) => match payloads.get(&id.key) {
                    None => self.ledger.judge(id),
                    Some(payload) if *payload == id.payload => Outcome::Repeated,
                    Some(_) => Outcome::Conflicting,
                },
            };
            let already_counted = increment.id.is_none() && delivered_before;
            if outcome == Outcome::Counted && !already_counted {
                change.add(increment);
                if let Some(id) = increment.id {
                    payloads.insert(id.key, id.payload);
                    fresh.push(id);
                }
            }
            outcomes.push(outcome);
        }
        if !delivered_before && increments.iter().any(|increment| increment.id.is_none()) {
            fresh.push(delivery);
        }
        (outcomes, change.commit(self.version, self.ledger.change(&fresh, now_ms)))
    }

    /// Adds imported rows that storage has found to be new. No commit when there are none.
    #[must_use]
    pub fn import(&self, rows: &[ImportedRow]) -> Option<Commit> {
        let mut change = Change::new(self.tally);
        for row in rows {
            change.add(&Increment::of(row.metric, row.at_ms, None));
        }
        change.commit(self.version, LedgerChange::default())
    }

    /// Keeps a commit that has been stored.
    pub fn keep(&mut self, commit: Commit) {
        self.tally = commit.tally;
        self.version = commit.version;
        self.ledger.apply(commit.ledger);
    }

    /// What a snapshot tells, from the days since [`super::windows::first_day`].
    #[must_use]
    pub fn snapshot(&self, days: &[(i64, Day)], now_ms: i64) -> Snapshot {
        Snapshot { tally: self.tally, unique_visitors: 0, version: self.version, recent: Recent::of(days, now_ms) }
    }

    /// What the counter holds, with all of its days; and when it last wrote a snapshot and when it will.
    #[must_use]
    pub fn audit(&self, days: &[(i64, Day)], snapshots_ms: [Option<i64>; 2]) -> Audit {
        let mut sum = Tally::default();
        for (_, tally) in days.iter().flat_map(|(number, day)| day.quarters(*number)) {
            sum.add_all(tally);
        }
        Audit { tally: self.tally, version: self.version, days: sum, snapshots_ms }
    }

    /// When the next snapshot is due, in milliseconds since 1970. `last_ms` is the last one that this instance wrote;
    /// an instance that was restarted does not know, and keeps the whole interval.
    #[must_use]
    pub fn snapshot_due_ms(&self, last_ms: Option<i64>, now_ms: i64) -> i64 {
        match last_ms {
            Some(last_ms) => (last_ms + SNAPSHOT_INTERVAL_MS).max(now_ms + SNAPSHOT_DELAY_MS),
            None if self.version <= 1 => now_ms + SNAPSHOT_DELAY_MS,
            None => now_ms + SNAPSHOT_INTERVAL_MS,
        }
    }
}

struct Change {
    tally: Tally,
    days: HashMap<i64, Day>,
}

impl Change {
    fn new(tally: Tally) -> Self {
        Self { tally, days: HashMap::new() }
    }

    fn add(&mut self, increment: &Increment) {
        let mut one = Tally::default();
        one.add(increment.metric, 1);
        self.tally.add_all(&one);
        let quarter = quarter_of(increment.at_ms);
        self.days.entry(quarter.div_euclid(DAY_QUARTERS)).or_default().add(quarter, &one);
    }

    fn commit(self, version: u64, ledger: LedgerChange) -> Option<Commit> {
        (!self.days.is_empty()).then(|| Commit { tally: self.tally, version: version + 1, days: self.days, ledger })
    }
}
