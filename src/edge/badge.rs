//! `GET /v1/prompts/{id}/badge.svg`.

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::d1;
use crate::badge::drawing::{MEDIA_TYPE, draw};
use crate::badge::request::BadgeRequest;
use crate::counting::stats_page::StatsPage;
use crate::data::policy::unknown_prompt;
use crate::data::prompt::PromptName;
use crate::http::caching::Keeping;
use crate::http::problem::Problem;

/// Draws a prompt's count, from its snapshot: no counter is asked, however many pages show it.
pub(super) async fn get_badge(call: &Call) -> Result<Answer, Problem> {
    let request = BadgeRequest::parse(&call.query())?;
    let page = StatsPage::of(PromptName::parse(&call.id)?);
    let found = match d1::database(&call.env) {
        Ok(database) => d1::stats::page(&database, &page, &call.identity).await,
        Err(error) => Err(error),
    };
    let found = found.map_err(|error| storage_failure("badge", &error))?;
    let (.., stats) = found.first().ok_or_else(unknown_prompt)?;
    let svg = draw(&request, request.metric.of(stats));
    let answer = Answer::text(200, svg, MEDIA_TYPE).kept(call, Keeping::Checked);
    // Pages may show it that take nothing of others unless they are told so; opened as a page, it is no more than a picture.
    Ok(answer
        .header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox".to_owned())
        .header("Cross-Origin-Resource-Policy", "cross-origin".to_owned()))
}
