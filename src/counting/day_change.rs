//! What a commit changes in the stored days of a counter.
//!
//! One day is open: it is the one that is being counted, and it stands in the row of the counter, which every commit writes. Each
//! other day has a row of its own. No day stands in both places.

use super::sources::{SOURCE_DAYS, SourcedDay};

/// A day as it is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedDay {
    /// All that was counted on it.
    pub day: SourcedDay,
    /// Whether its sources are others than those that are stored.
    pub with_sources: bool,
}

/// What is to be stored of days: first rows are deleted, then written, then sources are forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayChange {
    /// Days whose row is deleted: they are opened.
    pub deleted: Vec<i64>,
    /// Days whose row is written.
    pub written: Vec<ChangedDay>,
    /// The open day afterwards, if it changes.
    pub open: Option<ChangedDay>,
    /// The first day of which sources are still known, if older ones are to be forgotten.
    pub sources_since: Option<i64>,
}

impl DayChange {
    /// Adds to days, each of them once, beside the day that is `open`.
    ///
    /// They come in ascending order: so the open day is added to before a later one closes it, and no row is read that is still to
    /// be written. `today` is in days since 1970, and `stored` gives a day that has a row of its own.
    ///
    /// # Errors
    ///
    /// Those of `stored`.
    pub fn of<E>(
        open: Option<&SourcedDay>,
        added: &[SourcedDay],
        today: i64,
        mut stored: impl FnMut(i64) -> Result<Option<SourcedDay>, E>,
    ) -> Result<Self, E> {
        let mut change = Self::default();
        for added in added {
            match change.opened(open) {
                Some(open) if open.number == added.number => change.add_to_open(open.clone(), added),
                _ => {
                    let row = stored(added.number)?;
                    change.add_to_row(open, row, added, today);
                }
            }
        }
        Ok(change)
    }

    /// The open day as it is by now.
    fn opened<'a>(&'a self, open: Option<&'a SourcedDay>) -> Option<&'a SourcedDay> {
        self.open.as_ref().map(|changed| &changed.day).or(open)
    }

    fn add_to_open(&mut self, mut day: SourcedDay, added: &SourcedDay) {
        day.add_all(added);
        let with_sources = !added.sources.is_empty() || self.open.as_ref().is_some_and(|open| open.with_sources);
        self.open = Some(ChangedDay { day, with_sources });
    }

    fn add_to_row(&mut self, open: Option<&SourcedDay>, row: Option<SourcedDay>, added: &SourcedDay, today: i64) {
        let has_row = row.is_some();
        let mut day = row.unwrap_or(SourcedDay { number: added.number, ..SourcedDay::default() });
        day.add_all(added);
        if !added.opens_after(self.opened(open), today) {
            self.written.push(ChangedDay { day, with_sources: !added.sources.is_empty() });
            return;
        }
        let closed = self.opened(open).cloned();
        self.deleted.extend(has_row.then_some(day.number));
        self.written.extend(closed.map(|day| ChangedDay { with_sources: !day.sources.is_empty(), day }));
        self.sources_since = Some(day.number - SOURCE_DAYS);
        self.open = Some(ChangedDay { day, with_sources: true });
    }
}
