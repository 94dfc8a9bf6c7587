//! `POST /v1/events`, `POST /v1/usage`, and the shorthands for one prompt.

use std::time::Duration;

use serde_json::json;
use worker::Delay;

use super::admission::InHand;
use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::merging::Way;
use super::runtime::{log_failure, new_uuid};
use super::senders::{self, tell_dropped};
use super::{counters, ingestion, prompt_lookup};
use crate::counting::merging::Pace;
use crate::counting::stats::{Counted, Counts};
use crate::events::batch::Batch;
use crate::events::event::{Event, PromptEvent, PromptEventKind, Subject};
use crate::events::fate::{Fate, answer, dropped_header};
use crate::events::parse::{ShorthandBody, Submission, parse, parse_idempotency_key, parse_shorthand, parse_usage};
use crate::http::body;
use crate::http::identity::Identity;
use crate::http::problem::Problem;

/// What `sendBeacon` sends is `text/plain`.
const MEDIA_TYPES: &[&str] = &["application/json", "text/plain"];

/// How long queued events wait before each attempt to store them, in milliseconds; work may go on for 30 s after an
/// answer.
const QUEUE_PAUSES_MS: &[u64] = &[0, 200, 500, 1000, 2000, 5000, 10_000];

/// Takes one event, an array of them, or `{"events": [...]}`.
pub(super) fn post_events(call: Call) -> impl Future<Output = Result<Answer, Problem>> {
    post(call, |_, text| parse(text))
}

/// Takes the same of usage events alone.
pub(super) fn post_usage(call: Call) -> impl Future<Output = Result<Answer, Problem>> {
    post(call, |call, text| {
        let key = parse_idempotency_key(call.header("Idempotency-Key").as_deref())?;
        parse_usage(text, key)
    })
}

async fn post(mut call: Call, read: fn(&Call, &str) -> Result<Submission, Problem>) -> Result<Answer, Problem> {
    body::check_type(call.header("Content-Type").as_deref(), MEDIA_TYPES)?;
    let may_queue = call.wants_async()?;
    let bytes = call.body().await?;
    let events = read(&call, body::text(&bytes)?)?.events;
    let has_counted = events.iter().flatten().any(Event::is_counted_only);
    let attribution = senders::let_in(&call, events.len(), has_counted).await?;
    let batch = Batch::admit(events, &call.identity, &attribution, call.now_ms, || new_uuid(call.now_ms));
    if may_queue {
        return queue(call, batch);
    }
    let (fates, _) = ingestion::store(&call.way(), &call.identity, batch, Pace::AtOnce).await;
    let dropped = dropped_header(&fates);
    Ok(tell_dropped(Answer::ok(&answer(fates)?)?, dropped))
}

/// Counts a view of one prompt.
pub(super) async fn post_view(call: Call) -> Result<Answer, Problem> {
    post_shorthand(call, |body| PromptEventKind::View { visitor: body.visitor }).await
}

/// Counts a copy of one prompt.
pub(super) async fn post_copy(call: Call) -> Result<Answer, Problem> {
    post_shorthand(call, |body| PromptEventKind::Copy { visitor: body.visitor }).await
}

/// Records that one prompt was put beside others.
pub(super) async fn post_compare(call: Call) -> Result<Answer, Problem> {
    post_shorthand(call, |body| PromptEventKind::CompareAdd { comparison_id: body.comparison_id }).await
}

async fn post_shorthand(mut call: Call, kind: fn(ShorthandBody) -> PromptEventKind) -> Result<Answer, Problem> {
    let id = parse_idempotency_key(call.header("Idempotency-Key").as_deref())?;
    let may_queue = call.wants_async()?;
    let bytes = call.body().await?;
    if !bytes.is_empty() {
        body::check_type(call.header("Content-Type").as_deref(), MEDIA_TYPES)?;
    }
    let body = parse_shorthand(body::text(&bytes)?)?;
    let is_steered = body.is_steered;
    let kind = kind(body);
    let attribution = senders::let_in(&call, 1, !kind.is_lineage()).await?;
    let prompt_id = prompt_lookup::visible(&call).await?.id;
    let events =
        vec![Ok(Event { id, at_ms: None, subject: Subject::Prompt(PromptEvent { prompt_id, kind, is_steered }) })];
    let batch = Batch::admit(events, &call.identity, &attribution, call.now_ms, || new_uuid(call.now_ms));
    if may_queue && batch.unsettled() == 1 {
        return queue(call, batch);
    }
    let (mut fates, tallies) = ingestion::store(&call.way(), &call.identity, batch, Pace::AtOnce).await;
    let dropped = dropped_header(&fates);
    let duplicate = match fates.pop() {
        Some(Fate::Accepted | Fate::Dropped(_)) => false,
        Some(Fate::Duplicate) => true,
        Some(Fate::Rejected(problem)) => return Err(problem),
        Some(Fate::Unrecorded) | None => return Err(Problem::storage()),
    };
    let tally = match tallies.iter().find(|(id, _)| *id == prompt_id) {
        Some((_, tally)) => *tally,
        None => counters::read(&call.env, prompt_id).await.map_err(|error| storage_failure("count", &error))?.0,
    };
    Ok(tell_dropped(Answer::ok(&Counted { counts: Counts::of(prompt_id, &tally), duplicate })?, dropped))
}

/// Answers at once and stores afterwards.
fn queue(call: Call, mut batch: Batch) -> Result<Answer, Problem> {
    let (queued, dropped) = (batch.queued(), batch.dropped_header());
    let way = call.way();
    if batch.is_counts_only() && ingestion::keep_visible(&call.identity, &mut batch) {
        ingestion::count_later(&way, batch)?;
    } else {
        batch.name_all(|| new_uuid(call.now_ms));
        call.context.wait_until(store_later(way, call.identity, batch, call.in_hand));
    }
    Ok(tell_dropped(Answer::accepted(&json!({"queued": queued}))?, dropped))
}

/// What storage fails to store is stored again, under the same ids.
async fn store_later(way: Way, identity: Identity, mut left: Batch, _in_hand: InHand) {
    for pause_ms in QUEUE_PAUSES_MS {
        Delay::from(Duration::from_millis(*pause_ms)).await;
        let (fates, _) = ingestion::store(&way, &identity, left.clone(), Pace::Gathering).await;
        left = left.unstored(&fates);
        if left.is_empty() {
            return;
        }
    }
    log_failure("queue", "queued events were not stored");
}
