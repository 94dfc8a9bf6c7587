//! What only a counter can be compared with: its days, its snapshot, and the rows of forks and comparisons.

use uuid::Uuid;

use super::page::Difference;
use crate::counting::counter::SNAPSHOT_INTERVAL_MS;
use crate::counting::protocol::Audit;
use crate::counting::tally::Tally;

/// What the database holds of a prompt's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredCounts {
    /// The prompt.
    pub prompt_id: Uuid,
    /// Its snapshot.
    pub snapshot: Tally,
    /// The version of its snapshot; 0 where there is none.
    pub version: u64,
    /// Rows of forks.
    pub forks: u64,
    /// Rows of comparisons.
    pub compares: u64,
    /// Rows of forks that are marked as not counted; their counter may have counted them.
    pub uncounted_forks: u64,
    /// Rows of comparisons that are.
    pub uncounted_compares: u64,
}

/// What a prompt's counts come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What differs.
    pub differences: Vec<Difference>,
    /// What is still on its way: a snapshot that is due, rows that are about to be counted.
    pub pending: u64,
}

/// Compares a prompt's counter, at an instant, with what the database holds.
#[must_use]
pub fn compare(stored: &StoredCounts, audit: &Audit, now_ms: i64) -> Verdict {
    let mut verdict = Verdict { pending: stored.uncounted_forks + stored.uncounted_compares, ..Verdict::default() };
    let mut check = |check: &str, expected: u64, found: u64| {
        if expected != found {
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let (expected, found) = (number(expected), number(found));
            let check = check.to_owned();
            verdict.differences.push(Difference { prompt_id: stored.prompt_id, check, expected, found });
        }
    };
    for (name, counted, of_days, told) in [
        ("views", audit.tally.views, audit.days.views, stored.snapshot.views),
        ("copies", audit.tally.copies, audit.days.copies, stored.snapshot.copies),
        ("forks", audit.tally.forks, audit.days.forks, stored.snapshot.forks),
        ("compares", audit.tally.compares, audit.days.compares, stored.snapshot.compares),
    ] {
        check(&format!("days.{name}"), counted, of_days);
        if stored.version == audit.version {
            check(&format!("prompt_stats.{name}"), counted, told);
        }
    }
    for (name, rows, uncounted, counted) in [
        ("fork", stored.forks, stored.uncounted_forks, audit.tally.forks),
        ("compare_add", stored.compares, stored.uncounted_compares, audit.tally.compares),
    ] {
        let counted_rows = counted.clamp(rows.saturating_sub(uncounted), rows);
        check(&format!("prompt_events.{name}"), counted_rows, counted);
    }
    if stored.version != audit.version {
        // A snapshot comes within the interval, or it does not come; one that was just begun may not be there yet.
        let is_near = |at_ms: &i64| (at_ms - now_ms).abs() <= 2 * SNAPSHOT_INTERVAL_MS;
        let is_due = audit.snapshots_ms.iter().flatten().any(is_near);
        if is_due && stored.version < audit.version {
            verdict.pending += 1;
        } else {
            check("prompt_stats.version", audit.version, stored.version);
        }
    }
    verdict
}
