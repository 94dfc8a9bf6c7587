//! The door for requests: which route, who is asking, which handler, one response.

use std::rc::Rc;

use serde_json::json;
use worker::{Context, Env, Result, event};

use super::answer::{Answer, Refusal, respond};
use super::call::{Call, Chunks, storage_failure};
use super::http::head_of;
use super::runtime::now_ms;
use super::settings::Settings;
use super::{
    ancestry, badge, compared, d1, evaluate, events, experiments, first_sight, functions, identity, import, live,
    metering, prompts, rankings, rest, results, retraction, runs, search, series, stats, summary, verification,
};
use crate::data::policy::require_service;
use crate::http::cors;
use crate::http::head::Head;
use crate::http::problem::{Code, Problem};
use crate::http::route::{self, Access, Endpoint, Found, Sharing};
use crate::limits::HEADER_BLOCK_BYTES;
use crate::metrics::MEDIA_TYPE;

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> Result<web_sys::Response> {
    let head = head_of(&request);
    let settings = Settings::of(&env);
    let (origin, path) = (head.header("Origin").map(str::to_owned), head.path().to_owned());
    let found = match route::find(&path) {
        Ok(found) => found,
        Err(problem) => {
            let headers = cors::headers(Sharing::CrossOrigin, &settings.allowed_origins, origin.as_deref());
            return refuse(Refusal::from(problem).at(&path), headers, request).await;
        }
    };
    let mut headers = cors::headers(found.sharing(), &settings.allowed_origins, origin.as_deref());
    if head.method() == "OPTIONS" {
        headers.extend(cors::preflight_headers(&found));
        return respond(Ok(Answer::empty(204)), &headers);
    }
    match answer(Clone::clone(&request), head, (env, context), &settings, found).await {
        Ok(answer) => respond(Ok(answer), &headers),
        Err(refusal) => refuse(refusal.at(&path), headers, request).await,
    }
}

/// Answers with a refusal, once the body that nobody has read is out of the way.
async fn refuse(
    refusal: Refusal,
    headers: Vec<(&'static str, String)>,
    request: web_sys::Request,
) -> Result<web_sys::Response> {
    if !request.body_used() {
        Chunks::of(request).discard().await;
    }
    respond(Err(refusal), &headers)
}

async fn answer(
    request: web_sys::Request,
    head: Head,
    (env, context): (Env, Context),
    settings: &Settings,
    found: Found,
) -> std::result::Result<Answer, Refusal> {
    check_header_block(&head)?;
    let now_ms = now_ms();
    let route = found.with_method(head.method())?;
    let identity = identity::of(&head, &env, &context, &settings.keys, now_ms).await?;
    if route.access == Access::Service {
        require_service(&identity)?;
    }
    if let Some(user) = identity.user() {
        first_sight::note(&env, &context, user, now_ms);
    }
    let call = Call { request, head, env, context: Rc::new(context), identity, id: found.id, now_ms };
    let answer = match route.endpoint {
        Endpoint::Health => health(&call).await,
        Endpoint::Events => events::post_events(call).await,
        Endpoint::Usage => events::post_usage(call).await,
        Endpoint::View => events::post_view(call).await,
        Endpoint::Copy => events::post_copy(call).await,
        Endpoint::Compare => events::post_compare(call).await,
        Endpoint::Stats => stats::get_stats(&call).await,
        Endpoint::Badge => badge::get_badge(&call).await,
        Endpoint::Live => live::get_live(&call).await,
        Endpoint::StatsOfMany => stats::get_many(&call).await,
        Endpoint::Top => rankings::get_top(&call).await,
        Endpoint::Scenes => stats::get_scenes(&call).await,
        Endpoint::Series => series::get_series(&call).await,
        Endpoint::Funnel => series::get_funnel(&call).await,
        Endpoint::Lineage => ancestry::get_lineage(&call).await,
        Endpoint::Compared => compared::get_compared(&call).await,
        Endpoint::Search => search::get_search(&call).await,
        Endpoint::Declare => experiments::put_experiment(call).await,
        Endpoint::Assignment => experiments::get_assignment(&call).await,
        Endpoint::Summary => summary::get_summary(&call).await,
        Endpoint::Results => results::get_results(&call).await,
        Endpoint::Evaluate => evaluate::post_evaluate(call).await,
        Endpoint::Import => import::post_import(call).await,
        Endpoint::Verify => verification::get_verification(&call).await,
        Endpoint::Retract => retraction::post_retraction(call).await,
        Endpoint::Runs => runs::get_runs(&call).await,
        Endpoint::Totals => series::get_totals(&call).await,
        Endpoint::Metrics => Ok(Answer::text(200, metering::text(), MEDIA_TYPE)),
        Endpoint::CreatePrompt => return prompts::post_prompt(call).await,
        Endpoint::Fork => return prompts::post_fork(call).await,
        Endpoint::Rows => return Ok(rest::answer(call).await?),
        Endpoint::Function => return Ok(functions::answer(call).await?),
    };
    Ok(answer?)
}

fn check_header_block(head: &Head) -> std::result::Result<(), Problem> {
    if head.header_bytes() <= HEADER_BLOCK_BYTES {
        return Ok(());
    }
    Err(Problem::new(Code::TooLarge, format!("The headers of a request have at most {HEADER_BLOCK_BYTES} bytes.")))
}

async fn health(call: &Call) -> std::result::Result<Answer, Problem> {
    d1::check(&call.env).await.map_err(|error| storage_failure("health", &error))?;
    Answer::ok(&json!({"status": "ok"}))
}
