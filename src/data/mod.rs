//! Prompts and what belongs to them: the rows, who may see and do what, and how rows of another system come in.

pub mod fields;
pub mod import;
pub mod policy;
pub mod prompt;
pub mod prompt_cache;
