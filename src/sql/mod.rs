//! SQL that is composed from descriptions: the text comes from this program alone, values are bound parameters.

pub mod fork;
pub mod hex;
pub mod letter_case;
pub mod pattern;
mod pattern_steps;
pub mod predicate;
pub mod statement;
pub mod statement_name;
