//! `GET /v1/prompts/{id}/stats`.

use futures_util::future::join;

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, d1, prompt_lookup};
use crate::counting::stats::{Counts, Stats};
use crate::http::problem::Problem;

/// Tells a prompt's counts, from the counter itself: a reader sees its own acknowledged writes.
pub(super) async fn get_stats(call: &Call) -> Result<Answer, Problem> {
    let prompt_id = prompt_lookup::visible(call).await?.id;
    let likes = async { d1::templates::likes(&d1::database(&call.env)?, prompt_id).await };
    let (tally, likes) = join(counters::read(&call.env, prompt_id), likes).await;
    let tally = tally.map_err(|error| storage_failure("stats", &error))?;
    let likes = likes.map_err(|error| storage_failure("stats", &error))?;
    Answer::ok(&Stats::of(Counts::of(prompt_id, &tally), likes))
}
