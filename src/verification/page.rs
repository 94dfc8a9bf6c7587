//! Which prompts are verified at once.

use serde::Serialize;
use uuid::Uuid;

use crate::http::paging;
use crate::http::problem::Problem;
use crate::http::query::Query;

/// Prompts of a page, unless the caller says how many. Each has its counter asked and its rows counted, so a page is short.
pub const DEFAULT_LIMIT: i64 = 5;

/// What is asked for: prompts in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The prompts come after this id.
    pub after: Uuid,
    /// Prompts of the page.
    pub limit: i64,
}

impl Page {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// `InvalidValue`.
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let after = paging::cursor(query)?.unwrap_or_default();
        Ok(Self { after, limit: paging::limit(query, DEFAULT_LIMIT)? })
    }
}

/// Something that two places tell differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The prompt; none where it is about all of them.
    pub prompt_id: Option<Uuid>,
    /// What is compared, as `subject.figure`.
    pub check: String,
    /// What it should be, by what is told of.
    pub expected: i64,
    /// What is told.
    pub found: i64,
}
