//! Where the points of a series begin.

use serde::Serialize;

use super::zone::Zone;
use crate::time::{DAY_QUARTERS, HOUR_QUARTERS};

/// What a point covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// An hour of the local clock. One that the clock shows twice is two points, one that it leaves out is none.
    Hour,
    /// A local date, from its first instant on, be it midnight or not. One that the zone left out is no point.
    Day,
}

impl Interval {
    /// How many quarter hours it has while the clock is not changed.
    #[must_use]
    pub fn quarters(self) -> i64 {
        match self {
            Self::Hour => HOUR_QUARTERS,
            Self::Day => DAY_QUARTERS,
        }
    }
}

/// The quarters since 1970 at which points begin that cover `from..to`, and the one at which the last of them ends: the
/// first is the last boundary that is not after `from`, the last the first that is not before `to`.
///
/// A day begins where the local date is later than all before. An hour begins with each full hour of the local clock,
/// and where a change of the clock moves it to another hour: set forward by half an hour at 2:00 a clock shows 2:30, and
/// that point has 30 minutes; set back by half an hour it shows 1:30, and the hour that it is in has 90.
///
/// `zone` has to be known for three days before and after.
#[must_use]
pub fn bounds(zone: &Zone, interval: Interval, from: i64, to: i64) -> Vec<i64> {
    let mut bounds = Vec::new();
    let mut latest = i64::MIN;
    for span in zone.spans() {
        let start = span.quarters.start + span.offset;
        let shown = start.div_euclid(interval.quarters());
        let begins = match interval {
            Interval::Hour => shown != latest || start.rem_euclid(HOUR_QUARTERS) == 0,
            Interval::Day => shown > latest,
        };
        if begins {
            bounds.push(span.quarters.start);
        }
        latest = match interval {
            Interval::Hour => shown,
            Interval::Day => latest.max(shown),
        };
        let end = (span.quarters.end - 1 + span.offset).div_euclid(interval.quarters());
        for next in latest + 1..=end {
            bounds.push(next * interval.quarters() - span.offset);
        }
        latest = latest.max(end);
    }
    let first = bounds.partition_point(|bound| *bound <= from).saturating_sub(1);
    let end = bounds.partition_point(|bound| *bound < to) + 1;
    bounds.truncate(end);
    bounds.split_off(first)
}
