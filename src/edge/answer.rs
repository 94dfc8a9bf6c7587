//! The one place where an answer, good or bad, becomes a response.

use serde::Serialize;
use web_sys::ReadableStream;
use worker::Result;

use super::call::Call;
use super::http;
use super::runtime::log_failure;
use crate::http::caching::{self, Keeping};
use crate::http::problem::Problem;
use crate::rest::error::DataError;

/// The type of most answers.
pub(super) const JSON: &str = "application/json";

/// What an answer says.
enum Body {
    Nothing,
    Text(String),
    /// It goes on.
    Stream(ReadableStream),
}

/// A good answer.
pub(super) struct Answer {
    status: u16,
    body: Body,
    media_type: &'static str,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    /// 200 with a body.
    pub(super) fn ok(body: &impl Serialize) -> std::result::Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(|error| {
            log_failure("answer", &error.to_string());
            Problem::storage()
        })?;
        Ok(Self::text(200, body, JSON))
    }

    /// The same, as one that may be kept; 304 without its body for a caller who knows it.
    pub(super) fn kept(mut self, call: &Call, keeping: Keeping) -> Self {
        let text = if let Body::Text(text) = &self.body { text } else { "" };
        let tag = caching::entity_tag(text);
        if caching::is_known(call.header("If-None-Match").as_deref(), &tag) {
            self = Self::empty(304);
        }
        self.headers.extend(caching::headers(&call.identity, tag, keeping));
        self
    }

    /// 202 with a body: what was asked for is done after the answer.
    pub(super) fn accepted(body: &impl Serialize) -> std::result::Result<Self, Problem> {
        let headers = vec![("Preference-Applied", "respond-async".to_owned())];
        Self::ok(body).map(|answer| Self { status: 202, headers, ..answer })
    }

    /// A body that is written already.
    pub(super) fn text(status: u16, body: String, media_type: &'static str) -> Self {
        Self { status, body: Body::Text(body), media_type, headers: Vec::new() }
    }

    /// 200 with a body that goes on.
    pub(super) fn stream(body: ReadableStream, media_type: &'static str) -> Self {
        Self { status: 200, body: Body::Stream(body), media_type, headers: Vec::new() }
    }

    /// No body.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, body: Body::Nothing, media_type: JSON, headers: Vec::new() }
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// The same, with another header.
    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A bad answer: that of the route's dialect.
pub(super) enum Refusal {
    /// `application/problem+json`.
    Problem(Problem),
    /// An error of the data dialect.
    Data(DataError),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<DataError> for Refusal {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl Refusal {
    /// The same, as the callers of this path are told.
    pub(super) fn at(self, path: &str) -> Self {
        match self {
            Self::Problem(problem) if path.starts_with("/rest/v1/") => Self::Data(problem.into()),
            other => other,
        }
    }

    /// What is answered.
    pub(super) fn answer(self) -> Result<Answer> {
        Ok(match self {
            Self::Problem(problem) => Answer {
                headers: problem.headers(),
                ..Answer::text(problem.code.status(), serde_json::to_string(&problem)?, "application/problem+json")
            },
            Self::Data(error) => Answer {
                headers: error.headers.clone(),
                ..Answer::text(error.status, serde_json::to_string(&error)?, JSON)
            },
        })
    }
}

/// Writes a response; `headers` come on top of the answer's own.
pub(super) fn respond(mut answer: Answer, headers: &[(&'static str, String)]) -> Result<web_sys::Response> {
    answer.headers.extend_from_slice(headers);
    let mut lines = header_lines(&answer.headers);
    if !matches!(answer.body, Body::Nothing) {
        add(&mut lines, "Content-Type", answer.media_type);
    }
    Ok(match answer.body {
        Body::Nothing => http::response_of(answer.status, &lines, None),
        Body::Text(text) => http::response_of(answer.status, &lines, Some(text)),
        Body::Stream(stream) => http::response_with(answer.status, &lines, &stream),
    }?)
}

/// Headers as they cross to JavaScript, a line each, with those that every answer has.
pub(super) fn header_lines(headers: &[(&'static str, String)]) -> String {
    let mut lines = "X-Content-Type-Options:nosniff".to_owned();
    for (name, value) in headers {
        add(&mut lines, name, value);
    }
    if !headers.iter().any(|(name, _)| *name == "Cache-Control") {
        add(&mut lines, "Cache-Control", "no-store");
    }
    lines
}

fn add(lines: &mut String, name: &str, value: &str) {
    for part in ["\n", name, ":", value] {
        lines.push_str(part);
    }
}
