//! Cases of the rollup's definition, each with what it comes to.

use std::collections::HashMap;

use promptmeter::events::event::ExperimentEventKind::{self, Conversion, Exposure, Pageview};
use promptmeter::experiments::rollup::{Changes, RulesInForce, SessionDigest, roll};
use promptmeter::experiments::session::{MultiVariant, Rules};
use promptmeter::limits::{SESSION_MEASUREMENTS, SESSION_METRICS};

use crate::rolled::definition::*;
use crate::rolled::storage::*;

#[test]
fn rolling_up_nothing_changes_nothing() {
    let storage = rolled(Rules::default(), &[sent("alice", Exposure, 0, "red"), sent("bob", Pageview, 0, "red")]);
    let stored = storage.sessions.keys().filter_map(|key| Some((*key, storage.session(key)?))).collect();
    assert_eq!(roll(&slice_of(&[], Delivered::on_time(0)), stored, &HashMap::new()), Changes::default());
}

#[test]
fn what_an_hour_counted_already_is_written_as_a_difference() {
    let storage = rolled(Rules::default(), &[sent("alice", Exposure, 0, "red")]);
    let late = sent("alice", Pageview, 5, "red");
    let stored = HashMap::from([(key_of(&late), storage.session(&key_of(&late)).unwrap())]);
    let changes = roll(&slice_of(&[late], Delivered::on_time(1)), stored, &HashMap::new());
    let differences: Vec<Columns> = changes.rows.values().map(columns).collect();
    assert_eq!(differences, [[0, 1, 1, 0, 0, 0, 0, 0, 0]]);
}

fn sent(session: &'static str, kind: ExperimentEventKind, at_ms: i64, variant: &'static str) -> Sent {
    Sent { experiment: "checkout", session, kind, at_ms, variant: Some(variant), measured: None }
}

fn measured(session: &'static str, at_ms: i64, metric: &'static str, value: Option<f64>) -> Sent {
    Sent { measured: Some((metric, value)), ..sent(session, Conversion, at_ms, "red") }
}

/// What is stored when these events of one experiment were rolled up.
fn rolled(rules: Rules, sent: &[Sent]) -> Storage {
    let mut storage = Storage::with_rules([("checkout", rules)]);
    storage.roll(sent, Delivered::on_time(sent.len()));
    storage.check("rolled up");
    storage
}

type Expected = (&'static [(&'static str, i64, Columns)], (i64, i64));

/// One experiment's rows, as variant, hour and columns, and its unexposed and multi-variant sessions.
fn check(rules: Rules, sent: &[Sent], (rows, (unexposed, multi_variant)): Expected) {
    let rows =
        rows.iter().map(|&(variant, hour, columns)| (("checkout".to_owned(), variant.to_owned(), hour), columns));
    let qualities =
        ((unexposed, multi_variant) != (0, 0)).then(|| ("checkout".to_owned(), [0, 0, unexposed, multi_variant, 0, 0]));
    let (actual_rows, _, actual_qualities) = rolled(rules, sent).figures();
    let expected: (Rows, Qualities) = (rows.collect(), qualities.into_iter().collect());
    assert_eq!((actual_rows, actual_qualities), expected, "{rules:?} {sent:?}");
}

#[test]
fn cases_of_the_definition() {
    let default = Rules::default();
    check(default, &[], (&[], (0, 0)));
    check(default, &[sent("alice", Pageview, 0, "red"), sent("alice", Conversion, 1, "red")], (&[], (1, 0)));
    check(
        default,
        &[sent("alice", Exposure, 0, "red"), sent("bob", Exposure, 1, "red"), sent("bob", Pageview, 2, "green")],
        (&[("red", 0, [2, 1, 1, 2, 2, 0, 0, 2, 0])], (0, 0)),
    );
    // The last millisecond of the year is in its hour, the next in the next.
    check(
        default,
        &[sent("alice", Exposure, -1, "red"), sent("alice", Conversion, 0, "red")],
        (&[("red", -1, [1, 0, 0, 1, 1, 0, 0, 1, 0]), ("red", 0, [1, 0, 0, 0, 0, 1, 1, 0, 1])], (0, 0)),
    );
    // A conversion at the exposure's own instant is one; an earlier one of the same hour is only in the totals.
    check(
        default,
        &[sent("alice", Conversion, 5, "red"), sent("alice", Exposure, 5, "red")],
        (&[("red", 0, [1, 0, 0, 1, 1, 1, 1, 1, 1])], (0, 0)),
    );
    let early = [sent("alice", Conversion, 4, "red"), sent("alice", Exposure, 5, "red")];
    check(default, &early, (&[("red", 0, [1, 0, 0, 1, 1, 1, 1, 1, 0])], (0, 0)));
    check(
        default,
        &[early[0], early[1], sent("alice", Conversion, HOUR_MS, "red")],
        (&[("red", 0, [1, 0, 0, 1, 1, 1, 1, 1, 0]), ("red", 1, [1, 0, 0, 0, 0, 1, 1, 0, 1])], (0, 0)),
    );
    // A conversion of a metric is a sign of the session in its hour, and no conversion.
    check(
        default,
        &[sent("alice", Exposure, 5, "red"), measured("alice", HOUR_MS, "revenue", None)],
        (&[("red", 0, [1, 0, 0, 1, 1, 0, 0, 1, 0]), ("red", 1, [1, 0, 0, 0, 0, 0, 0, 0, 0])], (0, 0)),
    );
    check(default, &[measured("alice", 0, "revenue", Some(1.0))], (&[], (1, 0)));
}

#[test]
fn cases_of_the_conversion_window() {
    let exposed: (&str, i64, Columns) = ("red", 0, [1, 0, 0, 1, 1, 0, 0, 1, 0]);
    let converted: (&str, i64, Columns) = ("red", 24, [1, 0, 0, 0, 0, 1, 1, 0, 1]);
    let too_late: (&str, i64, Columns) = ("red", 24, [1, 0, 0, 0, 0, 1, 1, 0, 0]);
    for (window, at_ms, row) in [
        (Some(24), 24 * HOUR_MS + 7, converted),
        (Some(24), 24 * HOUR_MS + 8, too_late),
        (Some(25), 24 * HOUR_MS + 8, converted),
        (Some(1), 24 * HOUR_MS + 7, too_late),
        (None, 24 * HOUR_MS + 8, converted),
    ] {
        let sent = [sent("alice", Exposure, 7, "red"), sent("alice", Conversion, at_ms, "red")];
        let storage = rolled(rules(MultiVariant::Exclude, window), &sent);
        let rows =
            [exposed, row].map(|(variant, hour, columns)| (("checkout".to_owned(), variant.to_owned(), hour), columns));
        assert_eq!(storage.figures(), (Rows::from(rows), Metrics::new(), Qualities::new()), "{window:?} {at_ms}");
    }
}

#[test]
fn cases_of_two_variants() {
    let both =
        [sent("alice", Exposure, 5, "red"), sent("alice", Exposure, 5, "green"), sent("bob", Exposure, 6, "green")];
    check(rules(MultiVariant::Exclude, None), &both, (&[("green", 0, [1, 0, 0, 1, 1, 0, 0, 1, 0])], (0, 1)));
    check(
        rules(MultiVariant::First, None),
        &both,
        (&[("green", 0, [1, 0, 0, 1, 1, 0, 0, 1, 0]), ("red", 0, [1, 0, 0, 2, 1, 0, 0, 1, 0])], (0, 1)),
    );
    // A late exposure that comes before the first one takes the whole session along.
    let late = [
        sent("alice", Exposure, 5, "red"),
        sent("alice", Pageview, HOUR_MS, "red"),
        sent("alice", Exposure, 4, "green"),
    ];
    check(
        rules(MultiVariant::First, None),
        &late,
        (&[("green", 0, [1, 0, 0, 2, 1, 0, 0, 1, 0]), ("green", 1, [1, 1, 1, 0, 0, 0, 0, 0, 0])], (0, 1)),
    );
    check(rules(MultiVariant::Exclude, None), &late, (&[], (0, 1)));
}

/// Variant, metric, sessions, those with a value, the sum of the values and of the squares of the sessions' sums.
type ExpectedMetric = (&'static str, &'static str, i64, i64, f64, f64);

fn check_metrics(rules: Rules, sent: &[Sent], expected: &[ExpectedMetric]) {
    let key = |variant: &str, metric: &str| ("checkout".to_owned(), variant.to_owned(), metric.to_owned());
    let expected: Metrics = expected
        .iter()
        .map(|&(variant, metric, sessions, valued, sum, squares)| {
            (key(variant, metric), (sessions, valued, sum, squares))
        })
        .collect();
    assert_eq!(rolled(rules, sent).figures().1, expected, "{rules:?} {sent:?}");
}

#[test]
fn cases_of_metrics() {
    let default = Rules::default();
    let exposed = sent("alice", Exposure, 5, "red");
    check_metrics(default, &[exposed, sent("alice", Conversion, 6, "red")], &[]);
    check_metrics(default, &[measured("alice", 6, "revenue", Some(1.0))], &[]);
    check_metrics(default, &[exposed, measured("alice", 6, "revenue", None)], &[("red", "revenue", 1, 0, 0.0, 0.0)]);
    check_metrics(
        default,
        &[exposed, measured("alice", 6, "revenue", Some(0.0))],
        &[("red", "revenue", 1, 1, 0.0, 0.0)],
    );
    // The values of a session add up before they are squared.
    check_metrics(
        default,
        &[
            exposed,
            measured("alice", 6, "revenue", Some(1.5)),
            measured("alice", 7, "revenue", None),
            measured("alice", 8, "revenue", Some(2.5)),
            measured("alice", 8, "clicks", Some(-1.0)),
            sent("bob", Exposure, 5, "red"),
            measured("bob", 5, "revenue", Some(3.0)),
            sent("carol", Exposure, 5, "green"),
            measured("carol", 5, "revenue", None),
        ],
        &[
            ("red", "revenue", 2, 2, 7.0, 25.0),
            ("red", "clicks", 1, 1, -1.0, 1.0),
            ("green", "revenue", 1, 0, 0.0, 0.0),
        ],
    );
    // At the exposure's own instant, not before; at the last instant of the window, not after.
    let window = rules(MultiVariant::Exclude, Some(1));
    for (at_ms, counts) in [(4, false), (5, true), (HOUR_MS + 5, true), (HOUR_MS + 6, false)] {
        let expected = [("red", "revenue", 1, 1, 2.0, 4.0)];
        let expected = if counts { &expected[..] } else { &[] };
        check_metrics(window, &[measured("alice", at_ms, "revenue", Some(2.0)), exposed], expected);
    }
    // A session with two variants.
    let both = [exposed, sent("alice", Exposure, 6, "green"), measured("alice", 7, "revenue", Some(2.0))];
    check_metrics(default, &both, &[]);
    check_metrics(rules(MultiVariant::First, None), &both, &[("red", "revenue", 1, 1, 2.0, 4.0)]);
}

/// A session's measurements are kept in the order of arrival, and no more than 250 of them.
#[test]
fn measurements_beyond_those_that_are_kept_are_told_and_count_nowhere() {
    assert_eq!(SESSION_MEASUREMENTS, 250);
    let many = |session, first_ms: i64, count: i64| {
        (0..count).map(move |number| measured(session, first_ms - number, "revenue", Some(2.0)))
    };
    let mut storage = Storage::with_rules([("checkout", Rules::default())]);
    let events: Vec<Sent> = many("alice", 2000, 253)
        .chain(many("bob", 10_000, 250))
        .chain([sent("alice", Exposure, 0, "red"), sent("bob", Exposure, 9_950, "green")])
        .chain([measured("alice", 3000, "clicks", None), measured("bob", 9_999, "clicks", None)])
        .chain([sent("bob", Exposure, 9_901, "green"), sent("alice", Conversion, 1, "red")])
        .collect();
    for slice in events.chunks(247) {
        storage.roll(slice, Delivered::on_time(slice.len()));
        storage.check("more than can be kept");
    }
    let key = |variant: &str| ("checkout".to_owned(), variant.to_owned(), "revenue".to_owned());
    let expected = Metrics::from([
        (key("red"), (1, 1, 500.0, 250_000.0)),
        // Those at 10,000 ms and before, down to the exposure: 100.
        (key("green"), (1, 1, 200.0, 40_000.0)),
    ]);
    let (_, metrics, qualities) = storage.figures();
    assert_eq!(metrics, expected);
    assert_eq!(qualities, Qualities::from([("checkout".to_owned(), [0, 0, 0, 0, 0, 5])]));
}

/// Of the first sixteen metrics of a session, in the order of arrival.
#[test]
fn a_session_measures_sixteen_metrics() {
    const NAMES: [&str; 18] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r"];
    assert_eq!(SESSION_METRICS, 16);
    let mut storage = Storage::with_rules([("checkout", Rules::default())]);
    let events: Vec<Sent> = [sent("alice", Exposure, 0, "red")]
        .into_iter()
        .chain(NAMES.into_iter().chain(NAMES).map(|name| measured("alice", 1, name, Some(1.0))))
        .collect();
    for slice in events.chunks(7) {
        storage.roll(slice, Delivered::on_time(slice.len()));
        storage.check("more metrics than a session may have");
    }
    let (_, metrics, qualities) = storage.figures();
    assert_eq!((metrics.len(), qualities["checkout"]), (16, [0, 0, 0, 0, 0, 4]));
}

/// Sums that are not exact are touched only where they change.
#[test]
fn what_a_session_measured_is_not_written_again_unless_it_changes() {
    let storage = rolled(Rules::default(), &[sent("alice", Exposure, 0, "red"), measured("alice", 1, "m", Some(0.1))]);
    for (event, differences) in [
        (sent("alice", Pageview, 2, "red"), vec![]),
        (measured("alice", -1, "m", Some(0.2)), vec![]),
        (measured("alice", 3, "m", None), vec![]),
        (measured("alice", 3, "n", None), vec![("n", 1, 0)]),
        (measured("alice", 3, "m", Some(7.0)), vec![("m", 0, 0)]),
        (sent("alice", Exposure, 2, "red"), vec![]),
        (sent("alice", Exposure, 2, "green"), vec![("m", -1, -1)]),
    ] {
        let stored = HashMap::from([(key_of(&event), storage.session(&key_of(&event)).unwrap())]);
        let changes = roll(&slice_of(&[event], Delivered::on_time(1)), stored, &HashMap::new());
        let actual: Vec<(&str, i64, i64)> = changes
            .metrics
            .iter()
            .map(|(key, figures)| (key.metric.as_str(), figures.sessions, figures.value_sessions))
            .collect();
        assert_eq!(actual, differences, "{event:?}");
    }
}

#[test]
fn what_others_measured_does_not_blur_a_sum() {
    let known = ["alice", "bob"];
    let before = known.map(|name| [sent(name, Exposure, 0, "red"), measured(name, 1, "m", Some(1.1))]).concat();
    for name in &SESSIONS[2..] {
        let storage = rolled(Rules::default(), &before);
        let new = [sent(name, Exposure, 0, "red"), measured(name, 1, "m", Some(0.1))];
        let others = known.map(|name| [sent(name, Pageview, 2, "red"), measured(name, 2, "n", Some(3.0))]).concat();
        let slice = [others, new.to_vec()].concat();
        let stored = storage.sessions.keys().filter_map(|key| Some((*key, storage.session(key)?))).collect();
        let changes = roll(&slice_of(&slice, Delivered::on_time(slice.len())), stored, &HashMap::new());
        let of_m = changes.metrics.iter().filter(|(key, _)| key.metric == "m");
        let sums: Vec<(i64, f64, f64)> =
            of_m.map(|(_, sums)| (sums.sessions, sums.value_sum, sums.value_sum_of_squares)).collect();
        assert_eq!(sums, [(1, 0.1, 0.1 * 0.1)], "{name}");
    }
}

fn check_late(behind_ms: i64, is_late: bool) {
    let mut storage = Storage::default();
    let delivered = Delivered { events: 2, received_ms: behind_ms, left_out: (3, 4) };
    storage.roll(&[sent("alice", Exposure, 0, "red"), sent("alice", Pageview, behind_ms, "red")], delivered);
    let expected = |late| [late, 3, 0, 0, 4, 0];
    let qualities = [("checkout".to_owned(), expected(i64::from(is_late))), ("pricing".to_owned(), expected(0))].into();
    assert_eq!(storage.figures().2, qualities, "{behind_ms} ms behind");
}

#[test]
fn an_event_is_late_more_than_an_hour_after_it_happened() {
    check_late(0, false);
    check_late(-300_000, false);
    check_late(HOUR_MS, false);
    check_late(HOUR_MS + 1, true);
    check_late(48 * HOUR_MS, true);
}

#[test]
fn while_rules_change_sessions_up_to_the_last_that_was_judged_have_the_next() {
    let (old, new) = (rules(MultiVariant::Exclude, None), rules(MultiVariant::First, Some(7)));
    let of = |judged_to: u8| -> SessionDigest { [[judged_to; 8], [0; 8]].concat().try_into().unwrap() };
    for (next, session, expected) in [
        (None, of(0), old),
        (Some((new, None)), of(0), old),
        (Some((new, Some(of(7)))), of(0), new),
        (Some((new, Some(of(7)))), of(6), new),
        (Some((new, Some(of(7)))), of(7), new),
        (Some((new, Some(of(7)))), of(8), old),
        (Some((new, Some(of(127)))), of(128), old),
        (Some((new, Some(of(255)))), of(255), new),
    ] {
        assert_eq!(RulesInForce { rules: old, next }.of(&session), expected, "{next:?} {session:?}");
    }
}
