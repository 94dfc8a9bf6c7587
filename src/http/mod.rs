//! What a request asks for and what it is told, without the machinery that carries it.

pub mod body;
pub mod cors;
pub mod field;
pub mod fields;
pub mod identity;
pub mod problem;
pub mod query;
pub mod route;
pub mod token;
