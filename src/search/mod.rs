//! Full-text search: what the words of a text are, and what a caller may ask for.

pub mod text_query;
pub mod words;
