//! What was counted of a prompt, and of all, over time, in hours or days of any time zone.
//!
//! Counts are kept by quarters of an hour, and the offset of local time from UTC is a number of them in every time zone, so
//! every local hour and day is one too, and nothing is counted twice or left out. Two zones were otherwise long ago: see
//! [`zone::parse_offset`].

pub mod answer;
pub mod funnel;
pub mod points;
pub mod request;
pub mod totals;
pub mod zone;
