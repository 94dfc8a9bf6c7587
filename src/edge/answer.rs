//! The one place where an answer, good or bad, becomes a response.

use serde::Serialize;
use worker::{Headers, Response, ResponseBuilder, Result};

use super::runtime::log_failure;
use crate::http::problem::Problem;

/// A good answer.
pub(super) struct Answer {
    status: u16,
    /// JSON.
    body: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// 200 with a body.
    pub(super) fn ok(body: &impl Serialize) -> std::result::Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|error| {
            log_failure("answer", &error.to_string());
            Problem::storage()
        })?;
        Ok(Self { status: 200, body: Some(body), headers: Vec::new() })
    }

    /// 202 with a body: what was asked for is done after the answer.
    pub(super) fn accepted(body: &impl Serialize) -> std::result::Result<Self, Problem> {
        let headers = vec![("Preference-Applied", "respond-async".to_owned())];
        Self::ok(body).map(|answer| Self { status: 202, headers, ..answer })
    }

    /// 204.
    pub(super) fn empty() -> Self {
        Self { status: 204, body: None, headers: Vec::new() }
    }
}

/// Writes a response; `headers` come on top of the answer's own.
pub(super) fn respond(
    outcome: std::result::Result<Answer, Problem>,
    headers: Vec<(&'static str, String)>,
) -> Result<Response> {
    let (media_type, answer) = match outcome {
        Ok(answer) => ("application/json", answer),
        Err(problem) => {
            let body = Some(serde_json::to_string(&problem)?);
            let answer = Answer { status: problem.code.status(), body, headers: problem.headers() };
            ("application/problem+json", answer)
        }
    };
    let all = Headers::new();
    for (name, value) in answer.headers.into_iter().chain(headers) {
        all.set(name, &value)?;
    }
    all.set("X-Content-Type-Options", "nosniff")?;
    all.set("Cache-Control", "no-store")?;
    let response = ResponseBuilder::new().with_status(answer.status);
    let Some(body) = answer.body else {
        return Ok(response.with_headers(all).empty());
    };
    all.set("Content-Type", media_type)?;
    Ok(response.with_headers(all).fixed(body.into_bytes()))
}
