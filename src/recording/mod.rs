//! Recording the events of an experiment: each id once, stored by the batch.
//!
//! One object records an experiment's events, so that it alone has to know the ids of the last 24 hours, and events that
//! come at the same time are stored together. What it knows it can read again from what it stored: it keeps nothing of
//! its own, and a batch that another one stored in the meantime makes it read anew.

pub mod batch;
pub mod event_row;
pub mod names;
pub mod protocol;
pub mod recorder;
