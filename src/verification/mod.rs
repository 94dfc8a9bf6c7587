//! Whether what is told agrees with what it is told of: counters with their snapshots, totals with their rows.

pub mod answer;
pub mod checks;
pub mod counters;
pub mod page;
