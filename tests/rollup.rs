//! The rollup against a brute force that is written from its definition alone.
//!
//! Over all accepted events of an experiment in the order of their time (ties: order of arrival), a session's variant is
//! the one of its first exposure, all its events belong to that variant, and an hourly row counts its hour's distinct
//! sessions and totals, the sessions whose first exposure is in the hour, and those whose first conversion at or after it
//! and inside the window is. A session with two variants leaves the rows (`exclude`) or stays with its first (`first`).
//!
//! A conversion that names a metric is a conversion of this metric alone. A session counts for a metric once, if one
//! such conversion lies at or after its first exposure and inside the window, with the sum of the values of those.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use promptmeter::events::event::ExperimentEventKind::{self, Conversion, Exposure, Pageview};
use promptmeter::events::event::Measurement;
use promptmeter::experiments::rollup::{
    Changes, RulesInForce, SessionDigest, SessionKey, Slice, digest, judge_anew, roll,
};
use promptmeter::experiments::session::{MultiVariant, Rules, Session};
use promptmeter::experiments::session_state::{pack, unpack};
use promptmeter::experiments::summary::{Figures, MetricFigures, MetricKey, Quality, RowKey};
use promptmeter::limits::SESSION_MEASUREMENTS;
use promptmeter::recording::event_row::EventRow;
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;
/// 2027-01-01T00:00:00Z: the edge of an hour, a day and a year.
const EDGE_MS: i64 = 1_798_761_600_000;
/// Experiments, and the numbers that stand for them.
const EXPERIMENTS: [(&str, i64); 2] = [("checkout", 7), ("pricing", 2)];
const SESSIONS: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
const VARIANTS: [&str; 3] = ["control", "green", "red"];

/// What a conversion measured: a metric and perhaps a value.
type Measured = Option<(&'static str, Option<f64>)>;

/// An event, with its time in milliseconds since [`EDGE_MS`].
#[derive(Clone, Copy, Debug)]
struct Sent {
    experiment: &'static str,
    session: &'static str,
    kind: ExperimentEventKind,
    at_ms: i64,
    variant: Option<&'static str>,
    measured: Measured,
}

/// How many events came together, when, in milliseconds since [`EDGE_MS`], and how many duplicates and refused ones
/// with them.
#[derive(Clone, Copy, Debug)]
struct Delivered {
    events: usize,
    received_ms: i64,
    left_out: (i64, i64),
}

impl Delivered {
    /// Events on time and nothing else.
    fn on_time(events: usize) -> Self {
        Self { events, received_ms: -1000 * HOUR_MS, left_out: (0, 0) }
    }
}

/// What arrived.
#[derive(Clone, Debug, Default)]
struct Arrived {
    events: Vec<Sent>,
    /// Late events, duplicates and refused ones, by experiment.
    noted: BTreeMap<String, [i64; 3]>,
}

impl Arrived {
    fn deliver(&mut self, events: &[Sent], delivered: Delivered) {
        self.events.extend(events);
        for sent in events {
            let noted = self.noted.entry(sent.experiment.to_owned()).or_default();
            noted[0] += i64::from(delivered.received_ms - sent.at_ms > HOUR_MS);
        }
        for (experiment, _) in EXPERIMENTS {
            let noted = self.noted.entry(experiment.to_owned()).or_default();
            noted[1] += delivered.left_out.0;
            noted[2] += delivered.left_out.1;
        }
    }
}

/// sessions, pageviews, their sessions, exposures, their sessions, conversions, their sessions, newly exposed, newly
/// converted.
type Columns = [i64; 9];

/// Rows that have something in them, by experiment, variant and hour since [`EDGE_MS`].
type Rows = BTreeMap<(String, String, i64), Columns>;

/// Sessions, those with a value, the sum of the values and of the squares of the sessions' sums, by experiment, variant
/// and metric.
type Metrics = BTreeMap<(String, String, String), (i64, i64, f64, f64)>;

/// late, duplicates, unexposed, multi-variant, rejected, unmeasured, by experiment, where there are any.
type Qualities = BTreeMap<String, [i64; 6]>;

type Everything = (Rows, Metrics, Qualities);

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

#[derive(Default)]
struct Brute {
    rows: BTreeMap<(String, String, i64), BruteRow>,
    metrics: Metrics,
    qualities: Qualities,
}

/// The figures of the definition; `rules_of` gives the rules for a session of an experiment.
fn brute_force(arrived: &Arrived, rules_of: impl Fn(&str, &str) -> Rules) -> Everything {
    let mut by_session: BTreeMap<(&str, &'static str), Vec<Sent>> = BTreeMap::new();
    for sent in &arrived.events {
        by_session.entry((sent.experiment, sent.session)).or_default().push(*sent);
    }
    let mut brute = Brute::default();
    for (experiment, [late, duplicates, rejected]) in &arrived.noted {
        brute.qualities.insert(experiment.clone(), [*late, *duplicates, 0, 0, *rejected, 0]);
    }
    for ((experiment, session), events) in by_session {
        brute.add(experiment, session, events, rules_of(experiment, session));
    }
    brute.qualities.retain(|_, quality| *quality != [0; 6]);
    (brute.rows.into_iter().map(|(key, row)| (key, row.columns())).collect(), brute.metrics, brute.qualities)
}

impl Brute {
    /// Adds a session, whose events come in the order of arrival.
    fn add(&mut self, experiment: &str, session: &'static str, mut events: Vec<Sent>, rules: Rules) {
        let quality = self.qualities.entry(experiment.to_owned()).or_default();
        let mut kept: Vec<Sent> = events.iter().filter(|event| event.measured.is_some()).copied().collect();
        quality[5] += i64::try_from(kept.len().saturating_sub(SESSION_MEASUREMENTS)).unwrap();
        kept.truncate(SESSION_MEASUREMENTS);
        events.sort_by_key(|event| event.at_ms);
        let exposures: Vec<&Sent> = events.iter().filter(|event| event.kind == Exposure).collect();
        let Some(&&Sent { at_ms: exposed_ms, variant, .. }) = exposures.first() else {
            quality[2] += 1;
            return;
        };
        if exposures.iter().any(|exposure| exposure.variant != variant) {
            quality[3] += 1;
            if rules.multi_variant == MultiVariant::Exclude {
                return;
            }
        }
        let counts = |at_ms: i64| {
            let in_window = |hours| at_ms - exposed_ms <= hours * HOUR_MS;
            at_ms >= exposed_ms && rules.conversion_window_hours.is_none_or(in_window)
        };
        let variant = variant.unwrap().to_owned();
        let row_of = |at_ms: i64| (experiment.to_owned(), variant.clone(), at_ms.div_euclid(HOUR_MS));
        for event in &events {
            let row = self.rows.entry(row_of(event.at_ms)).or_default();
            row.sessions.insert(session);
            if event.measured.is_none() {
                let (total, sessions) = row.of_kind.entry(event.kind.name()).or_default();
                *total += 1;
                sessions.insert(session);
            }
        }
        self.rows.entry(row_of(exposed_ms)).or_default().new_exposed += 1;
        let is_plain = |event: &&Sent| event.kind == Conversion && event.measured.is_none();
        let converted = events.iter().filter(is_plain).find(|event| event.at_ms >= exposed_ms);
        if let Some(converted) = converted.filter(|event| counts(event.at_ms)) {
            self.rows.entry(row_of(converted.at_ms)).or_default().new_converted += 1;
        }
        let mut measured: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (metric, value) in kept.iter().filter(|event| counts(event.at_ms)).filter_map(|event| event.measured) {
            measured.entry(metric).or_default().extend(value);
        }
        for (metric, values) in measured {
            let key = (experiment.to_owned(), variant.clone(), metric.to_owned());
            let (sessions, value_sessions, sum, squares) = self.metrics.entry(key).or_default();
            let total: f64 = values.iter().sum();
            *sessions += 1;
            *value_sessions += i64::from(!values.is_empty());
            *sum += total;
            *squares += total * total;
        }
    }
}

/// A session as it is stored: its first exposure, whether it has two variants, its activity.
type StoredSession = (Option<(i64, String)>, bool, Vec<u8>);

/// What the rollup has stored so far.
#[derive(Default)]
struct Storage {
    sessions: BTreeMap<SessionKey, StoredSession>,
    rows: BTreeMap<RowKey, Columns>,
    metrics: BTreeMap<MetricKey, MetricFigures>,
    qualities: BTreeMap<i64, [i64; 6]>,
    rules: HashMap<i64, RulesInForce>,
    arrived: Arrived,
}

fn number_of(experiment: &str) -> i64 {
    EXPERIMENTS.iter().find(|(name, _)| *name == experiment).unwrap().1
}

fn name_of(experiment: i64) -> String {
    EXPERIMENTS.iter().find(|(_, number)| *number == experiment).unwrap().0.to_owned()
}

fn key_of(sent: &Sent) -> SessionKey {
    SessionKey { experiment: number_of(sent.experiment), session: digest(sent.session) }
}

fn row_of(sent: &Sent) -> EventRow {
    let measurement = sent.measured.map(|(metric, value)| Measurement { metric: metric.to_owned(), value });
    EventRow {
        kind: sent.kind,
        session_id: sent.session.to_owned(),
        variant_key: sent.variant.map(str::to_owned),
        at_ms: EDGE_MS + sent.at_ms,
        measurement,
    }
}

/// A slice of one batch for each experiment after the other, as they come.
fn slice_of(sent: &[Sent], delivered: Delivered) -> Slice {
    let mut slice = Slice::default();
    for batch in sent.chunk_by(|one, other| one.experiment == other.experiment) {
        let rows = batch.iter().map(row_of).collect();
        slice.take(number_of(batch[0].experiment), EDGE_MS + delivered.received_ms, rows);
    }
    for (_, experiment) in EXPERIMENTS {
        slice.note(experiment, delivered.left_out.0, delivered.left_out.1);
    }
    slice.sort();
    slice
}

impl Storage {
    fn with_rules(rules: impl IntoIterator<Item = (&'static str, Rules)>) -> Self {
        let in_force = |rules| RulesInForce { rules, next: None };
        let rules = rules.into_iter().map(|(name, rules)| (number_of(name), in_force(rules)));
        Self { rules: rules.collect(), ..Self::default() }
    }

    /// Rolls up what arrived, as the worker does: with the sessions of these events alone, in their stored form.
    fn roll(&mut self, sent: &[Sent], delivered: Delivered) {
        self.arrived.deliver(sent, delivered);
        let slice = slice_of(sent, delivered);
        assert_eq!((slice.len(), slice.is_empty()), (sent.len(), sent.is_empty()));
        let keys: BTreeSet<SessionKey> = sent.iter().map(key_of).collect();
        assert!(slice.by_session().map(|(key, _)| key).eq(keys.iter().copied()));
        let stored = keys.iter().filter_map(|key| Some((*key, self.session(key)?))).collect();
        let changes = roll(&slice, stored, &self.rules);
        assert!(changes.sessions.iter().map(|(key, _)| *key).eq(keys.iter().copied()));
        self.apply(changes);
    }

    fn session(&self, key: &SessionKey) -> Option<Session> {
        let (first_exposure, is_multi_variant, activity) = self.sessions.get(key)?.clone();
        Some(unpack(&activity, first_exposure, is_multi_variant).unwrap())
    }

    fn apply(&mut self, changes: Changes) {
        for (key, session) in changes.sessions {
            let stored = (session.first_exposure.clone(), session.is_multi_variant, pack(&session));
            self.sessions.insert(key, stored);
            assert_eq!(self.session(&key), Some(session));
        }
        for (key, difference) in changes.rows {
            assert_ne!(columns(&difference), Columns::default(), "{key:?} is written and does not change");
            let row = self.rows.entry(key).or_default();
            for (column, difference) in row.iter_mut().zip(columns(&difference)) {
                *column += difference;
            }
            // Only where a difference takes sessions away, the worker looks for rows that are empty.
            assert!(*row != Columns::default() || difference.sessions < 0);
            assert!(row[0] > 0 || *row == Columns::default(), "{row:?} is dropped");
        }
        self.rows.retain(|_, row| row[0] != 0);
        for (key, difference) in changes.metrics {
            assert_ne!(difference, MetricFigures::default(), "{key:?} is written and does not change");
            let figures = self.metrics.entry(key).or_default();
            figures.sessions += difference.sessions;
            figures.value_sessions += difference.value_sessions;
            figures.value_sum += difference.value_sum;
            figures.value_sum_of_squares += difference.value_sum_of_squares;
            assert!(*figures != MetricFigures::default() || difference.sessions < 0);
            assert!(figures.sessions > 0 || *figures == MetricFigures::default(), "{figures:?} is dropped");
        }
        self.metrics.retain(|_, figures| figures.sessions != 0);
        for (experiment, difference) in changes.quality {
            assert_ne!(difference, Quality::default(), "{experiment} is written and does not change");
            let quality = self.qualities.entry(experiment).or_default();
            for (figure, difference) in quality.iter_mut().zip(quality_columns(difference)) {
                *figure += difference;
            }
        }
        self.qualities.retain(|_, quality| *quality != [0; 6]);
    }

    fn figures(&self) -> Everything {
        let place = |key: &RowKey| (name_of(key.experiment), key.variant_key.clone(), key.hour - EDGE_MS / HOUR_MS);
        let named = |key: &MetricKey| (name_of(key.experiment), key.variant_key.clone(), key.metric.clone());
        let sums = |figures: &MetricFigures| {
            (figures.sessions, figures.value_sessions, figures.value_sum, figures.value_sum_of_squares)
        };
        (
            self.rows.iter().map(|(key, row)| (place(key), *row)).collect(),
            self.metrics.iter().map(|(key, figures)| (named(key), sums(figures))).collect(),
            self.qualities.iter().map(|(experiment, quality)| (name_of(*experiment), *quality)).collect(),
        )
    }

    /// Compares what is stored with the brute force, each session judged by the rules that are in force for it.
    fn check(&self, when: &str) {
        let rules_of = |experiment: &str, session: &str| {
            self.rules.get(&number_of(experiment)).map(|rules| rules.of(&digest(session))).unwrap_or_default()
        };
        assert_eq!(self.figures(), brute_force(&self.arrived, rules_of), "{when}");
    }

    /// Judges the next sessions of an experiment as the worker does, `portion` at a time; tells whether any are left.
    fn judge(&mut self, experiment: i64, declared: Rules, portion: usize) -> bool {
        let Some(in_force) = self.rules.get_mut(&experiment) else { return false };
        if in_force.next.is_none() && in_force.rules == declared {
            return false;
        }
        let (next, judged_to) = in_force.next.unwrap_or((declared, None));
        let mut keys = self.sessions.keys().filter(|key| key.experiment == experiment).copied().collect::<Vec<_>>();
        keys.retain(|key| judged_to.is_none_or(|judged_to| key.session > judged_to));
        keys.truncate(portion);
        let from = in_force.rules;
        *in_force = match keys.last() {
            Some(last) if keys.len() == portion => RulesInForce { rules: from, next: Some((next, Some(last.session))) },
            _ => RulesInForce { rules: next, next: None },
        };
        let sessions: Vec<Session> = keys.iter().filter_map(|key| self.session(key)).collect();
        let changes = judge_anew(experiment, &sessions, from, next);
        assert_eq!((changes.sessions.len(), changes.quality.len()), (0, 0));
        self.apply(changes);
        true
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

fn quality_columns(quality: Quality) -> [i64; 6] {
    let Quality { late, duplicates, unexposed_sessions, multi_variant_sessions, rejected, unmeasured } = quality;
    [late, duplicates, unexposed_sessions, multi_variant_sessions, rejected, unmeasured]
}

/// Rolls up events in these slices, and compares with the brute force after every slice.
fn check_slices(
    sent: &[Sent],
    slices: impl IntoIterator<Item = Delivered>,
    rules: impl IntoIterator<Item = (&'static str, Rules)>,
) {
    let mut storage = Storage::with_rules(rules);
    let mut rolled = 0;
    for delivered in slices {
        let end = sent.len().min(rolled + delivered.events);
        storage.roll(&sent[rolled..end], delivered);
        rolled = end;
        storage.check(&format!("after {rolled} events"));
    }
    assert_eq!(rolled, sent.len());
}

fn rules(multi_variant: MultiVariant, conversion_window_hours: Option<i64>) -> Rules {
    Rules { multi_variant, conversion_window_hours }
}

/// Few sessions and variants, and times that meet each other and the edges of hours, windows, days and the year. Values
/// are sums of few powers of two, so that their sums are exact.
fn any_event(sessions: usize) -> impl Strategy<Value = Sent> {
    let hour = prop::sample::select(vec![0, 0, 0, 0, -73, -72, -25, -24, -1, -1, 1, 1, 2, 23, 24, 25, 72, 73]);
    let offset_ms = prop::sample::select(vec![0, 0, 0, 1, 1, -1, -1, 2, 1_800_000, 1_800_001, 3_599_999]);
    let kind = prop::sample::select(vec![Pageview, Exposure, Exposure, Conversion, Conversion, Conversion]);
    let value = prop::sample::select(vec![None, None, Some(0.0), Some(0.25), Some(1.5), Some(-2.0), Some(1024.0)]);
    let measured = prop::option::of((prop::sample::select(vec!["revenue", "revenue", "clicks"]), value));
    (0..5_usize, 0..sessions, kind, hour, offset_ms, (0..8_usize, measured)).prop_map(
        |(experiment, session, kind, hour, offset_ms, (variant, measured))| {
            let variant = VARIANTS.get(variant).copied();
            Sent {
                experiment: EXPERIMENTS[experiment / 4].0,
                session: SESSIONS[session],
                kind,
                at_ms: hour * HOUR_MS + offset_ms,
                variant: if kind == Exposure { variant.or(Some(VARIANTS[0])) } else { variant },
                measured: measured.filter(|_| kind == Conversion),
            }
        },
    )
}

fn any_delivery() -> impl Strategy<Value = Delivered> {
    let hour = prop::sample::select(vec![-72, -24, 0, 1, 1, 2, 25, 73]);
    let offset_ms = prop::sample::select(vec![-1, 0, 0, 1, 1_800_000]);
    (0..8_usize, hour, offset_ms, 0..3_i64, 0..3_i64).prop_map(|(events, hour, offset_ms, duplicates, rejected)| {
        Delivered { events, received_ms: hour * HOUR_MS + offset_ms, left_out: (duplicates, rejected) }
    })
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let multi_variant = prop::sample::select(vec![MultiVariant::Exclude, MultiVariant::First]);
    let window = prop::sample::select(vec![None, Some(1), Some(24), Some(72)]);
    (multi_variant, window).prop_map(|(multi_variant, window)| rules(multi_variant, window))
}

#[derive(Clone, Debug)]
enum Step {
    /// Events arrive and are rolled up.
    Roll(Vec<Sent>, Delivered),
    /// Sessions of the experiment at this place are judged anew, so many at a time.
    Judge(usize, usize),
    /// Other rules are declared for it.
    Declare(usize, Rules),
}

fn any_step() -> impl Strategy<Value = Step> {
    let events = prop::collection::vec(any_event(SESSIONS.len()), 0..10);
    prop_oneof![
        4 => (events, any_delivery()).prop_map(|(events, delivered)| Step::Roll(events, delivered)),
        4 => (0..2_usize, 1..5_usize).prop_map(|(experiment, portion)| Step::Judge(experiment, portion)),
        2 => (0..2_usize, any_rules()).prop_map(|(experiment, rules)| Step::Declare(experiment, rules)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2500) })]

    #[test]
    fn any_events_in_any_slices_give_the_rows_of_the_definition(
        sent in prop::collection::vec(any_event(3), 0..20),
        slices in prop::collection::vec(any_delivery(), 1..6),
        known in any_rules(),
        other in prop::option::of(any_rules()),
    ) {
        let known = [("checkout", known)];
        let rules: Vec<_> = known.into_iter().chain(other.map(|other| ("pricing", other))).collect();
        let rest = Delivered::on_time(sent.len());
        check_slices(&sent, slices.into_iter().chain([rest]), rules.clone());
        check_slices(&sent, vec![Delivered::on_time(1); sent.len()], rules);
    }

    #[test]
    fn while_rules_change_each_session_counts_under_the_old_or_the_new(
        steps in prop::collection::vec(any_step(), 1..16),
        declared in any_rules(),
        other in any_rules(),
    ) {
        let mut declared = [declared, other];
        let mut storage = Storage::default();
        for step in steps {
            let when = format!("{step:?}");
            match step {
                Step::Roll(events, delivered) => {
                    // An experiment is rolled up under the rules that are declared when its first events are.
                    for event in &events {
                        let place = usize::from(event.experiment != EXPERIMENTS[0].0);
                        let first = RulesInForce { rules: declared[place], next: None };
                        storage.rules.entry(number_of(event.experiment)).or_insert(first);
                    }
                    storage.roll(&events, delivered);
                }
                Step::Judge(place, portion) => {
                    storage.judge(EXPERIMENTS[place].1, declared[place], portion);
                }
                Step::Declare(place, rules) => declared[place] = rules,
            }
            storage.check(&when);
        }
        for ((_, experiment), declared) in EXPERIMENTS.into_iter().zip(declared) {
            while storage.judge(experiment, declared, 2) {
                storage.check("while the last rules come into force");
            }
        }
        let declared_for = |experiment: &str, _: &str| declared[usize::from(experiment != EXPERIMENTS[0].0)];
        prop_assert_eq!(storage.figures(), brute_force(&storage.arrived, declared_for));
    }
}

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
        let slice = [known.map(|name| sent(name, Pageview, 2, "red")), new].concat();
        let stored = storage.sessions.keys().filter_map(|key| Some((*key, storage.session(key)?))).collect();
        let changes = roll(&slice_of(&slice, Delivered::on_time(4)), stored, &HashMap::new());
        let sums: Vec<(i64, f64, f64)> =
            changes.metrics.values().map(|sums| (sums.sessions, sums.value_sum, sums.value_sum_of_squares)).collect();
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
