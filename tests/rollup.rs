//! The rollup against a brute force that is written from its definition alone.
//!
//! Over all accepted events of an experiment in the order of their time (ties: order of arrival), a session's variant is
//! the one of its first exposure, all its events belong to that variant, and an hourly row counts its hour's distinct
//! sessions and totals, the sessions whose first exposure is in the hour, and those whose first conversion at or after it
//! and inside the window is. A session with two variants leaves the rows (`exclude`) or stays with its first (`first`).

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use promptmeter::events::event::ExperimentEventKind::{self, Conversion, Exposure, Pageview};
use promptmeter::experiments::rollup::{Arrival, Changes, SessionKey, Slice, roll};
use promptmeter::experiments::session::{MultiVariant, Occurrence, Rules, Session, restore_hours, store_hours};
use promptmeter::experiments::summary::{Figures, RowKey};
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;
/// 2027-01-01T00:00:00Z: the edge of an hour, a day and a year.
const EDGE_MS: i64 = 1_798_761_600_000;
const EXPERIMENTS: [&str; 2] = ["checkout", "pricing"];
const SESSIONS: [&str; 3] = ["alice", "bob", "carol"];
const VARIANTS: [&str; 3] = ["control", "green", "red"];

/// An event: experiment, session, kind, time in milliseconds since [`EDGE_MS`], variant.
type Sent = (&'static str, &'static str, ExperimentEventKind, i64, Option<&'static str>);

/// sessions, pageviews, their sessions, exposures, their sessions, conversions, their sessions, newly exposed, newly
/// converted.
type Columns = [i64; 9];

/// Rows that have something in them, by experiment, variant and hour since [`EDGE_MS`].
type Rows = BTreeMap<(String, String, i64), Columns>;

/// Unexposed and multi-variant sessions, by experiment, where there are any.
type Qualities = BTreeMap<String, (i64, i64)>;

#[derive(Default)]
struct BruteRow {
    sessions: BTreeSet<&'static str>,
    of_kind: BTreeMap<&'static str, (i64, BTreeSet<&'static str>)>,
    new_exposed: i64,
    new_converted: i64,
}

impl BruteRow {
    fn columns(&self) -> Columns {
        let distinct = |sessions: &BTreeSet<_>| i64::try_from(sessions.len()).unwrap();
        let of_kind = |kind: ExperimentEventKind| {
            self.of_kind.get(kind.name()).map_or((0, 0), |(total, sessions)| (*total, distinct(sessions)))
        };
        let ((pageviews, viewing), (exposures, exposed), (conversions, converting)) =
            (of_kind(Pageview), of_kind(Exposure), of_kind(Conversion));
        [
            distinct(&self.sessions),
            pageviews,
            viewing,
            exposures,
            exposed,
            conversions,
            converting,
            self.new_exposed,
            self.new_converted,
        ]
    }
}

fn brute_force(sent: &[Sent], rules: &HashMap<String, Rules>) -> (Rows, Qualities) {
    let mut ordered = sent.to_vec();
    ordered.sort_by_key(|event| event.3);
    let mut by_session: BTreeMap<(&str, &'static str), Vec<Sent>> = BTreeMap::new();
    for event in ordered {
        by_session.entry((event.0, event.1)).or_default().push(event);
    }
    let mut rows: BTreeMap<(String, String, i64), BruteRow> = BTreeMap::new();
    let mut qualities = Qualities::new();
    for ((experiment, session), events) in by_session {
        let rules = rules.get(experiment).copied().unwrap_or_default();
        let exposures: Vec<&Sent> = events.iter().filter(|event| event.2 == Exposure).collect();
        let Some(&&(_, _, _, exposed_ms, variant)) = exposures.first() else {
            qualities.entry(experiment.to_owned()).or_default().0 += 1;
            continue;
        };
        if exposures.iter().any(|exposure| exposure.4 != variant) {
            qualities.entry(experiment.to_owned()).or_default().1 += 1;
            if rules.multi_variant == MultiVariant::Exclude {
                continue;
            }
        }
        let row_of = |at_ms: i64| (experiment.to_owned(), variant.unwrap().to_owned(), at_ms.div_euclid(HOUR_MS));
        for &(_, _, kind, at_ms, _) in &events {
            let row = rows.entry(row_of(at_ms)).or_default();
            row.sessions.insert(session);
            let (total, sessions) = row.of_kind.entry(kind.name()).or_default();
            *total += 1;
            sessions.insert(session);
        }
        rows.entry(row_of(exposed_ms)).or_default().new_exposed += 1;
        let converted = events.iter().find(|event| event.2 == Conversion && event.3 >= exposed_ms);
        if let Some(&(_, _, _, converted_ms, _)) = converted {
            let in_window = |hours| converted_ms - exposed_ms <= hours * HOUR_MS;
            if rules.conversion_window_hours.is_none_or(in_window) {
                rows.entry(row_of(converted_ms)).or_default().new_converted += 1;
            }
        }
    }
    (rows.into_iter().map(|(key, row)| (key, row.columns())).collect(), qualities)
}

/// A session as it is stored: its first exposure, whether it has two variants, its hours.
type StoredSession = (Option<(i64, String)>, bool, String);

/// What the rollup has stored so far.
#[derive(Default)]
struct Storage {
    sessions: BTreeMap<SessionKey, StoredSession>,
    rows: BTreeMap<RowKey, Columns>,
    qualities: Qualities,
}

impl Storage {
    /// Rolls up what arrived, as the worker does: with the sessions of these events alone, in their stored form.
    fn roll(&mut self, sent: &[Sent], rules: &HashMap<String, Rules>) {
        let arrivals: Vec<Arrival> = sent.iter().map(arrival).collect();
        let keys: BTreeSet<SessionKey> = arrivals.iter().map(|arrival| arrival.session.clone()).collect();
        let stored = keys.iter().filter_map(|key| Some((key.clone(), self.session(key)?))).collect();
        let changes = roll(&Slice::of(arrivals), stored, rules);
        assert_eq!(changes.sessions.iter().map(|(key, _)| key.clone()).collect::<BTreeSet<_>>(), keys);
        assert_eq!(changes.sessions.len(), keys.len());
        self.apply(changes);
    }

    fn session(&self, key: &SessionKey) -> Option<Session> {
        let (first_exposure, is_multi_variant, hours) = self.sessions.get(key)?.clone();
        Some(Session { first_exposure, is_multi_variant, hours: restore_hours(&hours).unwrap() })
    }

    fn apply(&mut self, changes: Changes) {
        for (key, session) in changes.sessions {
            let stored = (session.first_exposure, session.is_multi_variant, store_hours(&session.hours));
            self.sessions.insert(key, stored);
        }
        for (key, difference) in changes.rows {
            assert_ne!(columns(&difference), Columns::default(), "{key:?} is written and does not change");
            let row = self.rows.entry(key).or_default();
            for (column, difference) in row.iter_mut().zip(columns(&difference)) {
                *column += difference;
            }
        }
        self.rows.retain(|_, row| *row != Columns::default());
        for (experiment_id, difference) in changes.quality {
            let differences = (difference.unexposed_sessions, difference.multi_variant_sessions);
            assert_ne!(differences, (0, 0), "{experiment_id} is written and does not change");
            let quality = self.qualities.entry(experiment_id).or_default();
            *quality = (quality.0 + differences.0, quality.1 + differences.1);
        }
        self.qualities.retain(|_, quality| *quality != (0, 0));
    }

    fn figures(&self) -> (Rows, Qualities) {
        let place = |key: &RowKey| (key.experiment_id.clone(), key.variant_key.clone(), key.hour - EDGE_MS / HOUR_MS);
        (self.rows.iter().map(|(key, row)| (place(key), *row)).collect(), self.qualities.clone())
    }
}

fn arrival(&(experiment, session, kind, at_ms, variant): &Sent) -> Arrival {
    Arrival {
        session: SessionKey { experiment_id: experiment.to_owned(), session_id: session.to_owned() },
        occurrence: Occurrence { kind, at_ms: EDGE_MS + at_ms, variant_key: variant.map(str::to_owned) },
    }
}

fn columns(figures: &Figures) -> Columns {
    [
        figures.sessions,
        figures.pageviews,
        figures.pageview_sessions,
        figures.exposures,
        figures.exposure_sessions,
        figures.conversions,
        figures.conversion_sessions,
        figures.new_exposed_sessions,
        figures.new_converted_sessions,
    ]
}

/// Rolls up events in slices of these sizes, and compares with the brute force after every slice.
fn check_slices(sent: &[Sent], sizes: impl IntoIterator<Item = usize>, rules: &HashMap<String, Rules>) {
    let mut storage = Storage::default();
    let mut rolled = 0;
    for size in sizes {
        let end = sent.len().min(rolled + size);
        storage.roll(&sent[rolled..end], rules);
        rolled = end;
        assert_eq!(storage.figures(), brute_force(&sent[..rolled], rules), "after {rolled} events");
    }
    assert_eq!(rolled, sent.len());
}

fn rules(multi_variant: MultiVariant, conversion_window_hours: Option<i64>) -> Rules {
    Rules { multi_variant, conversion_window_hours }
}

/// Few sessions and variants, and times that meet each other and the edges of hours, windows, days and the year.
fn any_event() -> impl Strategy<Value = Sent> {
    let hour = prop::sample::select(vec![0, 0, 0, 0, -73, -72, -25, -24, -1, -1, 1, 1, 2, 23, 24, 25, 72, 73]);
    let offset_ms = prop::sample::select(vec![0, 0, 0, 1, 1, -1, -1, 2, 1_800_000, 1_800_001, 3_599_999]);
    let kind = prop::sample::select(vec![Pageview, Exposure, Exposure, Conversion, Conversion]);
    (0..5_usize, 0..5_usize, kind, hour, offset_ms, 0..8_usize).prop_map(
        |(experiment, session, kind, hour, offset_ms, variant)| {
            let variant = VARIANTS.get(variant).copied();
            let variant = if kind == Exposure { variant.or(Some(VARIANTS[0])) } else { variant };
            let (experiment, session) = (EXPERIMENTS[experiment / 4], SESSIONS[session / 2]);
            (experiment, session, kind, hour * HOUR_MS + offset_ms, variant)
        },
    )
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let multi_variant = prop::sample::select(vec![MultiVariant::Exclude, MultiVariant::First]);
    let window = prop::sample::select(vec![None, Some(1), Some(24), Some(72)]);
    (multi_variant, window).prop_map(|(multi_variant, window)| rules(multi_variant, window))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2500) })]

    #[test]
    fn any_events_in_any_slices_give_the_rows_of_the_definition(
        sent in prop::collection::vec(any_event(), 0..20),
        sizes in prop::collection::vec(0..8_usize, 1..6),
        known in any_rules(),
        other in prop::option::of(any_rules()),
    ) {
        let known = [(EXPERIMENTS[0].to_owned(), known)];
        let other = other.map(|other| (EXPERIMENTS[1].to_owned(), other));
        let rules = known.into_iter().chain(other).collect();
        check_slices(&sent, sizes.into_iter().chain([sent.len()]), &rules);
        check_slices(&sent, vec![1; sent.len()], &rules);
    }
}

#[test]
fn rolling_up_nothing_changes_nothing() {
    let sent = [("checkout", "alice", Exposure, 0, Some("red")), ("checkout", "bob", Pageview, 0, None)];
    let mut storage = Storage::default();
    storage.roll(&sent, &HashMap::new());
    let stored = storage.sessions.keys().filter_map(|key| Some((key.clone(), storage.session(key)?))).collect();
    assert_eq!(roll(&Slice::of(Vec::new()), stored, &HashMap::new()), Changes::default());
}

#[test]
fn what_an_hour_counted_already_is_written_as_a_difference() {
    let mut storage = Storage::default();
    storage.roll(&[("checkout", "alice", Exposure, 0, Some("red"))], &HashMap::new());
    let late = arrival(&("checkout", "alice", Pageview, 5, None));
    let stored = HashMap::from([(late.session.clone(), storage.session(&late.session).unwrap())]);
    let changes = roll(&Slice::of(vec![late]), stored, &HashMap::new());
    let differences: Vec<Columns> = changes.rows.values().map(columns).collect();
    assert_eq!(differences, [[0, 1, 1, 0, 0, 0, 0, 0, 0]]);
}

/// One experiment's rows, as variant, hour and columns, and its unexposed and multi-variant sessions.
fn check(rules: Rules, sent: &[(&'static str, ExperimentEventKind, i64, &'static str)], expected: &Expected) {
    let sent: Vec<Sent> =
        sent.iter().map(|&(session, kind, at_ms, variant)| ("checkout", session, kind, at_ms, Some(variant))).collect();
    let rules = HashMap::from([("checkout".to_owned(), rules)]);
    let rows =
        expected.0.iter().map(|&(variant, hour, columns)| (("checkout".to_owned(), variant.to_owned(), hour), columns));
    let qualities = (expected.1 != (0, 0)).then(|| ("checkout".to_owned(), expected.1));
    let expected = (rows.collect(), qualities.into_iter().collect());
    let mut storage = Storage::default();
    storage.roll(&sent, &rules);
    assert_eq!(storage.figures(), expected, "{rules:?} {sent:?}");
    assert_eq!(brute_force(&sent, &rules), expected, "{rules:?} {sent:?}");
}

type Expected = (&'static [(&'static str, i64, Columns)], (i64, i64));

#[test]
fn cases_of_the_definition() {
    let default = Rules::default();
    check(default, &[], &(&[], (0, 0)));
    check(default, &[("alice", Pageview, 0, "red"), ("alice", Conversion, 1, "red")], &(&[], (1, 0)));
    check(
        default,
        &[("alice", Exposure, 0, "red"), ("bob", Exposure, 1, "red"), ("bob", Pageview, 2, "green")],
        &(&[("red", 0, [2, 1, 1, 2, 2, 0, 0, 2, 0])], (0, 0)),
    );
    // The last millisecond of the year is in its hour, the next in the next.
    check(
        default,
        &[("alice", Exposure, -1, "red"), ("alice", Conversion, 0, "red")],
        &(&[("red", -1, [1, 0, 0, 1, 1, 0, 0, 1, 0]), ("red", 0, [1, 0, 0, 0, 0, 1, 1, 0, 1])], (0, 0)),
    );
    // A conversion at the exposure's own instant is one; an earlier one of the same hour is only in the totals.
    check(
        default,
        &[("alice", Conversion, 5, "red"), ("alice", Exposure, 5, "red")],
        &(&[("red", 0, [1, 0, 0, 1, 1, 1, 1, 1, 1])], (0, 0)),
    );
    check(
        default,
        &[("alice", Conversion, 4, "red"), ("alice", Exposure, 5, "red")],
        &(&[("red", 0, [1, 0, 0, 1, 1, 1, 1, 1, 0])], (0, 0)),
    );
    check(
        default,
        &[("alice", Conversion, 4, "red"), ("alice", Exposure, 5, "red"), ("alice", Conversion, HOUR_MS, "red")],
        &(&[("red", 0, [1, 0, 0, 1, 1, 1, 1, 1, 0]), ("red", 1, [1, 0, 0, 0, 0, 1, 1, 0, 1])], (0, 0)),
    );
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
        let sent = [arrival_of("alice", Exposure, 7), arrival_of("alice", Conversion, at_ms)];
        let mut storage = Storage::default();
        storage.roll(&sent, &HashMap::from([("checkout".to_owned(), rules(MultiVariant::Exclude, window))]));
        let rows =
            [exposed, row].map(|(variant, hour, columns)| (("checkout".to_owned(), variant.to_owned(), hour), columns));
        assert_eq!(storage.figures(), (Rows::from(rows), Qualities::new()), "{window:?} {at_ms}");
    }
}

fn arrival_of(session: &'static str, kind: ExperimentEventKind, at_ms: i64) -> Sent {
    ("checkout", session, kind, at_ms, Some("red"))
}

#[test]
fn cases_of_two_variants() {
    let sent = [("alice", Exposure, 5, "red"), ("alice", Exposure, 5, "green"), ("bob", Exposure, 6, "green")];
    check(rules(MultiVariant::Exclude, None), &sent, &(&[("green", 0, [1, 0, 0, 1, 1, 0, 0, 1, 0])], (0, 1)));
    check(
        rules(MultiVariant::First, None),
        &sent,
        &(&[("green", 0, [1, 0, 0, 1, 1, 0, 0, 1, 0]), ("red", 0, [1, 0, 0, 2, 1, 0, 0, 1, 0])], (0, 1)),
    );
    // A late exposure that comes before the first one takes the whole session along.
    let late = [("alice", Exposure, 5, "red"), ("alice", Pageview, HOUR_MS, "red"), ("alice", Exposure, 4, "green")];
    check(
        rules(MultiVariant::First, None),
        &late,
        &(&[("green", 0, [1, 0, 0, 2, 1, 0, 0, 1, 0]), ("green", 1, [1, 1, 1, 0, 0, 0, 0, 0, 0])], (0, 1)),
    );
    check(rules(MultiVariant::Exclude, None), &late, &(&[], (0, 1)));
}
