//! Who sent a request: whether its events are let in, and what that makes of its views and copies.

use futures_util::future::LocalBoxFuture;

use super::answer::Answer;
use super::call::Call;
use super::{rate_limits, robots, salts};
use crate::http::identity::Identity;
use crate::http::problem::Problem;
use crate::traffic::attribution::Attribution;
use crate::traffic::digests::Digests;
use crate::traffic::sender::Sender;

/// Lets in a request of so many events, unless its sender has sent too many, and says what its sender makes of the views and
/// copies among them, if it has any. The service is believed, and may send as many as it likes.
pub(super) fn let_in(
    call: &Call,
    events: usize,
    has_counted: bool,
) -> LocalBoxFuture<'_, Result<Attribution, Problem>> {
    Box::pin(async move {
        let sender = Sender::of(&call.head);
        let is_trusted = matches!(call.identity, Identity::Service(_));
        if !is_trusted {
            rate_limits::take(call, sender.address, events).await?;
        }
        let mut attribution = Attribution { is_trusted, ..Attribution::default() };
        if has_counted && !is_trusted {
            attribution.reason = sender.reason(robots::is_robot);
        }
        if has_counted && attribution.reason.is_none() && (is_trusted || !sender.objects) {
            let salts = salts::at(&call.env, call.now_ms).await;
            attribution.digests = salts.map(|salts| Digests::of(sender, salts));
        }
        Ok(attribution)
    })
}

/// The answer, with the reasons for which events were no views and no copies.
pub(super) fn tell_dropped(answer: Answer, reasons: Option<String>) -> Answer {
    match reasons {
        Some(reasons) => answer.header("X-Promptmeter-Dropped", reasons),
        None => answer,
    }
}
