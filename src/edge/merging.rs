//! Increments of the requests of one isolate go to a prompt's counter together ([`crate::counting::merging`]).
//!
//! A request carries batches that it is in, in work that goes on should its client go away, and no others. It is called when it is
//! the turn of one of them, and who is in them is told when all that it waits for is counted ([`super::handover`]); each has a timer of
//! its own pending meanwhile, for the runtime gives up a request that waits for nothing of its own.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join_all, select};
use uuid::Uuid;
use worker::{Context, Delay, Env, Error, Result};

use super::counters::{LATER_PAUSES_MS, PAUSES_MS, deliver};
use super::handover::{Giver, PartGiver, handover, handovers};
use super::metering;
use super::runtime::{log_failure, now_ms, random_u64};
use crate::counting::merging::{BatchName, Merged, Pace, Queues, Sending, Turn};
use crate::counting::protocol::{Increment, Told};

/// How long increments that nobody waits for gather.
const WINDOW: Duration = Duration::from_millis(240);
/// After how long a carrier looks by itself whether it is its batch's turn: the one before it may be gone.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often a carrier looks whether its batch still grows.
const LOOKS: usize = 100;
/// How long a caller waits, in milliseconds.
const PATIENCE_MS: u32 = 25_000;

/// Whoever waits for what becomes of its increments, if anybody does: it is told why, if they were not counted.
type Caller = Option<PartGiver<std::result::Result<Told, String>>>;

thread_local! {
    static QUEUES: RefCell<Queues<Caller, Giver<()>>> = RefCell::default();
}

/// Whether so many increments more may wait.
pub(super) fn has_room(increments: usize) -> bool {
    QUEUES.with_borrow_mut(|queues| queues.has_room(increments, now_ms()))
}

/// The way of a request to the counters.
#[derive(Clone)]
pub(super) struct Way {
    /// The bindings.
    pub(super) env: Env,
    /// Keeps work going after the answer.
    pub(super) context: Rc<Context>,
}

impl Way {
    /// Counts increments of prompts, each together with others of the same prompt; gives what became of those of each prompt, in
    /// their order, once that is durable.
    pub(super) async fn count(&self, counts: &[(Uuid, Vec<Increment>)], pace: Pace) -> Vec<Result<Told>> {
        let (givers, taker) = handovers(counts.len());
        self.add(counts.iter().zip(givers.into_iter().map(Some)), pace);
        let told = taker.take(PATIENCE_MS).await;
        let told =
            told.into_iter().map(|told| told.unwrap_or_else(|| Err("the counter was not reached in time".to_owned())));
        told.map(|told| told.map_err(Error::from)).collect()
    }

    /// Has increments of prompts counted together with others of the same prompt; nobody waits for it. There is to be
    /// [room](has_room) for them.
    pub(super) fn count_later(&self, counts: &[(Uuid, Vec<Increment>)]) {
        self.add(counts.iter().map(|count| (count, None)), Pace::Gathering);
    }

    fn add<'a>(&self, counts: impl Iterator<Item = (&'a (Uuid, Vec<Increment>), Caller)>, pace: Pace) {
        let mut carried = Vec::new();
        for ((prompt_id, increments), caller) in counts {
            match QUEUES.with_borrow_mut(|queues| queues.add(*prompt_id, caller, increments, pace, now_ms())) {
                Ok(batch) => carried.extend(batch),
                Err(Some(caller)) => caller.give(Err("too many increments wait to be counted".to_owned())),
                Err(None) => log_failure("count", "too many increments wait to be counted"),
            }
        }
        if !carried.is_empty() {
            self.context.wait_until(metering::charged(carry(self.env.clone(), carried, pace)));
        }
    }
}

/// Carries batches: sends each when it is its turn, and tells its callers.
async fn carry(env: Env, batches: Vec<BatchName>, pace: Pace) {
    match pace {
        Pace::Gathering => Delay::from(WINDOW).await,
        Pace::AtOnce if is_crowded(&batches) => grow(&batches).await,
        Pace::AtOnce => {}
    }
    join_all(batches.into_iter().map(|name| carry_one(&env, name))).await;
}

async fn carry_one(env: &Env, name: BatchName) {
    loop {
        match QUEUES.with_borrow_mut(|queues| queues.turn(name, now_ms())) {
            Turn::Over => return,
            Turn::Wait => {
                wait(name).await;
                grow(&[name]).await;
            }
            Turn::Send(sending) => {
                let sent = sending.name;
                send(env, sending).await;
                QUEUES.with_borrow_mut(|queues| queues.done(sent));
            }
        }
    }
}

fn is_crowded(batches: &[BatchName]) -> bool {
    QUEUES.with_borrow(|queues| batches.iter().any(|name| queues.is_crowded(name.prompt_id)))
}

/// Lets batches grow as long as each turn of the thread has more for them: what has arrived already goes together.
async fn grow(batches: &[BatchName]) {
    let size = || QUEUES.with_borrow(|queues| batches.iter().map(|name| queues.size(*name)).sum::<usize>());
    let mut before = size();
    for _ in 0..LOOKS {
        Delay::from(Duration::ZERO).await;
        let now = size();
        if now <= before {
            return;
        }
        before = now;
    }
}

/// Sends a batch, and again under the same number if that fails. Those who wait are told so soon, and the way is free for the
/// next batch; what nobody waits for is sent again for some time.
async fn send(env: &Env, Sending { name, merged }: Sending<Caller>) {
    let delivery = random_u64();
    let told = deliver(env, name.prompt_id, (delivery, &merged.increments), PAUSES_MS).await;
    for next in QUEUES.with_borrow_mut(|queues| queues.sent(name)) {
        next.give(());
    }
    let failure = match told {
        Ok(together) => return tell(merged, &together),
        Err(error) => error.to_string(),
    };
    let (increments, callers) = merged.into_parts();
    let is_lost = callers.iter().any(Option::is_none);
    for caller in callers.into_iter().flatten() {
        caller.give(Err(failure.clone()));
    }
    if is_lost && let Err(error) = deliver(env, name.prompt_id, (delivery, &increments), LATER_PAUSES_MS).await {
        log_failure("count", &error.to_string());
    }
}

/// Waits until it may be the batch's turn.
async fn wait(name: BatchName) {
    let (giver, taker) = handover();
    if QUEUES.with_borrow_mut(|queues| queues.wait(name, giver)).is_none() {
        select(pin!(taker.take()), Delay::from(LOOK_AGAIN)).await;
    }
}

fn tell(merged: Merged<Caller>, together: &Told) {
    for (caller, told) in merged.told(together) {
        if let Some(caller) = caller {
            caller.give(Ok(told));
        }
    }
}
