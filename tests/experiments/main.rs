//! Experiments: what is declared and assigned, which events are new, the rollup by its definition, the figures.

#![cfg(test)]

mod assignment;
#[path = "../bare_event/mod.rs"]
mod bare_event;
#[path = "../database/mod.rs"]
mod database;
mod declaration;
mod recorder;
mod results;
#[path = "../rolled/mod.rs"]
mod rolled;
mod rollup;
mod rollup_cases;
mod session_state;
mod summary_pages;
