//! Snapshots of the counters of one isolate are stored together: a transaction of the database costs more than what most of them write.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use uuid::Uuid;
use worker::{Delay, Env};

use super::handover::{Giver, handover};
use super::runtime::{log_failure, now_ms};
use super::{d1, settings};
use crate::counting::gathering::Gathering;
use crate::counting::snapshot::{GATHERING_MS, Snapshot};

/// How long a counter waits until its snapshot is stored.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a counter is told: when its snapshot was stored, and when the rankings were last told of its prompt, in milliseconds since
/// 1970; `None` where a newer snapshot is there, or the prompt is gone.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    pub(super) at_ms: i64,
    pub(super) told_ms: Option<i64>,
}

struct Waiting {
    prompt_id: Uuid,
    snapshot: Snapshot,
    counter: Giver<Option<Stored>>,
}

thread_local! {
    static GATHERING: RefCell<Gathering<Waiting>> = RefCell::default();
}

/// Has a snapshot stored with those of other counters; `None` where that failed, which is logged once for all of them. Each counter
/// has a timer of its own pending, and is told by whoever stored it ([`super::handover`]).
pub(super) async fn store(env: &Env, prompt_id: Uuid, snapshot: &Snapshot) -> Option<Stored> {
    let (counter, taker) = handover();
    let waiting = Waiting { prompt_id, snapshot: *snapshot, counter };
    if GATHERING.with_borrow_mut(|gathering| gathering.bring(waiting, now_ms())) {
        Delay::from(Duration::from_millis(GATHERING_MS.unsigned_abs())).await;
        store_all(env).await;
    }
    match select(pin!(taker.take()), Delay::from(PATIENCE)).await {
        Either::Left((stored, _)) => stored.flatten(),
        Either::Right(_) => {
            log_failure("snapshot", "it was not stored in time");
            None
        }
    }
}

/// The same by itself.
pub(super) async fn store_alone(env: &Env, prompt_id: Uuid, snapshot: &Snapshot) -> Option<Stored> {
    let (at_ms, told) = transact(env, &[(prompt_id, *snapshot)]).await?;
    Some(Stored { at_ms, told_ms: told.get(&prompt_id).copied().flatten() })
}

async fn store_all(env: &Env) {
    let waiting = GATHERING.with_borrow_mut(Gathering::take);
    let snapshots: Vec<_> = waiting.iter().map(|one| (one.prompt_id, one.snapshot)).collect();
    let stored = transact(env, &snapshots).await;
    for Waiting { prompt_id, counter, .. } in waiting {
        let of_prompt = |told: &HashMap<Uuid, Option<i64>>| told.get(&prompt_id).copied().flatten();
        counter.give(stored.as_ref().map(|(at_ms, told)| Stored { at_ms: *at_ms, told_ms: of_prompt(told) }));
    }
}

/// Stores snapshots; gives when that was, and when the rankings were last told of each prompt.
async fn transact(env: &Env, snapshots: &[(Uuid, Snapshot)]) -> Option<(i64, HashMap<Uuid, Option<i64>>)> {
    let now_ms = now_ms();
    let stored = match d1::database(env) {
        Ok(database) => d1::snapshots::store(&database, snapshots, (now_ms, settings::ranking_interval_ms(env))).await,
        Err(error) => Err(error),
    };
    match stored {
        Ok(told) => Some((now_ms, told)),
        Err(error) => {
            log_failure("snapshot", &error.to_string());
            None
        }
    }
}
