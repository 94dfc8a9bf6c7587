//! What only a counter can be compared with: its days, its snapshot, and the rows of forks and comparisons.

use uuid::Uuid;

use super::page::Difference;

use crate::counting::protocol::Audit;
use crate::counting::snapshot::{LONGEST_WAIT_MS, SNAPSHOT_INTERVAL_MS};
use crate::counting::tally::{Metric, Tally};

/// What the database holds of a prompt's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredCounts {
    /// The prompt.
    pub prompt_id: Uuid,
    /// Its snapshot.
    pub snapshot: Tally,
    /// How many visitors there were, by its snapshot.
    pub unique_visitors: u64,
    /// The version of its snapshot; 0 where there is none.
    pub version: u64,
    /// Rows of forks, those that were removed for their age among them.
    pub forks: u64,
    /// Rows of comparisons, likewise.
    pub compares: u64,
    /// Rows of forks that are marked as not counted; their counter may have counted them.
    pub uncounted_forks: u64,
    /// Rows of comparisons that are.
    pub uncounted_compares: u64,
    /// Rows of forks that came before their counter was asked, and after the others were read.
    pub added_forks: u64,
    /// Rows of comparisons that did.
    pub added_compares: u64,
}

/// What a prompt's counts come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What differs.
    pub differences: Vec<Difference>,
    /// What is still on its way: a snapshot that is due, rows that are about to be counted.
    pub pending: u64,
}

impl Verdict {
    /// Whether the rows of a prompt differ from its counts: some may have come while its counter was asked.
    #[must_use]
    pub fn doubts_rows(&self) -> bool {
        self.differences.iter().any(|difference| difference.check.starts_with("prompt_events."))
    }

    fn check(&mut self, prompt_id: Uuid, check: String, expected: u64, found: u64) {
        if expected != found {
            let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let (expected, found) = (number(expected), number(found));
            self.differences.push(Difference { prompt_id: Some(prompt_id), check, expected, found });
        }
    }
}

/// Whether a snapshot tells a metric.
fn is_in_snapshots(metric: Metric) -> bool {
    !matches!(metric, Metric::Bot | Metric::Headless | Metric::Prefetch)
}

/// Compares a prompt's counter, at an instant, with what the database holds.
#[must_use]
pub fn compare(stored: &StoredCounts, audit: &Audit, now_ms: i64) -> Verdict {
    let mut verdict = Verdict { pending: stored.uncounted_forks + stored.uncounted_compares, ..Verdict::default() };
    let is_told = stored.version == audit.version;
    for metric in Metric::ALL {
        let name = metric.event_name();
        let counted = audit.tally.count(metric);
        let mut check = |subject: &str, expected: u64, found: u64| {
            verdict.check(stored.prompt_id, format!("{subject}.{name}"), expected, found);
        };
        check("days", counted, audit.days.count(metric));
        if is_told && is_in_snapshots(metric) {
            check("prompt_stats", counted, stored.snapshot.count(metric));
        }
        if let Some([rows, uncounted, added]) = stored.rows(metric) {
            // Those that are marked, or came meanwhile, may be counted or not.
            check("prompt_events", counted.clamp(rows.saturating_sub(uncounted), rows + added), counted);
        }
    }
    if is_told {
        let check = "prompt_stats.unique_visitors".to_owned();
        verdict.check(stored.prompt_id, check, audit.unique_visitors, stored.unique_visitors);
    }
    if !is_told && stored.version < audit.version && is_due(audit, now_ms) {
        verdict.pending += 1;
    } else {
        verdict.check(stored.prompt_id, "prompt_stats.version".to_owned(), audit.version, stored.version);
    }
    verdict
}

impl StoredCounts {
    /// Notes which rows came since, of what is stored `later`.
    pub fn note_added(&mut self, later: &Self) {
        self.added_forks = later.forks.saturating_sub(self.forks);
        self.added_compares = later.compares.saturating_sub(self.compares);
    }

    /// The rows of a metric, those of them that are marked as not counted, and those that came since; `None` of what is not kept
    /// as rows.
    fn rows(&self, metric: Metric) -> Option<[u64; 3]> {
        match metric {
            Metric::Fork => Some([self.forks, self.uncounted_forks, self.added_forks]),
            Metric::Compare => Some([self.compares, self.uncounted_compares, self.added_compares]),
            _ => None,
        }
    }
}

/// Since when snapshots have told the rankings at the latest, at an instant: the interval goes from one to the next that
/// tells them, and that one may be late, or have failed.
#[must_use]
pub fn told_since_ms(now_ms: i64, interval_ms: i64) -> i64 {
    now_ms - interval_ms - 2 * SNAPSHOT_INTERVAL_MS - LONGEST_WAIT_MS
}

/// Whether a snapshot is on its way. It comes within the interval, or after the wait for a failure, or it does not come; one that
/// was just begun may not be there yet.
fn is_due(audit: &Audit, now_ms: i64) -> bool {
    let [begun_ms, due_ms] = audit.snapshots_ms;
    let is_near = |at_ms: Option<i64>, bound_ms: i64| at_ms.is_some_and(|at_ms| (at_ms - now_ms).abs() <= bound_ms);
    is_near(due_ms, SNAPSHOT_INTERVAL_MS + LONGEST_WAIT_MS) || is_near(begun_ms, SNAPSHOT_INTERVAL_MS / 2)
}
