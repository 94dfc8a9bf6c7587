//! The data dialect of Supabase applications (PostgREST's), from a request to statements and from their rows to an
//! answer: parse → [`query`] → SQL → [`rows`].

mod columns;
pub mod condition;
pub mod condition_sql;
pub mod error;
pub mod function;
pub mod function_sql;
pub mod insert_sql;
pub mod keys;
pub mod literal;
mod merged_page;
mod operator;
pub mod order;
mod page_sql;
pub mod payload;
pub mod preference;
pub mod query;
pub mod read_sql;
pub mod request;
pub mod rows;
pub mod scan;
pub mod select;
mod told_bytes;
pub mod write_sql;
pub mod writing;
