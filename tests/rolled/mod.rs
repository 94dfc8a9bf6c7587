//! The rollup as it is defined, and as it is stored.

#![allow(dead_code, reason = "every test uses a part of it")]

pub(crate) mod definition;
pub(crate) mod storage;
