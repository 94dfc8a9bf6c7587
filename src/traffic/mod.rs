//! Who sends events: visitors, robots, pages that are loaded ahead, and senders of too much.

pub mod address;
pub mod attribution;
pub mod digests;
pub mod rate_limit;
pub mod reason;
pub mod recent;
pub mod salts;
pub mod sender;
