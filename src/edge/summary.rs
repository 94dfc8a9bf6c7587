//! `GET /v1/experiments/{id}/summary`.

use serde_json::json;

use super::answer::Answer;
use super::d1;
use super::fetch::{Call, storage_failure};
use crate::experiments::page::Page;
use crate::http::problem::Problem;

/// Tells a page of an experiment's hourly rows.
pub(super) async fn get_summary(call: Call) -> Result<Answer, Problem> {
    let page = Page::parse(&call.query())?;
    let rows = match d1::database(&call.env) {
        Ok(database) => d1::experiments::summary(&database, &call.id, &page).await,
        Err(error) => Err(error),
    };
    let mut rows = rows.map_err(|error| storage_failure("summary", &error))?;
    let next_cursor = page.cut(&mut rows);
    Ok(Answer::ok(json!({"experiment_id": call.id, "rows": rows, "next_cursor": next_cursor})))
}
