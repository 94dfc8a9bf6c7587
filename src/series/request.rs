//! Which part of a prompt's counts is asked for.

use std::ops::Range;

use super::points::{self, Interval};
use super::zone::Zone;
use crate::counting::tally::Metric;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::limits::{FUNNEL_DAYS, SERIES_POINTS, TIME_ZONE_CHARS};
use crate::time::{DAY_MS, DAY_QUARTERS, HOUR_MS, QUARTER_MS, RANGE_MS, parse_date};

/// How long before and after a range the zone is looked at: local time is at most a day from UTC, and a local date has
/// at most a day and a few hours.
const MARGIN: i64 = 3 * DAY_QUARTERS;
/// Days that are told where `from` is not given.
const DEFAULT_DAYS: i64 = 30;
/// Hours that are told where `from` is not given.
const DEFAULT_HOURS: i64 = 24;

/// The names of three letters in the IANA's list.
const THREE_LETTER_ZONES: [&str; 13] =
    ["CET", "EET", "EST", "GMT", "HST", "MET", "MST", "PRC", "ROC", "ROK", "UCT", "UTC", "WET"];

const METRICS: &str = "metric is view, copy, fork, compare, visit, bot, headless or prefetch.";

/// A series that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesRequest {
    /// What is counted.
    pub metric: Metric,
    /// When.
    pub period: Period,
}

/// The time that is asked for, and how it is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// The name of the time zone; whether there is one is for the runtime to say.
    pub tz: String,
    /// What each point covers.
    pub interval: Interval,
    /// How many points there may be.
    limit: usize,
    from: Option<Moment>,
    to: Moment,
}

/// One end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// An instant, in milliseconds since 1970.
    Instant(i64),
    /// The start of a local date, in days since 1970.
    Date(i64),
}

impl SeriesRequest {
    /// Reads `metric` (`view`), `interval` (`day`), and the period.
    ///
    /// # Errors
    /// [`Code::InvalidValue`].
    pub fn parse(query: &Query, now_ms: i64) -> Result<Self, Problem> {
        let metric = match query.get("metric") {
            None => Metric::View,
            Some(name) => Metric::of_name(name).ok_or_else(|| invalid(METRICS))?,
        };
        let interval = match query.get("interval") {
            Some("hour") => Interval::Hour,
            None | Some("day") => Interval::Day,
            Some(_) => return Err(invalid("interval is hour or day.")),
        };
        Ok(Self { metric, period: Period::parse(query, interval, SERIES_POINTS, now_ms)? })
    }
}

impl Period {
    /// Reads the period of a funnel.
    ///
    /// # Errors
    /// [`Code::InvalidValue`].
    pub fn of_funnel(query: &Query, now_ms: i64) -> Result<Self, Problem> {
        Self::parse(query, Interval::Day, FUNNEL_DAYS, now_ms)
    }

    /// Reads `from`, `to` (now) and `tz` (`UTC`). Without `from` there are 24 hours, or 30 days, before `to`.
    fn parse(query: &Query, interval: Interval, limit: usize, now_ms: i64) -> Result<Self, Problem> {
        let tz = query.get("tz").unwrap_or("UTC");
        if !is_zone_name(tz) {
            return Err(unknown_zone());
        }
        let (from, to) = (moment(query, "from")?, moment(query, "to")?);
        Ok(Self { tz: tz.to_owned(), interval, limit, from, to: to.unwrap_or(Moment::Instant(now_ms)) })
    }

    /// The quarter hours since 1970 over which the offsets of the zone have to be known: not many more than the limit on
    /// points allows.
    ///
    /// # Errors
    /// [`Code::InvalidValue`] where it is clear, whatever the zone, that `from` is not before `to` or that there are too
    /// many points.
    pub fn window(&self) -> Result<Range<i64>, Problem> {
        let Range { start, end } = self.range(&|date| Some(date * DAY_QUARTERS)).ok_or_else(backwards)?;
        let window = start.div_euclid(QUARTER_MS) - MARGIN..end.div_euclid(QUARTER_MS) + MARGIN;
        if window.is_empty() {
            return Err(backwards());
        }
        let least = (window.end - window.start - 4 * MARGIN) / self.interval.quarters();
        self.check_number(usize::try_from(least).unwrap_or_default())?;
        Ok(window)
    }

    /// The quarters since 1970 at which the points begin, and the one at which the last of them ends. `zone` is known
    /// over [`Self::window`].
    ///
    /// # Errors
    /// [`Code::InvalidValue`] when `from` is not before `to`, or there are too many points.
    pub fn bounds(&self, zone: &Zone) -> Result<Vec<i64>, Problem> {
        let range = self.range(&|date| zone.start_of(date)).filter(|range| !range.is_empty()).ok_or_else(backwards)?;
        // The quarters that have a part in the range.
        let (from, to) = (range.start.div_euclid(QUARTER_MS), (range.end - 1).div_euclid(QUARTER_MS) + 1);
        let bounds = points::bounds(zone, self.interval, from, to);
        self.check_number(bounds.len().saturating_sub(1))?;
        Ok(bounds)
    }

    /// The milliseconds since 1970, given the first quarters of dates.
    fn range(&self, start_of: &dyn Fn(i64) -> Option<i64>) -> Option<Range<i64>> {
        let instant = |moment| match moment {
            Moment::Instant(at_ms) => Some(at_ms),
            Moment::Date(date) => start_of(date).map(|quarter| quarter * QUARTER_MS),
        };
        let end = instant(self.to)?;
        let start = match (self.from, self.interval) {
            (Some(from), _) => instant(from)?,
            (None, Interval::Hour) => end - DEFAULT_HOURS * HOUR_MS,
            (None, Interval::Day) => end - DEFAULT_DAYS * DAY_MS,
        };
        Some(start..end)
    }

    fn check_number(&self, points: usize) -> Result<(), Problem> {
        if points <= self.limit {
            return Ok(());
        }
        let points = if self.interval == Interval::Hour { "hours" } else { "days" };
        Err(invalid(format!("from and to are at most {} {points} apart.", self.limit)))
    }
}

/// The problem with a time zone that does not exist.
#[must_use]
pub fn unknown_zone() -> Problem {
    invalid("tz is the name of a time zone in the IANA's list, like Europe/Berlin or UTC.")
}

/// Whether a text may be a name in the IANA's list: runtimes know offsets like `+01:00` as well, and abbreviations like
/// `IST`, which is one thing in India and another in Ireland.
fn is_zone_name(text: &str) -> bool {
    if text.len() == 3 {
        return THREE_LETTER_ZONES.iter().any(|zone| text.eq_ignore_ascii_case(zone));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
    text.len() <= TIME_ZONE_CHARS
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(allowed)
}

fn moment(query: &Query, name: &str) -> Result<Option<Moment>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let moment = match parse_date(text) {
        Some(date) => Some(Moment::Date(date)).filter(|_| RANGE_MS.contains(&(date * DAY_MS))),
        None => text.parse().ok().filter(|at_ms| RANGE_MS.contains(at_ms)).map(Moment::Instant),
    };
    let detail = || {
        let (least, most) = (RANGE_MS.start(), RANGE_MS.end());
        format!("{name} is a date like 2026-03-01, or milliseconds since 1970, a whole number from {least} to {most}.")
    };
    moment.map(Some).ok_or_else(|| invalid(detail()))
}

fn backwards() -> Problem {
    invalid("from is before to.")
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidValue, detail)
}
