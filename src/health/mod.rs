//! Whether an instance is well, in words.

pub mod answer;
pub mod check;
pub mod state;
