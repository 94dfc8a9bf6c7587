//! Who sent a request, as far as its headers tell.

use super::address::AddressPrefix;
use super::reason::Reason;
use crate::http::head::Head;
use crate::limits::USER_AGENT_BYTES;

/// The header that has the sender's address. Cloudflare sets it, whatever the sender says; no other is believed.
const ADDRESS_HEADER: &str = "CF-Connecting-IP";

/// The headers in which browsers say that nobody looks at a page yet.
const PURPOSE_HEADERS: [&str; 4] = ["Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"];

/// What those headers say then, among others.
const AHEAD: [&str; 3] = ["prefetch", "prerender", "preview"];

/// What user agents of browsers that a program steers say, in lower case.
const STEERED: [&str; 8] =
    ["headless", "phantomjs", "slimerjs", "puppeteer", "playwright", "selenium", "cypress/", "jsdom/"];

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Where from.
    pub address: AddressPrefix,
    /// The user agent, its first [`USER_AGENT_BYTES`]; empty if there is none.
    pub agent: String,
    /// Whether the page is loaded in case somebody looks at it.
    pub is_ahead: bool,
    /// Whether it objects to being told from others: Global Privacy Control.
    pub objects: bool,
}

impl Sender {
    /// The sender of a request with this head.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        let agent = head.header("User-Agent").unwrap_or_default();
        let is_ahead = |name| head.header(name).is_some_and(|purpose| has_any(purpose, &AHEAD));
        Self {
            address: AddressPrefix::of(head.header(ADDRESS_HEADER)),
            agent: agent.get(..agent.floor_char_boundary(USER_AGENT_BYTES)).unwrap_or_default().to_owned(),
            is_ahead: PURPOSE_HEADERS.into_iter().any(is_ahead),
            objects: head.header("Sec-GPC").is_some_and(|objects| objects.trim() == "1"),
        }
    }

    /// Why what this sender sends is no view and no copy, if it is none; `is_robot` tells it of a user agent.
    pub fn reason(&self, is_robot: impl FnOnce(&str) -> bool) -> Option<Reason> {
        if has_any(&self.agent, &STEERED) {
            Some(Reason::Headless)
        } else if is_robot(&self.agent) {
            Some(Reason::Bot)
        } else {
            self.is_ahead.then_some(Reason::Prefetch)
        }
    }
}

fn has_any(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|word| text.contains(word))
}
