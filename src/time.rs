//! Instants as the rest of the code sees them: whole milliseconds since 1970, UTC, always passed in.

use jiff::fmt::temporal::Pieces;
use jiff::tz::Offset;
use jiff::{SignedDuration, civil};

/// Milliseconds of a second.
pub const SECOND_MS: i64 = 1000;
/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The UTC hour that an instant falls in, as whole hours since 1970.
#[must_use]
pub fn hour_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(HOUR_MS)
}

/// The UTC date (`2026-11-20`) and the hour of the day (0 to 23) of an hour since 1970.
#[must_use]
pub fn date_and_hour(hour: i64) -> (String, i64) {
    let date = epoch().checked_add(SignedDuration::from_hours(hour)).map(|at| at.date().to_string());
    (date.unwrap_or_default(), hour.rem_euclid(24))
}

/// Writes an instant as stored in the application's tables: UTC with microseconds, fixed width, so that text order is
/// time order (`2026-11-20T12:00:00.000000+00:00`). `None` outside the years 1 to 9999.
#[must_use]
pub fn timestamp_from_ms(at_ms: i64) -> Option<String> {
    epoch().checked_add(SignedDuration::from_millis(at_ms)).ok().and_then(stored)
}

/// Reads an instant as PostgreSQL or RFC 3339 writes it (`2024-03-05 12:34:56.789+00`, `2024-03-05T12:34:56Z`) and
/// writes it as stored. Without an offset it is UTC. `None` when the text is no instant of the years 1 to 9999.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<String> {
    utc(text).and_then(stored)
}

/// The milliseconds since 1970 of a stored timestamp, rounded down; `None` when the text is no instant.
#[must_use]
pub fn timestamp_to_ms(stored: &str) -> Option<i64> {
    let since = utc(stored)?.duration_since(epoch());
    i64::try_from(since.as_nanos().div_euclid(1_000_000)).ok()
}

/// Instants are reckoned as civil times in UTC, which reach to the end of the year 9999: jiff's own instants end a day
/// earlier, and `9999-12-31` is what many rows have for ever.
fn utc(text: &str) -> Option<civil::DateTime> {
    let pieces = Pieces::parse(text).ok()?;
    if pieces.time_zone_annotation().is_some() {
        return None;
    }
    let local = pieces.date().to_datetime(pieces.time()?);
    let offset_s = pieces.to_numeric_offset().map_or(0, Offset::seconds);
    local.checked_sub(SignedDuration::from_secs(i64::from(offset_s))).ok()
}

fn epoch() -> civil::DateTime {
    civil::date(1970, 1, 1).at(0, 0, 0, 0)
}

fn stored(utc: civil::DateTime) -> Option<String> {
    (utc.year() >= 1).then(|| {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00",
            utc.year(),
            utc.month(),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second(),
            utc.subsec_nanosecond() / 1000
        )
    })
}
