//! The only folder that knows Cloudflare: it decodes, asks the pure code, performs, encodes.
//!
//! Doors are [`fetch`] (requests), [`scheduled`] (cron), and the objects: [`counter_object`] (a prompt's counter),
//! [`shard_object`] (what it spreads over), [`recorder_object`] (an experiment's recorder). All SQL is in [`d1`] and the files
//! named `…_storage`. ARCHITECTURE.md maps the rest.

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
mod day_storage;
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
mod object_storage;
mod objects;
mod older_storage;
mod prompt_lookup;
mod prompts;
mod public_keys;
mod rankings;
mod rate_limits;
mod recorder_object;
mod recorders;
mod rejudging;
mod rest;
mod rest_write;
mod results;
mod retention;
mod retraction;
mod robots;
mod rollup;
mod runs;
mod runtime;
mod salts;
mod scheduled;
mod search;
mod segment_storage;
mod senders;
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
