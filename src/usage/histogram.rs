//! How generation times are spread, in fixed buckets of two significant decimal digits: a time below 100 ms has a bucket
//! of its own, any other is in that of its two first digits (1,234 ms in that of 1,200 to 1,299 ms).
//!
//! There are 627 buckets up to a day, so a prompt's histogram has at most some 10 KB. A bucket from 100 ms on is at most a
//! tenth as wide as its times are long, and a quantile is told as the bucket's middle: less than 5 % off.

use crate::limits::GENERATION_TIME_MS;

/// The times of one bucket, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The shortest; it names the bucket.
    pub lower: u64,
    /// The longest.
    pub upper: u64,
}

impl Bucket {
    /// The bucket of a time.
    #[must_use]
    pub fn of(time_ms: u64) -> Self {
        let mut width = 1;
        while time_ms / width >= 100 {
            width *= 10;
        }
        let lower = time_ms - time_ms % width;
        Self { lower, upper: lower + width - 1 }
    }

    /// The time that is told for all of the bucket.
    #[must_use]
    pub fn middle(self) -> u64 {
        u64::midpoint(self.lower, self.upper)
    }
}

/// How many times are in each bucket, by the buckets' lower bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(serde_json::Map<String, serde_json::Value>);

impl Histogram {
    /// A histogram of these buckets: the lower bound of each, and how many times are in it.
    #[must_use]
    pub fn of(buckets: &[(u64, u64)]) -> Self {
        let mut map = serde_json::Map::new();
        for (lower, times) in buckets {
            map.insert(lower.to_string(), (*times).into());
        }
        Self(map)
    }

    /// Reads a histogram as it is stored: a JSON object of the buckets that are not empty. `None` for other text.
    #[must_use]
    pub fn parse(stored: &str) -> Option<Self> {
        serde_json::from_str(stored).ok().map(Self)
    }

    /// The time that so many in a hundred did not exceed: of the bucket in which the first `per_cent` of the times, rounded
    /// up to whole times, end. `None` of no times.
    #[must_use]
    pub fn quantile(&self, per_cent: u64) -> Option<u64> {
        let count: u64 = self.0.values().filter_map(serde_json::Value::as_u64).sum();
        let rank = (count * per_cent).div_ceil(100).max(1);
        let mut bucket = Bucket::of(0);
        let mut times = 0;
        while bucket.lower <= GENERATION_TIME_MS.unsigned_abs() {
            times += self.0.get(&bucket.lower.to_string()).and_then(serde_json::Value::as_u64).unwrap_or_default();
            if times >= rank {
                return Some(bucket.middle());
            }
            bucket = Bucket::of(bucket.upper + 1);
        }
        None
    }
}
