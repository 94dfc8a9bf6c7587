//! The time zones of the IANA, as another library has them.

#![allow(dead_code, reason = "every test uses a part of it")]

use std::ops::Range;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil};
use promptmeter::series::zone::Zone;

/// Seconds of a quarter of an hour.
const QUARTER_S: i64 = 900;

/// The names of all zones.
pub(crate) fn names() -> Vec<String> {
    TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect()
}

/// A zone.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or_else(|_| panic!("no zone {name}"))
}

/// The quarter since 1970 that an instant (RFC 3339) begins.
pub(crate) fn quarter(instant: &str) -> i64 {
    let second = instant.parse::<Timestamp>().unwrap().as_second();
    assert_eq!(second % QUARTER_S, 0, "{instant}");
    second / QUARTER_S
}

/// The offset when a quarter begins, in quarter hours.
pub(crate) fn offset(zone: &TimeZone, quarter: i64) -> i64 {
    let instant = Timestamp::from_second(quarter * QUARTER_S).unwrap();
    i64::from(zone.to_offset(instant).seconds()).div_euclid(QUARTER_S)
}

/// What the clock shows when a quarter begins.
pub(crate) fn clock(zone: &TimeZone, quarter: i64) -> civil::DateTime {
    let local = (quarter + offset(zone, quarter)) * QUARTER_S;
    jiff::tz::Offset::UTC.to_datetime(Timestamp::from_second(local).unwrap())
}

/// The instants from 1970 to 2037 at which the offset changes, in seconds since 1970.
pub(crate) fn changes(zone: &TimeZone) -> Vec<i64> {
    let end = Timestamp::from_second(2_145_916_800).unwrap();
    let mut before = zone.to_offset(Timestamp::UNIX_EPOCH);
    let mut changes = Vec::new();
    for change in zone.following(Timestamp::UNIX_EPOCH).take_while(|change| change.timestamp() < end) {
        if change.offset() != before {
            changes.push(change.timestamp().as_second());
        }
        before = change.offset();
    }
    changes
}

/// The zone as it is found by looking at it now and then.
pub(crate) fn observed(zone: &TimeZone, window: &Range<i64>) -> Zone {
    Zone::observe(window, &mut |quarter| Some(offset(zone, quarter))).unwrap()
}
