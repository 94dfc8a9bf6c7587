//! The door for requests: which route, who is asking, which handler, one response.

use serde_json::{Value, json};
use worker::{Context, Env, Request, Response, Result, event};

use super::answer::{Answer, respond};
use super::runtime::{log_failure, now_ms};
use super::settings::Settings;
use super::{d1, events, import, stats, summary};
use crate::data::policy::require_service;
use crate::http::body::too_large;
use crate::http::cors;
use crate::http::identity::{Credentials, Identity, identify};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::route::{self, Endpoint, Found};
use crate::limits::BODY_BYTES;
use crate::time::SECOND_MS;

/// A request that was let in.
pub(super) struct Call {
    /// The request itself; its body is read once.
    pub(super) request: Request,
    /// The bindings.
    pub(super) env: Env,
    /// Keeps work going after the answer.
    pub(super) context: Context,
    /// Who is asking.
    pub(super) identity: Identity,
    /// The decoded segment that stood for `{id}`.
    pub(super) id: String,
    /// When the request came, in milliseconds since 1970.
    pub(super) now_ms: i64,
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let settings = Settings::read(&env);
    let origin = request.headers().get("Origin")?;
    let found = match route::find(&request.path()) {
        Ok(found) => found,
        Err(problem) => return respond(Err(problem), Vec::new()),
    };
    let mut headers = cors::headers(found.sharing(), &settings.allowed_origins, origin.as_deref());
    if request.inner().method() == "OPTIONS" {
        headers.extend(cors::preflight_headers(&found));
        return respond(Ok(Answer { status: 204, body: Value::Null, headers: Vec::new() }), headers);
    }
    respond(answer(request, env, context, &settings, found).await, headers)
}

async fn answer(
    request: Request,
    env: Env,
    context: Context,
    settings: &Settings,
    found: Found,
) -> std::result::Result<Answer, Problem> {
    let now_ms = now_ms();
    let endpoint = found.with_method(&request.inner().method())?.endpoint;
    let (authorization, apikey) = (header(&request, "Authorization"), header(&request, "apikey"));
    let credentials = Credentials { authorization: authorization.as_deref(), apikey: apikey.as_deref() };
    let identity = identify(credentials, &settings.keys, seconds(now_ms))?;
    let call = Call { request, env, context, identity, id: found.id, now_ms };
    match endpoint {
        Endpoint::Health => health(&call).await,
        Endpoint::Events => events::post_events(call).await,
        Endpoint::View => events::post_view(call).await,
        Endpoint::Copy => events::post_copy(call).await,
        Endpoint::Compare => events::post_compare(call).await,
        Endpoint::Stats => stats::get_stats(&call).await,
        Endpoint::Summary => require_service(&call.identity).map(|()| call).map(summary::get_summary)?.await,
        Endpoint::Import => require_service(&call.identity).map(|()| call).map(import::post_import)?.await,
    }
}

fn seconds(now_ms: i64) -> f64 {
    u32::try_from(now_ms / SECOND_MS).map_or(f64::INFINITY, f64::from)
}

async fn health(call: &Call) -> std::result::Result<Answer, Problem> {
    d1::check(&call.env).await.map_err(|error| storage_failure("health", &error))?;
    Ok(Answer::ok(json!({"status": "ok"})))
}

/// Logs why storage failed, and gives what the caller is told.
pub(super) fn storage_failure(what: &str, error: &worker::Error) -> Problem {
    log_failure(what, &error.to_string());
    Problem::storage()
}

/// A header of the request, if it is there.
pub(super) fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

impl Call {
    /// The parameters of the query string.
    pub(super) fn query(&self) -> Query {
        let url = self.request.inner().url();
        Query::parse(url.split_once('?').map_or("", |(_, query)| query))
    }

    /// Reads the body, which may have [`BODY_BYTES`]; no more is taken in.
    pub(super) async fn body(&mut self) -> std::result::Result<Vec<u8>, Problem> {
        let declared = header(&self.request, "Content-Length").and_then(|length| length.parse::<usize>().ok());
        if declared.is_some_and(|length| length > BODY_BYTES) {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(declared.unwrap_or_default());
        let mut chunks = self.chunks();
        while let Some(chunk) = chunks.next().await? {
            if body.len() + chunk.len() > BODY_BYTES {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The body as it comes in.
    pub(super) fn chunks(&mut self) -> Chunks {
        Chunks { stream: self.request.stream().ok() }
    }
}

/// The chunks of a request's body.
pub(super) struct Chunks {
    stream: Option<worker::ByteStream>,
}

impl Chunks {
    /// The next chunk; `None` at the end, and for a request without a body.
    pub(super) async fn next(&mut self) -> std::result::Result<Option<Vec<u8>>, Problem> {
        use futures_util::StreamExt;
        let Some(stream) = &mut self.stream else { return Ok(None) };
        stream.next().await.transpose().map_err(|error| {
            log_failure("body", &error.to_string());
            Problem::new(crate::http::problem::Code::InvalidJson, "The body broke off.")
        })
    }
}
