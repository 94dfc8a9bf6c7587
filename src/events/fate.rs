//! What became of each event of a batch, and the answer that tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::batch::Recording;
use super::event::{ExperimentEvent, ExperimentEventKind};
use crate::counting::protocol::Outcome;
use crate::http::problem::{Code, Problem};

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is stored.
    Accepted,
    /// Its id was stored before.
    Duplicate,
    /// It is not stored.
    Rejected(Problem),
}

impl Fate {
    /// Whether storage failed: storing the event again may succeed.
    #[must_use]
    pub fn is_storage_failure(&self) -> bool {
        matches!(self, Self::Rejected(problem) if problem.code == Code::StorageUnavailable)
    }
}

/// The fate of an increment, from what its counter said.
#[must_use]
pub fn fate_of(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::Counted => Fate::Accepted,
        Outcome::Repeated => Fate::Duplicate,
        Outcome::Conflicting => Fate::Rejected(reused_id()),
    }
}

/// What identifies an experiment event: its experiment and its id.
pub type EventKey = (String, String);

/// The fates of experiment events, from the ids that were new when they were stored. Of two events with one id in the
/// same batch, the first is it.
#[must_use]
pub fn fates_of(recordings: &[Recording], mut fresh: BTreeSet<EventKey>) -> Vec<Fate> {
    let fate = |recording: &Recording| match &recording.id {
        Some(id) if !fresh.remove(&(recording.event.experiment_id.clone(), id.clone())) => Fate::Duplicate,
        _ => Fate::Accepted,
    };
    recordings.iter().map(fate).collect()
}

/// Rejects the duplicates under whose id another event is stored: `stored` holds what is, by its key.
pub fn reject_reused_ids(fates: &mut [Fate], recordings: &[Recording], stored: &BTreeMap<EventKey, StoredEvent>) {
    for (fate, recording) in fates.iter_mut().zip(recordings) {
        let key = (recording.event.experiment_id.clone(), recording.id.clone().unwrap_or_default());
        let is_another = stored.get(&key).is_some_and(|stored| !stored.records(&recording.event));
        if *fate == Fate::Duplicate && is_another {
            *fate = Fate::Rejected(reused_id());
        }
    }
}

/// What of a stored experiment event tells whether another is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// What happened.
    pub kind: ExperimentEventKind,
    /// Whose it is.
    pub session_id: String,
    /// The variant that it names.
    pub variant_key: Option<String>,
}

impl StoredEvent {
    fn records(&self, event: &ExperimentEvent) -> bool {
        self.kind == event.kind && self.session_id == event.session_id && self.variant_key == event.variant_key
    }
}

/// The problem of an id that was used for another event.
#[must_use]
pub fn reused_id() -> Problem {
    Problem::new(Code::IdempotencyKeyReused, "This id was counted for another event. Give each event an id of its own.")
}

/// The answer to a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BatchAnswer {
    /// Events that are stored.
    pub accepted: usize,
    /// Events whose id was stored before.
    pub duplicates: usize,
    /// Events that are not stored.
    pub rejected: Vec<Rejection>,
}

/// An event that is not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// The code of what is wrong.
    pub code: &'static str,
    /// What is wrong.
    pub detail: String,
}

/// The answer to a batch whose events had these fates.
///
/// # Errors
/// [`Code::StorageUnavailable`] when storage failed and nothing was stored: then asking again is all there is to do.
pub fn answer(fates: Vec<Fate>) -> Result<BatchAnswer, Problem> {
    let mut answer = BatchAnswer::default();
    let mut failure = None;
    for (index, fate) in fates.into_iter().enumerate() {
        match fate {
            Fate::Accepted => answer.accepted += 1,
            Fate::Duplicate => answer.duplicates += 1,
            Fate::Rejected(problem) => {
                answer.rejected.push(Rejection { index, code: problem.code.name(), detail: problem.detail.clone() });
                failure = Some(problem).filter(|problem| problem.code == Code::StorageUnavailable).or(failure);
            }
        }
    }
    match failure {
        Some(problem) if answer.accepted + answer.duplicates == 0 => Err(problem),
        _ => Ok(answer),
    }
}
