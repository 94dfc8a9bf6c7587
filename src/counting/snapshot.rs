//! What a counter tells the database: its counts, and what it counted lately.

use super::tally::Tally;
use super::windows::Recent;

/// A snapshot of a counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// The counts since the beginning.
    pub tally: Tally,
    /// How many visitors there were.
    pub unique_visitors: u64,
    /// The counter's version: a snapshot of a higher one is newer.
    pub version: u64,
    /// What was counted lately.
    pub recent: Recent,
}
