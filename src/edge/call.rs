//! A request that was let in, and what every handler does with one.

use std::rc::Rc;

use futures_util::StreamExt;
use worker::{ByteStream, Context, Env, Request};

use super::admission::InHand;
use super::http::whole_body;
use super::merging::Way;
use super::runtime::log_failure;
use crate::http::body::too_large;
use crate::http::head::Head;
use crate::http::identity::Identity;
use crate::http::problem::{Code, Problem};
use crate::http::query::{Query, wants_async};
use crate::limits::{BODY_BYTES, DISCARDED_BYTES};

/// A request that was let in.
pub(super) struct Call {
    /// The request itself; its body is read once.
    pub(super) request: web_sys::Request,
    /// What stands before its body.
    pub(super) head: Head,
    /// The bindings.
    pub(super) env: Env,
    /// Keeps work going after the answer.
    pub(super) context: Rc<Context>,
    /// Who is asking.
    pub(super) identity: Identity,
    /// The decoded segment that stood for `{id}`.
    pub(super) id: String,
    /// When the request came, in milliseconds since 1970.
    pub(super) now_ms: i64,
    /// That it is in hand; what goes on after the answer keeps a copy.
    pub(super) in_hand: InHand,
}

/// Logs why storage failed, and gives what the caller is told.
pub(super) fn storage_failure(what: &str, error: &worker::Error) -> Problem {
    log_failure(what, &error.to_string());
    Problem::storage()
}

impl Call {
    /// Its way to the counters.
    pub(super) fn way(&self) -> Way {
        Way { env: self.env.clone(), context: Rc::clone(&self.context) }
    }

    /// A header of the request, if it is there.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.head.header(name).map(str::to_owned)
    }

    /// Whether the caller does not want to wait.
    pub(super) fn wants_async(&self) -> Result<bool, Problem> {
        wants_async(&self.query(), self.header("Prefer").as_deref())
    }

    /// The parameters of the query string.
    pub(super) fn query(&self) -> Query {
        Query::parse(self.head.query())
    }

    /// Reads the body, which may have [`BODY_BYTES`]; no more is taken in.
    pub(super) async fn body(&mut self) -> Result<Vec<u8>, Problem> {
        match self.head.header("Content-Length").and_then(|length| length.parse::<usize>().ok()) {
            Some(0) => return Ok(Vec::new()),
            Some(length) if length > BODY_BYTES => return Err(too_large()),
            // HTTP sees to it that it has the length that was declared.
            Some(_) => return whole_body(self.request.array_buffer()).await.map_err(broken_off),
            None => {}
        }
        let mut body = Vec::new();
        let mut chunks = self.chunks();
        while let Some(chunk) = chunks.next().await? {
            if body.len() + chunk.len() > BODY_BYTES {
                chunks.discard().await;
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The body as it comes in.
    pub(super) fn chunks(&self) -> Chunks {
        Chunks::of(Clone::clone(&self.request))
    }
}

/// The chunks of a request's body.
pub(super) struct Chunks {
    stream: Option<ByteStream>,
}

impl Chunks {
    /// The body of a request; nothing, if it was read before.
    pub(super) fn of(request: web_sys::Request) -> Self {
        Self { stream: Request::from(request).stream().ok() }
    }

    /// Reads what is left, up to a limit, to be done with it.
    pub(super) async fn discard(mut self) {
        let mut discarded = 0;
        while let Ok(Some(chunk)) = self.next().await {
            discarded += chunk.len();
            if discarded > DISCARDED_BYTES {
                break;
            }
        }
    }

    /// The next chunk; `None` at the end, and for a request without a body.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        stream.next().await.transpose().map_err(broken_off)
    }
}

fn broken_off(error: impl Into<worker::Error>) -> Problem {
    log_failure("body", &error.into().to_string());
    Problem::new(Code::InvalidJson, "The body broke off.")
}
