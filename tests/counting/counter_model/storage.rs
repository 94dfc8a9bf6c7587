//! What an object stores, and how a counter comes back from it.

use super::*;

/// What an object's tables hold.
#[derive(Default)]
pub(crate) struct Storage {
    pub(crate) tally: Tally,
    pub(crate) version: u64,
    /// The day that stands in the row of the counter.
    pub(crate) open_day: Option<SourcedDay>,
    /// Counts and sources of the days that have a row of their own.
    pub(crate) daily: BTreeMap<i64, (Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) ids: StoredIds,
    pub(crate) visits: StoredIds,
    pub(crate) visitors: Option<Vec<u8>>,
    pub(crate) retracted_visitors: u64,
}

fn unpacked_day(number: i64, (counts, sources): &(Vec<u8>, Option<Vec<u8>>)) -> SourcedDay {
    let sources = sources.as_ref().map(|packed| Sources::unpack(packed).unwrap()).unwrap_or_default();
    SourcedDay { number, counts: Day::unpack(counts).unwrap(), sources }
}

impl Storage {
    /// What a commit changes in the days of its counter.
    pub(crate) fn day_change(&self, counter: &Counter, commit: &Commit, now_ms: i64) -> DayChange {
        let stored = |number| Ok::<_, Infallible>(self.daily.get(&number).map(|row| unpacked_day(number, row)));
        DayChange::of(counter.open_day.as_ref(), &commit.days, now_ms.div_euclid(DAY_MS), stored).unwrap()
    }

    fn store_days(&mut self, change: &DayChange) {
        for number in &change.deleted {
            assert!(self.daily.remove(number).is_some(), "day {number} has no row");
        }
        for ChangedDay { day, with_sources } in &change.written {
            let (counts, sources) = self.daily.entry(day.number).or_default();
            *counts = day.counts.pack();
            if *with_sources {
                *sources = Some(day.sources.pack());
            }
        }
        if let Some(since) = change.sources_since {
            self.daily.range_mut(..since).for_each(|(_, (_, sources))| *sources = None);
        }
        if let Some(ChangedDay { day, with_sources }) = &change.open {
            let before = self.open_day.take().filter(|_| !with_sources);
            let sources = before.map_or_else(|| day.sources.clone(), |before| before.sources);
            self.open_day = Some(SourcedDay { sources, ..day.clone() });
        }
    }

    /// Stores the days of a retraction.
    pub(crate) fn store_retracted(&mut self, days: &[SourcedDay]) {
        for day in days {
            if let Some(open) = self.open_day.as_mut().filter(|open| open.number == day.number) {
                open.clone_from(day);
            } else {
                let row = (day.counts.pack(), Some(day.sources.pack()));
                assert!(self.daily.insert(day.number, row).is_some(), "day {} has no row", day.number);
            }
        }
    }

    pub(crate) fn store(&mut self, commit: &Commit, days: &DayChange) {
        assert_eq!(commit.version, self.version + 1);
        (self.tally, self.version) = (commit.tally, commit.version);
        self.store_days(days);
        let numbers: BTreeSet<i64> = commit.days.iter().map(|day| day.number).collect();
        assert_eq!(numbers.len(), commit.days.len());
        for change in [&commit.ledger, &commit.visits] {
            assert!(change.closed().iter().all(|segment| segment.entries.len() == SEGMENT_ENTRIES));
            assert!(change.open().is_none_or(|open| open.entries.len() < SEGMENT_ENTRIES));
        }
        self.ids.store(&commit.ledger);
        self.visits.store(&commit.visits);
        if let Some(visitors) = &commit.visitors {
            self.visitors = Some(visitors.pack());
        }
    }

    /// The days since `first` of which sources are known.
    pub(crate) fn sourced_days(&self, first: i64) -> Vec<SourcedDay> {
        let rows = self.daily.range(first..).filter(|(_, (_, sources))| sources.is_some());
        let open = self.open_day.iter().filter(|open| open.number >= first).cloned();
        rows.map(|(number, row)| unpacked_day(*number, row)).chain(open).collect()
    }

    /// The counter as it is restored; its ledgers have room for what is stored.
    pub(crate) fn restore(&self, bounds: Bounds) -> Counter {
        let mut ledger = Ledger::within(bounds, self.ids.entries());
        self.ids.segments().for_each(|segment| ledger.restore(segment));
        let mut visits = Visits::within(WINDOW_MS, self.visits.entries());
        self.visits.segments().for_each(|segment| visits.restore(segment));
        Counter {
            tally: self.tally,
            version: self.version,
            ledger,
            visits,
            visitors: self.visitors.as_ref().map(|packed| Visitors::unpack(packed).unwrap()).unwrap_or_default(),
            retracted_visitors: self.retracted_visitors,
            open_day: self.open_day.clone(),
        }
    }

    pub(crate) fn days(&self) -> Vec<(i64, Day)> {
        let mut days: BTreeMap<i64, Day> =
            self.daily.iter().map(|(number, (counts, _))| (*number, Day::unpack(counts).unwrap())).collect();
        if let Some(open) = &self.open_day {
            assert!(days.insert(open.number, open.counts.clone()).is_none(), "a day stands in two places");
        }
        days.into_iter().collect()
    }

    /// What was counted in each quarter.
    pub(crate) fn quarters(&self) -> BTreeMap<i64, Tally> {
        let days = self.days();
        days.iter().flat_map(|(number, day)| day.quarters(*number)).map(|(quarter, tally)| (quarter, *tally)).collect()
    }
}
