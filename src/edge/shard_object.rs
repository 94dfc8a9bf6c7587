//! `CounterShard`: the Durable Object that accepts increments for a counter that is spread, named by the prompt's id and the
//! shard's number.
//!
//! It begins with the first increment of an epoch, by asking its counter for the ids that fall to it. What it accepts it
//! stores, with the ids, in one transaction for all that came meanwhile; its counter pulls it.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::DurableObjectState;
use worker::{Delay, Env, Error, Result, State, Storage};

use super::runtime::now_ms;
use super::segment_storage::SHARD_IDS;
use super::together::{Queue, Together, join};
use super::{counters, objects, shard_storage};
use crate::counting::ledger::Ledger;
use crate::counting::protocol::{self, Delivery, Told};
use crate::counting::segment::{self, IDS_AT_ONCE, IdPage};
use crate::sharding::placement::{Place, Spread};
use crate::sharding::protocol::{Command, Pull, Pulled, Reply};
use crate::sharding::shard::{HELD, Shard};

/// How long a shard that woke waits for the counts.
const PATIENCE: Duration = Duration::from_secs(5);

/// Increments that are stored as one batch, unless one delivery has more.
const BATCH: usize = 20_000;

/// A shard of a counter.
#[wasm_bindgen]
pub struct CounterShard {
    state: State,
    accepting: Rc<Accepting>,
}

struct Accepting {
    storage: Storage,
    env: Env,
    memory: RefCell<Memory>,
    queue: RefCell<Queue<(Uuid, Place, Delivery), Reply>>,
}

#[derive(Default)]
struct Memory {
    is_restored: bool,
    shard: Option<Shard>,
    /// The last epoch that was closed.
    closed_epoch: Option<u64>,
    /// Since the counter asked last.
    commands: u64,
}

#[wasm_bindgen]
impl CounterShard {
    /// The object, as the runtime makes it.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        let state = State::from(state);
        let (memory, queue) = (RefCell::default(), RefCell::default());
        let accepting = Accepting { storage: state.storage(), env, memory, queue };
        Self { state, accepting: Rc::new(accepting) }
    }

    /// What is told to a command.
    pub async fn ask(&self, command: Vec<u8>) -> JsValue {
        objects::told(&command, async |command| self.obey(command).await).await
    }
}

impl CounterShard {
    async fn obey(&self, command: Command) -> Result<Reply> {
        self.accepting.remember()?;
        match command {
            Command::Count { prompt_id, place, delivery } => {
                join(&self.accepting, &self.state, (prompt_id, place, delivery)).await
            }
            Command::Pull(pull) => self.accepting.pull(pull).map(Reply::Pulled),
            Command::Clear { epoch } => self.accepting.clear(epoch).map(|()| Reply::Cleared),
        }
    }
}

impl Together for Accepting {
    type Item = (Uuid, Place, Delivery);
    type Reply = Reply;

    fn env(&self) -> &Env {
        &self.env
    }

    fn queue(&self) -> &RefCell<Queue<Self::Item, Reply>> {
        &self.queue
    }

    async fn perform(&self, items: Vec<Self::Item>) -> Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(items.len());
        let mut items = items.into_iter().peekable();
        while let Some((prompt_id, place, first)) = items.next() {
            let mut increments = first.increments.len();
            let mut deliveries = vec![first];
            while let Some((.., next)) =
                items.next_if(|(_, other, next)| *other == place && increments + next.increments.len() <= BATCH)
            {
                increments += next.increments.len();
                deliveries.push(next);
            }
            replies.extend(self.count(prompt_id, place, &deliveries).await?);
        }
        Ok(replies)
    }

    async fn settle(&self) {
        // Until then the replies are held back, and what comes is stored together. If it fails, the object ends.
        let _ = self.storage.sync().await;
    }
}

impl Accepting {
    fn remember(&self) -> Result<()> {
        let mut memory = self.memory.borrow_mut();
        if !memory.is_restored {
            memory.shard = shard_storage::restore(&self.storage)?;
            memory.is_restored = true;
        }
        Ok(())
    }

    /// Accepts deliveries together.
    async fn count(&self, prompt_id: Uuid, place: Place, deliveries: &[Delivery]) -> Result<Vec<Reply>> {
        self.memory.borrow_mut().commands += deliveries.len() as u64;
        if self.is_open(place) && !self.knows_the_counts() {
            // To read, the counter pulls from its shards, and tells them the counts: this one perhaps before one that does not answer.
            select(pin!(counters::read(&self.env, prompt_id)), Delay::from(PATIENCE)).await;
        }
        if !self.is_open(place)
            && let Some(elsewhere) = self.begin(prompt_id, place).await?
        {
            return Ok(deliveries.iter().map(|_| Reply::Elsewhere(elsewhere)).collect());
        }
        let mut memory = self.memory.borrow_mut();
        let shard = memory.shard.as_mut().ok_or_else(|| Error::from("the shard did not begin"))?;
        if shard.held > HELD {
            return Err(Error::from("the shard holds too much"));
        }
        let read = |number| SHARD_IDS.full(&self.storage.sql(), number);
        let recalled = shard.ledger.recall(deliveries.iter().flat_map(Delivery::keys), read)?;
        let counted = shard.count(deliveries.iter(), &recalled, now_ms());
        let (told, batch) = counted.ok_or_else(|| Error::from("the shard does not know the counts yet"))?;
        if let Some(batch) = batch {
            shard_storage::store(&self.storage, &batch)?;
            shard.keep(batch);
        }
        Ok(told.into_iter().map(|told: Told| Reply::Counted(told)).collect())
    }

    fn is_open(&self, place: Place) -> bool {
        let memory = self.memory.borrow();
        memory.shard.as_ref().is_some_and(|shard| shard.epoch == place.epoch && !shard.is_closed)
    }

    fn knows_the_counts(&self) -> bool {
        self.memory.borrow().shard.as_ref().is_some_and(|shard| shard.total.is_some())
    }

    /// Begins in an epoch, if the counter admits it; else tells where increments go, as far as that is known.
    async fn begin(&self, prompt_id: Uuid, place: Place) -> Result<Option<Option<Spread>>> {
        let (mut ledger, mut segments, mut from) = (Ledger::default(), 0, 0);
        loop {
            let (parts, total, next) =
                match counters::ask(&self.env, prompt_id, &protocol::Command::HandOver { place, from }).await? {
                    protocol::Reply::HandedOver { segments, total, next } => (segments, total, next),
                    protocol::Reply::Elsewhere(spread) => return self.end_beginning(from).map(|()| Some(spread)),
                    _ => return Err(counters::unexpected()),
                };
            let mut memory = self.memory.borrow_mut();
            if memory.closed_epoch.is_some_and(|closed| closed >= place.epoch) {
                return self.end_beginning(from).map(|()| Some(None));
            }
            if from == 0 {
                memory.shard = None;
                shard_storage::empty(&self.storage)?;
            }
            let page = segment::numbered(parts, segments);
            segments += page.len() as u64;
            let begins = next.is_none().then_some((place.epoch, segments));
            shard_storage::take_over(&self.storage, &page, begins)?;
            for segment in page {
                ledger.restore(segment);
            }
            let Some(next) = next else {
                memory.shard = Some(Shard::beginning(place.epoch, (ledger, segments), total));
                return Ok(None);
            };
            from = next;
        }
    }

    /// Forgets the ids that a beginning, which is broken off, has taken over up to a segment.
    fn end_beginning(&self, from: u64) -> Result<()> {
        if from > 0 { shard_storage::clear(&self.storage) } else { Ok(()) }
    }

    /// What was accepted behind what the counter has.
    fn pull(&self, pull: Pull) -> Result<Pulled> {
        let mut memory = self.memory.borrow_mut();
        if pull.closes {
            memory.closed_epoch = memory.closed_epoch.max(Some(pull.epoch));
        }
        let commands = std::mem::take(&mut memory.commands);
        let nothing = Pulled { through: pull.through, commands, ..Pulled::default() };
        let Some(shard) = memory.shard.as_mut().filter(|shard| shard.epoch == pull.epoch) else { return Ok(nothing) };
        if shard.held > 0 || (pull.closes && !shard.is_closed) {
            shard_storage::pulled(&self.storage, pull.through, pull.closes)?;
        }
        shard.is_closed |= pull.closes;
        let held = shard_storage::accepted(&self.storage.sql(), pull.through)?;
        let mut pulled = nothing;
        let mut all = Vec::new();
        for (number, increments) in held {
            if pulled.increments.len() < BATCH {
                pulled.increments.extend_from_slice(&increments);
                pulled.through = number;
            } else {
                pulled.is_partial = true;
            }
            all.extend(increments);
        }
        shard.learn(&pull.total, &all);
        if pull.closes && !pulled.is_partial {
            let mut page = IdPage::with_room(IDS_AT_ONCE);
            let from = pull.ids_from.max(shard.own_ids_from(pull.most_ids));
            SHARD_IDS.give_from(&self.storage.sql(), from, &mut |segment| page.add(&segment, |_| true))?;
            pulled.ids_left = page.next;
            pulled.ids = page.into_ids();
        }
        Ok(pulled)
    }

    fn clear(&self, epoch: u64) -> Result<()> {
        let mut memory = self.memory.borrow_mut();
        if memory.shard.as_ref().is_some_and(|shard| shard.epoch <= epoch) {
            shard_storage::clear(&self.storage)?;
            memory.shard = None;
        }
        Ok(())
    }
}
