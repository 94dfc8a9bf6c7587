//! The door for requests: which route, who is asking, which handler, one response.

use serde_json::json;
use worker::{Context, Env, Request, Response, Result, event, web_sys};

use super::answer::{Answer, Refusal, respond};
use super::call::{Call, Chunks, header, storage_failure};
use super::runtime::now_ms;
use super::settings::Settings;
use super::{
    ancestry, compared, d1, evaluate, events, experiments, first_sight, functions, identity, import, prompts, rankings,
    rest, results, retraction, search, series, stats, summary, verification,
};
use crate::data::policy::require_service;
use crate::http::cors;
use crate::http::problem::{Code, Problem};
use crate::http::route::{self, Access, Endpoint, Found, Sharing};
use crate::limits::HEADER_BLOCK_BYTES;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let body = Clone::clone(request.inner());
    let settings = Settings::read(&env);
    let origin = header(&request, "Origin");
    let path = request.path();
    let found = match route::find(&path) {
        Ok(found) => found,
        Err(problem) => {
            let headers = cors::headers(Sharing::CrossOrigin, &settings.allowed_origins, origin.as_deref());
            return refuse(Refusal::from(problem).at(&path), headers, body).await;
        }
    };
    let mut headers = cors::headers(found.sharing(), &settings.allowed_origins, origin.as_deref());
    if request.inner().method() == "OPTIONS" {
        headers.extend(cors::preflight_headers(&found));
        return respond(Ok(Answer::empty(204)), headers);
    }
    match answer(request, env, context, &settings, found).await {
        Ok(answer) => respond(Ok(answer), headers),
        Err(refusal) => refuse(refusal.at(&path), headers, body).await,
    }
}

/// Answers with a refusal, once the body that nobody has read is out of the way.
async fn refuse(refusal: Refusal, headers: Vec<(&'static str, String)>, request: web_sys::Request) -> Result<Response> {
    if !request.body_used() {
        Chunks::of(&mut Request::from(request)).discard().await;
    }
    respond(Err(refusal), headers)
}

async fn answer(
    request: Request,
    env: Env,
    context: Context,
    settings: &Settings,
    found: Found,
) -> std::result::Result<Answer, Refusal> {
    check_header_block(&request)?;
    let now_ms = now_ms();
    let route = found.with_method(&request.inner().method())?;
    let identity = identity::of(&request, &env, &context, &settings.keys, now_ms).await?;
    if route.access == Access::Service {
        require_service(&identity)?;
    }
    if let Some(user) = identity.user() {
        first_sight::note(&env, &context, user, now_ms);
    }
    let call = Call { request, env, context, identity, id: found.id, now_ms };
    let answer = match route.endpoint {
        Endpoint::Health => health(&call).await,
        Endpoint::Events => events::post_events(call).await,
        Endpoint::Usage => events::post_usage(call).await,
        Endpoint::View => events::post_view(call).await,
        Endpoint::Copy => events::post_copy(call).await,
        Endpoint::Compare => events::post_compare(call).await,
        Endpoint::Stats => stats::get_stats(&call).await,
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
        Endpoint::CreatePrompt => return prompts::post_prompt(call).await,
        Endpoint::Fork => return prompts::post_fork(call).await,
        Endpoint::Rows => return Ok(rest::answer(call).await?),
        Endpoint::Function => return Ok(functions::answer(call).await?),
    };
    Ok(answer?)
}

fn check_header_block(request: &Request) -> std::result::Result<(), Problem> {
    let separators = ": \r\n".len();
    let bytes: usize = request.headers().entries().map(|(name, value)| name.len() + value.len() + separators).sum();
    if bytes <= HEADER_BLOCK_BYTES {
        return Ok(());
    }
    Err(Problem::new(Code::TooLarge, format!("The headers of a request have at most {HEADER_BLOCK_BYTES} bytes.")))
}

async fn health(call: &Call) -> std::result::Result<Answer, Problem> {
    d1::check(&call.env).await.map_err(|error| storage_failure("health", &error))?;
    Answer::ok(&json!({"status": "ok"}))
}
