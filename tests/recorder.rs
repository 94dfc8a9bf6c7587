//! Which events of an experiment are new, against a model that forgets nothing, and the batches that store them.

#![cfg(test)]

mod bare_event;
mod database;

use std::collections::{BTreeSet, HashMap};

use bare_event::bare_event;
use promptmeter::counting::ledger::Segment;
use promptmeter::counting::protocol::IdDigest;
use promptmeter::data::json_rows::ARRAY_BYTES;
use promptmeter::events::event::{ExperimentEvent, ExperimentEventKind, Measurement};
use promptmeter::limits::EXPERIMENT_METRICS;
use promptmeter::recording::batch::NewBatch;
use promptmeter::recording::event_row::NewRow;
use promptmeter::recording::names::NameKind;
use promptmeter::recording::protocol::{Delivery, Entry, Outcome};
use promptmeter::recording::recorder::{Decision, RECORDER_IDS, Recorder, Terms};
use promptmeter::rest::rows::{Cell, Row};
use proptest::prelude::*;
use rusqlite::Connection;

const NOW_MS: i64 = 1_800_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What was recorded since the beginning.
#[derive(Default)]
struct Model {
    /// Payloads and times, by the keys of ids.
    ids: HashMap<u64, (u32, i64)>,
    metrics: BTreeSet<String>,
}

impl Model {
    /// Takes in an outcome, and checks it: within 24 hours there is one right one, later an id may be forgotten.
    fn note(&mut self, entry: &Entry, terms: &Terms, now_ms: i64, outcome: Outcome) {
        let right = self.right(entry, terms, now_ms);
        assert!(right.contains(&outcome), "{outcome:?} and not {right:?} at {now_ms}: {entry:?}");
        if outcome == Outcome::Recorded {
            self.ids.extend(entry.id.map(|id| (id.key, (id.payload, now_ms))));
            self.metrics.extend(entry.metric.clone());
        }
    }

    fn right(&self, entry: &Entry, terms: &Terms, now_ms: i64) -> Vec<Outcome> {
        if terms.over_ms.is_some_and(|over_ms| over_ms <= now_ms) {
            return vec![Outcome::Over];
        }
        let variants = &terms.variants;
        if entry.variant_key.as_ref().is_some_and(|key| !variants.is_empty() && !variants.contains(key)) {
            return vec![Outcome::UnknownVariant];
        }
        let fresh = match &entry.metric {
            Some(metric) if self.metrics.len() == EXPERIMENT_METRICS && !self.metrics.contains(metric) => {
                Outcome::TooManyMetrics
            }
            _ => Outcome::Recorded,
        };
        let known = entry.id.and_then(|id| Some((id, self.ids.get(&id.key)?)));
        let Some((id, &(payload, at_ms))) = known else { return vec![fresh] };
        let known = if payload == id.payload { Outcome::Repeated } else { Outcome::Conflicting };
        if now_ms - at_ms <= DAY_MS { vec![known] } else { vec![known, fresh] }
    }

    /// Whether all that is remembered of these is to be remembered.
    fn is_certain(&self, deliveries: &[Delivery], now_ms: i64) -> bool {
        let ids = deliveries.iter().flat_map(|delivery| &delivery.events).filter_map(|entry| entry.id);
        ids.filter_map(|id| self.ids.get(&id.key)).all(|(_, at_ms)| now_ms - at_ms <= DAY_MS)
    }
}

/// A recorder under test: what it knows, what is stored, and what is right.
struct Simulation {
    recorder: Recorder,
    stored: Vec<NewBatch>,
    /// The events that were recorded, in their order.
    recorded: Vec<Sent>,
    model: Model,
    terms: Terms,
    named: u64,
    now_ms: i64,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            recorder: Recorder::restore(Vec::new(), 0, Vec::new()),
            stored: Vec::new(),
            recorded: Vec::new(),
            model: Model::default(),
            terms: Terms::default(),
            named: 1000,
            now_ms: NOW_MS,
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Deliveries that are decided together, each with a number of refused events.
    Record(Vec<(Vec<Sent>, u32)>),
    /// As many events with ids and metrics that are new, each with so many bytes of properties.
    Bulk(usize, usize),
    /// Deliveries whose storing fails.
    Fail(Vec<(Vec<Sent>, u32)>),
    /// A batch of another recorder was stored: everything is read anew.
    Restart,
    Declare(Terms),
    Wait(i64),
}

/// An event that was sent.
#[derive(Clone, Debug)]
struct Sent {
    id: Option<IdDigest>,
    event_id: Option<String>,
    at_ms: i64,
    event: ExperimentEvent,
}

impl Sent {
    fn entry(&self) -> Entry {
        let Self { id, event_id, at_ms, event } = self;
        let row = NewRow { event_id: event_id.as_deref(), at_ms: *at_ms, event };
        Entry {
            id: *id,
            variant_key: event.variant_key.clone(),
            metric: event.measurement.as_ref().map(|measurement| measurement.metric.clone()),
            row: serde_json::to_string(&row).unwrap(),
        }
    }
}

fn deliveries_of(drawn: &[(Vec<Sent>, u32)]) -> Vec<Delivery> {
    let delivery = |(sent, rejected): &(Vec<Sent>, u32)| Delivery {
        experiment_id: "e".to_owned(),
        events: sent.iter().map(Sent::entry).collect(),
        rejected: *rejected,
    };
    drawn.iter().map(delivery).collect()
}

impl Simulation {
    fn step(&mut self, step: Step) {
        match step {
            Step::Record(drawn) => self.record(&drawn),
            Step::Bulk(events, bytes) => {
                let sent = (0..events).map(|_| self.named_event(bytes)).collect();
                self.record(&[(sent, 0)]);
            }
            Step::Fail(drawn) => {
                let deliveries = deliveries_of(&drawn);
                let decide = || self.recorder.decide(&deliveries, &self.terms, self.now_ms);
                assert_eq!(decide(), decide());
            }
            Step::Restart => self.recorder = self.restored(),
            Step::Declare(terms) => self.terms = terms,
            Step::Wait(wait_ms) => self.now_ms += wait_ms,
        }
    }

    fn named_event(&mut self, bytes: usize) -> Sent {
        self.named += 1;
        let measurement = Measurement { metric: format!("m{}", self.named), value: None };
        let kind = ExperimentEventKind::Conversion;
        let id = Some(IdDigest { key: self.named, payload: 0 });
        let properties = format!(r#"{{"text":"{}"}}"#, "é".repeat(bytes / 2));
        let event = ExperimentEvent {
            kind,
            measurement: (bytes < 100).then_some(measurement),
            properties: (bytes > 0).then_some(properties),
            ..event(&self.named.to_string())
        };
        Sent { id, event_id: None, at_ms: NOW_MS, event }
    }

    /// What is read from the stored batches: the ids of the last 24 hours.
    fn restored(&self) -> Recorder {
        let mut segments = Vec::new();
        for batch in self.stored.iter().filter(|batch| batch.received_ms + DAY_MS >= self.now_ms) {
            let (number, newest_ms) = (batch.number.unsigned_abs(), batch.received_ms);
            let packed = Segment { number, newest_ms, entries: batch.ids.clone() }.pack();
            if !packed.is_empty() {
                segments.push(Segment::unpack(number, newest_ms, &packed));
            }
        }
        let next_number = self.stored.last().map_or(0, |batch| batch.number + 1);
        let names = self.model.metrics.iter().map(|metric| (NameKind::Metric, metric.clone())).collect();
        Recorder::restore(segments, next_number, names)
    }

    fn record(&mut self, drawn: &[(Vec<Sent>, u32)]) {
        let deliveries = deliveries_of(drawn);
        let deliveries = deliveries.as_slice();
        let decision = self.recorder.decide(deliveries, &self.terms, self.now_ms);
        if self.model.is_certain(deliveries, self.now_ms) {
            let Decision { outcomes, batches, .. } = self.restored().decide(deliveries, &self.terms, self.now_ms);
            assert_eq!((&outcomes, &batches), (&decision.outcomes, &decision.batches));
        }
        let before = self.recorded.len();
        let (mut duplicates, mut rejected) = (0, 0);
        assert_eq!(decision.outcomes.len(), deliveries.len());
        for ((sent, refused), outcomes) in drawn.iter().zip(&decision.outcomes) {
            assert_eq!(outcomes.len(), sent.len());
            rejected += refused;
            for (sent, outcome) in sent.iter().zip(outcomes) {
                self.model.note(&sent.entry(), &self.terms, self.now_ms, *outcome);
                match outcome {
                    Outcome::Recorded => self.recorded.push(sent.clone()),
                    Outcome::Repeated => duplicates += 1,
                    _ => rejected += 1,
                }
            }
        }
        let batches = &decision.batches;
        assert_eq!(batches.iter().map(|batch| batch.duplicates).sum::<u32>(), duplicates);
        assert_eq!(batches.iter().map(|batch| batch.rejected).sum::<u32>(), rejected);
        assert_eq!(batches.is_empty(), self.recorded.len() == before && duplicates + rejected == 0);
        self.check_batches(batches, before);
        self.stored.extend(decision.batches.iter().cloned());
        self.recorder.keep(decision);
    }

    /// Checks that batches hold the events from `first` on, each once, and no more of them than fit.
    fn check_batches(&self, batches: &[NewBatch], first: usize) {
        let mut expected = self.recorded[first..].iter();
        let number = self.stored.last().map_or(0, |batch| batch.number + 1);
        for (place, (batch, number)) in batches.iter().zip(number..).enumerate() {
            assert_eq!((batch.number, batch.received_ms), (number, self.now_ms));
            let sent: Vec<&Sent> = expected.by_ref().take(batch.event_count).collect();
            let rows: Vec<String> = sent.iter().map(|sent| sent.entry().row).collect();
            assert_eq!(batch.events, format!("[{}]", rows.join(",")));
            assert_eq!(batch.ids, sent.iter().filter_map(|sent| sent.id).collect::<Vec<_>>());
            let bytes = batch.events.len();
            assert!(bytes <= ARRAY_BYTES || batch.event_count == 1, "{bytes}");
            // A batch is closed only where the next event has no room in it.
            let next = expected.clone().next().map_or(0, |sent| sent.entry().row.len());
            let is_last = place + 1 == batches.len();
            assert!(is_last || bytes + 1 + next > ARRAY_BYTES, "a batch of {bytes} bytes is closed before {next}");
            assert!(is_last || batch.event_count > 0);
        }
        assert_eq!(expected.count(), 0);
    }

    /// Stores the batches as they are stored in D1, and checks that all events are told as they were sent.
    fn check_view(&self) {
        let database = database::open();
        for batch in &self.stored {
            insert(&database, "e", batch);
        }
        let sql = "select seq, experiment_id, event_id, event_type, project_id, session_id, variant_key, view_id, \
            timestamp_ms, properties from analytics_events order by seq";
        let mut told = database::rows_of(&database, sql);
        let numbers: Vec<Cell> = told.iter_mut().map(|row| row.remove(0)).collect();
        assert_eq!(told, self.recorded.iter().map(told_as).collect::<Vec<_>>());
        assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]));
        let sql = "select distinct typeof(seq), typeof(event_type), typeof(session_id), typeof(timestamp_ms), \
            typeof(coalesce(event_id, '')), typeof(coalesce(properties, '')) from analytics_events";
        let types = ["integer", "text", "text", "integer", "text", "text"].map(text_cell).to_vec();
        let expected = if self.recorded.is_empty() { vec![] } else { vec![types] };
        assert_eq!(database::rows_of(&database, sql), expected);
    }
}

fn insert(database: &Connection, experiment_id: &str, batch: &NewBatch) {
    let ids = Segment { number: 0, newest_ms: 0, entries: batch.ids.clone() }.pack();
    let sql = "insert into experiment_batches (experiment_id, number, writer, received_ms, event_count, duplicates, \
        rejected, ids, events) values (?1, ?2, 'w', ?3, ?4, ?5, ?6, ?7, ?8)";
    let counts = (i64::try_from(batch.event_count).unwrap(), batch.duplicates, batch.rejected);
    let parameters = rusqlite::params![
        experiment_id,
        batch.number,
        batch.received_ms,
        counts.0,
        counts.1,
        counts.2,
        ids,
        batch.events
    ];
    database.execute(sql, parameters).unwrap();
}

fn text_cell(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// An event's row of `analytics_events`, but its number.
#[expect(clippy::cast_precision_loss, reason = "times stay within 2^53")]
fn told_as(sent: &Sent) -> Row {
    let optional = |text: &Option<String>| text.as_deref().map_or(Cell::Null, text_cell);
    let Sent { event_id, at_ms, event, .. } = sent;
    let ExperimentEvent { kind, project_id, session_id, variant_key, view_id, properties, .. } = event;
    vec![
        text_cell("e"),
        optional(event_id),
        text_cell(kind.name()),
        optional(project_id),
        text_cell(session_id),
        optional(variant_key),
        optional(view_id),
        Cell::Number(*at_ms as f64),
        optional(properties),
    ]
}

fn event(session_id: &str) -> ExperimentEvent {
    ExperimentEvent { session_id: session_id.to_owned(), ..bare_event(ExperimentEventKind::Pageview) }
}

/// Texts that are hard to keep.
const TEXTS: [&str; 9] =
    ["a", "O'Brien", "\"quoted\"", "back\\slash", "{\"a\":[1]}", "null", "7", "東京 é 😀", "\u{2028}\u{feff}%_[0]"];

const PROPERTIES: [&str; 6] = [
    "{}",
    r#"{ "b" : 1 ,"a":[ 1,2 ], "a":2}"#,
    r#"{"a":"\u00e9é\u0000\ud83d\ude00😀\/\"'"}"#,
    r#"{"a":1.0,"b":1e3,"c":123456789012345678901234567890,"d":-0}"#,
    "{\n\t\"a\": null\r\n}",
    r#"{"metric":"m","value":1}"#,
];

/// A project, a view, and properties.
type Detail = (Option<String>, Option<String>, Option<String>);

fn any_detail() -> impl Strategy<Value = Detail> {
    let text = || prop::option::of(prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned));
    let properties = prop::option::of(prop::sample::select(PROPERTIES.to_vec()).prop_map(str::to_owned));
    prop::option::weighted(0.4, (text(), text(), properties)).prop_map(Option::unwrap_or_default)
}

fn any_event() -> impl Strategy<Value = Sent> {
    use ExperimentEventKind::{Conversion, Exposure, Pageview};
    let id = prop::option::weighted(0.8, (0..12_u64, prop::sample::select(vec![0_u32, 0, 0, 1])));
    let text = || prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned);
    let kind = prop::sample::select(vec![Pageview, Exposure, Conversion]);
    let variant = prop::option::of(prop::sample::select(vec!["red", "red", "green", "blue"]).prop_map(str::to_owned));
    let value = prop::option::of(prop::sample::select(vec![0.0, 1.0, -2.5, 0.1, 1e9]));
    let measured = prop::option::of(((0..6_u32).prop_map(|number| format!("metric {number}")), value));
    (id, text(), (kind, variant, measured), -HOUR_MS..HOUR_MS, any_detail()).prop_map(
        |(id, session_id, (kind, variant_key, measured), ago_ms, detail)| {
            let measured = measured.filter(|_| kind == Conversion);
            let measurement = measured.map(|(metric, value)| Measurement { metric, value });
            let (project_id, view_id, properties) = detail;
            Sent {
                id: id.map(|(key, payload)| IdDigest { key, payload }),
                event_id: id.map(|(key, _)| format!("{}{key}", TEXTS[usize::try_from(key).unwrap() % 9])),
                at_ms: NOW_MS + ago_ms,
                event: ExperimentEvent {
                    kind,
                    variant_key,
                    measurement,
                    project_id,
                    view_id,
                    properties,
                    ..event(&session_id)
                },
            }
        },
    )
}

fn any_deliveries() -> impl Strategy<Value = Vec<(Vec<Sent>, u32)>> {
    let rejected = prop::sample::select(vec![0, 0, 0, 1, 7]);
    prop::collection::vec((prop::collection::vec(any_event(), 0..6), rejected), 0..4)
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let variants = prop::sample::select(vec![vec![], vec!["red", "green"], vec!["red", "green", "blue"]]);
    let over = prop::sample::select(vec![None, None, None, Some(0), Some(1), Some(DAY_MS)]);
    (variants, over).prop_map(|(variants, over)| Terms {
        variants: variants.into_iter().map(str::to_owned).collect(),
        over_ms: over.map(|after_ms| NOW_MS + after_ms),
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let waits = vec![0, 1, HOUR_MS, 8 * HOUR_MS, DAY_MS - 1, DAY_MS, DAY_MS + 1];
    prop_oneof![
        12 => any_deliveries().prop_map(Step::Record),
        1 => (1..70_usize, 0..90_usize).prop_map(|(events, bytes)| Step::Bulk(events, bytes)),
        1 => any_deliveries().prop_map(Step::Fail),
        2 => Just(Step::Restart),
        1 => any_terms().prop_map(Step::Declare),
        4 => prop::sample::select(waits).prop_map(Step::Wait),
    ]
}

fn simulate(steps: Vec<Step>) -> Simulation {
    let mut simulation = Simulation::default();
    for step in steps {
        simulation.step(step);
    }
    simulation
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn each_id_is_recorded_once_within_24_hours(steps in prop::collection::vec(any_step(), 1..30)) {
        simulate(steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn what_is_recorded_is_told_by_the_view_as_it_was_sent(steps in prop::collection::vec(any_step(), 1..12)) {
        simulate(steps).check_view();
    }
}

#[test]
fn batches_are_as_large_as_can_be_bound() {
    let steps = [Step::Bulk(700, 3800), Step::Bulk(1, 5000), Step::Bulk(900, 2000), Step::Bulk(3, 1_000_000)];
    let simulation = simulate(steps.to_vec());
    let counts: Vec<usize> = simulation.stored.iter().map(|batch| batch.event_count).collect();
    assert_eq!(counts, [232, 232, 232, 4, 1, 434, 434, 32, 1, 1, 1]);
}

/// The outcomes of one delivery.
fn check(recorder: &mut Recorder, terms: &Terms, sent: &[&Sent], expected: &[Outcome]) {
    let events = sent.iter().map(|&sent| sent.clone()).collect();
    let decision = recorder.decide(&deliveries_of(&[(events, 0)]), terms, NOW_MS);
    assert_eq!(decision.outcomes, [expected], "{sent:?} {terms:?}");
    recorder.keep(decision);
}

fn sent(id: Option<(u64, u32)>, change: impl FnOnce(&mut ExperimentEvent)) -> Sent {
    let mut event = event("s");
    change(&mut event);
    Sent { id: id.map(|(key, payload)| IdDigest { key, payload }), event_id: None, at_ms: NOW_MS, event }
}

#[test]
fn what_is_wrong_with_an_event_is_told_before_its_id_is_taken() {
    use Outcome::{Conflicting, Over, Recorded, Repeated, TooManyMetrics, UnknownVariant};
    let mut recorder =
        Recorder::restore(Vec::new(), 0, (0..99).map(|number| (NameKind::Metric, format!("m{number}"))).collect());
    let default = Terms::default();
    let declared = Terms { variants: vec!["red".to_owned()], over_ms: None };
    let over = |over_ms| Terms { over_ms: Some(over_ms), ..Terms::default() };
    let of_variant = |variant: &str, id| sent(id, |event| event.variant_key = Some(variant.to_owned()));
    let of_metric = |metric: &str, id| {
        sent(id, |event| event.measurement = Some(Measurement { metric: metric.to_owned(), value: None }))
    };
    let (plain, other) = (sent(Some((1, 7)), |_| {}), sent(Some((1, 8)), |_| {}));
    let anonymous = sent(None, |_| {});
    check(&mut recorder, &over(NOW_MS), &[&plain], &[Over]);
    check(&mut recorder, &declared, &[&of_variant("blue", Some((1, 7)))], &[UnknownVariant]);
    check(&mut recorder, &over(NOW_MS + 1), &[&plain, &plain, &other], &[Recorded, Repeated, Conflicting]);
    check(
        &mut recorder,
        &declared,
        &[&anonymous, &anonymous, &plain, &other],
        &[Recorded, Recorded, Repeated, Conflicting],
    );
    check(&mut recorder, &declared, &[&of_variant("red", None), &of_variant("Red", None)], &[Recorded, UnknownVariant]);
    check(&mut recorder, &default, &[&of_variant("blue", None)], &[Recorded]);
    // The hundredth is the last; an event that is refused for its metric leaves its id.
    check(
        &mut recorder,
        &default,
        &[
            &of_metric("m0", Some((1, 7))),
            &of_metric("a", Some((2, 0))),
            &of_metric("b", Some((3, 0))),
            &of_metric("a", Some((3, 0))),
            &of_metric("m98", None),
            &of_metric("c", None),
        ],
        &[Repeated, Recorded, TooManyMetrics, Recorded, Recorded, TooManyMetrics],
    );
    check(&mut recorder, &default, &[&of_metric("b", None), &of_metric("a", None)], &[TooManyMetrics, Recorded]);
}

fn ids(keys: std::ops::Range<usize>) -> Vec<IdDigest> {
    keys.map(|key| IdDigest { key: u64::try_from(key).unwrap(), payload: 0 }).collect()
}

#[test]
fn a_recorder_holds_at_most_900_000_ids_and_forgets_the_oldest() {
    assert_eq!(RECORDER_IDS, 900_000);
    let step = 10_000;
    let segments = (0..90).map(|number| {
        let first = usize::try_from(number).unwrap() * step;
        Segment { number, newest_ms: NOW_MS, entries: ids(first..first + step) }
    });
    let mut recorder = Recorder::restore(segments.collect(), 90, Vec::new());
    let deliver = |recorder: &Recorder, keys: std::ops::Range<usize>| {
        let of_id = |id: IdDigest| sent(Some((id.key, 0)), |_| {});
        let events = ids(keys).into_iter().map(of_id).collect();
        recorder.decide(&deliveries_of(&[(events, 0)]), &Terms::default(), NOW_MS)
    };
    let known =
        |recorder: &Recorder, key: usize| deliver(recorder, key..key + 1).outcomes.concat() == [Outcome::Repeated];
    assert!(known(&recorder, 0) && known(&recorder, RECORDER_IDS - 1) && !known(&recorder, RECORDER_IDS));
    // One more than fits takes the oldest batch with it, which leaves room for the others.
    let mut end = RECORDER_IDS;
    for added in [1, step - 1, 1] {
        recorder.keep(deliver(&recorder, end..end + added));
        end += added;
    }
    assert!(known(&recorder, end - 1) && !known(&recorder, end));
    assert!(!known(&recorder, 2 * step - 1) && known(&recorder, 2 * step));
}

/// What is read again may be more than fits: batches are read by the page.
#[test]
fn a_recorder_that_is_restored_from_too_much_leaves_out_the_oldest_batches() {
    let sizes = [3, 400_000, 7, 500_000, 1, 399_999];
    let (mut first, mut segments) = (0, Vec::new());
    for (number, size) in (0..).zip(sizes) {
        segments.push(Segment { number, newest_ms: NOW_MS, entries: ids(first..first + size) });
        first += size;
    }
    // The newest that fit together are 399,999 and 1 and 500,000.
    let recorder = Recorder::restore(segments, 6, Vec::new());
    let outcome = |key: usize| {
        let events = vec![sent(Some((u64::try_from(key).unwrap(), 0)), |_| {})];
        recorder.decide(&deliveries_of(&[(events, 0)]), &Terms::default(), NOW_MS).outcomes.concat()[0]
    };
    for key in [0, 2, 3, 400_002, 400_003, 400_009] {
        assert_eq!(outcome(key), Outcome::Recorded, "{key}");
    }
    for key in [400_010, 900_009, 900_010, 900_011, first - 1] {
        assert_eq!(outcome(key), Outcome::Repeated, "{key}");
    }
}

#[test]
fn a_batch_without_an_event_is_an_empty_array() {
    let recorder = Recorder::restore(Vec::new(), 4, Vec::new());
    let decision = recorder.decide(&deliveries_of(&[(Vec::new(), 3), (Vec::new(), 2)]), &Terms::default(), NOW_MS);
    let batch =
        NewBatch { number: 4, received_ms: NOW_MS, events: "[]".to_owned(), rejected: 5, ..NewBatch::default() };
    assert_eq!(decision.batches, [batch]);
    assert!(recorder.decide(&deliveries_of(&[(Vec::new(), 0)]), &Terms::default(), NOW_MS).batches.is_empty());
}

/// How many events are in each batch, of events that take so many bytes.
fn check_bytes(bytes: [usize; 2], expected: &[usize]) {
    let row = |bytes: usize| format!("[{}]", "7".repeat(bytes - 2));
    let entry = |bytes| Entry { id: None, variant_key: None, metric: None, row: row(bytes) };
    let delivery = Delivery { experiment_id: "e".to_owned(), events: bytes.map(entry).to_vec(), rejected: 0 };
    let recorder = Recorder::restore(Vec::new(), 0, Vec::new());
    let batches = recorder.decide(&[delivery], &Terms::default(), NOW_MS).batches;
    assert_eq!(batches.iter().map(|batch| batch.event_count).collect::<Vec<_>>(), expected, "{bytes:?}");
}

/// Two events with their brackets and their comma.
#[test]
fn a_batch_has_all_bytes_that_it_may_have() {
    check_bytes([1000, ARRAY_BYTES - 1003], &[2]);
    check_bytes([1000, ARRAY_BYTES - 1002], &[1, 1]);
    check_bytes([ARRAY_BYTES, 1000], &[1, 1]);
}
