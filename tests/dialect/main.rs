//! The data dialect, on SQLite with the limits of D1: requests, the SQL that is made of them, who may read and write what.

#![cfg(test)]

mod conditions;
#[path = "../database/mod.rs"]
mod database;
mod embeds;
mod errors;
mod forks;
mod fuzz;
mod hex;
mod keys;
mod listed;
mod parsing;
mod patterns;
mod payload;
mod policies;
mod policy;
mod query_plans;
mod rows;
mod schema;
mod searches;
mod select;
mod statement;
mod statement_name;
mod writing;
