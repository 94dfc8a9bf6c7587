//! Decides what a command changes in a counter. Storing the change and keeping it are two steps, so that a change that
//! could not be stored leaves no trace.

use std::borrow::Cow;

use super::day::Day;
use super::day_change::DayChange;
use super::judging::Judging;
use super::ledger::{Ledger, Recalled};
use super::protocol::{Audit, Delivery, IdDigest, ImportedRow, Increment, Outcome, Told};
use super::segment::LedgerChange;
use super::snapshot::Snapshot;
use super::sources::SourcedDay;
use super::tally::{Metric, Tally};
use super::visitors::Visitors;
use super::visits::{NewVisits, Visits};
use super::windows::Recent;
use crate::time::{DAY_QUARTERS, quarter_of};

/// What a counter knows in memory; all of it can be restored from storage.
#[derive(Debug, Default)]
pub struct Counter {
    /// The counts since the beginning.
    pub tally: Tally,
    /// Counts the commits: a snapshot of a higher version is newer.
    pub version: u64,
    /// The ids counted lately.
    pub ledger: Ledger,
    /// The visits counted lately.
    pub visits: Visits,
    /// The day that is being counted, which every commit writes.
    pub open_day: Option<SourcedDay>,
    /// Whoever viewed.
    pub visitors: Visitors,
    /// How many of them were taken back with their sources.
    pub retracted_visitors: u64,
}

/// A change to be stored in one transaction.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The counts afterwards.
    pub tally: Tally,
    /// The version afterwards.
    pub version: u64,
    /// What is added to days, each of them once, in ascending order; [`DayChange`] says what is stored of them.
    pub days: Vec<SourcedDay>,
    /// What changes in the ledger.
    pub ledger: LedgerChange,
    /// What changes in the visits that are remembered.
    pub visits: LedgerChange,
    /// The visitors afterwards; `None` where all were known.
    pub visitors: Option<Visitors>,
}

impl Counter {
    /// A counter that never counted, whose visits are a window of so many milliseconds apart.
    #[must_use]
    pub fn new(visit_window_ms: i64) -> Self {
        Self { visits: Visits::within(visit_window_ms, 0), ..Self::default() }
    }

    /// How many visitors there were, without those that were taken back. Each visited at least once, so there are never more
    /// than visits, whatever a sketch estimates.
    #[must_use]
    pub fn unique_visitors(&self) -> u64 {
        self.visitors.count().saturating_sub(self.retracted_visitors).min(self.tally.visits)
    }

    /// Judges deliveries, one behind another, whose keys were recalled: what each is told, and what is to be stored, if anything
    /// counts.
    #[must_use]
    pub fn count<'a>(
        &self,
        deliveries: impl Iterator<Item = &'a Delivery>,
        recalled: &Recalled,
        now_ms: i64,
    ) -> (Vec<Told>, Option<Commit>) {
        let mut change = Change::of(self);
        let mut judging = Judging::by(&self.ledger, recalled);
        let told = deliveries
            .map(|delivery| {
                let outcomes = judging.judge(delivery, |increment| change.add(increment));
                Told { tally: change.tally, outcomes }
            })
            .collect();
        (told, change.commit(self.ledger.change(&judging.into_fresh(), now_ms), now_ms))
    }

    /// Adds what shards accepted, and the ids that they tell at their end, whose keys were recalled. No commit when there is
    /// neither.
    #[must_use]
    pub fn absorb(
        &self,
        increments: &[Increment],
        ids: &[IdDigest],
        recalled: &Recalled,
        now_ms: i64,
    ) -> Option<Commit> {
        let mut change = Change::of(self);
        for increment in increments {
            change.add(increment);
        }
        let is_unknown = |id: &IdDigest| self.ledger.judge(*id, recalled) == Outcome::Counted;
        let unknown: Vec<IdDigest> = ids.iter().copied().filter(is_unknown).collect();
        change.commit(self.ledger.change(&unknown, now_ms), now_ms)
    }

    /// Adds imported rows that storage has found to be new. Nobody knows whose they are, so none is a visit. No commit when
    /// there are none.
    #[must_use]
    pub fn import(&self, rows: &[ImportedRow]) -> Option<Commit> {
        let mut change = Change::of(self);
        for row in rows {
            change.add(&Increment::of(row.metric, row.at_ms, None));
        }
        change.commit(LedgerChange::default(), 0)
    }

    /// Keeps a commit that has been stored, and what it changed in the days.
    pub fn keep(&mut self, commit: Commit, days: DayChange) {
        self.tally = commit.tally;
        self.version = commit.version;
        self.ledger.apply(commit.ledger);
        self.visits.apply(commit.visits);
        if let Some(visitors) = commit.visitors {
            self.visitors = visitors;
        }
        if let Some(open) = days.open {
            self.open_day = Some(open.day);
        }
    }

    /// What a snapshot tells, from the days since [`super::windows::first_day`].
    #[must_use]
    pub fn snapshot(&self, days: &[(i64, Day)], now_ms: i64) -> Snapshot {
        let Self { tally, version, .. } = *self;
        Snapshot { tally, unique_visitors: self.unique_visitors(), version, recent: Recent::of(days, now_ms) }
    }

    /// What the counter holds, with all of its days; and when it last wrote a snapshot and when it will.
    #[must_use]
    pub fn audit(&self, days: &[(i64, Day)], snapshots_ms: [Option<i64>; 2]) -> Audit {
        let mut sum = Tally::default();
        for (_, tally) in days.iter().flat_map(|(number, day)| day.quarters(*number)) {
            sum.add_all(tally);
        }
        Audit {
            tally: self.tally,
            version: self.version,
            unique_visitors: self.unique_visitors(),
            days: sum,
            snapshots_ms,
        }
    }
}

/// What a command adds, so far.
struct Change<'a> {
    version: u64,
    tally: Tally,
    days: Vec<SourcedDay>,
    visits: NewVisits<'a>,
    visitors: Cow<'a, Visitors>,
}

impl<'a> Change<'a> {
    fn of(counter: &'a Counter) -> Self {
        Self {
            version: counter.version,
            tally: counter.tally,
            days: Vec::new(),
            visits: NewVisits::beside(&counter.visits),
            visitors: Cow::Borrowed(&counter.visitors),
        }
    }

    fn add(&mut self, increment: &Increment) {
        let mut added = Tally::default();
        added.add(increment.metric, 1);
        let viewer = increment.visitor.filter(|_| increment.metric == Metric::View);
        let new_visitors = viewer.map_or(0, |visitor| {
            added.add(Metric::Visit, self.visits.note(visitor, increment.at_ms).into());
            self.meet(visitor)
        });
        self.tally.add_all(&added);
        let quarter = quarter_of(increment.at_ms);
        let Some(day) = SourcedDay::among(&mut self.days, quarter.div_euclid(DAY_QUARTERS)) else { return };
        day.counts.add(quarter, &added);
        if let (Metric::View | Metric::Copy, Some(source)) = (increment.metric, increment.source) {
            day.sources.add(source, quarter, &added, new_visitors);
        }
    }

    /// Adds a visitor; gives how many new ones it stands for.
    fn meet(&mut self, visitor: u64) -> u64 {
        let novelty = self.visitors.novelty(visitor);
        if novelty > 0 {
            self.visitors.to_mut().insert(visitor);
        }
        novelty
    }

    fn commit(self, ledger: LedgerChange, now_ms: i64) -> Option<Commit> {
        (!self.days.is_empty() || !ledger.written.is_empty()).then(|| Commit {
            tally: self.tally,
            version: self.version + 1,
            visits: self.visits.change(now_ms),
            days: self.days,
            ledger,
            visitors: match self.visitors {
                Cow::Borrowed(_) => None,
                Cow::Owned(visitors) => Some(visitors),
            },
        })
    }
}
