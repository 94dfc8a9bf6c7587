//! Full-text search: what the words of a text are, what a caller may ask for, and how that is asked of FTS5.

pub mod answer;
pub mod matching;
pub mod page;
pub mod request;
pub mod text_query;
pub mod words;
