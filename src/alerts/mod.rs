//! What somebody is told of who does not look: conditions of an instance, and the webhook that tells them.
//!
//! The cron looks. Of each [`kind`] at most one message is sent in an hour; one that was not delivered is sent again, the same,
//! until it is. When a condition is over, that is told, too. Messages are signed as Standard Webhooks has it
//! (<https://www.standardwebhooks.com>).

pub mod condition;
pub mod decision;
pub mod kind;
pub mod webhook;
