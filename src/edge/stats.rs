//! `GET /v1/prompts/{id}/stats`.

use serde_json::json;

use super::answer::Answer;
use super::counters;
use super::events::visible_prompt;
use super::fetch::{Call, storage_failure};
use crate::counting::stats::{Counts, Stats};
use crate::http::problem::Problem;

/// Tells a prompt's counts, from the counter itself: a reader sees its own acknowledged writes.
pub(super) async fn get_stats(call: &Call) -> Result<Answer, Problem> {
    let prompt_id = visible_prompt(call).await?.id;
    let tally = counters::read(&call.env, prompt_id).await.map_err(|error| storage_failure("stats", &error))?;
    Ok(Answer::ok(json!(Stats::of(Counts::of(prompt_id, &tally)))))
}
