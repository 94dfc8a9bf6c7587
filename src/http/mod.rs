//! What a request asks for and what it is told, without the machinery that carries it.

pub mod admission;
pub mod base64_json;
pub mod body;
pub mod caching;
pub mod cors;
pub mod field;
pub mod fields;
pub mod head;
pub mod identity;
pub mod key_set;
pub mod key_source;
pub mod paging;
pub mod problem;
pub mod query;
pub mod remote_keys;
pub mod request_log;
pub mod route;
pub mod token;
