//! Counts as they move, told to whoever listens: server-sent events, at most one a second.
//!
//! Specification: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

pub mod counts;
pub mod listener;
