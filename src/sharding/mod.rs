//! How the counting of a prompt that is counted too often for one object spreads over several, and comes back.
//!
//! A shard is an inbox of the counter: it judges the ids that fall to it, stores what it accepts, and answers; the counter
//! pulls that, once a second and before it is read, and counts it as if it had come to it. So what is read, told and stored
//! is the counter's alone, however many shards there are.

pub mod load;
pub mod placement;
pub mod protocol;
pub mod shard;
pub mod standing;
