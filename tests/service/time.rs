//! Hours, dates and timestamps.

use promptmeter::time::{
    date_and_hour, hour_of, local_timestamp, parse_date, parse_timestamp, timestamp_from_ms, timestamp_to_ms,
};
use proptest::prelude::*;

/// 0001-01-01T00:00:00Z.
const FIRST_MS: i64 = -62_135_596_800_000;

fn check_hour(at_ms: i64, expected: (i64, &str, i64)) {
    let hour = hour_of(at_ms);
    let (date, hour_of_day) = date_and_hour(hour);
    assert_eq!((hour, date.as_str(), hour_of_day), expected, "{at_ms}");
}

#[test]
fn an_instant_falls_into_the_utc_hour_that_it_starts_or_continues() {
    check_hour(0, (0, "1970-01-01", 0));
    check_hour(3_599_999, (0, "1970-01-01", 0));
    check_hour(3_600_000, (1, "1970-01-01", 1));
    check_hour(-1, (-1, "1969-12-31", 23));
    check_hour(-3_600_000, (-1, "1969-12-31", 23));
    check_hour(-3_600_001, (-2, "1969-12-31", 22));
    check_hour(1_709_164_799_999, (474_767, "2024-02-28", 23));
    check_hour(1_709_164_800_000, (474_768, "2024-02-29", 0));
    check_hour(1_709_251_199_999, (474_791, "2024-02-29", 23));
    check_hour(1_709_251_200_000, (474_792, "2024-03-01", 0));
    check_hour(951_782_400_000, (264_384, "2000-02-29", 0));
    check_hour(1_798_761_599_999, (499_655, "2026-12-31", 23));
    check_hour(1_798_761_600_000, (499_656, "2027-01-01", 0));
    // Clocks in Europe change at 2026-03-29T01:00Z; UTC has no such hour.
    check_hour(1_774_746_000_000, (492_985, "2026-03-29", 1));
    check_hour(1_774_749_600_000, (492_986, "2026-03-29", 2));
    check_hour(FIRST_MS, (-17_259_888, "0001-01-01", 0));
}

#[test]
fn a_date_is_read_as_days_since_1970() {
    for (text, expected) in [
        ("1970-01-01", Some(0)),
        ("1969-12-31", Some(-1)),
        ("2024-02-29", Some(19_782)),
        ("2026-11-24", Some(20_781)),
        ("9999-12-31", Some(2_932_896)),
        ("2023-02-29", None),
        ("2026-13-01", None),
        ("2026-1-01", None),
        ("2026-01-01T00:00:00Z", None),
        (" 2026-01-01", None),
        ("0", None),
        ("1700000000", None),
        ("", None),
    ] {
        assert_eq!(parse_date(text), expected, "{text:?}");
    }
}

#[test]
fn local_time_is_written_with_its_offset() {
    for (quarter, offset, expected) in [
        (0, 0, "1970-01-01T00:00:00+00:00"),
        (0, -1, "1969-12-31T23:45:00-00:15"),
        (0, -14, "1969-12-31T20:30:00-03:30"),
        (1_971_932, 4, "2026-03-29T00:00:00+01:00"),
        (1_971_932, 56, "2026-03-29T13:00:00+14:00"),
        (1_971_933, 23, "2026-03-29T05:00:00+05:45"),
        (i64::MAX, 0, ""),
    ] {
        assert_eq!(local_timestamp(quarter, offset), expected, "{quarter} {offset}");
    }
}

fn check_timestamp(text: &str, expected: Option<&str>) {
    assert_eq!(parse_timestamp(text).as_deref(), expected, "{text:?}");
}

#[test]
fn timestamps_are_read_as_postgresql_and_rfc_3339_write_them() {
    for (text, stored) in [
        ("2024-03-05T12:34:56Z", "2024-03-05T12:34:56.000000+00:00"),
        ("2024-03-05t12:34:56z", "2024-03-05T12:34:56.000000+00:00"),
        ("2024-03-05T12:34:56.789Z", "2024-03-05T12:34:56.789000+00:00"),
        ("2024-03-05T12:34:56.789012+00:00", "2024-03-05T12:34:56.789012+00:00"),
        ("2024-03-05 12:34:56.789012+00", "2024-03-05T12:34:56.789012+00:00"),
        ("2024-03-05 12:34:56.7+00", "2024-03-05T12:34:56.700000+00:00"),
        ("2024-03-05 12:34:56.000001+00", "2024-03-05T12:34:56.000001+00:00"),
        ("2024-03-05 12:34:56.789012999Z", "2024-03-05T12:34:56.789012+00:00"),
        ("2024-03-05 12:34:56", "2024-03-05T12:34:56.000000+00:00"),
        ("2024-03-05T12:34:56.25", "2024-03-05T12:34:56.250000+00:00"),
        ("2024-03-05 12:34:56+05:30", "2024-03-05T07:04:56.000000+00:00"),
        ("2024-03-05 12:34:56-08", "2024-03-05T20:34:56.000000+00:00"),
        ("2024-12-31T23:30:00-01:00", "2025-01-01T00:30:00.000000+00:00"),
        ("2024-03-01T00:30:00+01:00", "2024-02-29T23:30:00.000000+00:00"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000+00:00"),
        ("9999-12-30T12:00:00Z", "9999-12-30T12:00:00.000000+00:00"),
    ] {
        check_timestamp(text, Some(stored));
        check_timestamp(stored, Some(stored));
    }
}

#[test]
fn what_is_no_instant_of_the_years_1_to_9999_is_none() {
    for text in [
        "",
        " ",
        "yesterday",
        "infinity",
        "-infinity",
        "1709642096",
        "2024",
        "2024-03",
        "12:34:56",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-03-05T25:00:00Z",
        "2024-03-05T12:60:00Z",
        "2024-03-05T12:34:56Z later",
        " 2024-03-05T12:34:56Z",
        "2024-03-05T12:34:56+99:00",
        "2024-03-05 12:34:56 BC",
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:30:00+01:00",
        "-000001-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
    ] {
        check_timestamp(text, None);
    }
}

#[test]
fn the_last_day_of_the_year_9999_is_a_day() {
    check_timestamp("9999-12-31T00:00:00Z", Some("9999-12-31T00:00:00.000000+00:00"));
    check_timestamp("9999-12-31 23:59:59.999999+00", Some("9999-12-31T23:59:59.999999+00:00"));
}

#[test]
fn milliseconds_outside_the_years_1_to_9999_are_none() {
    for (at_ms, expected) in [
        (0, Some("1970-01-01T00:00:00.000000+00:00")),
        (-1, Some("1969-12-31T23:59:59.999000+00:00")),
        (1_709_642_096_789, Some("2024-03-05T12:34:56.789000+00:00")),
        (FIRST_MS, Some("0001-01-01T00:00:00.000000+00:00")),
        (FIRST_MS - 1, None),
        (253_402_300_800_000, None),
        (i64::MIN, None),
        (i64::MAX, None),
    ] {
        assert_eq!(timestamp_from_ms(at_ms).as_deref(), expected, "{at_ms}");
    }
}

#[test]
fn stored_timestamps_give_their_milliseconds() {
    for (stored, expected) in [
        ("1970-01-01T00:00:00.000000+00:00", Some(0)),
        ("2024-03-05T12:34:56.789999+00:00", Some(1_709_642_096_789)),
        ("1969-12-31T23:59:59.999000+00:00", Some(-1)),
        ("", None),
        ("never", None),
    ] {
        assert_eq!(timestamp_to_ms(stored), expected, "{stored:?}");
    }
}

/// Else the first half of a millisecond before 1970 falls into another hour than its text.
#[test]
fn milliseconds_are_rounded_down_before_1970_too() {
    assert_eq!(timestamp_to_ms("1969-12-31T23:59:59.999500+00:00"), Some(-1));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn stored_timestamps_keep_their_instant_and_their_order(
        one in FIRST_MS..253_402_200_000_000,
        other in FIRST_MS..253_402_200_000_000,
    ) {
        let stored = |at_ms| timestamp_from_ms(at_ms).ok_or_else(|| TestCaseError::fail("no timestamp"));
        prop_assert_eq!(timestamp_to_ms(&stored(one)?), Some(one));
        prop_assert_eq!(parse_timestamp(&stored(one)?), Some(stored(one)?));
        prop_assert_eq!(stored(one)?.cmp(&stored(other)?), one.cmp(&other));
    }
}
