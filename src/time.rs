//! Instants as the rest of the code sees them: whole milliseconds since 1970, UTC, always passed in.

use jiff::{Timestamp, civil, tz::Offset};

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
    let date = Timestamp::from_second(hour.saturating_mul(HOUR_MS / SECOND_MS))
        .map(|at| Offset::UTC.to_datetime(at).date().to_string())
        .unwrap_or_default();
    (date, hour.rem_euclid(24))
}

/// Writes an instant as stored in the application's tables: UTC with microseconds, fixed width, so that text order is
/// time order (`2026-11-20T12:00:00.000000+00:00`). `None` outside the years 1 to 9999.
#[must_use]
pub fn timestamp_from_ms(at_ms: i64) -> Option<String> {
    Timestamp::from_millisecond(at_ms).ok().and_then(stored)
}

/// Reads an instant as PostgreSQL or RFC 3339 writes it (`2024-03-05 12:34:56.789+00`, `2024-03-05T12:34:56Z`) and
/// writes it as stored. Without an offset it is UTC. `None` when the text is no instant of the years 1 to 9999.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<String> {
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<civil::DateTime>().and_then(|local| Offset::UTC.to_timestamp(local)))
        .ok()
        .and_then(stored)
}

/// The milliseconds since 1970 of a stored timestamp; `None` when the text is no instant.
#[must_use]
pub fn timestamp_to_ms(stored: &str) -> Option<i64> {
    stored.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

fn stored(at: Timestamp) -> Option<String> {
    let civil = Offset::UTC.to_datetime(at);
    (civil.year() >= 1).then(|| {
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+00:00",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second(),
            civil.subsec_nanosecond() / 1000
        )
    })
}
