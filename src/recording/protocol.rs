//! What the worker and an experiment's recorder say to each other: one command, one reply, in postcard's format.

use serde::{Deserialize, Serialize};

use crate::counting::protocol::IdDigest;

/// The Durable Object binding in `wrangler.toml`. A recorder's object is named by its experiment's id.
pub const BINDING: &str = "RECORDERS";

/// What a recorder is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Records events, each id once within 24 hours. Isolates of an earlier build send it.
    Record(Delivery),
    /// Forgets what it knows of the experiment's declaration, which has changed.
    Redeclared,
    /// Does the same as [`Command::Record`], and counts under this id of the delivery once what is no event.
    RecordOnce(u64, Delivery),
}

/// Events of one experiment that came together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The experiment that the recorder belongs to.
    pub experiment_id: String,
    /// In the order in which they are judged.
    pub events: Vec<Entry>,
    /// Events of the experiment that came with them and were refused.
    pub rejected: u32,
    /// By which it is known if it comes again; its command tells it.
    #[serde(skip)]
    pub id: Option<u64>,
}

impl Delivery {
    /// What it weighs where deliveries wait: one, each event one more, and one more for each KiB of its row.
    #[must_use]
    pub fn weight(&self) -> usize {
        1 + self.events.iter().map(|entry| 1 + entry.row.len() / 1024).sum::<usize>()
    }
}

/// An event to record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id; without one, each delivery counts.
    pub id: Option<IdDigest>,
    /// The variant that it names.
    pub variant_key: Option<String>,
    /// The metric that it names.
    pub metric: Option<String>,
    /// The row as it is stored: see [`super::event_row`].
    pub row: String,
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is stored.
    Recorded,
    /// Its id was stored before.
    Repeated,
    /// Its id was stored before, for another event.
    Conflicting,
    /// It names a variant that the experiment does not have.
    UnknownVariant,
    /// It names one variant more than an experiment may have whose variants are not declared.
    TooManyVariants,
    /// It names one metric more than an experiment may have.
    TooManyMetrics,
    /// The experiment was stopped so long ago that its sessions are forgotten.
    Over,
}

/// What a recorder answers; everything it says is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Command::Record`] and [`Command::RecordOnce`]: one for each event, in their order.
    Recorded(Vec<Outcome>),
    /// To [`Command::Redeclared`].
    Noted,
}
