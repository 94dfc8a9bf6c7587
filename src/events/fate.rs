//! What became of each event of a batch, and the answer that tells it.

use serde::Serialize;

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
