//! What a delivery of events changes: which of them are new, and the batches that store them.

use std::collections::{HashMap, HashSet};

use super::batch::{NewBatch, Writing};
use super::names::{NameKind, Names};
use super::protocol::{Delivery, Entry, Outcome};
use crate::counting::ledger::{Bounds, Ledger, Recalled};
use crate::counting::protocol::Outcome as Judgement;
use crate::counting::segment::Segment;
use crate::time::MINUTE_MS;

/// Ids that a recorder remembers at the most: 43 MB of memory, and 61 MB while the table of them grows.
pub const RECORDER_IDS: usize = 900_000;
/// How long a delivery is known, in milliseconds: it is sent again within seconds.
pub const DELIVERY_MS: i64 = 5 * MINUTE_MS;
/// Deliveries that a recorder remembers at the most.
pub const DELIVERIES: usize = 100_000;

/// What an experiment's declaration says about its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The variants that it has; none if it was not declared which.
    pub variants: Vec<String>,
    /// Since when its events are refused, in milliseconds since 1970.
    pub over_ms: Option<i64>,
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
    /// The deliveries of [`DELIVERY_MS`].
    deliveries: Ledger,
    next_number: i64,
    names: Names,
}

impl Recorder {
    /// A recorder that knows these stored batches, given in their order, each with the ids of its events, of more than
    /// [`RECORDER_IDS`] the newest; the deliveries of batches, given in their order; and these names.
    #[must_use]
    pub fn restore(segments: Vec<Segment>, deliveries: Vec<Segment>, next_number: i64, names: Names) -> Self {
        let mut ids: usize = segments.iter().map(|segment| segment.entries.len()).sum();
        let mut ledger = Ledger::within(Bounds::whole(RECORDER_IDS), ids);
        for segment in segments {
            if ids > RECORDER_IDS {
                ids -= segment.entries.len();
            } else {
                ledger.restore(segment);
            }
        }
        let mut recorder = Self { ledger, deliveries: no_deliveries(), next_number, names };
        for segment in deliveries {
            recorder.deliveries.restore(segment);
        }
        recorder
    }

    /// Decides what becomes of deliveries that are there at `now_ms`.
    #[must_use]
    pub fn decide(&self, deliveries: &[Delivery], terms: &Terms, now_ms: i64) -> Decision {
        let mut writing = Writing::new(self.next_number, now_ms);
        let (mut fresh, mut delivered) = (HashMap::new(), HashSet::new());
        let mut names = self.names.clone();
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let is_new = delivery.id.is_none_or(|id| delivered.insert(id) && self.deliveries.payload(id).is_none());
            if is_new {
                writing.note(delivery);
            }
            let outcome_of = |entry| {
                let outcome = self.judge(entry, &mut fresh, &mut names, terms, now_ms);
                if is_new || outcome == Outcome::Recorded {
                    writing.add(entry, outcome);
                }
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
            match fresh
                .get(&id.key)
                .map_or_else(|| self.ledger.judge(id, &Recalled::default()), |payload| same(*payload == id.payload))
            {
                Judgement::Counted => {}
                Judgement::Repeated => return Outcome::Repeated,
                Judgement::Conflicting => return Outcome::Conflicting,
            }
        }
        let variant = entry.variant_key.as_ref().filter(|_| terms.variants.is_empty());
        if !NameKind::Variant.has_room(names, variant) {
            return Outcome::TooManyVariants;
        }
        if !NameKind::Metric.has_room(names, entry.metric.as_ref()) {
            return Outcome::TooManyMetrics;
        }
        NameKind::Variant.note(names, variant);
        NameKind::Metric.note(names, entry.metric.as_ref());
        if let Some(id) = entry.id {
            fresh.insert(id.key, id.payload);
        }
        Outcome::Recorded
    }

    /// Takes over what has been stored.
    pub fn keep(&mut self, decision: Decision) {
        for batch in decision.batches {
            self.next_number = batch.number + 1;
            let segment =
                |entries| Segment { number: batch.number.unsigned_abs(), newest_ms: batch.received_ms, entries };
            if !batch.deliveries.is_empty() {
                self.deliveries.remember(segment(batch.deliveries), batch.received_ms);
            }
            if !batch.ids.is_empty() {
                self.ledger.remember(segment(batch.ids), batch.received_ms);
            }
        }
        self.names.extend(decision.new_names);
    }
}

fn no_deliveries() -> Ledger {
    Ledger::within(Bounds::whole(DELIVERIES), 0).forgetting_after(DELIVERY_MS)
}

fn same(is_same: bool) -> Judgement {
    if is_same { Judgement::Repeated } else { Judgement::Conflicting }
}
