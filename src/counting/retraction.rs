//! Taking back what sources added.

use super::counter::Counter;
use super::sources::SourcedDay;
use super::tally::Tally;

/// A change to be stored in one transaction.
#[derive(Debug, PartialEq, Eq)]
pub struct Retraction {
    /// The counts afterwards.
    pub tally: Tally,
    /// The version afterwards.
    pub version: u64,
    /// [`Counter::retracted_visitors`] afterwards.
    pub retracted_visitors: u64,
    /// The days that change, as they are afterwards.
    pub days: Vec<SourcedDay>,
}

impl Counter {
    /// Takes back what these sources added to these days, and forgets them, so that nothing is taken back twice. Nothing
    /// falls below 0. A visitor who was new with one of them is no longer counted, also if another source brought it later;
    /// exact while visitors are, and else right on average. Ids stay known, and so do visits: who was counted under a source
    /// that is taken back is not counted anew. `None` where nothing is known of the sources.
    #[must_use]
    pub fn retract(&self, days: Vec<SourcedDay>, sources: &[u64]) -> Option<Retraction> {
        let mut tally = self.tally;
        let mut visitors = 0;
        let mut changed = Vec::new();
        for mut day in days {
            let forgotten: Vec<_> = sources.iter().filter_map(|digest| day.sources.forget(*digest)).collect();
            for source in &forgotten {
                tally = tally.without(&day.counts.take_all(&source.counts));
                visitors += source.visitors;
            }
            if !forgotten.is_empty() {
                changed.push(day);
            }
        }
        (!changed.is_empty()).then(|| Retraction {
            tally,
            version: self.version + 1,
            retracted_visitors: (self.retracted_visitors + visitors).min(self.visitors.count()),
            days: changed,
        })
    }

    /// Keeps a retraction that has been stored. Gives what it took back: counts, and visitors.
    pub fn keep_retraction(&mut self, retraction: &Retraction) -> (Tally, u64) {
        let (taken, visitors) = (self.tally.without(&retraction.tally), self.unique_visitors());
        (self.tally, self.version) = (retraction.tally, retraction.version);
        self.retracted_visitors = retraction.retracted_visitors;
        for day in &retraction.days {
            if let Some(open) = self.open_day.as_mut().filter(|open| open.number == day.number) {
                open.clone_from(day);
            }
        }
        (taken, visitors - self.unique_visitors().min(visitors))
    }
}
