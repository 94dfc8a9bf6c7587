//! `GET /v1/admin/runs`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::d1;
use crate::experiments::runs::{Page, Runs};
use crate::http::problem::Problem;

/// Tells which runs of the rollup had something to do.
pub(super) async fn get_runs(call: &Call) -> Result<Answer, Problem> {
    let page = Page::parse(&call.query())?;
    let runs = d1::runs::page(&call.env, &page).await.map_err(|error| storage_failure("runs", &error))?;
    Answer::ok(&Runs::of(runs, &page))
}
