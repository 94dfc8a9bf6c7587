//! Which prompts are verified at once.

use serde::Serialize;
use uuid::Uuid;

use crate::http::base64_json;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::limits::PAGE_ROWS;

/// Prompts of a page where none are asked for. Each costs a request to its counter.
const DEFAULT_LIMIT: i64 = 25;

/// What is asked for: prompts in the order of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The prompts come after this id.
    pub after: Uuid,
    /// Prompts of the page, 1 to [`PAGE_ROWS`].
    pub limit: i64,
}

impl Page {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// [`Code::InvalidValue`].
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let unknown = || Problem::new(Code::InvalidValue, "cursor is not one that a page ended with.");
        let after = query.get("cursor").map(|cursor| base64_json::decode(cursor).ok_or_else(unknown)).transpose()?;
        let limit = query.integer("limit", 1..=PAGE_ROWS)?.unwrap_or(DEFAULT_LIMIT);
        Ok(Self { after: after.unwrap_or_default(), limit })
    }

    /// Where the next page starts, if prompts are left after those that were `found`, of which there may be one more than
    /// the page has; it is taken out.
    pub fn cut<T>(&self, found: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        if found.len() <= limit {
            return None;
        }
        found.truncate(limit);
        found.last().map(|last| base64_json::encode(&id(last)))
    }
}

/// Something that two places tell differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The prompt.
    pub prompt_id: Uuid,
    /// What is compared, as `subject.figure`.
    pub check: String,
    /// What it should be, by what is told of.
    pub expected: i64,
    /// What is told.
    pub found: i64,
}
