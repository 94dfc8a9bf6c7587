//! Which series are asked for, what is refused, and the answers.

use std::cell::Cell;
use std::ops::Range;

use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::http::problem::{Code, Problem};
use promptmeter::http::query::Query;
use promptmeter::series::answer::Series;
use promptmeter::series::points::Interval;
use promptmeter::series::request::{Period, SeriesRequest};
use promptmeter::series::zone::Zone;
use serde_json::json;
use uuid::Uuid;

use crate::zones::{names, observed, quarter, zone};

/// 2026-11-24T12:07:00Z.
const NOW_MS: i64 = 1_795_522_020_000;

/// The points of a request, as an edge would find them.
fn bounds(period: &Period) -> Result<(Zone, Vec<i64>), Problem> {
    let zone = observed(&zone(&period.tz), &period.window()?);
    let bounds = period.bounds(&zone)?;
    Ok((zone, bounds))
}

fn series(query: &str) -> Result<(SeriesRequest, Zone, Vec<i64>), Problem> {
    let request = SeriesRequest::parse(&Query::parse(query), NOW_MS)?;
    let (zone, bounds) = bounds(&request.period)?;
    Ok((request, zone, bounds))
}

fn check(query: &str, expected: &(Metric, Interval, usize, Range<&str>)) {
    let (request, zone, bounds) = series(query).unwrap_or_else(|problem| panic!("{query}: {}", problem.detail));
    let ends = zone.timestamp(bounds[0])..zone.timestamp(*bounds.last().unwrap());
    let actual = (request.metric, request.period.interval, bounds.len() - 1, ends.start.as_str()..ends.end.as_str());
    assert_eq!(&actual, expected, "{query}");
}

#[test]
fn a_series_has_30_days_or_24_hours_up_to_now_unless_it_says_otherwise() {
    use Interval::{Day, Hour};
    use Metric::{Bot, Compare, Copy, Fork, Headless, Prefetch, View, Visit};
    let days = "2026-10-25T00:00:00+00:00".."2026-11-25T00:00:00+00:00";
    let hours = "2026-11-23T12:00:00+00:00".."2026-11-24T13:00:00+00:00";
    for (query, expected) in [
        ("", (View, Day, 31, days.clone())),
        ("metric=view&interval=day&tz=UTC", (View, Day, 31, days.clone())),
        ("metric=visit", (Visit, Day, 31, days.clone())),
        ("metric=bot", (Bot, Day, 31, days.clone())),
        ("metric=headless", (Headless, Day, 31, days.clone())),
        ("metric=prefetch", (Prefetch, Day, 31, days)),
        ("metric=copy&interval=hour", (Copy, Hour, 25, hours)),
        (
            "metric=fork&interval=hour&tz=Asia/Kolkata",
            (Fork, Hour, 25, "2026-11-23T17:00:00+05:30".."2026-11-24T18:00:00+05:30"),
        ),
        (
            "metric=compare&to=2026-03-31&tz=Europe%2FBerlin",
            (Compare, Day, 31, "2026-02-28T00:00:00+01:00".."2026-03-31T00:00:00+02:00"),
        ),
        (
            "interval=hour&to=2026-03-29&tz=Europe/Berlin",
            (View, Hour, 24, "2026-03-28T00:00:00+01:00".."2026-03-29T00:00:00+01:00"),
        ),
        ("to=0", (View, Day, 30, "1969-12-02T00:00:00+00:00".."1970-01-01T00:00:00+00:00")),
    ] {
        check(query, &expected);
    }
}

#[test]
fn a_range_is_covered_by_whole_points() {
    use Interval::{Day, Hour};
    use Metric::View;
    for (query, expected) in [
        // A millisecond is in one point; the end is not part of the range.
        (
            "from=1795522020000&to=1795522020001",
            (View, Day, 1, "2026-11-24T00:00:00+00:00".."2026-11-25T00:00:00+00:00"),
        ),
        (
            "interval=hour&from=1795521600000&to=1795525200000",
            (View, Hour, 1, "2026-11-24T12:00:00+00:00".."2026-11-24T13:00:00+00:00"),
        ),
        (
            "interval=hour&from=1795521599999&to=1795525200001",
            (View, Hour, 3, "2026-11-24T11:00:00+00:00".."2026-11-24T14:00:00+00:00"),
        ),
        (
            "from=2026-03-01&to=2026-04-01&tz=America/New_York",
            (View, Day, 31, "2026-03-01T00:00:00-05:00".."2026-04-01T00:00:00-04:00"),
        ),
        (
            "from=2026-03-29&to=1774738800001&tz=Europe/Berlin",
            (View, Day, 1, "2026-03-29T00:00:00+01:00".."2026-03-30T00:00:00+02:00"),
        ),
        // A date that Samoa left out is the start of the next one.
        (
            "from=2011-12-30&to=2012-01-01&tz=Pacific/Apia",
            (View, Day, 1, "2011-12-31T00:00:00+14:00".."2012-01-01T00:00:00+14:00"),
        ),
        (
            "from=1970-01-01&to=1970-01-02&tz=Africa/Monrovia",
            (View, Day, 1, "1970-01-01T00:00:00-00:45".."1970-01-02T00:00:00-00:45"),
        ),
        (
            "from=8999-12-30&to=221845392000000&tz=UTC",
            (View, Day, 2, "8999-12-30T00:00:00+00:00".."9000-01-01T00:00:00+00:00"),
        ),
    ] {
        check(query, &expected);
    }
}

fn check_refused(query: &str, detail: &str) {
    let problem = series(query).err().map(|problem| (problem.code, problem.detail));
    assert_eq!(problem, Some((Code::InvalidValue, detail.to_owned())), "{query}");
}

#[test]
fn a_refusal_says_what_is_allowed() {
    for metric in ["", "views", "View", "like", "visitor", "compare_add"] {
        check_refused(
            &format!("metric={metric}"),
            "metric is view, copy, fork, compare, visit, bot, headless or prefetch.",
        );
    }
    for interval in ["", "week", "Hour"] {
        check_refused(&format!("interval={interval}"), "interval is hour or day.");
    }
    let zone = "tz is the name of a time zone in the IANA's list, like Europe/Berlin or UTC.";
    let long = "A".repeat(65);
    for tz in
        ["", "%2B01:00", "+01:00", "-0100", "IST", "pst", "Europe/Bérlin", "a'b", "Europe Berlin", "../UTC", &long]
    {
        check_refused(&format!("tz={tz}"), zone);
    }
    for name in ["from", "to"] {
        for text in
            ["", "-1", "1.5", "yesterday", "2026-02-29", "2026-3-1", "1969-12-31", "9000-01-02", "221845392000001"]
        {
            let allowed =
                "is a date like 2026-03-01, or milliseconds since 1970, a whole number from 0 to 221845392000000.";
            check_refused(&format!("{name}={text}"), &format!("{name} {allowed}"));
        }
    }
}

#[test]
fn from_is_before_to() {
    for query in [
        "from=2026-03-01&to=2026-03-01",
        "from=1000&to=1000",
        "from=1001&to=1000",
        "from=2026-03-02&to=2026-03-01",
        "from=8999-12-31&to=0",
        "from=2026-11-25",
        "from=2011-12-30&to=2011-12-31&tz=Pacific/Apia",
        // The same instant: midnight in Berlin.
        "from=1774738800000&to=2026-03-29&tz=Europe/Berlin",
    ] {
        check_refused(query, "from is before to.");
    }
}

#[test]
fn a_series_has_at_most_10_000_points() {
    let hours = "from and to are at most 10000 hours apart.";
    let days = "from and to are at most 10000 days apart.";
    let hour_ms = 3_600_000;
    for tz in ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"] {
        let range =
            |points: i64| format!("interval=hour&tz={tz}&from=2010-01-01&to={}", 1_262_304_000_000 + points * hour_ms);
        assert!(series(&range(9_980)).is_ok(), "{tz}");
        check_refused(&range(10_020), hours);
    }
    let whole = |interval: &str, to_ms: i64| format!("interval={interval}&from=0&to={to_ms}");
    for (interval, length_ms, detail) in [("hour", hour_ms, hours), ("day", 24 * hour_ms, days)] {
        assert_eq!(series(&whole(interval, 10_000 * length_ms)).unwrap().2.len(), 10_001);
        check_refused(&whole(interval, 10_000 * length_ms + 1), detail);
    }
    check_refused("from=1970-01-01&to=8999-12-31", days);
    check_refused("from=1970-01-01&to=8999-12-31&interval=hour", hours);
}

#[test]
fn a_funnel_has_at_most_1_000_days() {
    let period = |query: &str| Period::of_funnel(&Query::parse(query), NOW_MS);
    let number = |query: &str| period(query).and_then(|period| bounds(&period)).map(|(_, bounds)| bounds.len() - 1);
    assert_eq!(number(""), Ok(31));
    assert_eq!(number("from=2024-01-01&to=2026-09-27"), Ok(1000));
    let detail = number("from=2024-01-01&to=2026-09-28").map_err(|problem| problem.detail);
    assert_eq!(detail, Err("from and to are at most 1000 days apart.".to_owned()));
}

#[test]
fn a_zone_is_looked_at_no_more_than_the_limit_allows() {
    for interval in ["hour", "day"] {
        for to in ["8999-12-31", "1997-05-20", "1997-05-30", "1971-02-21", "1971-03-10"] {
            let request = SeriesRequest::parse(&Query::parse(&format!("from=0&to={to}&interval={interval}")), NOW_MS);
            let Ok(window) = request.unwrap().period.window() else { continue };
            let looks = Cell::new(0);
            let look = |_| {
                looks.set(looks.get() + 1);
                Some(0)
            };
            assert!(Zone::observe(&window, &mut { look }).is_some());
            assert!(looks.get() < 1700, "{interval} {to}: {}", looks.get());
        }
    }
}

#[test]
fn every_name_in_the_list_may_be_asked_for() {
    for name in names() {
        let query = format!("tz={}", name.replace('+', "%2B"));
        let request = SeriesRequest::parse(&Query::parse(&query), NOW_MS);
        assert_eq!(request.map(|request| request.period.tz), Ok(name));
    }
}

#[test]
fn an_answer_has_every_point_and_what_was_counted() {
    let (request, zone, bounds) = series("metric=copy&from=2026-03-28&to=2026-03-31&tz=Europe/Berlin").unwrap();
    assert_eq!(bounds[1], quarter("2026-03-28T23:00Z"));
    let counted = [(1, Tally { views: 5, copies: 3, ..Tally::default() }), (2, Tally { views: 7, ..Tally::default() })];
    let answer = Series::new(Uuid::nil(), &request, &zone, &bounds, &counted);
    let expected = json!({
        "promptId": "00000000-0000-0000-0000-000000000000",
        "metric": "copy",
        "interval": "day",
        "tz": "Europe/Berlin",
        "points": [
            {"start": "2026-03-28T00:00:00+01:00", "count": 0},
            {"start": "2026-03-29T00:00:00+01:00", "count": 3},
            {"start": "2026-03-30T00:00:00+02:00", "count": 0},
        ],
    });
    assert_eq!(serde_json::to_value(&answer).unwrap(), expected);
}
