//! What each source added on one UTC day, so that it can be taken back.
//!
//! At most [`SOURCES`] are known of a day. When another one comes, the one that added the least makes room, the oldest of
//! those that added as little: so what is known of a source is never more than it added, and less by what it added before it
//! was last forgotten; one that adds much is not. What a source that was forgotten added cannot be taken back.

use super::day::Day;
use super::tally::{Metric, Tally};
use crate::packed::Packed;

/// Sources that are known of a day at the most.
pub const SOURCES: usize = 256;
/// For how many days before today sources are known: events may be told 48 hours late.
pub const SOURCE_DAYS: i64 = 2;

/// What is kept of a source.
const METRICS: [Metric; 3] = [Metric::View, Metric::Copy, Metric::Visit];

/// The sources of one day, those that came first before the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(Vec<Source>);

/// What was counted on a UTC day, and what is known of the sources that added to it; or what is added to these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcedDay {
    /// Days since 1970.
    pub number: i64,
    /// What was counted.
    pub counts: Day,
    /// What each source added of that.
    pub sources: Sources,
}

impl SourcedDay {
    /// Adds what was counted on the same day.
    pub fn add_all(&mut self, added: &Self) {
        self.counts.add_all(&added.counts);
        self.sources.add_all(&added.sources);
    }

    /// Whether this is the day that is being counted from now on, and no longer `open`: the newest one is, unless it lies in
    /// the future, as days of an import may. Events may be told five minutes early, so tomorrow does not. `today` is in days
    /// since 1970.
    #[must_use]
    pub fn opens_after(&self, open: Option<&Self>, today: i64) -> bool {
        self.number <= today + 1 && open.is_none_or(|open| open.number < self.number)
    }

    /// The day of this number among `days` in ascending order, which gets one if there is none.
    pub fn among(days: &mut Vec<Self>, number: i64) -> Option<&mut Self> {
        let place = days.partition_point(|day| day.number < number);
        if days.get(place).is_none_or(|day| day.number != number) {
            days.insert(place, Self { number, ..Self::default() });
        }
        days.get_mut(place)
    }
}

/// What one source added on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// A digest under a day's salt.
    pub digest: u64,
    /// How many visitors were new with it: see [`super::visitors::Visitors::novelty`].
    pub visitors: u64,
    /// Its views, copies and visits.
    pub counts: Day,
}

impl Source {
    /// How much it added.
    fn weight(&self) -> u64 {
        self.counts.quarters(0).map(|(_, tally)| tally.views + tally.copies).sum()
    }
}

impl Sources {
    /// Adds what a source added in a quarter since 1970.
    pub fn add(&mut self, digest: u64, quarter: i64, added: &Tally, visitors: u64) {
        let mut counts = Day::default();
        counts.add(quarter, added);
        self.add_one(Source { digest, visitors, counts });
    }

    /// Adds what sources added on the same day.
    pub fn add_all(&mut self, others: &Self) {
        for added in &others.0 {
            self.add_one(added.clone());
        }
    }

    /// Forgets a source, and gives what was known of it.
    pub fn forget(&mut self, digest: u64) -> Option<Source> {
        let place = self.0.iter().position(|source| source.digest == digest)?;
        Some(self.0.remove(place))
    }

    /// How many sources are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no source is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add_one(&mut self, added: Source) {
        if let Some(known) = self.0.iter_mut().find(|source| source.digest == added.digest) {
            known.visitors += added.visitors;
            known.counts.add_all(&added.counts);
            return;
        }
        if self.0.len() >= SOURCES {
            let least = self.0.iter().enumerate().min_by_key(|(_, source)| source.weight());
            let least = least.map_or(0, |(place, _)| place);
            self.0.remove(least);
        }
        self.0.push(added);
    }

    /// Packs them for storage, in the form of [`Packed`]: of each source its digest in 8 bytes, big-endian, its visitors and how
    /// many quarters it has; for each of these its number, views, copies and visits.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut packed = Packed(Vec::new());
        for source in &self.0 {
            packed.0.extend_from_slice(&source.digest.to_be_bytes());
            packed.number(source.visitors.cast_signed());
            packed.length(source.counts.quarters(0).count());
            for (quarter, tally) in source.counts.quarters(0) {
                packed.number(quarter);
                for metric in METRICS {
                    packed.number(tally.count(metric).cast_signed());
                }
            }
        }
        packed.0
    }

    /// Reads what [`Sources::pack`] wrote; `None` for anything else.
    #[must_use]
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let mut packed = Packed(packed);
        let mut sources = Vec::new();
        while !packed.0.is_empty() {
            let digest = u64::from_be_bytes(packed.take(8)?.try_into().ok()?);
            let visitors = packed.take_number()?.unsigned_abs();
            let mut counts = Day::default();
            for _ in 0..packed.take_length()? {
                let quarter = packed.take_number()?;
                let mut tally = Tally::default();
                for metric in METRICS {
                    tally.add(metric, packed.take_number()?.unsigned_abs());
                }
                counts.add(quarter, &tally);
            }
            sources.push(Source { digest, visitors, counts });
        }
        Some(Self(sources))
    }
}
