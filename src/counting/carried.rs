//! A counter that is carried from one instance to another: its parts, and what becomes of them where they come in.
//!
//! What it counted is carried, ever and by quarters, with its visitors and the ids that it knows. Visits and sources are
//! not: they are digests under salts of days, which stay where they were drawn.

use serde::{Deserialize, Serialize};

use super::tally::Tally;

/// Keys of imported rows that are told at once, each of 8 bytes.
pub const IMPORTED_AT_ONCE: usize = 50_000;

/// A part of a counter. The whole comes behind the others, and with it all of them take effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// A day.
    Day {
        /// Days since 1970.
        number: i64,
        /// [`super::day::Day::pack`].
        counts: Vec<u8>,
    },
    /// Ids that it remembers.
    Ids {
        /// The number of the segment.
        number: u64,
        /// When the newest of them was counted, in milliseconds since 1970.
        newest_ms: i64,
        /// [`super::segment::Segment::pack`].
        entries: Vec<u8>,
    },
    /// The keys of rows that were imported, in ascending order as signed numbers, each in 8 bytes, big-endian.
    Imported(Vec<u8>),
    /// All that is told in one row, and how much of the rest there is.
    Whole(Whole),
}

/// What of a counter is told in one row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// The counts.
    pub tally: Tally,
    /// [`super::visitors::Visitors::pack`].
    pub visitors: Vec<u8>,
    /// How many of the visitors were taken back.
    pub retracted_visitors: u64,
    /// How many days there are.
    pub days: u64,
    /// How many segments of ids there are.
    pub ids: u64,
    /// How many keys of imported rows there are.
    pub imported: u64,
}

/// What a counter tells the database once it is whole, as a snapshot of it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The counts.
    pub tally: Tally,
    /// How many visitors there were.
    pub unique_visitors: u64,
    /// The counter's version.
    pub version: u64,
    /// How its prompt stands in the rankings, as the JSON text of an array of [`crate::rankings::standing::Standing`].
    pub standings: String,
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Taken {
    /// It is stored.
    Stored,
    /// The counter has it, and may have counted since.
    Repeated,
    /// The counter counted something else.
    Refused,
    /// Parts that should stand before it did not come.
    Incomplete,
}

/// What a counter was carried into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it has counted.
    pub has_counted: bool,
    /// The version under which parts came in, and whether the whole came.
    pub carried: Option<(u64, bool)>,
}

/// What is done with a part that comes in under a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is stored.
    Store,
    /// What came in before it is of another export, and is forgotten first.
    Begin,
    /// Nothing, for this reason.
    Leave(Taken),
}

impl Standing {
    /// What is done with a part of this version.
    #[must_use]
    pub fn step(self, version: u64) -> Step {
        match self.carried {
            carried if self.has_counted => {
                Step::Leave(if carried == Some((version, true)) { Taken::Repeated } else { Taken::Refused })
            }
            Some((known, false)) if known == version => Step::Store,
            _ => Step::Begin,
        }
    }
}
