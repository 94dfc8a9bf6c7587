//! Events as they come, and what they are counted to: bodies, senders, ledgers, counters, shards, what is stored and sent.

#![cfg(test)]

#[path = "../bare_event/mod.rs"]
mod bare_event;
mod batch;
mod carried;
mod counted;
mod counter;
mod counter_model;
mod day_change;
mod days;
mod digest_map;
mod gathering;
mod ledger;
mod lineage;
mod live;
mod merging;
mod messages;
mod parsing;
mod protocol;
mod rate_limit;
mod sharding;
mod snapshots;
mod sources;
mod stored_ids;
mod tally;
mod traffic;
mod visitors;
mod visits;
