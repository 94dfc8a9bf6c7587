//! The lines of forks: what a prompt comes from, and the tree of what was made of it. How the sums of a tree are kept
//! stands in `migrations/0009_lineage.sql`; the events that tell of forks are in `events::lineage`.

pub mod answer;
pub mod read_sql;
pub mod request;
pub mod tree;
