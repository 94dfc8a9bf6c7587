//! Pages of hourly rows: which part of an experiment's rows a reader asks for, and where the next part starts.

use serde::{Deserialize, Serialize};

use super::summary::Figures;
use crate::http::paging;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::limits::PAGE_ROWS;
use crate::time::{RANGE_MS, date_and_hour, hour_of};

/// One hourly row, as it is stored and told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SummaryRow {
    /// The variant.
    pub variant_key: String,
    /// The UTC date, `2026-11-20`.
    pub date: String,
    /// The UTC hour of the day, 0 to 23.
    pub hour: i64,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A page, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageAnswer<'a> {
    /// The experiment.
    pub experiment_id: &'a str,
    /// The rows.
    pub rows: Vec<SummaryRow>,
    /// What to ask for as `cursor` to get the rows after these; null at the end.
    pub next_cursor: Option<String>,
}

/// The place of a row in the order of an experiment's rows: by date, hour and variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place(pub String, pub i64, pub String);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows come after this place.
    pub after: Place,
    /// Rows come before this place.
    pub before: Place,
    /// Rows of the page, 1 to [`PAGE_ROWS`].
    pub limit: i64,
}

impl Page {
    /// Reads `from` and `to` (milliseconds since 1970; the hours from the one of `from` to before `to`), `limit` and
    /// `cursor`.
    ///
    /// # Errors
    /// [`Code::InvalidValue`](crate::http::problem::Code::InvalidValue).
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let from_ms = query.integer("from", RANGE_MS)?.unwrap_or(*RANGE_MS.start());
        let to_ms = query.integer("to", RANGE_MS)?.unwrap_or(*RANGE_MS.end());
        let after = paging::cursor(query)?;
        Ok(Self {
            after: after.unwrap_or_else(|| start_of(hour_of(from_ms))),
            before: start_of(hour_of(to_ms - 1) + 1),
            limit: paging::limit(query, PAGE_ROWS)?,
        })
    }

    /// Cuts off the row that was read beyond the limit, and gives the cursor of the next page if there was one.
    pub fn cut(&self, rows: &mut Vec<SummaryRow>) -> Option<String> {
        paging::cut(rows, self.limit, |last| Place(last.date.clone(), last.hour, last.variant_key.clone()))
    }
}

/// The place before all rows of an hour: no variant's key is empty.
fn start_of(hour: i64) -> Place {
    let (date, hour) = date_and_hour(hour);
    Place(date, hour, String::new())
}
