//! Answers that may be kept for a moment, and asked for again only if they changed (RFC 9110, RFC 9111).

use super::identity::Identity;
use crate::counting::id_digest::digest_key;

/// The entity tag of a body.
#[must_use]
pub fn entity_tag(body: &str) -> String {
    format!("\"{:016x}\"", digest_key(body))
}

/// Whether the header `If-None-Match` names this tag, or any.
#[must_use]
pub fn is_known(if_none_match: Option<&str>, entity_tag: &str) -> bool {
    let tags = if_none_match.unwrap_or_default().split(',').map(str::trim);
    tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).any(|tag| tag == "*" || tag == entity_tag)
}

/// How long an answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// For five seconds.
    Moment,
    /// As long as asking says that it is the same.
    Checked,
}

/// The headers of an answer that may be kept: by everybody, where it is what everybody is told; else by
/// the caller alone.
#[must_use]
pub fn headers(identity: &Identity, entity_tag: String, keeping: Keeping) -> [(&'static str, String); 3] {
    let whose = if matches!(identity, Identity::Anonymous) { "public" } else { "private" };
    let how_long = match keeping {
        Keeping::Moment => "max-age=5",
        // What GitHub's image proxy respects by its own words.
        Keeping::Checked => "no-cache",
    };
    [
        ("ETag", entity_tag),
        ("Cache-Control", format!("{whose}, {how_long}")),
        ("Vary", "Authorization, apikey".to_owned()),
    ]
}
