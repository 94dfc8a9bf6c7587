//! What a shard is asked, by the worker and by its counter, and what it replies.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::placement::{Place, Spread};
use crate::counting::protocol::{Delivery, IdDigest, Increment, Told};
use crate::counting::tally::Tally;

/// The Durable Object binding in `wrangler.toml`.
pub const BINDING: &str = "SHARDS";

/// The name of the object of a prompt's shard.
#[must_use]
pub fn object_name(prompt_id: Uuid, shard: u32) -> String {
    format!("{prompt_id}/{shard}")
}

/// What a shard is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Accepts increments, each id once.
    Count {
        /// The prompt.
        prompt_id: Uuid,
        /// Which shard of it this is, and in what epoch.
        place: Place,
        /// The increments.
        delivery: Delivery,
    },
    /// Tells what it accepted.
    Pull(Pull),
    /// Forgets all of an epoch that is over.
    Clear {
        /// The epoch.
        epoch: u64,
    },
}

/// How its counter asks for what a shard accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// The epoch.
    pub epoch: u64,
    /// Up to which batch the counter has it: that much is forgotten.
    pub through: u64,
    /// The counts of all.
    pub total: Tally,
    /// Whether it is the end of the epoch: nothing more is accepted in it, and ids that were accepted in it are told.
    pub closes: bool,
    /// The segment from which on ids are told.
    pub ids_from: u64,
    /// How many of its ids are told at the most, which are the newest.
    pub most_ids: u64,
}

/// What a shard replies; everything it says is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Command::Count`].
    Counted(Told),
    /// To [`Command::Count`]: nothing was counted, for the epoch is another; where increments go, as far as it is known.
    Elsewhere(Option<Spread>),
    /// To [`Command::Pull`].
    Pulled(Pulled),
    /// To [`Command::Clear`].
    Cleared,
}

/// What a shard accepted behind what its counter has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulled {
    /// The batch up to which this is.
    pub through: u64,
    /// What was accepted, in its order, without ids.
    pub increments: Vec<Increment>,
    /// Whether more of it is left.
    pub is_partial: bool,
    /// Commands since it was asked last.
    pub commands: u64,
    /// To a pull that closes: ids that were accepted in the epoch.
    pub ids: Vec<IdDigest>,
    /// The segment from which on more ids are left, if any are.
    pub ids_left: Option<u64>,
}

impl Pulled {
    /// From which segment on ids are asked for next, if anything is left to be pulled. What the counter did not take, for another
    /// pull brought it, is asked for again.
    #[must_use]
    pub fn next(&self, pull: &Pull, is_taken: bool) -> Option<u64> {
        match self.ids_left {
            _ if !is_taken => Some(pull.ids_from),
            None if self.is_partial => Some(0),
            left => left,
        }
    }
}
