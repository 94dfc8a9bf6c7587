//! Pages of lists: how many rows, and from where on. A cursor is the place of a page's last row, for the caller opaque.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::base64_json;
use super::problem::{Code, Problem};
use super::query::Query;
use crate::limits::PAGE_ROWS;

/// Reads `limit`, 1 to [`PAGE_ROWS`].
///
/// # Errors
/// [`Code::InvalidValue`].
pub fn limit(query: &Query, default: i64) -> Result<i64, Problem> {
    Ok(query.integer("limit", 1..=PAGE_ROWS)?.unwrap_or(default))
}

/// Reads `cursor`.
///
/// # Errors
/// [`Code::InvalidValue`] for one that is no place.
pub fn cursor<Place: DeserializeOwned>(query: &Query) -> Result<Option<Place>, Problem> {
    let unknown = || Problem::new(Code::InvalidValue, "cursor is not one that a page ended with.");
    query.get("cursor").map(|cursor| base64_json::decode(cursor).ok_or_else(unknown)).transpose()
}

/// Cuts off the row that was read beyond the limit, and gives the cursor of the next page if there was one.
pub fn cut<Row, Place: Serialize>(
    rows: &mut Vec<Row>,
    limit: i64,
    place: impl FnOnce(&Row) -> Place,
) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or_default();
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(|last| base64_json::encode(&place(last)))
}
