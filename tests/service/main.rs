//! What all routes have in common, who calls, and how an instance is moved, watched and described.

#![cfg(test)]

mod admission;
#[path = "../database/mod.rs"]
mod database;
mod documents;
mod identity;
mod import_groups;
mod import_lines;
mod key_set;
mod metrics;
mod migrations;
mod moving;
mod openapi;
mod operation;
mod paging;
mod remote_keys;
mod routing;
mod time;
