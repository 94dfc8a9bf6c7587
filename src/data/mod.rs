//! Prompts and what belongs to them: the rows, who may see and do what, and how rows of another system come in.

pub mod creation;
pub mod import;
pub mod import_groups;
pub mod import_report;
pub mod json_rows;
pub mod lines;
pub mod policy;
pub mod prompt;
pub mod prompt_cache;
pub mod schema;
pub mod tables;
