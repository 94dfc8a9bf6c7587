//! The offsets of a time zone from UTC, as far as a request needs them.

use std::ops::Range;

use crate::time::{DAY_QUARTERS, local_timestamp};

/// How far apart the offsets are that are looked at. Since 1970 no zone has changed twice within 6.9 days, so no change is
/// missed; a test looks at all zones.
const STEP: i64 = 6 * DAY_QUARTERS;

/// The offsets of a time zone over some time. Everything is in quarter hours, instants since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    spans: Vec<Span>,
}

/// Quarters over which the offset stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The quarters.
    pub quarters: Range<i64>,
    /// What is added to UTC to get local time, in quarter hours.
    pub offset: i64,
}

impl Zone {
    /// Finds the offsets over `window`. `offset_at` tells the one that holds when a quarter begins; a clock that is
    /// changed within a quarter (some were at one minute past midnight) is seen from the next one on. `None` when
    /// `offset_at` fails.
    pub fn observe(window: &Range<i64>, offset_at: &mut dyn FnMut(i64) -> Option<i64>) -> Option<Self> {
        let mut spans = Vec::new();
        let mut span = Span { quarters: window.clone(), offset: offset_at(window.start)? };
        let mut known = window.start;
        while known < window.end {
            let next = known.saturating_add(STEP).min(window.end);
            if offset_at(next)? == span.offset {
                known = next;
                continue;
            }
            known = first_change(known..next, span.offset, offset_at)?;
            let following = Span { quarters: known..window.end, offset: offset_at(known)? };
            span.quarters.end = known;
            spans.push(std::mem::replace(&mut span, following));
        }
        spans.push(span);
        Some(Self { spans })
    }

    /// The spans, without a gap, in order.
    pub fn spans(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter()
    }

    /// The offset at a quarter: before and after what was looked at, that of the first and of the last span.
    #[must_use]
    pub fn offset(&self, quarter: i64) -> i64 {
        let after = self.spans.partition_point(|span| span.quarters.start <= quarter);
        self.spans.get(after.saturating_sub(1)).map_or(0, |span| span.offset)
    }

    /// The local time when a quarter begins (RFC 3339, `2026-03-29T00:00:00+01:00`).
    #[must_use]
    pub fn timestamp(&self, quarter: i64) -> String {
        local_timestamp(quarter, self.offset(quarter))
    }

    /// The first quarter of a local date, given in days since 1970; of a date that the zone left out, the first one
    /// after it. `None` when it is not in what was looked at.
    #[must_use]
    pub fn start_of(&self, date: i64) -> Option<i64> {
        self.spans.iter().find_map(|span| {
            let first = span.quarters.start.max(date * DAY_QUARTERS - span.offset);
            (first < span.quarters.end).then_some(first)
        })
    }
}

/// Reads the offset at the end of an instant as runtimes write it (`3/29/2026, GMT+02:00`), in quarter hours. What is no
/// number of them is taken as the next one to the west: Monrovia had −0:44:30 until 1972, Kiritimati −10:40 until 1979.
/// `None` when there is none.
#[must_use]
pub fn parse_offset(text: &str) -> Option<i64> {
    let (_, offset) = text.split_once("GMT")?;
    if offset.is_empty() {
        return Some(0);
    }
    let (hours, minutes) = offset.split_once(':')?;
    let sign = if hours.starts_with('-') { -1 } else { 1 };
    let minutes: i64 = minutes.get(..2)?.parse().ok()?;
    Some((hours.parse::<i64>().ok()? * 60 + sign * minutes).div_euclid(15))
}

/// The first quarter with another offset than `before`, which is the one at the start of `quarters`, and not the one at
/// their end.
fn first_change(quarters: Range<i64>, before: i64, offset_at: &mut dyn FnMut(i64) -> Option<i64>) -> Option<i64> {
    let Range { start: mut unchanged, end: mut changed } = quarters;
    while changed - unchanged > 1 {
        let middle = unchanged + (changed - unchanged) / 2;
        if offset_at(middle)? == before {
            unchanged = middle;
        } else {
            changed = middle;
        }
    }
    Some(changed)
}
