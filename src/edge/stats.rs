//! `GET /v1/prompts/{id}/stats`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, prompt_lookup};
use crate::counting::stats::{Counts, Stats};
use crate::http::problem::Problem;

/// Tells a prompt's counts, from the counter itself: a reader sees its own acknowledged writes.
pub(super) async fn get_stats(call: &Call) -> Result<Answer, Problem> {
    let prompt_id = prompt_lookup::visible(call).await?.id;
    let tally = counters::read(&call.env, prompt_id).await.map_err(|error| storage_failure("stats", &error))?;
    Answer::ok(&Stats::of(Counts::of(prompt_id, &tally)))
}
