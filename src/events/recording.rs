//! Experiment events on their way to the recorders of their experiments, and what became of them there.

use super::event::ExperimentEvent;
use super::fate::{Fate, reused_id};
use crate::counting::id_digest::digest;
use crate::http::problem::{Code, Problem};
use crate::limits::{EXPERIMENT_METRICS, VARIANTS};
use crate::recording::event_row::NewRow;
use crate::recording::protocol::{Delivery, Entry, Outcome};

/// An experiment event that is to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Its place in the batch.
    pub index: usize,
    /// The caller's id.
    pub id: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What.
    pub event: ExperimentEvent,
}

/// The events of a batch that are for one recorder.
#[derive(Clone, Debug, PartialEq)]
pub struct Consignment {
    /// Their places in the batch.
    pub indexes: Vec<usize>,
    /// The events.
    pub delivery: Delivery,
}

/// Groups events by their experiments. `refused` names, for each event that is refused already, its experiment.
#[must_use]
pub fn by_experiment(recordings: &[Recording], refused: &[String]) -> Vec<Consignment> {
    let mut consignments: Vec<Consignment> = Vec::new();
    for recording in recordings {
        with(&mut consignments, &recording.event.experiment_id, |consignment| {
            consignment.indexes.push(recording.index);
            consignment.delivery.events.push(entry(recording));
        });
    }
    for experiment_id in refused {
        with(&mut consignments, experiment_id, |consignment| consignment.delivery.rejected += 1);
    }
    consignments
}

/// Does this to the consignment of an experiment. A batch is of few experiments: looking through them costs less than a
/// table of them.
fn with(consignments: &mut Vec<Consignment>, experiment_id: &str, add: impl FnOnce(&mut Consignment)) {
    if let Some(known) = consignments.iter_mut().find(|known| known.delivery.experiment_id == experiment_id) {
        return add(known);
    }
    let delivery = Delivery { experiment_id: experiment_id.to_owned(), events: Vec::new(), rejected: 0, id: None };
    let mut new = Consignment { indexes: Vec::new(), delivery };
    add(&mut new);
    consignments.push(new);
}

/// A repeated event is the same event if the same happened in the same session to the same variant, or to the same
/// metric. The time is not part of it, for a retry may tell it anew.
fn entry(Recording { id, at_ms, event, .. }: &Recording) -> Entry {
    let metric = event.measurement.as_ref().map(|measurement| measurement.metric.to_string());
    let variant_key = event.variant_key.clone();
    let mut payload = vec![event.kind.name(), &event.session_id, variant_key.as_deref().unwrap_or_default()];
    payload.extend(metric.as_deref());
    let digest = id.as_deref().map(|id| digest(id, &payload));
    let row = NewRow { event_id: id.as_deref(), at_ms: *at_ms, event };
    Entry { id: digest, variant_key, metric, row: serde_json::to_string(&row).unwrap_or_default() }
}

/// The fate of an event, from what its recorder said.
#[must_use]
pub fn fate_of(outcome: Outcome) -> Fate {
    let at = |code, pointer, detail: &str| Fate::Rejected(Problem::at(code, pointer, detail));
    match outcome {
        Outcome::Recorded => Fate::Accepted,
        Outcome::Repeated => Fate::Duplicate,
        Outcome::Conflicting => Fate::Rejected(reused_id()),
        Outcome::UnknownVariant => {
            at(Code::UnknownVariant, "/variant_key", "The experiment is declared without a variant of this key.")
        }
        Outcome::TooManyVariants => {
            let detail = format!("The events of an experiment name at most {VARIANTS} variants.");
            at(Code::TooManyVariants, "/variant_key", &detail)
        }
        Outcome::TooManyMetrics => {
            let detail = format!("The conversions of an experiment have at most {EXPERIMENT_METRICS} metrics.");
            at(Code::TooManyMetrics, "/properties/metric", &detail)
        }
        Outcome::Over => Fate::Rejected(Problem::new(
            Code::ExperimentOver,
            "The experiment was stopped and its sessions are forgotten. Give a new one a new id.",
        )),
    }
}
