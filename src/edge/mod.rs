//! The only folder that knows Cloudflare: it decodes, asks the pure code, performs, encodes.
//!
//! - doors: [`fetch`] (requests), [`scheduled`] (cron), [`counter_object`] and [`recorder_object`] (commands to one prompt's counter, to one experiment's recorder)
//! - handlers: [`events`], [`prompts`], [`stats`], [`rankings`], [`series`], [`ancestry`], [`compared`], [`search`], [`experiments`], [`summary`], [`results`], [`evaluate`], [`import`], [`verification`]; of the data dialect [`rest`], [`rest_write`], [`functions`]
//! - what they share: [`ingestion`], [`merging`], [`counters`] and [`recorders`] (the way to them), [`objects`], [`handover`], [`prompt_lookup`], [`first_sight`] (of users), [`call`], [`answer`], [`settings`], [`metering`], [`runtime`], [`time_zone`]
//! - who is asking: [`identity`], [`public_keys`] (those of `JWKS`), [`key_download`], [`web_crypto`]
//! - statements: [`d1`], [`counter_storage`] and [`segment_storage`] hold all SQL

mod ancestry;
mod answer;
mod call;
mod compared;
mod counter_alarm;
mod counter_object;
mod counter_shards;
mod counter_storage;
mod counters;
mod d1;
mod evaluate;
mod events;
mod experiments;
mod fetch;
mod first_sight;
mod functions;
mod handover;
mod http;
mod identity;
mod import;
mod ingestion;
mod key_download;
mod merging;
mod metering;
mod objects;
mod prompt_lookup;
mod prompts;
mod public_keys;
mod rankings;
mod recorder_object;
mod recorders;
mod rejudging;
mod rest;
mod rest_write;
mod results;
mod retention;
mod rollup;
mod runtime;
mod scheduled;
mod search;
mod segment_storage;
mod series;
mod settings;
mod shard_object;
mod shard_storage;
mod spread_storage;
mod stats;
mod summary;
mod time_zone;
mod together;
mod verification;
mod web_crypto;
