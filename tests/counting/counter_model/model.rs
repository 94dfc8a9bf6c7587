//! Counting by its definition: it forgets nothing.

use super::*;

/// A visit by its definition, and when it was told.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) visitor: u64,
    pub(crate) second: i64,
    pub(crate) told_ms: i64,
}

/// What a source added on a day: in each quarter, and new visitors.
pub(crate) type Added = (BTreeMap<i64, Tally>, u64);

/// What has been counted since the beginning.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) tally: Tally,
    pub(crate) quarters: BTreeMap<i64, Tally>,
    pub(crate) days: BTreeSet<i64>,
    pub(crate) ids: BTreeMap<u64, (u32, i64)>,
    pub(crate) deliveries: BTreeMap<u64, i64>,
    pub(crate) visits: Vec<Visit>,
    pub(crate) visitors: BTreeSet<u64>,
    pub(crate) retracted_visitors: u64,
    pub(crate) sources: BTreeMap<(i64, u64), Added>,
}

impl Model {
    /// Counts a command, and checks the outcomes: within 24 hours there is one right one, later there are two.
    pub(crate) fn count(
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

    pub(crate) fn add(&mut self, increment: &Increment, now_ms: i64, probe: &mut NewVisits) {
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
    pub(crate) fn visit(&mut self, visitor: u64, at_ms: i64, now_ms: i64, probe: &mut NewVisits) -> bool {
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
    pub(crate) fn retract(&mut self, sources: &[u64], now_ms: i64) -> (Tally, u64) {
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

    pub(crate) fn unique_visitors(&self) -> u64 {
        self.visitors.len() as u64 - self.retracted_visitors
    }

    pub(crate) fn count_id(&mut self, id: IdDigest, now_ms: i64, outcome: Outcome) -> bool {
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
