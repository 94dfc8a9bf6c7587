//! The body of a request: what came with its head, or what has to be read.

use futures_util::StreamExt;
use worker::{ByteStream, Request};

use super::http::whole_body;
use super::runtime::log_failure;
use crate::http::body::too_large;
use crate::http::head::Head;
use crate::http::problem::{Code, Problem};
use crate::limits::{BODY_BYTES, DISCARDED_BYTES};

/// The body of a request.
pub(super) enum Body {
    /// All of it: `entry.js` reads what is short before WebAssembly is entered, so that it is entered once.
    Read(Vec<u8>),
    /// It comes in.
    Unread(web_sys::Request),
    /// It broke off.
    Broken,
}

impl Default for Body {
    fn default() -> Self {
        Self::Read(Vec::new())
    }
}

impl Body {
    /// The body of a request with this head, as far as it is read.
    pub(super) fn of(request: web_sys::Request, head: &Head, read: Option<Vec<u8>>) -> Self {
        let is_empty = || declared(head).map_or(matches!(head.method(), "GET" | "HEAD"), |length| length == 0);
        match read {
            Some(bytes) => Self::Read(bytes),
            None if is_empty() => Self::default(),
            None if request.body_used() => Self::Broken,
            None => Self::Unread(request),
        }
    }

    /// How many bytes it may have. One that does not say so may be as long as any.
    pub(super) fn bytes(&self, head: &Head) -> usize {
        match self {
            Self::Read(bytes) => bytes.len(),
            Self::Broken => 0,
            Self::Unread(request) => match declared(head) {
                Some(length) => length,
                None if request.body().is_none() => 0,
                None => BODY_BYTES,
            },
        }
    }

    /// The same body, as far as it is not read: nothing of one that is.
    pub(super) fn unread(&self) -> Self {
        match self {
            Self::Read(_) | Self::Broken => Self::default(),
            Self::Unread(request) => Self::Unread(Clone::clone(request)),
        }
    }

    /// All of it, at most [`BODY_BYTES`].
    pub(super) async fn whole(self, head: &Head) -> Result<Vec<u8>, Problem> {
        let request = match self {
            Self::Read(bytes) => return Ok(bytes),
            Self::Broken => return Err(broken_off()),
            Self::Unread(request) => request,
        };
        match declared(head) {
            Some(length) if length > BODY_BYTES => return Err(too_large()),
            // HTTP sees to it that it has the length that was declared.
            Some(_) => return whole_body(request.array_buffer()).await.map_err(|error| failed(&error.into())),
            None => {}
        }
        let mut body = Vec::new();
        let mut chunks = Self::Unread(request).chunks();
        while let Some(chunk) = chunks.next().await? {
            if body.len() + chunk.len() > BODY_BYTES {
                chunks.discard().await;
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// It as it comes in; nothing of one that was read before.
    pub(super) fn chunks(self) -> Chunks {
        match self {
            Self::Read(bytes) => Chunks { first: Some(Ok(bytes)), stream: None },
            Self::Broken => Chunks { first: Some(Err(broken_off())), stream: None },
            Self::Unread(request) if request.body_used() => Chunks { first: None, stream: None },
            Self::Unread(request) => Chunks { first: None, stream: Request::from(request).stream().ok() },
        }
    }

    /// Reads what nobody has read, up to a limit, to be done with it.
    pub(super) async fn discard(self) {
        if let Self::Unread(_) = self {
            self.chunks().discard().await;
        }
    }
}

/// The chunks of a body.
pub(super) struct Chunks {
    first: Option<Result<Vec<u8>, Problem>>,
    stream: Option<ByteStream>,
}

impl Chunks {
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
        if let Some(first) = self.first.take() {
            return first.map(Some);
        }
        let Some(stream) = &mut self.stream else { return Ok(None) };
        stream.next().await.transpose().map_err(|error| failed(&error))
    }
}

/// The length that a head declares. Of a body that comes in chunks the runtime drops it.
fn declared(head: &Head) -> Option<usize> {
    head.header("Content-Length").and_then(|length| length.parse().ok())
}

fn failed(error: &worker::Error) -> Problem {
    log_failure("body", &error.to_string());
    broken_off()
}

fn broken_off() -> Problem {
    Problem::new(Code::InvalidJson, "The body broke off.")
}
