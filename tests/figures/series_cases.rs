//! Points of series around changes of clocks, each with where it begins.

use promptmeter::series::points::{Interval, bounds};

use crate::zones::{observed, quarter, zone};

const DAY: i64 = 96;

/// The local times at which the points of a range begin, and how many quarters they have. The range is of instants.
fn check(name: &str, interval: Interval, range: [&str; 2], expected: &[(&str, i64)]) {
    let [from, to] = range.map(quarter);
    let zone = observed(&zone(name), &(from - 3 * DAY..to + 3 * DAY));
    let bounds = bounds(&zone, interval, from, to);
    let points: Vec<(String, i64)> =
        bounds.windows(2).map(|pair| (zone.timestamp(pair[0]), pair[1] - pair[0])).collect();
    let expected: Vec<(String, i64)> = expected.iter().map(|(start, length)| ((*start).to_owned(), *length)).collect();
    assert_eq!(points, expected, "{name} {range:?}");
}

#[test]
fn a_day_on_which_clocks_change_has_23_or_25_hours() {
    check(
        "Europe/Berlin",
        Interval::Day,
        ["2026-03-28T12:00Z", "2026-03-30T00:00Z"],
        &[("2026-03-28T00:00:00+01:00", 96), ("2026-03-29T00:00:00+01:00", 92), ("2026-03-30T00:00:00+02:00", 96)],
    );
    check(
        "Europe/Berlin",
        Interval::Day,
        ["2026-10-24T22:00Z", "2026-10-25T23:00Z"],
        &[("2026-10-25T00:00:00+02:00", 100)],
    );
}

#[test]
fn an_hour_that_comes_twice_is_two_points_and_one_that_is_left_out_is_none() {
    check(
        "Europe/Berlin",
        Interval::Hour,
        ["2026-10-24T23:30Z", "2026-10-25T02:15Z"],
        &[
            ("2026-10-25T01:00:00+02:00", 4),
            ("2026-10-25T02:00:00+02:00", 4),
            ("2026-10-25T02:00:00+01:00", 4),
            ("2026-10-25T03:00:00+01:00", 4),
        ],
    );
    check(
        "Europe/Berlin",
        Interval::Hour,
        ["2026-03-29T00:00Z", "2026-03-29T02:00Z"],
        &[("2026-03-29T01:00:00+01:00", 4), ("2026-03-29T03:00:00+02:00", 4)],
    );
}

#[test]
fn hours_and_days_are_those_of_the_local_clock_whatever_its_offset() {
    for (name, hour, day) in [
        ("Asia/Kolkata", "2026-06-01T05:00:00+05:30", "2026-06-01T00:00:00+05:30"),
        ("Asia/Kathmandu", "2026-06-01T05:00:00+05:45", "2026-06-01T00:00:00+05:45"),
        ("America/St_Johns", "2026-05-31T21:00:00-02:30", "2026-05-31T00:00:00-02:30"),
        ("Pacific/Kiritimati", "2026-06-01T14:00:00+14:00", "2026-06-01T00:00:00+14:00"),
        ("Pacific/Pago_Pago", "2026-05-31T13:00:00-11:00", "2026-05-31T00:00:00-11:00"),
        ("UTC", "2026-06-01T00:00:00+00:00", "2026-06-01T00:00:00+00:00"),
    ] {
        let range = ["2026-06-01T00:00Z", "2026-06-01T00:15Z"];
        check(name, Interval::Hour, range, &[(hour, 4)]);
        check(name, Interval::Day, range, &[(day, 96)]);
    }
}

#[test]
fn set_by_half_an_hour_a_clock_makes_points_of_90_and_of_30_minutes() {
    check(
        "Australia/Lord_Howe",
        Interval::Hour,
        ["2026-04-04T14:00Z", "2026-04-04T15:45Z"],
        &[("2026-04-05T01:00:00+11:00", 6), ("2026-04-05T02:00:00+10:30", 4)],
    );
    check(
        "Australia/Lord_Howe",
        Interval::Hour,
        ["2026-10-03T14:30Z", "2026-10-03T17:00Z"],
        &[("2026-10-04T01:00:00+10:30", 4), ("2026-10-04T02:30:00+11:00", 2), ("2026-10-04T03:00:00+11:00", 4)],
    );
}

#[test]
fn a_day_without_midnight_begins_with_its_first_instant() {
    for (name, range, start) in [
        ("America/Sao_Paulo", ["2018-11-04T03:00Z", "2018-11-05T02:00Z"], "2018-11-04T01:00:00-02:00"),
        ("Africa/Cairo", ["2026-04-23T22:00Z", "2026-04-24T21:00Z"], "2026-04-24T01:00:00+03:00"),
        ("Asia/Beirut", ["2026-03-28T22:00Z", "2026-03-29T21:00Z"], "2026-03-29T01:00:00+03:00"),
        ("America/Asuncion", ["2024-10-06T04:00Z", "2024-10-07T03:00Z"], "2024-10-06T01:00:00-03:00"),
    ] {
        check(name, Interval::Day, range, &[(start, 92)]);
    }
}

#[test]
fn a_clock_that_goes_back_over_midnight_does_not_begin_the_day_twice() {
    for (name, range, starts) in [
        // At midnight it is 23:00 again: the day before has 25 hours, and midnight comes once.
        (
            "America/Sao_Paulo",
            ["2018-02-17T02:00Z", "2018-02-19T03:00Z"],
            [("2018-02-17T00:00:00-02:00", 100), ("2018-02-18T00:00:00-03:00", 96)],
        ),
        (
            "Africa/Cairo",
            ["2026-10-28T21:00Z", "2026-10-30T22:00Z"],
            [("2026-10-29T00:00:00+03:00", 100), ("2026-10-30T00:00:00+02:00", 96)],
        ),
        // At one minute past midnight it is 23:01 of the day before.
        (
            "America/St_Johns",
            ["2006-10-28T02:30Z", "2006-10-30T03:30Z"],
            [("2006-10-28T00:00:00-02:30", 96), ("2006-10-29T00:00:00-02:30", 100)],
        ),
        (
            "America/Asuncion",
            ["2024-03-23T03:00Z", "2024-03-25T04:00Z"],
            [("2024-03-23T00:00:00-03:00", 100), ("2024-03-24T00:00:00-04:00", 96)],
        ),
    ] {
        check(name, Interval::Day, range, &starts);
    }
}

#[test]
fn a_clock_that_is_set_at_one_minute_past_midnight_is_seen_from_the_next_quarter_on() {
    check(
        "America/St_Johns",
        Interval::Hour,
        ["2006-04-02T03:00Z", "2006-04-02T04:30Z"],
        &[("2006-04-01T23:00:00-03:30", 4), ("2006-04-02T00:00:00-03:30", 1), ("2006-04-02T01:15:00-02:30", 3)],
    );
    // Newfoundland's double summer time: two hours at once.
    check(
        "America/St_Johns",
        Interval::Day,
        ["1988-04-02T03:30Z", "1988-04-04T01:30Z"],
        &[("1988-04-02T00:00:00-03:30", 96), ("1988-04-03T00:00:00-03:30", 88)],
    );
}

#[test]
fn a_date_that_a_zone_left_out_is_no_point() {
    check(
        "Pacific/Apia",
        Interval::Day,
        ["2011-12-29T10:00Z", "2011-12-31T10:00Z"],
        &[("2011-12-29T00:00:00-10:00", 96), ("2011-12-31T00:00:00+14:00", 96)],
    );
    let zone = observed(&zone("Pacific/Apia"), &(quarter("2011-12-20T00:00Z")..quarter("2012-01-10T00:00Z")));
    let date = |day: i64| quarter("2011-12-01T00:00Z") / DAY + day - 1;
    for (day, start) in [(29, "2011-12-29T10:00Z"), (30, "2011-12-30T10:00Z"), (31, "2011-12-30T10:00Z")] {
        assert_eq!(zone.start_of(date(day)), Some(quarter(start)), "{day}");
    }
    assert_eq!(zone.start_of(date(60)), None);
}
