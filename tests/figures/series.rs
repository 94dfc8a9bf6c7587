//! Where the points of a series begin, in every time zone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use promptmeter::series::points::{Interval, bounds};
use promptmeter::series::zone::parse_offset;
use proptest::prelude::*;

use crate::zones::{self, changes, clock, names, observed, offset, zone};

const DAY: i64 = 96;
const DAY_S: i64 = 86_400;

/// The bounds by their definition, one quarter after another, from five days before the range to five after it.
fn by_definition(zone: &TimeZone, interval: Interval, from: i64, to: i64) -> Vec<i64> {
    let mut latest = Date::MIN;
    let mut before = clock(zone, from - 5 * DAY - 1);
    let mut all = Vec::new();
    for quarter in from - 5 * DAY..to + 5 * DAY {
        let now = clock(zone, quarter);
        let begins = match interval {
            Interval::Hour => now.minute() == 0 || (now.date(), now.hour()) != (before.date(), before.hour()),
            Interval::Day => now.date() > latest,
        };
        if begins {
            all.push(quarter);
        }
        (latest, before) = (latest.max(now.date()), now);
    }
    let first = *all.iter().rfind(|bound| **bound <= from).unwrap();
    let end = *all.iter().find(|bound| **bound >= to).unwrap();
    all.into_iter().filter(|bound| (first..=end).contains(bound)).collect()
}

fn check_range(name: &str, from: i64, to: i64) {
    let zone = zone(name);
    for interval in [Interval::Hour, Interval::Day] {
        let found = bounds(&observed(&zone, &(from - 3 * DAY..to + 3 * DAY)), interval, from, to);
        assert_eq!(found, by_definition(&zone, interval, from, to), "{name} {interval:?} {from}..{to}");
    }
}

#[test]
fn no_zone_changes_twice_within_the_days_between_two_looks() {
    let mut nearest = i64::MAX;
    for name in names() {
        for pair in changes(&zone(&name)).windows(2) {
            nearest = nearest.min(pair[1] - pair[0]);
        }
    }
    assert!(nearest > 6 * DAY_S, "{nearest} seconds");
}

#[test]
fn an_offset_is_a_number_of_quarters_but_in_two_places_long_ago() {
    let mut others = BTreeMap::new();
    for name in names() {
        let zone = zone(&name);
        let changes = changes(&zone);
        let spans = std::iter::once(0).chain(changes.iter().copied()).zip(changes.iter().copied().chain([i64::MAX]));
        for (start, end) in spans {
            if zone.to_offset(Timestamp::from_second(start).unwrap()).seconds() % 900 != 0 {
                others.insert(name.clone(), end / (366 * DAY_S) + 1970);
            }
        }
    }
    let known = [("Africa/Monrovia", 1972), ("Pacific/Kiritimati", 1979)];
    assert_eq!(others, known.map(|(name, year)| (name.to_owned(), year)).into());
}

#[test]
fn every_change_of_every_zone_is_found() {
    let window = 0..67 * 366 * DAY;
    for name in names() {
        let zone = zone(&name);
        let seen = |second: i64| (second + 899) / 900;
        let expected: Vec<(i64, i64)> = std::iter::once(0)
            .chain(changes(&zone).into_iter().map(seen).filter(|quarter| window.contains(quarter)))
            .map(|quarter| (quarter, offset(&zone, quarter)))
            .collect();
        let observed = observed(&zone, &window);
        let found: Vec<(i64, i64)> = observed.spans().map(|span| (span.quarters.start, span.offset)).collect();
        // Monrovia went from −0:44:30 to 0 in 1972.
        assert_eq!(found, expected, "{name}");
        for (quarter, expected) in expected.into_iter().skip(1) {
            let around = [observed.offset(quarter - 1), observed.offset(quarter)];
            assert_eq!(around, [offset(&zone, quarter - 1), expected], "{name} at {quarter}");
        }
    }
}

#[test]
fn around_a_change_of_every_zone_points_begin_where_the_definition_says() {
    for (index, name) in names().iter().enumerate() {
        let changes = changes(&zone(name));
        let count = changes.len();
        for chosen in [0, count / 2, (index * 7) % count.max(1), count.saturating_sub(1)] {
            let Some(second) = changes.get(chosen) else { continue };
            let about = second / 900 + i64::try_from(index % 9).unwrap() - 4;
            check_range(name, about - 50, about + 60);
            check_range(name, about, about + 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn points_begin_where_the_definition_says(
        zone in any::<prop::sample::Index>(),
        change in any::<prop::sample::Index>(),
        before in -200i64..200,
        length in 1i64..300,
    ) {
        let names = names();
        let name = &names[zone.index(names.len())];
        let changes = changes(&zones::zone(name));
        let second = if changes.is_empty() { 1_700_000_000 } else { changes[change.index(changes.len())] };
        let from = second / 900 - before;
        check_range(name, from, from + length);
    }
}

#[test]
fn offsets_are_read_as_runtimes_write_them() {
    for (text, expected) in [
        ("3/29/2026, GMT+02:00", Some(8)),
        ("3/29/2026, GMT", Some(0)),
        ("3/29/2026, GMT+00:00", Some(0)),
        ("GMT-03:30", Some(-14)),
        ("GMT-00:15", Some(-1)),
        ("GMT+12:45", Some(51)),
        ("12/31/1969, GMT-00:44:30", Some(-3)),
        ("3/29/2026, CET", None),
        ("3/29/2026, GMT+", None),
        ("GMT+x:00", None),
        ("GMT+02:é", None),
        ("GMT+2", None),
        ("", None),
    ] {
        assert_eq!(parse_offset(text), expected, "{text}");
    }
}
