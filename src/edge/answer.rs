//! The one place where an answer, good or bad, becomes a response.

use serde_json::Value;
use worker::{Headers, Response, ResponseBuilder, Result};

use crate::http::problem::Problem;

/// A good answer.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The JSON body; null is none.
    pub(super) body: Value,
    /// Headers beside those that every answer has.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// 200 with a body.
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body, headers: Vec::new() }
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
            let (status, body, headers) = (problem.code.status(), problem.to_json(), problem.headers());
            ("application/problem+json", Answer { status, body, headers })
        }
    };
    let all = Headers::new();
    for (name, value) in answer.headers.into_iter().chain(headers) {
        all.set(name, &value)?;
    }
    all.set("X-Content-Type-Options", "nosniff")?;
    all.set("Cache-Control", "no-store")?;
    let response = ResponseBuilder::new().with_status(answer.status);
    if answer.body.is_null() {
        return Ok(response.with_headers(all).empty());
    }
    all.set("Content-Type", media_type)?;
    Ok(response.with_headers(all).fixed(answer.body.to_string().into_bytes()))
}
