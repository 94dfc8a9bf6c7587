//! What a counter counts, how it tells a repeated id from a new one and a visit from a view, and the protocol spoken with it.

pub mod carried;
pub mod counter;
pub mod day;
pub mod day_change;
pub mod digest_map;
pub mod fingerprints;
pub mod gathering;
pub mod id_digest;
pub mod judging;
pub mod ledger;
pub mod merging;
pub mod protocol;
pub mod retraction;
pub mod segment;
pub mod snapshot;
pub mod sources;
pub mod stats;
pub mod stats_page;
pub mod tally;
pub mod visitors;
pub mod visits;
pub mod windows;
