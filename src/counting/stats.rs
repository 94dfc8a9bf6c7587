//! What a reader is told about a prompt's counts.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::tally::Tally;
use crate::usage::totals::Totals;

/// Counts under the names by which readers know them.
#[must_use]
pub fn named(tally: &Tally) -> [(&'static str, u64); 4] {
    let Tally { views, copies, forks, compares, .. } = *tally;
    [("viewCount", views), ("copyCount", copies), ("forkCount", forks), ("compareCount", compares)]
}

/// The counts of a prompt, as a shorthand route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    prompt_id: Uuid,
    tally: Tally,
}

impl Counts {
    /// The counts of this prompt.
    #[must_use]
    pub fn of(prompt_id: Uuid, tally: &Tally) -> Self {
        Self { prompt_id, tally: *tally }
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts = serializer.serialize_map(None)?;
        counts.serialize_entry("promptId", &self.prompt_id)?;
        for (name, count) in named(&self.tally) {
            counts.serialize_entry(name, &count)?;
        }
        counts.end()
    }
}

/// The counts after a shorthand route did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether the request's id had been counted before, so that this one changed nothing.
    pub duplicate: bool,
}

/// All that is known of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    #[serde(flatten)]
    counts: Counts,
    like_count: u64,
    unique_visitors: u64,
    visit_count: u64,
    total_usage: u64,
    success_count: u64,
    failure_count: u64,
    success_rate: Option<f64>,
    avg_generation_time_ms: Option<f64>,
    last_used_at: Option<String>,
}

impl Stats {
    /// The stats of a prompt with these counts, visitors and uses, whose templates have so many likes.
    #[must_use]
    pub fn of(counts: Counts, unique_visitors: u64, like_count: u64, usage: Totals) -> Self {
        let Totals { sums, last_used_at } = usage;
        Self {
            counts,
            like_count,
            unique_visitors,
            visit_count: counts.tally.visits,
            total_usage: sums.uses,
            success_count: sums.successes,
            failure_count: sums.failures(),
            success_rate: sums.success_rate(),
            avg_generation_time_ms: sums.average_time_ms(),
            last_used_at,
        }
    }

    /// What its counter counted.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.counts.tally
    }

    /// Likes of its templates.
    #[must_use]
    pub fn like_count(&self) -> u64 {
        self.like_count
    }

    /// How many visitors it had.
    #[must_use]
    pub fn unique_visitors(&self) -> u64 {
        self.unique_visitors
    }
}
