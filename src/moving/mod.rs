//! Everything that an instance keeps, as lines of JSON: what is exported, in what order, and how it comes in again.
//!
//! An export has no row that others say already: totals, rankings and places among forks are made anew by the triggers that
//! keep them, snapshots by the counters. It has no salts, which are destroyed after 48 hours, and no keys.

pub mod counter_lines;
pub mod ending;
pub mod internal;
pub mod page_sql;
pub mod place;
pub mod restore_sql;
pub mod row;
mod row_content;
pub mod tables;
