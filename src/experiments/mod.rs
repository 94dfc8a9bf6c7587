//! Experiments: who has which variant, and from the events of sessions to hourly rows.
//!
//! An experiment is declared ([`declaration`]), and which variant a unit has follows from its declaration alone
//! ([`assignment`]).
//!
//! The definition of the rows, over all accepted events of an experiment in the order of their event time (ties: order of arrival):
//! a session's variant is the one of its first exposure, and all its events belong to that variant. Everything a
//! session adds to the hourly rows follows from its [`session::Session`], so a rollup adds, for each session that has
//! new events, what it adds now less what it added before. That is exact for any lateness and any order of arrival, and
//! costs what is new.

pub mod assignment;
pub mod decision;
pub mod declaration;
pub mod declaring;
pub mod experiment;
pub mod namespace;
pub mod page;
pub mod results;
pub mod rollup;
pub mod runs;
pub mod session;
pub mod session_state;
pub mod summary;
pub mod variants;
