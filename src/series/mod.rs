//! What was counted of a prompt over time, in hours or days of any time zone.
//!
//! Counts are kept by quarter hours: an offset of local time from UTC is a multiple of 15 minutes in every time zone
//! since 1972, so each local hour and day is a number of whole quarters, and nothing is counted twice or left out.

pub mod answer;
pub mod funnel;
pub mod points;
pub mod request;
pub mod zone;
