//! `GET /v1/experiments/{id}/results`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::d1;
use crate::experiments::results::Results;
use crate::http::problem::{Code, Problem};

/// Tells what the sessions of an experiment add up to, and what that says.
pub(super) async fn get_results(call: &Call) -> Result<Answer, Problem> {
    let query = call.query();
    let stored = match d1::database(&call.env) {
        Ok(database) => d1::results::find(&database, &call.id, call.now_ms).await,
        Err(error) => Err(error),
    };
    let stored = stored.map_err(|error| storage_failure("results", &error))?;
    let unknown = || Problem::new(Code::UnknownExperiment, "There is no experiment of this id, and no event names it.");
    let results = Results::of(&stored.ok_or_else(unknown)?, query.get("baseline"))?;
    Answer::ok(&results.answer(&call.id))
}
