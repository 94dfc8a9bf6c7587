//! What a counter counts, how it tells a repeated id from a new one, and the protocol spoken with it.

pub mod counter;
pub mod ledger;
pub mod protocol;
pub mod stats;
pub mod tally;
