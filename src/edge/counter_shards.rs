//! A counter and its shards: it pulls what they accepted, spreads over more of them, and folds back.
//!
//! While it does the last two, increments wait. What is stored at each step says what is left to do, so a counter that dies
//! goes on where it was when it wakes.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::join_all;
use uuid::Uuid;
use worker::{Env, Error, Result};

use super::counter_alarm::PULL_INTERVAL_MS;
use super::counter_object::{Counting, Memory};
use super::runtime::{log_failure, now_ms};
use super::segment_storage::COUNTER_IDS;
use super::together::{Queue, Together};
use super::{counter_storage, counters, objects, settings, spread_storage};
use crate::counting::ledger::LEDGER_ENTRIES;
use crate::counting::protocol::Reply;
use crate::counting::segment::{IDS_AT_ONCE, IdPage};
use crate::sharding::placement::{Place, Spread};
use crate::sharding::protocol::{BINDING, Command, Pull, Pulled, object_name};
use crate::sharding::{protocol, standing::Standing};

/// What pulls from the shards, once at a time: whoever asks meanwhile has the next pull.
pub(super) struct Pulls {
    counting: Rc<Counting>,
    queue: RefCell<Queue<(), ()>>,
}

impl Pulls {
    /// Those of a counter.
    pub(super) fn of(counting: &Rc<Counting>) -> Self {
        Self { counting: Rc::clone(counting), queue: RefCell::default() }
    }
}

impl Together for Pulls {
    type Item = ();
    type Reply = ();

    fn env(&self) -> &Env {
        &self.counting.env
    }

    fn queue(&self) -> &RefCell<Queue<(), ()>> {
        &self.queue
    }

    async fn perform(&self, asked: Vec<()>) -> Result<Vec<()>> {
        let version = self.counting.version()?;
        self.counting.pull(false).await?;
        if self.counting.version()? != version {
            self.counting.schedule_snapshot().await;
        }
        Ok(asked)
    }

    async fn settle(&self) {}
}

impl Counting {
    /// Over what the counter is spread, if it is.
    pub(super) fn spread(&self) -> Result<Option<Spread>> {
        self.with(|memory| Ok(memory.standing.spread()))
    }

    fn version(&self) -> Result<u64> {
        self.with(|memory| Ok(memory.counter.version))
    }

    /// What a shard has to know that is to begin: the counts, and a page of ids.
    pub(super) fn hand_over(&self, place: Place, from: u64) -> Result<Reply> {
        self.with(|memory| {
            let Standing { is_folding, .. } = memory.standing;
            let spread = memory.standing.spread().filter(|_| !is_folding);
            if !memory.standing.admits(place) {
                return Ok(Reply::Elsewhere(spread));
            }
            let falls_to = |key| spread.is_some_and(|spread| spread.shard_of(key) == place.shard);
            let mut page = IdPage::with_room(IDS_AT_ONCE);
            if memory.counter.version > 0 {
                COUNTER_IDS.give_from(&self.storage.sql(), from, &mut |segment| page.add(&segment, falls_to))?;
            }
            Ok(Reply::HandedOver { segments: page.parts, total: memory.counter.tally, next: page.next })
        })
    }

    /// Over how many shards the counter is to be spread, that came to count so many commands by itself, if that is another
    /// number than it is.
    pub(super) fn shards_for(&self, commands: usize) -> Option<u32> {
        let limit = settings::hot_commands_per_second(&self.env);
        let wanted = self.with(|memory| {
            if memory.standing.spread().is_some() {
                return Ok(None);
            }
            memory.load.note(commands as u64, now_ms());
            Ok(memory.load.decide(now_ms(), 1, limit))
        });
        wanted.unwrap_or_default()
    }

    /// The same of a counter that is spread, by what its shards told; 1 where it died while it folded.
    pub(super) fn wanted_shards(&self) -> Result<Option<u32>> {
        let limit = settings::hot_commands_per_second(&self.env);
        self.with(|memory| match memory.standing.spread() {
            Some(_) if memory.standing.is_folding => Ok(Some(1)),
            Some(spread) => Ok(memory.load.decide(now_ms(), spread.shards, limit)),
            None => Ok(None),
        })
    }

    /// Spreads over so many shards, or with 1 over none. What shards there are end first.
    pub(super) async fn spread_over(&self, shards: u32) -> Result<()> {
        if let Some(spread) = self.spread()? {
            self.turn(Standing::folding)?;
            self.pull(true).await?;
            self.turn(|standing| standing.over(1))?;
            self.clear(spread).await;
        }
        if shards > 1 {
            self.turn(|standing| standing.over(shards))?;
        }
        self.ring_by(now_ms() + PULL_INTERVAL_MS).await;
        Ok(())
    }

    /// Ends an epoch whose end was begun by an instance that died.
    pub(super) async fn end_folding(&self) -> Result<()> {
        if self.with(|memory| Ok(memory.standing.is_folding))? { self.spread_over(1).await } else { Ok(()) }
    }

    fn turn(&self, next: impl FnOnce(&Standing) -> Standing) -> Result<()> {
        self.with(|memory| {
            let standing = next(&memory.standing);
            spread_storage::store(&self.storage, &standing)?;
            memory.standing = standing;
            Ok(())
        })
    }

    /// Pulls what shards accepted until nothing is left.
    async fn pull(&self, closes: bool) -> Result<()> {
        let Some(spread) = self.spread()? else { return Ok(()) };
        join_all(spread.places().map(|place| self.pull_from((spread, place), closes))).await.into_iter().collect()
    }

    async fn pull_from(&self, (spread, place): (Spread, Place), closes: bool) -> Result<()> {
        let mut ids_from = 0;
        loop {
            let (prompt_id, pull) = self.with(|memory| {
                let prompt_id =
                    memory.prompt_id.ok_or_else(|| Error::from("a counter that never counted is spread"))?;
                let through = memory.standing.pulled(place.shard);
                let most_ids = LEDGER_ENTRIES as u64 / u64::from(spread.shards);
                let total = memory.counter.tally;
                Ok((prompt_id, Pull { epoch: place.epoch, through, total, closes, ids_from, most_ids }))
            })?;
            let reply = self.ask_shard(prompt_id, place.shard, &Command::Pull(pull)).await?;
            let protocol::Reply::Pulled(pulled) = reply else {
                return Err(counters::unexpected());
            };
            let left = self.with(|memory| self.absorb(memory, place, (prompt_id, &pull), &pulled))?;
            let Some(next) = left else { return Ok(()) };
            ids_from = next;
        }
    }

    /// Counts what a shard told, and notes how far that is, in the same transaction; the segment from which on ids are asked for
    /// next, if anything is left. What was pulled beside another pull, which was counted first, is asked for anew.
    fn absorb(
        &self,
        memory: &mut Memory,
        place: Place,
        (prompt_id, pull): (Uuid, &Pull),
        pulled: &Pulled,
    ) -> Result<Option<u64>> {
        memory.load.note(pulled.commands, now_ms());
        let is_over = memory.standing.spread().is_none_or(|spread| spread.epoch != place.epoch);
        if is_over {
            return Ok(None);
        }
        if memory.standing.pulled(place.shard) != pull.through {
            return Ok(pulled.next(pull, false));
        }
        let recalled = self.recall(memory, pulled.ids.iter().map(|id| id.key))?;
        let Some(commit) = memory.counter.absorb(&pulled.increments, &pulled.ids, &recalled, now_ms()) else {
            return Ok(pulled.next(pull, true));
        };
        let standing = memory.standing.with_pulled(place.shard, pulled.through);
        let more = vec![spread_storage::write_standing(&standing)?];
        counter_storage::keep(&self.storage, (prompt_id, &mut memory.counter), commit, &[], more)?;
        memory.standing = standing;
        Ok(pulled.next(pull, true))
    }

    /// Has shards forget what the counter has. If that fails, they do when they begin anew.
    async fn clear(&self, spread: Spread) {
        let Ok(Some(prompt_id)) = self.with(|memory| Ok(memory.prompt_id)) else { return };
        let command = Command::Clear { epoch: spread.epoch };
        for reply in join_all((0..spread.shards).map(|shard| self.ask_shard(prompt_id, shard, &command))).await {
            if let Err(error) = reply {
                log_failure("shards", &error.to_string());
            }
        }
    }

    async fn ask_shard(&self, prompt_id: Uuid, shard: u32, command: &Command) -> Result<protocol::Reply> {
        objects::ask(&self.env, BINDING, &object_name(prompt_id, shard), command).await
    }
}
