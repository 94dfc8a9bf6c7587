//! What a page of prompts came to, as it is told.

use serde::Serialize;

use super::counters::Verdict;
use super::page::Difference;
use crate::counting::tally::Tally;

/// The answer to a page.
#[derive(Debug, Default, Serialize)]
pub struct Verification {
    /// Prompts that were verified.
    pub prompts: usize,
    /// Events of these prompts by their type.
    pub events: Events,
    /// Snapshots that are due, and rows of forks and comparisons that are about to be counted: what they tell is not
    /// compared. A minute later there is none, unless events go on.
    pub pending: u64,
    /// Prompts of which the rankings are still to be told something; what snapshots tell them is not compared. A minute
    /// after `RANKING_INTERVAL` there is none, unless events go on.
    pub rankings_pending: u64,
    /// What differs.
    pub differences: Vec<Difference>,
    /// What to ask for as `cursor` to verify the prompts after these; null at the end.
    pub next_cursor: Option<String>,
}

/// How many events there are, by their type.
#[derive(Debug, Default, Serialize)]
pub struct Events {
    view: u64,
    copy: u64,
    fork: u64,
    compare_add: u64,
    usage: u64,
}

impl Verification {
    /// Adds what a prompt's counts came to.
    pub fn add(&mut self, counted: &Tally, usage: u64, verdict: Verdict) {
        self.prompts += 1;
        self.events.view += counted.views;
        self.events.copy += counted.copies;
        self.events.fork += counted.forks;
        self.events.compare_add += counted.compares;
        self.events.usage += usage;
        self.pending += verdict.pending;
        self.differences.extend(verdict.differences);
    }
}
