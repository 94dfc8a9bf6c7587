//! Which events of an experiment are new, against a model that forgets nothing, and the batches that store them.

mod cases;
mod steps;

use std::collections::{BTreeSet, HashMap};

use promptmeter::counting::protocol::IdDigest;
use promptmeter::counting::segment::Segment;
use promptmeter::data::json_rows::ARRAY_BYTES;
use promptmeter::events::event::{ExperimentEvent, ExperimentEventKind, Measurement};
use promptmeter::limits::EXPERIMENT_METRICS;
use promptmeter::recording::batch::NewBatch;
use promptmeter::recording::event_row::NewRow;
use promptmeter::recording::names::NameKind;
use promptmeter::recording::protocol::{Delivery, Entry, Outcome};
use promptmeter::recording::recorder::{DELIVERY_MS, Decision, RECORDER_IDS, Recorder, Terms};
use promptmeter::rest::rows::{Cell, Row};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::bare_event::bare_event;
use crate::database;

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
    /// What was delivered last, when, and under which ids.
    delivered: (Drawn, i64, u64),
    now_ms: i64,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            recorder: Recorder::restore(Vec::new(), Vec::new(), 0, Vec::new()),
            stored: Vec::new(),
            recorded: Vec::new(),
            model: Model::default(),
            terms: Terms::default(),
            named: 1000,
            delivered: (Vec::new(), NOW_MS, 0),
            now_ms: NOW_MS,
        }
    }
}

/// Deliveries that are decided together, each with a number of refused events.
type Drawn = Vec<(Vec<Sent>, u32)>;

#[derive(Clone, Debug)]
enum Step {
    Record(Drawn),
    /// What was delivered last comes once more.
    Again,
    /// As many events with ids and metrics that are new, each with so many bytes of properties.
    Bulk(usize, usize),
    /// Deliveries whose storing fails.
    Fail(Drawn),
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
            metric: event.measurement.as_ref().map(|measurement| measurement.metric.to_string()),
            row: serde_json::to_string(&row).unwrap(),
        }
    }
}

fn deliveries_of(drawn: &[(Vec<Sent>, u32)]) -> Vec<Delivery> {
    let delivery = |(sent, rejected): &(Vec<Sent>, u32)| Delivery {
        experiment_id: "e".to_owned(),
        events: sent.iter().map(Sent::entry).collect(),
        rejected: *rejected,
        id: None,
    };
    drawn.iter().map(delivery).collect()
}

impl Simulation {
    fn step(&mut self, step: Step) {
        match step {
            Step::Record(drawn) => self.record(drawn),
            Step::Again if self.now_ms - self.delivered.1 <= DELIVERY_MS => self.deliver(false),
            Step::Again => {}
            Step::Bulk(events, bytes) => {
                let sent = (0..events).map(|_| self.named_event(bytes)).collect();
                self.record(vec![(sent, 0)]);
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
        let measurement = Measurement { metric: format!("m{}", self.named).into(), value: None };
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
        let segments = |within_ms: i64, entries: fn(&NewBatch) -> &Vec<IdDigest>| {
            let is_young = |batch: &&NewBatch| batch.received_ms + within_ms >= self.now_ms;
            let stored = self.stored.iter().filter(is_young).filter(|batch| !entries(batch).is_empty());
            let segment = |batch: &NewBatch| {
                let (number, newest_ms) = (batch.number.unsigned_abs(), batch.received_ms);
                let packed = Segment { number, newest_ms, entries: entries(batch).clone() }.pack();
                Segment::unpack(number, newest_ms, &packed)
            };
            stored.map(segment).collect()
        };
        let (ids, deliveries) =
            (segments(DAY_MS, |batch| &batch.ids), segments(DELIVERY_MS, |batch| &batch.deliveries));
        let next_number = self.stored.last().map_or(0, |batch| batch.number + 1);
        let names = self.model.metrics.iter().map(|metric| (NameKind::Metric, metric.clone())).collect();
        Recorder::restore(ids, deliveries, next_number, names)
    }

    fn record(&mut self, drawn: Drawn) {
        let next_id = self.delivered.2 + u64::try_from(self.delivered.0.len()).unwrap();
        self.delivered = (drawn, self.now_ms, next_id);
        self.deliver(true);
    }

    /// Delivers what was drawn last. What of it is no new event is counted the first time.
    fn deliver(&mut self, is_first: bool) {
        let (drawn, _, first_id) = self.delivered.clone();
        let named = deliveries_of(&drawn).into_iter().zip(first_id..);
        let deliveries: Vec<Delivery> = named.map(|(delivery, id)| Delivery { id: Some(id), ..delivery }).collect();
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
            rejected += if is_first { *refused } else { 0 };
            for (sent, outcome) in sent.iter().zip(outcomes) {
                self.model.note(&sent.entry(), &self.terms, self.now_ms, *outcome);
                match outcome {
                    Outcome::Recorded => self.recorded.push(sent.clone()),
                    Outcome::Repeated => duplicates += u32::from(is_first),
                    _ => rejected += u32::from(is_first),
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
