//! promptmeter: the counting, data and experiment backend of a prompt library, compiled to one WebAssembly edge worker.
//!
//! Data flows one way: a request is parsed into a closed enum, decided in pure code, performed in one place, and
//! answered once. The pure code takes time, ids and randomness as arguments, compiles natively and is tested there:
//!
//! - [`counting`]: what a counter counts, and its protocol
//! - [`sharding`]: how the counting of a prompt spreads over several objects
//! - [`events`]: what callers send, and what becomes of a batch
//! - [`traffic`]: who sends events, and how many
//! - [`usage`]: uses of prompts, and what they add up to
//! - [`recording`]: which events of an experiment are new, and the batches that store them
//! - [`experiments`]: from the events of sessions to hourly rows
//! - [`series`]: what was counted over time, by the hours and days of a time zone
//! - [`statistics`]: intervals, tests and chances
//! - [`verdict`]: what the counts of an experiment say
//! - [`live`]: counts as they move
//! - [`rankings`]: which prompts are ahead
//! - [`retraction`]: what a flagged source added is taken back
//! - [`verification`]: whether what is told agrees with what it is told of
//! - [`metrics`]: what an instance tells of itself
//! - [`health`], [`alerts`]: whether it is well, and who is told when it is not
//! - [`ancestry`]: what a prompt comes from, and what was made of it
//! - [`badge`]: a count as a picture
//! - [`compared`]: the prompts that were most often in the same comparison
//! - [`data`]: prompts, who may do what, rows of other systems
//! - [`moving`]: everything that is kept, as lines that go out and come in
//! - [`rest`]: the data dialect of Supabase applications
//! - [`search`]: the words of a text, and queries for them
//! - [`sql`]: statements composed from descriptions, the policy table as SQL
//! - [`http`]: routes, problems, identity and the keys of tokens
//! - `openapi`: the description of all that, which is compiled natively alone
//!
//! Only the `edge` module, which is compiled for `wasm32` alone, knows Cloudflare.

pub mod alerts;
pub mod ancestry;
pub mod badge;
pub mod compared;
pub mod counting;
pub mod data;
pub mod events;
pub mod experiments;
pub mod health;
pub mod http;
pub mod json;
pub mod limits;
pub mod live;
pub mod metrics;
pub mod moving;
#[cfg(not(target_arch = "wasm32"))]
pub mod openapi;
pub mod packed;
pub mod rankings;
pub mod recording;
pub mod rest;
pub mod retraction;
pub mod search;
pub mod series;
pub mod sharding;
pub mod sql;
pub mod statistics;
pub mod time;
pub mod traffic;
pub mod usage;
pub mod verdict;
pub mod verification;

#[cfg(target_arch = "wasm32")]
mod edge;
