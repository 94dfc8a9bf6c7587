//! Instants as the rest of the code sees them: whole milliseconds since 1970, UTC, always passed in.

use speedate::{Date, DateTime, DateTimeConfig, MicrosecondsPrecisionOverflowBehavior, TimeConfig, TimestampUnit};

/// Milliseconds of a second.
pub const SECOND_MS: i64 = 1000;
/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// Milliseconds of a quarter of an hour.
pub const QUARTER_MS: i64 = 15 * MINUTE_MS;
/// Quarter hours of an hour.
pub const HOUR_QUARTERS: i64 = HOUR_MS / QUARTER_MS;
/// Quarter hours of a day.
pub const DAY_QUARTERS: i64 = DAY_MS / QUARTER_MS;
/// Milliseconds since 1970 that a range may name: from 1970 to the year 9000.
pub const RANGE_MS: std::ops::RangeInclusive<i64> = 0..=221_845_392_000_000;

/// The UTC hour that an instant falls in, as whole hours since 1970.
#[must_use]
pub fn hour_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(HOUR_MS)
}

/// The quarter of an hour that an instant falls in, as whole quarters since 1970.
#[must_use]
pub fn quarter_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(QUARTER_MS)
}

/// The UTC date (`2026-11-20`) and the hour of the day (0 to 23) of an hour since 1970.
#[must_use]
pub fn date_and_hour(hour: i64) -> (String, i64) {
    let date = civil(hour.saturating_mul(HOUR_MS / SECOND_MS), 0).map(|at| at.date.to_string());
    (date.unwrap_or_default(), hour.rem_euclid(24))
}

/// The days since 1970 of a date (`2026-11-20`); `None` when the text is none.
#[must_use]
pub fn parse_date(text: &str) -> Option<i64> {
    let date = Date::parse_bytes_rfc3339(text.as_bytes()).ok()?;
    Some(date.timestamp().div_euclid(DAY_MS / SECOND_MS))
}

/// Writes the local time of an instant, with its offset from UTC, both in quarter hours (RFC 3339,
/// `2026-03-29T00:00:00+01:00`). Empty outside the years 0 to 9999.
#[must_use]
pub fn local_timestamp(quarter: i64, offset: i64) -> String {
    let local = quarter.saturating_add(offset).saturating_mul(QUARTER_MS / SECOND_MS);
    let Some(DateTime { date, time }) = civil(local, 0) else { return String::new() };
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, quarters) = (offset.abs() / HOUR_QUARTERS, offset.abs() % HOUR_QUARTERS);
    format!("{date}T{:02}:{:02}:00{sign}{hours:02}:{:02}", time.hour, time.minute, quarters * 15)
}

/// Writes an instant as stored in the application's tables: UTC with microseconds, fixed width, so that text order is
/// time order (`2026-11-20T12:00:00.000000+00:00`). `None` outside the years 1 to 9999.
#[must_use]
pub fn timestamp_from_ms(at_ms: i64) -> Option<String> {
    let millisecond = u32::try_from(at_ms.rem_euclid(SECOND_MS)).ok()?;
    stored(at_ms.div_euclid(SECOND_MS), millisecond * 1000)
}

/// Reads an instant as PostgreSQL or RFC 3339 writes it (`2024-03-05 12:34:56.789+00`, `2024-03-05T12:34:56Z`) and
/// writes it as stored. Without an offset it is UTC. `None` when the text is no instant of the years 1 to 9999.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<String> {
    let (second, microsecond) = instant(text)?;
    stored(second, microsecond)
}

/// The milliseconds since 1970 of a stored timestamp, rounded down; `None` when the text is no instant.
#[must_use]
pub fn timestamp_to_ms(stored: &str) -> Option<i64> {
    let (second, microsecond) = instant(stored)?;
    Some(second * SECOND_MS + i64::from(microsecond / 1000))
}

/// The seconds since 1970 and the microseconds of the second; finer fractions are cut off.
fn instant(text: &str) -> Option<(i64, u32)> {
    let microseconds_precision_overflow_behavior = MicrosecondsPrecisionOverflowBehavior::Truncate;
    let config = TimeConfig { microseconds_precision_overflow_behavior, unix_timestamp_offset: None };
    let parse = |text: &str| DateTime::parse_bytes_rfc3339_with_config(text.as_bytes(), &config).ok();
    // PostgreSQL leaves out the minutes of an offset where there are none.
    let at = parse(text).or_else(|| parse(&format!("{text}:00")))?;
    Some((at.timestamp_tz(), at.time.microsecond))
}

/// The civil time, in UTC, of seconds since 1970 and microseconds; `None` outside the years 0 to 9999.
fn civil(second: i64, microsecond: u32) -> Option<DateTime> {
    let config = DateTimeConfig { timestamp_unit: TimestampUnit::Second, time_config: TimeConfig::default() };
    DateTime::from_timestamp_with_config(second, microsecond, &config).ok()
}

fn stored(second: i64, microsecond: u32) -> Option<String> {
    let DateTime { date, time } = civil(second, microsecond).filter(|at| at.date.year >= 1)?;
    Some(format!("{date}T{:02}:{:02}:{:02}.{:06}+00:00", time.hour, time.minute, time.second, time.microsecond))
}
