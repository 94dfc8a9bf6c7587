//! What became of each event of a batch, and the answer that tells it.

use serde::Serialize;

use crate::counting::protocol::Outcome;
use crate::data::policy::unknown_prompt;
use crate::http::problem::{Code, Problem};
use crate::traffic::reason::{self, Reason};
use crate::usage::row::Standing;

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is stored.
    Accepted,
    /// Its id was stored before.
    Duplicate,
    /// It is not stored.
    Rejected(Problem),
    /// It is a use, and storage failed to store it. Nobody waits for analytics to fail: that is told in the answer, and makes
    /// no bad answer of it.
    Unrecorded,
    /// It is no view and no copy, for this reason, and counted as what it is.
    Dropped(Reason),
}

impl Fate {
    /// Whether storage failed: storing the event again may succeed.
    #[must_use]
    pub fn is_storage_failure(&self) -> bool {
        match self {
            Self::Rejected(problem) => problem.code == Code::StorageUnavailable,
            Self::Unrecorded => true,
            Self::Accepted | Self::Duplicate | Self::Dropped(_) => false,
        }
    }

    /// The fate of a use that has this problem.
    #[must_use]
    pub fn of_use(problem: Problem) -> Self {
        if problem.code == Code::StorageUnavailable { Self::Unrecorded } else { Self::Rejected(problem) }
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

/// Why some of these events were no views and no copies, as the header `X-Promptmeter-Dropped` tells it.
#[must_use]
pub fn dropped_header(fates: &[Fate]) -> Option<String> {
    reason::header(fates.iter().filter_map(|fate| match fate {
        Fate::Dropped(reason) => Some(*reason),
        _ => None,
    }))
}

/// The fate of a use, from how its row stands.
#[must_use]
pub fn fate_of_use(standing: Standing) -> Fate {
    match standing {
        Standing::New => Fate::Accepted,
        Standing::Repeated => Fate::Duplicate,
        Standing::Taken => Fate::Rejected(reused_id()),
        Standing::Gone => Fate::Rejected(unknown_prompt()),
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
/// [`Code::StorageUnavailable`] when storage failed and nothing was stored, unless it was for uses only that it failed: then
/// asking again is all there is to do.
pub fn answer(fates: Vec<Fate>) -> Result<BatchAnswer, Problem> {
    let mut answer = BatchAnswer::default();
    let (mut failure, mut dropped) = (None, 0);
    for (index, fate) in fates.into_iter().enumerate() {
        match fate {
            Fate::Accepted => answer.accepted += 1,
            Fate::Duplicate => answer.duplicates += 1,
            Fate::Dropped(_) => dropped += 1,
            Fate::Rejected(problem) => {
                answer.rejected.push(Rejection { index, code: problem.code.name(), detail: problem.detail.clone() });
                failure = Some(problem).filter(|problem| problem.code == Code::StorageUnavailable).or(failure);
            }
            Fate::Unrecorded => {
                let detail = "The use was not recorded. Send it again, with the same id.".to_owned();
                answer.rejected.push(Rejection { index, code: Code::StorageUnavailable.name(), detail });
            }
        }
    }
    match failure {
        Some(problem) if answer.accepted + answer.duplicates + dropped == 0 => Err(problem),
        _ => Ok(answer),
    }
}
