//! The runs of the rollup, as they are told.

use serde::Serialize;

use crate::http::paging;
use crate::http::problem::Problem;
use crate::http::query::Query;

/// Runs of a page, unless the caller says how many.
pub const DEFAULT_LIMIT: i64 = 20;

/// Which runs are asked for: the latest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// They were begun before the run of this number.
    pub before: i64,
    /// How many there may be.
    pub limit: i64,
}

impl Page {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// `InvalidValue`.
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let before = paging::cursor(query)?.unwrap_or(i64::MAX);
        Ok(Self { before, limit: paging::limit(query, DEFAULT_LIMIT)? })
    }
}

/// A run. Times are milliseconds since 1970.
#[derive(Debug, Serialize)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// When it began.
    pub started_ms: i64,
    /// When it ended; null while it runs, and for ever if it was cut off.
    pub finished_ms: Option<i64>,
    /// Events that it rolled up.
    pub events_read: i64,
    /// Rows that it wrote.
    pub rows_written: i64,
    /// What it failed of; null if it did not.
    pub error: Option<String>,
}

/// The answer to a page.
#[derive(Debug, Serialize)]
pub struct Runs {
    /// The runs, the latest first.
    pub runs: Vec<Run>,
    /// What to ask for as `cursor` to get those before; null at the end.
    pub next_cursor: Option<String>,
}

impl Runs {
    /// A page of these rows, of which there is one more where there are more.
    #[must_use]
    pub fn of(mut runs: Vec<Run>, page: &Page) -> Self {
        let next_cursor = paging::cut(&mut runs, page.limit, |run| run.id);
        Self { runs, next_cursor }
    }
}
