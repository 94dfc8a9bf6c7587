//! The lists of prompts that are ahead: what they are ordered by, and their pages.

pub mod answer;
pub mod leaving;
pub mod list;
pub mod page;
pub mod standing;
pub mod telling;
