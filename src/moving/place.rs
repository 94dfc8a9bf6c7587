//! Where an export goes on that was told up to there: one request calls as many counters and reads as many pages as it may.

use super::tables::{PARTS, Part};
use crate::http::base64_json;
use crate::http::paging;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::limits::{EXPORT_CALLS, LEAST_EXPORT_CALLS};

/// A place in an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The place of its part among [`PARTS`].
    pub part: usize,
    /// The key of the last row of that part that was told; empty where none was.
    pub after: Vec<String>,
    /// The version that the rollup had when its watermark was told, as a text; empty before.
    pub rollup: String,
}

impl Place {
    /// Reads `cursor`.
    ///
    /// # Errors
    /// [`Code::InvalidValue`] for one that is no place.
    pub fn parse(query: &Query) -> Result<Option<Self>, Problem> {
        let Some(texts) = paging::cursor::<Vec<String>>(query)? else { return Ok(None) };
        let unknown = || Problem::new(Code::InvalidValue, "cursor is not one that a page ended with.");
        Self::of(texts).filter(Self::is_one).map(Some).ok_or_else(unknown)
    }

    fn of(mut texts: Vec<String>) -> Option<Self> {
        let after = texts.split_off(2.min(texts.len()));
        let [part, rollup] = texts.as_slice() else { return None };
        Some(Self { part: part.parse().ok()?, after, rollup: rollup.clone() })
    }

    /// The cursor that is read as this.
    #[must_use]
    pub fn cursor(&self) -> String {
        let begun = [self.part.to_string(), self.rollup.clone()];
        base64_json::encode(&begun.into_iter().chain(self.after.iter().cloned()).collect::<Vec<String>>())
    }

    fn is_one(&self) -> bool {
        let key = match PARTS.get(self.part) {
            Some(Part::Rows(moved)) => moved.table.key.len(),
            Some(Part::Counters) => 1,
            Some(Part::RollupRests) => 0,
            None => return false,
        };
        self.after.is_empty() || self.after.len() == key
    }

    /// The beginning of the next part.
    #[must_use]
    pub fn next_part(&self) -> Self {
        Self { part: self.part + 1, after: Vec::new(), rollup: self.rollup.clone() }
    }
}

/// Reads `calls`, how many pages and counters one answer may ask for.
///
/// # Errors
/// [`Code::InvalidValue`].
pub fn calls(query: &Query) -> Result<i64, Problem> {
    Ok(query.integer("calls", LEAST_EXPORT_CALLS..=EXPORT_CALLS)?.unwrap_or(EXPORT_CALLS))
}
