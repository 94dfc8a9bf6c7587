//! `GET /v1/prompts/{id}/compared`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{d1, prompt_lookup};
use crate::compared::{self, ComparedAnswer};
use crate::http::problem::Problem;

/// Tells the prompts that are most often in the same comparison as one.
pub(super) async fn get_compared(call: &Call) -> Result<Answer, Problem> {
    let limit = compared::limit(&call.query())?;
    let prompt_id = prompt_lookup::visible(call).await?.id;
    let found = match d1::database(&call.env) {
        Ok(database) => d1::ancestry::compared(&database, prompt_id, limit, &call.identity).await,
        Err(error) => Err(error),
    };
    let prompts = found.map_err(|error| storage_failure("compared", &error))?;
    Answer::ok(&ComparedAnswer { prompt_id, prompts })
}
