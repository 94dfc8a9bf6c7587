//! A request that was let in, and what every handler does with one.

use std::rc::Rc;

use worker::{Context, Env};

use super::admission::InHand;
use super::body::{Body, Chunks};
use super::merging::Way;
use super::runtime::log_failure;
use crate::http::head::Head;
use crate::http::identity::Identity;
use crate::http::problem::Problem;
use crate::http::query::{Query, wants_async};

/// A request that was let in.
pub(super) struct Call {
    /// What stands before the body.
    pub(super) head: Head,
    /// The body, which is read once.
    pub(super) body: Body,
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

    /// Reads the body, which may have [`BODY_BYTES`](crate::limits::BODY_BYTES); no more is taken in.
    pub(super) async fn body(&mut self) -> Result<Vec<u8>, Problem> {
        self.take_body().whole(&self.head).await
    }

    /// The body as it comes in.
    pub(super) fn chunks(&mut self) -> Chunks {
        self.take_body().chunks()
    }

    fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }
}
