//! What all routes have in common, who calls, and how an instance is moved, watched and described.

#![cfg(test)]

mod admission;
mod caching;
mod creation;
#[path = "../database/mod.rs"]
mod database;
mod documents;
mod head;
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
