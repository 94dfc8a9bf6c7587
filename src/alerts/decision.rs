//! Which message is sent, if any.

use super::kind::Kind;
use crate::json::json_text;
use crate::time::{HOUR_MS, MINUTE_MS};

/// How far apart two messages of a kind are at the least, in milliseconds. A run of the cron more or less is none.
pub const PAUSE_MS: i64 = HOUR_MS - MINUTE_MS / 2;
/// How long a run of the cron has for what it has claimed, in milliseconds.
pub const CLAIM_MS: i64 = MINUTE_MS;

/// A message that is to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id: the same when it is sent again.
    pub id: String,
    /// The body.
    pub body: String,
}

/// What is noted of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether the last message said that there is something, or that it is over.
    pub is_firing: bool,
    /// The last message, if it was not delivered.
    pub waiting: Option<Message>,
    /// When a run last claimed to send something, in milliseconds since 1970.
    pub claimed_ms: i64,
    /// When a message was last delivered, in milliseconds since 1970.
    pub told_ms: Option<i64>,
}

/// What is to be noted, to be sent if it has a message that waits: what was noted before, changed.
///
/// `detail` is what there is to tell of the kind now; a new message has the id `new_id`.
#[must_use]
pub fn decide(
    kind: Kind,
    standing: Option<&Standing>,
    detail: Option<&str>,
    new_id: &str,
    now_ms: i64,
) -> Option<Standing> {
    let fresh = || Message { id: new_id.to_owned(), body: body(kind, detail, now_ms) };
    let Some(standing) = standing else {
        return detail.map(|_| Standing { is_firing: true, waiting: Some(fresh()), claimed_ms: now_ms, told_ms: None });
    };
    if now_ms - standing.claimed_ms < CLAIM_MS {
        return None;
    }
    let claimed = Standing { claimed_ms: now_ms, is_firing: detail.is_some(), ..standing.clone() };
    if standing.is_firing == claimed.is_firing && standing.waiting.is_some() {
        return Some(claimed);
    }
    if !standing.is_firing && detail.is_none() {
        return None;
    }
    if standing.told_ms.is_none() && detail.is_none() {
        // Nobody heard of it: nobody needs to hear that it is over.
        return Some(Standing { waiting: None, ..claimed });
    }
    let may_tell = standing.told_ms.is_none_or(|told_ms| now_ms - told_ms >= PAUSE_MS);
    may_tell.then(|| Standing { waiting: Some(fresh()), ..claimed })
}

fn body(kind: Kind, detail: Option<&str>, now_ms: i64) -> String {
    let (status, detail) = match detail {
        Some(detail) => ("firing", detail),
        None => ("resolved", "This is over."),
    };
    let (name, detail) = (kind.name(), json_text(detail));
    let timestamp = json_text(&crate::time::timestamp_from_ms(now_ms));
    format!(
        "{{\"type\":\"promptmeter.alert\",\"timestamp\":{timestamp},\
        \"data\":{{\"kind\":\"{name}\",\"status\":\"{status}\",\"detail\":{detail}}}}}"
    )
}
