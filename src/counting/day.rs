//! What a counter counted on one UTC day, by quarters of an hour.
//!
//! Quarters, because the offset of every time zone is a whole number of them: so the hours and days of any zone can be
//! added up. A day is stored as one row, for a write costs the same however much the row holds.

use super::tally::{Metric, Tally};
use crate::packed::Packed;
use crate::time::DAY_QUARTERS;

/// How many counts a quarter has, as they are packed: of each metric, in their order. Days that were packed before visits
/// were counted have the first four.
const COUNTS: usize = Metric::ALL.len();

/// The counts of one UTC day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Quarters of the day, from 0 to 95, in which anything was counted, in their order.
    quarters: Vec<(u8, Tally)>,
}

impl Day {
    /// Adds what was counted in a quarter since 1970.
    pub fn add(&mut self, quarter: i64, added: &Tally) {
        let quarter = u8::try_from(quarter.rem_euclid(DAY_QUARTERS)).unwrap_or_default();
        match self.quarters.binary_search_by_key(&quarter, |(known, _)| *known) {
            Ok(place) => {
                if let Some((_, tally)) = self.quarters.get_mut(place) {
                    tally.add_all(added);
                }
            }
            Err(place) => self.quarters.insert(place, (quarter, *added)),
        }
    }

    /// Adds what was counted on the same day.
    pub fn add_all(&mut self, other: &Self) {
        for (quarter, added) in &other.quarters {
            self.add((*quarter).into(), added);
        }
    }

    /// Takes away what was counted on the same day, as far as it is there; gives the sum of what was.
    pub fn take_all(&mut self, other: &Self) -> Tally {
        let mut taken = Tally::default();
        for (quarter, tally) in &mut self.quarters {
            if let Ok(place) = other.quarters.binary_search_by_key(quarter, |(known, _)| *known) {
                let wanted = other.quarters.get(place).map(|(_, wanted)| *wanted).unwrap_or_default();
                let left = tally.without(&wanted);
                taken.add_all(&tally.without(&left));
                *tally = left;
            }
        }
        self.quarters.retain(|(_, tally)| *tally != Tally::default());
        taken
    }

    /// The quarters since 1970 in which anything was counted, where this is the day of this number since 1970.
    pub fn quarters(&self, day: i64) -> impl Iterator<Item = (i64, &Tally)> {
        self.quarters.iter().map(move |(quarter, tally)| (day * DAY_QUARTERS + i64::from(*quarter), tally))
    }

    /// Packs the day for storage, in the form of [`Packed`]: how many counts a quarter has, then for each quarter its
    /// number and its counts.
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut packed = Packed(Vec::new());
        packed.length(COUNTS);
        for (quarter, tally) in &self.quarters {
            packed.number((*quarter).into());
            for metric in Metric::ALL {
                packed.number(tally.count(metric).cast_signed());
            }
        }
        packed.0
    }

    /// Reads what [`Day::pack`] wrote; `None` for anything else.
    #[must_use]
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let mut packed = Packed(packed);
        let metrics = Metric::ALL.get(..packed.take_length()?)?;
        let mut quarters = Vec::new();
        while !packed.0.is_empty() {
            let quarter = u8::try_from(packed.take_number()?).ok()?;
            let mut tally = Tally::default();
            for metric in metrics {
                tally.add(*metric, packed.take_number()?.unsigned_abs());
            }
            quarters.push((quarter, tally));
        }
        Some(Self { quarters })
    }
}

/// What was counted between each two neighbours of `bounds`, which are quarters since 1970 in ascending order. `days` come
/// in ascending order; a place between two bounds where nothing was counted is left out.
#[must_use]
pub fn between(days: &[(i64, Day)], bounds: &[i64]) -> Vec<(usize, Tally)> {
    let mut sums: Vec<(usize, Tally)> = Vec::new();
    for (quarter, tally) in days.iter().flat_map(|(day, counts)| counts.quarters(*day)) {
        let Some(place) = bounds.partition_point(|bound| *bound <= quarter).checked_sub(1) else { continue };
        if place + 1 == bounds.len() {
            break;
        }
        match sums.last_mut() {
            Some((last, sum)) if *last == place => sum.add_all(tally),
            _ => sums.push((place, *tally)),
        }
    }
    sums
}
