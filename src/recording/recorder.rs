//! What a delivery of events changes: which of them are new, and the batches that store them.

use std::collections::HashMap;

use super::protocol::{Delivery, Entry, Outcome};
use crate::counting::ledger::{Ledger, Segment};
use crate::counting::protocol::{IdDigest, Outcome as Judgement};
use crate::data::json_rows::ARRAY_BYTES;
use crate::limits::{EXPERIMENT_METRICS, VARIANTS};

/// Ids that a recorder remembers at the most: 43 MB of memory, and 61 MB while the table of them grows.
pub const RECORDER_IDS: usize = 900_000;

/// What an experiment's declaration says about its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The variants that it has; none if it was not declared which.
    pub variants: Vec<String>,
    /// Since when its events are refused, in milliseconds since 1970.
    pub over_ms: Option<i64>,
}

/// What an experiment's events name, and may not name without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A variant, while it is not declared which there are.
    Variant,
    /// A metric.
    Metric,
}

impl NameKind {
    /// The name under which it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Variant => "variant",
            Self::Metric => "metric",
        }
    }

    /// The kind that is stored under this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Variant, Self::Metric].into_iter().find(|kind| kind.name() == name)
    }

    fn most(self) -> usize {
        match self {
            Self::Variant => VARIANTS,
            Self::Metric => EXPERIMENT_METRICS,
        }
    }
}

/// The names that an experiment's events have used.
pub type Names = Vec<(NameKind, String)>;

/// A batch that is to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewBatch {
    /// Its place among the experiment's batches.
    pub number: i64,
    /// When its events arrived, in milliseconds since 1970.
    pub received_ms: i64,
    /// How many events it has.
    pub event_count: usize,
    /// Its events: a JSON array of rows, see [`super::event_row`].
    pub events: String,
    /// The ids of its events.
    pub ids: Vec<IdDigest>,
    /// Events that were stored before.
    pub duplicates: u32,
    /// Events that are refused.
    pub rejected: u32,
}

/// What becomes of deliveries.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The outcomes of each delivery's events.
    pub outcomes: Vec<Vec<Outcome>>,
    /// To be stored in one transaction; then the outcomes hold.
    pub batches: Vec<NewBatch>,
    /// Names that are used for the first time, to be stored with them.
    pub new_names: Names,
}

/// What is known of an experiment's events.
#[derive(Debug)]
pub struct Recorder {
    ledger: Ledger,
    next_number: i64,
    names: Names,
}

impl Recorder {
    /// A recorder that knows these stored batches, given in their order, each with the ids of its events, and these
    /// names. Of more than [`RECORDER_IDS`] it knows the newest.
    #[must_use]
    pub fn restore(segments: Vec<Segment>, next_number: i64, names: Names) -> Self {
        let mut ids: usize = segments.iter().map(|segment| segment.entries.len()).sum();
        let mut ledger = Ledger::holding(RECORDER_IDS, ids);
        for segment in segments {
            if ids > RECORDER_IDS {
                ids -= segment.entries.len();
            } else {
                ledger.restore(segment);
            }
        }
        Self { ledger, next_number, names }
    }

    /// Decides what becomes of deliveries that are there at `now_ms`.
    #[must_use]
    pub fn decide(&self, deliveries: &[Delivery], terms: &Terms, now_ms: i64) -> Decision {
        let mut writing = Writing::new(self.next_number, now_ms);
        let mut fresh = HashMap::new();
        let mut names = self.names.clone();
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            writing.batch.rejected += delivery.rejected;
            let outcome_of = |entry| {
                let outcome = self.judge(entry, &mut fresh, &mut names, terms, now_ms);
                writing.add(entry, outcome);
                outcome
            };
            outcomes.push(delivery.events.iter().map(outcome_of).collect());
        }
        Decision { outcomes, batches: writing.finish(), new_names: names.split_off(self.names.len()) }
    }

    fn judge(
        &self,
        entry: &Entry,
        fresh: &mut HashMap<u64, u32>,
        names: &mut Names,
        terms: &Terms,
        now_ms: i64,
    ) -> Outcome {
        if terms.over_ms.is_some_and(|over_ms| now_ms >= over_ms) {
            return Outcome::Over;
        }
        let is_known = |variant: &String| terms.variants.is_empty() || terms.variants.contains(variant);
        if !entry.variant_key.as_ref().is_none_or(is_known) {
            return Outcome::UnknownVariant;
        }
        if let Some(id) = entry.id {
            match fresh.get(&id.key).map_or_else(|| self.ledger.judge(id), |payload| same(*payload == id.payload)) {
                Judgement::Counted => {}
                Judgement::Repeated => return Outcome::Repeated,
                Judgement::Conflicting => return Outcome::Conflicting,
            }
        }
        let variant = entry.variant_key.as_ref().filter(|_| terms.variants.is_empty());
        let variant = variant.filter(|name| is_new(names, NameKind::Variant, name));
        let metric = entry.metric.as_ref().filter(|name| is_new(names, NameKind::Metric, name));
        if variant.is_some() && is_full(names, NameKind::Variant) {
            return Outcome::TooManyVariants;
        }
        if metric.is_some() && is_full(names, NameKind::Metric) {
            return Outcome::TooManyMetrics;
        }
        names.extend(variant.map(|name| (NameKind::Variant, name.clone())));
        names.extend(metric.map(|name| (NameKind::Metric, name.clone())));
        if let Some(id) = entry.id {
            fresh.insert(id.key, id.payload);
        }
        Outcome::Recorded
    }

    /// Takes over what has been stored.
    pub fn keep(&mut self, decision: Decision) {
        for batch in decision.batches {
            self.next_number = batch.number + 1;
            if !batch.ids.is_empty() {
                let segment =
                    Segment { number: batch.number.unsigned_abs(), newest_ms: batch.received_ms, entries: batch.ids };
                self.ledger.remember(segment, batch.received_ms);
            }
        }
        self.names.extend(decision.new_names);
    }
}

fn is_new(names: &Names, kind: NameKind, name: &str) -> bool {
    !names.iter().any(|(known_kind, known)| *known_kind == kind && known == name)
}

fn is_full(names: &Names, kind: NameKind) -> bool {
    names.iter().filter(|(known_kind, _)| *known_kind == kind).count() >= kind.most()
}

fn same(is_same: bool) -> Judgement {
    if is_same { Judgement::Repeated } else { Judgement::Conflicting }
}

/// Batches while they are written.
struct Writing {
    batch: NewBatch,
    full: Vec<NewBatch>,
}

impl Writing {
    fn new(number: i64, received_ms: i64) -> Self {
        Self { batch: NewBatch { number, received_ms, ..NewBatch::default() }, full: Vec::new() }
    }

    fn add(&mut self, entry: &Entry, outcome: Outcome) {
        match outcome {
            Outcome::Recorded => self.record(entry),
            Outcome::Repeated => self.batch.duplicates += 1,
            _ => self.batch.rejected += 1,
        }
    }

    fn record(&mut self, entry: &Entry) {
        if self.batch.event_count > 0 && self.batch.events.len() + entry.row.len() + 2 > ARRAY_BYTES {
            self.close();
        }
        self.batch.events.push(if self.batch.event_count == 0 { '[' } else { ',' });
        self.batch.events.push_str(&entry.row);
        self.batch.event_count += 1;
        self.batch.ids.extend(entry.id);
    }

    fn close(&mut self) {
        let NewBatch { number, received_ms, .. } = self.batch;
        let next = NewBatch { number: number + 1, received_ms, ..NewBatch::default() };
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.events.push_str(if batch.event_count == 0 { "[]" } else { "]" });
        self.full.push(batch);
    }

    fn finish(mut self) -> Vec<NewBatch> {
        let NewBatch { event_count, duplicates, rejected, .. } = self.batch;
        if event_count > 0 || duplicates > 0 || rejected > 0 {
            self.close();
        }
        self.full
    }
}
