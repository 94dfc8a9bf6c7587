//! `GET /v1/prompts/{id}/stats`, `GET /v1/prompts/stats`, and `GET /v1/prompts/{id}/usage/scenes`.

use futures_util::future::join;

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, d1, prompt_lookup};
use crate::counting::stats::{Counts, Stats};
use crate::counting::stats_page::StatsPage;
use crate::http::caching::Keeping;
use crate::http::problem::Problem;
use crate::usage::scenes::{Page, UsageByScene};

/// Tells a prompt's counts, from the counter itself, and its uses: a reader sees its own acknowledged writes.
pub(super) async fn get_stats(call: &Call) -> Result<Answer, Problem> {
    let prompt_id = prompt_lookup::visible(call).await?.id;
    let stored = async { d1::stats::find(&d1::database(&call.env)?, prompt_id).await };
    let (counted, stored) = join(counters::read(&call.env, prompt_id), stored).await;
    let (tally, visitors) = counted.map_err(|error| storage_failure("stats", &error))?;
    let (likes, usage) = stored.map_err(|error| storage_failure("stats", &error))?;
    Answer::ok(&Stats::of(Counts::of(prompt_id, &tally), visitors, likes, usage))
}

/// Tells the stats of many prompts, from snapshots.
pub(super) async fn get_many(call: &Call) -> Result<Answer, Problem> {
    let page = StatsPage::parse(&call.query())?;
    let found = match d1::database(&call.env) {
        Ok(database) => d1::stats::page(&database, &page, &call.identity).await,
        Err(error) => Err(error),
    };
    let found = found.map_err(|error| storage_failure("stats", &error))?;
    Ok(Answer::ok(&page.answer(found))?.kept(call, Keeping::Moment))
}

/// Tells a prompt's uses by scene, a page of scenes at a time.
pub(super) async fn get_scenes(call: &Call) -> Result<Answer, Problem> {
    let page = Page::parse(&call.query())?;
    let prompt_id = prompt_lookup::visible(call).await?.id;
    let stored = match d1::database(&call.env) {
        Ok(database) => d1::usage::scenes(&database, prompt_id, &page).await,
        Err(error) => Err(error),
    };
    let (uses, times, scenes) = stored.map_err(|error| storage_failure("scenes", &error))?;
    Answer::ok(&UsageByScene::of(prompt_id, uses, &times, &page, scenes))
}
