//! What an instance tells of itself, in Prometheus's text format 0.0.4.
//!
//! A worker runs in many isolates, each with [`readings`] of its own. They keep them in the database, a row each, as counts by
//! name; all rows together are what the text ([`exposition`]) tells.
//!
//! Specification: <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>.

pub mod durations;
pub mod exposition;
pub mod life;
pub mod meter;
pub mod readings;

/// The type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4";
