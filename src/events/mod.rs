//! Events: what callers send, how it is read, and what becomes of a batch.

pub mod batch;
pub mod event;
pub mod fate;
pub mod lineage;
pub mod parse;
pub mod recording;
