//! What a counter counted lately, for the lists of prompts that are ahead.

use std::f64::consts::LN_2;

use uuid::Uuid;

use super::day::Day;
use super::tally::Tally;
use crate::time::{DAY_QUARTERS, HOUR_QUARTERS, QUARTER_MS, quarter_of};

/// A stretch of time up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How long it is at the least, in quarters of an hour.
    length: i64,
    /// How far its start moves at once, in quarters of an hour: until then it is longer.
    step: i64,
}

const MILLION: f64 = 1_000_000.0;

/// The windows, the shortest first: 24 hours that move by the hour, 7 days by six hours, 30 days by the day. What leaves a
/// window is written anew, so a long one moves in long steps.
pub const WINDOWS: [Window; 3] = [
    Window { length: DAY_QUARTERS, step: HOUR_QUARTERS },
    Window { length: 7 * DAY_QUARTERS, step: 6 * HOUR_QUARTERS },
    Window { length: 30 * DAY_QUARTERS, step: DAY_QUARTERS },
];

impl Window {
    /// The first quarter since 1970 that is in it, at a quarter.
    #[must_use]
    pub fn start(self, now: i64) -> i64 {
        now - now.rem_euclid(self.step) - self.length
    }

    /// The quarter in which a quarter leaves it.
    fn leaves(self, quarter: i64) -> i64 {
        quarter - quarter.rem_euclid(self.step) + self.step + self.length
    }
}

/// What was counted in each of [`WINDOWS`], and what it is worth by its age.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recent {
    /// The counts in each window.
    pub counts: [Tally; WINDOWS.len()],
    /// The [`trend`] of the visits; `None` where there are none in the longest window.
    pub trend: Option<i64>,
    /// When the counts change without anything being counted, in milliseconds since 1970; `None` when they are all 0.
    pub changes_ms: Option<i64>,
}

/// The first day since 1970 of which anything is in a window, at an instant.
#[must_use]
pub fn first_day(now_ms: i64) -> i64 {
    let [.., longest] = WINDOWS;
    longest.start(quarter_of(now_ms)).div_euclid(DAY_QUARTERS)
}

impl Recent {
    /// What `days` hold, which are those from [`first_day`] on.
    #[must_use]
    pub fn of(days: &[(i64, Day)], now_ms: i64) -> Self {
        let now = quarter_of(now_ms);
        let (mut counts, mut changes, mut visits) = ([Tally::default(); WINDOWS.len()], None, Vec::new());
        for (quarter, tally) in days.iter().flat_map(|(day, counts)| counts.quarters(*day)) {
            for (window, sum) in WINDOWS.into_iter().zip(&mut counts) {
                if quarter >= window.start(now) {
                    sum.add_all(tally);
                    let leaves = window.leaves(quarter);
                    changes = Some(changes.map_or(leaves, |earlier: i64| earlier.min(leaves)));
                }
            }
            visits.push((quarter, tally.visits));
        }
        Self { counts, trend: trend(&visits), changes_ms: changes.map(|quarter| quarter * QUARTER_MS) }
    }
}

/// How long after a window moved the counter of a prompt tells what left it, in milliseconds: windows move at full hours,
/// and not all counters may write to the database at once.
#[must_use]
pub fn spread_ms(prompt_id: Uuid) -> i64 {
    i64::try_from(prompt_id.as_u128() % u128::from(QUARTER_MS.unsigned_abs())).unwrap_or_default()
}

/// The start of one of [`WINDOWS`] at an instant, as a quarter since 1970.
#[must_use]
pub fn window_start(place: usize, now_ms: i64) -> i64 {
    let now = quarter_of(now_ms);
    WINDOWS.get(place).map_or(now, |window| window.start(now))
}

/// The binary logarithm, in millionths, of a sum in which a visit counts twice as much as one of a day before:
/// `log2 Σ 2^(t / day)`, where `t` is the time of a visit. The order of two prompts by what their visits are worth now, halved
/// with each day of their age, is the order of this sum, and time alone never changes it: so it is written only when
/// something is counted.
#[must_use]
pub fn trend(visits: &[(i64, u64)]) -> Option<i64> {
    let newest = visits.iter().filter(|(_, count)| *count > 0).map(|(quarter, _)| *quarter).max()?;
    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    let worth = |(quarter, count): &(i64, u64)| *count as f64 * two_to(in_days(quarter - newest));
    Some(in_millionths(in_days(newest) + visits.iter().map(worth).sum::<f64>().ln() / LN_2))
}

/// What the visits of a trend are worth at an instant, each halved with each day of its age.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "trends stay below 2^53")]
pub fn score(trend: i64, now_ms: i64) -> f64 {
    two_to(trend as f64 / MILLION - in_days(quarter_of(now_ms)))
}

/// What the trend of a prompt is at the least that was visited since a quarter since 1970.
#[must_use]
pub fn trend_since(start: i64) -> i64 {
    in_millionths(in_days(start))
}

#[expect(clippy::cast_possible_truncation, reason = "some 20,000 days")]
fn in_millionths(number: f64) -> i64 {
    (number * MILLION).round() as i64
}

/// With the functions that the statistics have: those of base 2 would come on top of them.
fn two_to(power: f64) -> f64 {
    (power * LN_2).exp()
}

#[expect(clippy::cast_precision_loss, reason = "quarters stay below 2^53")]
fn in_days(quarters: i64) -> f64 {
    quarters as f64 / DAY_QUARTERS as f64
}
