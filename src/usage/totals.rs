//! What uses add up to.

/// Uses, counted and timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// All uses.
    pub uses: u64,
    /// Those that generated something.
    pub successes: u64,
    /// Those whose generation time was measured.
    pub generation_time_count: u64,
    /// The sum of those times, in milliseconds.
    pub generation_time_sum_ms: u64,
}

impl Sums {
    /// Uses that generated nothing.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.uses.saturating_sub(self.successes)
    }

    /// Successes in a hundred uses; null of no uses.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        quotient(self.successes * 100, self.uses)
    }

    /// The average generation time of those that were measured, in milliseconds; null where none was.
    #[must_use]
    pub fn average_time_ms(&self) -> Option<f64> {
        quotient(self.generation_time_sum_ms, self.generation_time_count)
    }
}

#[expect(clippy::cast_precision_loss, reason = "sums and counts stay below 2^53")]
fn quotient(sum: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

/// The uses of a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// What they add up to.
    pub sums: Sums,
    /// When the latest was, as stored; null of none.
    pub last_used_at: Option<String>,
}
