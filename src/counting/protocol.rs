//! What the worker and a counter say to each other: one command, one reply, in postcard's format.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::carried::{Piece, Taken, Told as ToldAnew};
use super::tally::{Metric, Tally};
use crate::live::listener::Listen;
use crate::sharding::placement::{Place, Spread};

/// The Durable Object binding in `wrangler.toml`. A counter's object is named by its prompt's id.
pub const BINDING: &str = "COUNTERS";

/// What a counter is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Counts increments, each id once within 24 hours.
    Count {
        /// The prompt that the counter belongs to.
        prompt_id: Uuid,
        /// The increments.
        delivery: Delivery,
    },
    /// Counts rows of another system's log, each row once for ever.
    Import {
        /// The prompt that the counter belongs to.
        prompt_id: Uuid,
        /// In any order.
        rows: Vec<ImportedRow>,
    },
    /// Takes back what these sources added in the last days; repeated, it takes back nothing more.
    Retract {
        /// As [`Increment::source`] named them.
        sources: Vec<u64>,
    },
    /// Asks for what a shard has to know, which is to accept increments.
    HandOver {
        /// The shard.
        place: Place,
        /// The segment from which on ids are told.
        from: u64,
    },
    /// Asks for the counts.
    Read,
    /// Asks for what was counted between each two of these instants.
    Between {
        /// Quarters of an hour since 1970, in ascending order.
        bounds: Vec<i64>,
    },
    /// Asks whether what the counter holds agrees with itself, and with its snapshot.
    Audit,
    /// Asks for a stream of the counts; the answer is no [`Reply`].
    Listen(Listen),
    /// Asks for the counter as it is to be carried, without the keys of imported rows.
    Carry {
        /// Segments of ids that are told at the most, one at the least, which are the newest, besides the one that is being
        /// filled. An isolate of a build that wants all of them at once does not say it, and is not understood.
        segments: u64,
    },
    /// Asks for keys of imported rows behind one, in their order as signed numbers.
    CarryImported {
        /// The key.
        after: Option<i64>,
    },
    /// Has the counter take what was carried.
    Take {
        /// The prompt that the counter belongs to.
        prompt_id: Uuid,
        /// In their order, each under the version that the counter had.
        pieces: Vec<(u64, Piece)>,
    },
    /// Asks for ids of a counter that is carried, which [`Reply::Carried`] left out.
    CarryIds {
        /// The first segment.
        from: u64,
        /// The one before which they end; of those up to there the first are told.
        before: u64,
    },
}

/// Increments that come together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Names it: sent again after a failure, its increments without an id are counted once.
    pub id: u64,
    /// In the order in which they are judged.
    pub increments: Vec<Increment>,
}

impl Delivery {
    /// The keys by which it is judged.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        std::iter::once(self.id).chain(self.increments.iter().filter_map(|increment| Some(increment.id?.key)))
    }
}

/// One more of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Increment {
    /// What is counted.
    pub metric: Metric,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
    /// The id it carries; without one, each delivery counts.
    pub id: Option<IdDigest>,
    /// Whoever it was, as a digest under that day's salt.
    pub visitor: Option<u64>,
    /// Where it came from, as a digest under that day's salt: what can be retracted together.
    pub source: Option<u64>,
}

impl Increment {
    /// One more of a metric at an instant, of nobody that is known.
    #[must_use]
    pub fn of(metric: Metric, at_ms: i64, id: Option<IdDigest>) -> Self {
        Self { metric, at_ms, id, visitor: None, source: None }
    }
}

/// An event's id as a counter remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdDigest {
    /// Tells one id from another.
    pub key: u64,
    /// Tells a repeated event from another one under the same id.
    pub payload: u32,
}

/// One row of another system's log of views and copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedRow {
    /// Tells one row from another.
    pub key: u64,
    /// What is counted.
    pub metric: Metric,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
}

/// What became of one increment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is in the counts.
    Counted,
    /// Its id was counted before.
    Repeated,
    /// Its id was counted before, for another event.
    Conflicting,
}

/// What is told about increments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The counts once they were counted, and before what came behind them was.
    pub tally: Tally,
    /// One for each of them, in their order.
    pub outcomes: Vec<Outcome>,
}

/// What a counter answers; everything it says is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Command::Count`].
    Counted(Told),
    /// To [`Command::Count`]: nothing was counted, for the counter is spread over shards. To [`Command::HandOver`]: its
    /// place is none any more; where increments go instead, if that is known.
    Elsewhere(Option<Spread>),
    /// To [`Command::HandOver`].
    HandedOver {
        /// The ids that fall to the shard, as segments of its ledger.
        segments: Vec<(i64, Vec<IdDigest>)>,
        /// The counts.
        total: Tally,
        /// The segment from which on more are told; `None` where these are the last.
        next: Option<u64>,
    },
    /// To [`Command::Import`].
    Imported {
        /// Rows that are in the counts now and were not before.
        counted: u64,
    },
    /// To [`Command::Retract`].
    Retracted {
        /// What was taken back.
        tally: Tally,
        /// How many visitors fewer there are.
        unique_visitors: u64,
    },
    /// To [`Command::Read`].
    Read {
        /// The counts.
        tally: Tally,
        /// How many visitors there were.
        unique_visitors: u64,
    },
    /// To [`Command::Between`].
    Between {
        /// The places where anything was counted, in their order: a place is that of its first bound.
        sums: Vec<(usize, Tally)>,
    },
    /// To [`Command::Audit`].
    Audited(Audit),
    /// To [`Command::Carry`].
    Carried {
        /// The counter's version.
        version: u64,
        /// Its parts, the whole behind the others; none of a counter that never counted. Of its ids the newest, as many as
        /// were asked for.
        pieces: Vec<Piece>,
    },
    /// To [`Command::CarryImported`].
    CarriedImported {
        /// The keys, as [`Piece::Imported`] has them.
        keys: Vec<u8>,
    },
    /// To [`Command::Take`].
    Taken {
        /// What became of the parts, in their order.
        taken: Vec<Taken>,
        /// What the counter tells then, where it is whole by what was carried.
        told: Option<ToldAnew>,
    },
    /// To [`Command::CarryIds`].
    CarriedIds {
        /// Parts of their kind; none where there are no more.
        pieces: Vec<Piece>,
    },
}

/// What a counter holds, for whoever compares it with what others hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The counts.
    pub tally: Tally,
    /// How many commits there were: a snapshot of this version tells these counts.
    pub version: u64,
    /// How many visitors there were.
    #[serde(default)]
    pub unique_visitors: u64,
    /// The sum of its days.
    pub days: Tally,
    /// When it last began to write a snapshot, as far as it knows, and when it will, in milliseconds since 1970.
    pub snapshots_ms: [Option<i64>; 2],
}
