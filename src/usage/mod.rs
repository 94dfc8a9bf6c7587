//! Uses of prompts: what callers tell of one, and what a prompt's uses add up to.
//!
//! A use is a row of `prompt_usage`. Totals are kept beside the rows by triggers, in the same transaction, so that no
//! read goes through the rows.

pub mod event;
pub mod histogram;
pub mod row;
pub mod scenes;
pub mod totals;
