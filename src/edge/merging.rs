//! Increments of the requests of one isolate go to a prompt's counter together ([`crate::counting::merging`]).
//!
//! A request carries the batch that it is in, in work that goes on should its client go away, and no other. It is called when it is
//! its turn, and the others of a batch when they are told ([`super::handover`]); each has a timer of its own pending meanwhile, for
//! the runtime gives up a request that waits for nothing of its own.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use uuid::Uuid;
use worker::{Context, Delay, Env, Error, Result};

use super::counters::{LATER_PAUSES_MS, PAUSES_MS, deliver};
use super::handover::{Giver, handover};
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
/// How long a caller waits.
const PATIENCE: Duration = Duration::from_secs(25);

/// Whoever waits for what becomes of its increments, if anybody does: it is told why, if they were not counted.
type Caller = Option<Giver<std::result::Result<Told, String>>>;

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
    /// Counts increments together with others of the same prompt; gives what became of them once that is durable.
    pub(super) async fn count(&self, prompt_id: Uuid, increments: &[Increment], pace: Pace) -> Result<Told> {
        let (giver, taker) = handover();
        self.add(prompt_id, Some(giver), increments, pace)?;
        match select(pin!(taker.take()), Delay::from(PATIENCE)).await {
            Either::Left((Some(told), _)) => told.map_err(Error::from),
            _ => Err(Error::from("the counter was not reached in time")),
        }
    }

    /// Has increments counted together with others of the same prompt; nobody waits for it.
    pub(super) fn count_later(&self, prompt_id: Uuid, increments: &[Increment]) -> Result<()> {
        self.add(prompt_id, None, increments, Pace::Gathering)
    }

    fn add(&self, prompt_id: Uuid, caller: Caller, increments: &[Increment], pace: Pace) -> Result<()> {
        let added = QUEUES.with_borrow_mut(|queues| queues.add(prompt_id, caller, increments, pace, now_ms()));
        let batch = added.map_err(|_| Error::from("too many increments wait to be counted"))?;
        if let Some(name) = batch {
            self.context.wait_until(metering::charged(carry(self.env.clone(), prompt_id, name, pace)));
        }
        Ok(())
    }
}

/// Sends a batch when it is its turn, and tells its callers.
async fn carry(env: Env, prompt_id: Uuid, name: BatchName, pace: Pace) {
    match pace {
        Pace::Gathering => Delay::from(WINDOW).await,
        Pace::AtOnce => grow(name).await,
    }
    loop {
        match QUEUES.with_borrow_mut(|queues| queues.turn(name, now_ms())) {
            Turn::Over => return,
            Turn::Wait => {
                wait(name).await;
                grow(name).await;
            }
            Turn::Send(sending) => {
                let sent = sending.name;
                send(&env, prompt_id, sending).await;
                QUEUES.with_borrow_mut(|queues| queues.done(sent));
            }
        }
    }
}

/// Lets a batch grow as long as each turn of the thread has more for it: what has arrived already goes together.
async fn grow(name: BatchName) {
    let size = || QUEUES.with_borrow(|queues| queues.size(name));
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
async fn send(env: &Env, prompt_id: Uuid, Sending { name, merged }: Sending<Caller>) {
    let delivery = random_u64();
    let told = deliver(env, prompt_id, (delivery, &merged.increments), PAUSES_MS).await;
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
    if is_lost && let Err(error) = deliver(env, prompt_id, (delivery, &increments), LATER_PAUSES_MS).await {
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
