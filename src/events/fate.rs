//! What became of each event of a batch, and the answer that tells it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::batch::Recording;
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

/// The fate of an increment, from what its counter said.
#[must_use]
pub fn fate_of(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::Counted => Fate::Accepted,
        Outcome::Repeated => Fate::Duplicate,
        Outcome::Conflicting => Fate::Rejected(reused_id()),
    }
}

/// The fates of experiment events, from the ids that were new when they were stored. Of two events with one id in the
/// same batch, the first is it.
#[must_use]
pub fn fates_of(recordings: &[Recording], mut fresh: BTreeSet<(String, String)>) -> Vec<Fate> {
    let fate = |recording: &Recording| match &recording.id {
        Some(id) if !fresh.remove(&(recording.event.experiment_id.clone(), id.clone())) => Fate::Duplicate,
        _ => Fate::Accepted,
    };
    recordings.iter().map(fate).collect()
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
