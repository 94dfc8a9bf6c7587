//! How long requests took, of each route, from counts by name.

use super::readings::Count;
use crate::time::SECOND_MS;
use crate::usage::histogram::Histogram;

/// The bounds of the buckets that are told, in milliseconds: each is where one that is kept begins.
pub const BOUNDS_MS: [u64; 13] = [2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/// How long the requests of a route took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// The method and the path.
    pub route: (String, String),
    /// How many were in each bucket, by its lower bound in milliseconds.
    buckets: Vec<(u64, u64)>,
    /// All together, in milliseconds.
    pub sum_ms: u64,
}

impl Durations {
    /// Of each route, in the order of the names.
    #[must_use]
    pub fn of_routes(counts: &[Count]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (name, count) in counts {
            let parts: Vec<&str> = name.split(' ').collect();
            let (route, lower) = match parts[..] {
                ["duration", method, path, lower] => ((method.to_owned(), path.to_owned()), lower.parse().ok()),
                ["duration_sum", method, path] => ((method.to_owned(), path.to_owned()), None),
                _ => continue,
            };
            let durations = match all.iter_mut().find(|known| known.route == route) {
                Some(known) => known,
                None => all.push_mut(Self { route, ..Self::default() }),
            };
            match lower {
                Some(lower) => durations.buckets.push((lower, *count)),
                None => durations.sum_ms += count,
            }
        }
        all
    }

    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// How many took less than `bound_ms`.
    #[must_use]
    pub fn below(&self, bound_ms: u64) -> u64 {
        self.buckets.iter().filter(|(lower, _)| *lower < bound_ms).map(|(_, count)| count).sum()
    }

    /// The time, in milliseconds, that so many in a hundred did not exceed; less than 5 % off. `None` of no requests.
    #[must_use]
    pub fn quantile_ms(&self, per_cent: u64) -> Option<u64> {
        Histogram::of(&self.buckets).quantile(per_cent)
    }
}

/// Milliseconds in seconds, as a text.
#[must_use]
pub fn seconds(ms: u64) -> String {
    let second = SECOND_MS.unsigned_abs();
    format!("{}.{:03}", ms / second, ms % second)
}
