//! `GET /v1/templates/search`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::d1;
use crate::http::problem::Problem;
use crate::search::answer::SearchAnswer;
use crate::search::request::Search;

/// Tells a page of the templates that the caller may see and that fit best.
pub(super) async fn get_search(call: &Call) -> Result<Answer, Problem> {
    let search = Search::parse(&call.query())?;
    let found = match d1::database(&call.env) {
        Ok(database) => d1::search::templates(&database, &search, &call.identity).await,
        Err(error) => Err(error),
    };
    let (breadth, rows) = found.map_err(|error| storage_failure("search", &error))?;
    Answer::ok(&SearchAnswer::of(&search, breadth, rows))
}
