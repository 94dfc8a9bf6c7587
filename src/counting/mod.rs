//! What a counter counts, how it tells a repeated id from a new one, and the protocol spoken with it.

pub mod counter;
pub mod day;
pub mod ledger;
pub mod merging;
pub mod protocol;
pub mod snapshot;
pub mod stats;
pub mod stats_page;
pub mod tally;
pub mod windows;
