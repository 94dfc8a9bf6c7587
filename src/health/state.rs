//! What the database tells of itself and of the work on it.

/// The last of the migrations that this worker needs, by the name of its file.
pub const NEWEST_MIGRATION: &str = "0019_deliveries.sql";

/// What the database tells of itself and of the work on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// When the oldest event came that is not rolled up, in milliseconds since 1970; `None` if all are.
    pub waiting_since_ms: Option<i64>,
    /// When the last run of the cron began that came to its end, in milliseconds since 1970; `None` before the first.
    pub cron_ms: Option<i64>,
    /// What failed in it, names with commas between them; empty if nothing did.
    pub cron_failures: String,
    /// The bytes that the database has.
    pub storage_bytes: u64,
    /// The bytes that it may have.
    pub storage_limit: u64,
}

impl State {
    /// How long the oldest event waits that is not rolled up, in milliseconds.
    #[must_use]
    pub fn rollup_lag_ms(&self, now_ms: i64) -> i64 {
        self.waiting_since_ms.map_or(0, |since_ms| (now_ms - since_ms).max(0))
    }

    /// How much of what it may have the database has, in thousandths.
    #[must_use]
    pub fn storage_per_mille(&self) -> u64 {
        self.storage_bytes.saturating_mul(1000) / self.storage_limit.max(1)
    }
}
