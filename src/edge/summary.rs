//! `GET /v1/experiments/{id}/summary`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::d1;
use crate::experiments::page::{Page, PageAnswer};
use crate::http::problem::Problem;

/// Tells a page of an experiment's hourly rows.
pub(super) async fn get_summary(call: &Call) -> Result<Answer, Problem> {
    let page = Page::parse(&call.query())?;
    let rows = match d1::database(&call.env) {
        Ok(database) => d1::summary::page(&database, &call.id, &page).await,
        Err(error) => Err(error),
    };
    let mut rows = rows.map_err(|error| storage_failure("summary", &error))?;
    let next_cursor = page.cut(&mut rows);
    Answer::ok(&PageAnswer { experiment_id: &call.id, rows, next_cursor })
}
