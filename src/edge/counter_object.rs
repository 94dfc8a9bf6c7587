//! `PromptCounter`: the Durable Object that counts for one prompt, named by the prompt's id.
//!
//! Between reading its tables and writing them nothing waits. Increments that come while others are being stored wait, and
//! are stored together: counts, days, visitors and ids in one transaction. The answer leaves when that is durable. How its
//! snapshots are written tells [`super::counter_alarm`], how it spreads over shards [`super::counter_shards`], who
//! is told its counts as they move [`super::listeners`].

use std::cell::RefCell;
use std::rc::Rc;

use uuid::Uuid;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, Storage, durable_object};

use super::counter_shards::Pulls;
use super::day_storage::{self, EVERY_DAY};
use super::listeners::Listeners;
use super::runtime::{log_failure, now_ms};
use super::segment_storage::COUNTER_IDS;
use super::together::{Queue, Together, join};
use super::{counter_storage, kept_readings, metering, objects, settings, spread_storage};
use crate::counting::counter::{Commit, Counter};
use crate::counting::day::between;
use crate::counting::ledger::Recalled;
use crate::counting::protocol::{Command, Delivery, ImportedRow, Reply};
use crate::counting::snapshot::Pace;
use crate::counting::tally::Tally;
use crate::live::listener::Listen;
use crate::metrics::meter::Meter;
use crate::sharding::load::Load;
use crate::sharding::standing::Standing;
use crate::time::{DAY_MS, DAY_QUARTERS};

/// The counter of one prompt.
#[durable_object(alarm)]
pub struct PromptCounter {
    state: State,
    counting: Rc<Counting>,
    pulls: Rc<Pulls>,
    listeners: Rc<Listeners>,
}

/// What a counter has, and does.
pub(super) struct Counting {
    pub(super) storage: Storage,
    pub(super) env: Env,
    memory: RefCell<Option<Memory>>,
    queue: RefCell<Queue<Step, Option<Reply>>>,
}

/// What a counter knows without asking its storage.
pub(super) struct Memory {
    pub(super) counter: Counter,
    /// Known since the first count.
    pub(super) prompt_id: Option<Uuid>,
    pub(super) standing: Standing,
    pub(super) load: Load,
    /// When the alarm rings, in milliseconds since 1970; `None` where it is not set.
    pub(super) alarm_ms: Option<i64>,
    pub(super) pace: Pace,
    /// Whether what was carried into it, if anything was, is known to be told.
    pub(super) has_told_carried: bool,
}

/// What a counter does one after another.
pub(super) enum Step {
    /// Counts increments of its prompt.
    Count(Uuid, Delivery),
    /// Spreads over so many shards, or with 1 folds back.
    Spread(u32),
}

impl DurableObject for PromptCounter {
    fn new(state: State, env: Env) -> Self {
        let counting =
            Rc::new(Counting { storage: state.storage(), env, memory: RefCell::default(), queue: RefCell::default() });
        let pulls = Rc::new(Pulls::of(&counting));
        let listeners = Rc::new(Listeners::of(&counting));
        Self { state, counting, pulls, listeners }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        let answer = async {
            match objects::command(request).await? {
                Command::Listen(listen) => self.listen(listen).await,
                // Isolates of the build before ask by a request, while this one comes.
                command => objects::answer(&self.obey(command).await?),
            }
        };
        answer.await.or_else(|error| Ok(objects::failed(&error)))
    }

    async fn alarm(&self) -> Result<Response> {
        metering::count(Meter::AlarmsRung, 1);
        self.pull_and_spread().await;
        self.counting.tell().await;
        kept_readings::keep_if_due(&self.counting.env).await;
        Response::empty()
    }
}

#[wasm_bindgen]
impl PromptCounter {
    /// What is told to a command.
    pub async fn ask(&self, command: Vec<u8>) -> JsValue {
        objects::told(&command, async |command| self.obey(command).await).await
    }
}

impl PromptCounter {
    async fn obey(&self, command: Command) -> Result<Reply> {
        self.counting.remember().await?;
        match command {
            Command::Count { prompt_id, delivery } => {
                let reply = join(&self.counting, &self.state, Step::Count(prompt_id, delivery)).await?;
                reply.ok_or_else(|| Error::from("the counter did not count"))
            }
            Command::HandOver { place, from } => self.counting.hand_over(place, from),
            Command::Carry { segments } => {
                self.fold().await?;
                self.counting.carry(segments)
            }
            Command::CarryImported { after } => self.counting.carry_imported(after),
            Command::CarryIds { from, before } => self.counting.carry_ids(from..before),
            Command::Take { prompt_id, pieces } => self.counting.take(prompt_id, &pieces).await,
            // What is told is told of all.
            other => {
                self.pull().await?;
                let (reply, changed) = self.counting.obey(other)?;
                if changed {
                    self.counting.schedule_snapshot().await;
                }
                Ok(reply)
            }
        }
    }

    async fn listen(&self, listen: Listen) -> Result<Response> {
        self.counting.remember().await?;
        self.pull().await?;
        self.listeners.add(&self.state, listen)
    }

    /// Has everything that shards accepted before this was asked.
    async fn pull(&self) -> Result<()> {
        match self.counting.spread()? {
            Some(_) => join(&self.pulls, &self.state, ()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Has all that shards have, their ids too: a counter that is spread folds back, and spreads anew when it is called as often.
    async fn fold(&self) -> Result<()> {
        match self.counting.spread()? {
            Some(_) => join(&self.counting, &self.state, Step::Spread(1)).await.map(drop),
            None => Ok(()),
        }
    }

    /// Of a counter that is spread: pulls, and spreads over more or fewer shards where that is due.
    async fn pull_and_spread(&self) {
        let done = async {
            self.counting.remember().await?;
            self.pull().await?;
            match self.counting.wanted_shards()? {
                Some(shards) => join(&self.counting, &self.state, Step::Spread(shards)).await.map(drop),
                None => Ok(()),
            }
        };
        if let Err(error) = done.await {
            log_failure("shards", &error.to_string());
        }
    }
}

impl Together for Counting {
    type Item = Step;
    type Reply = Option<Reply>;

    fn env(&self) -> &Env {
        &self.env
    }

    fn queue(&self) -> &RefCell<Queue<Step, Option<Reply>>> {
        &self.queue
    }

    async fn perform(&self, steps: Vec<Step>) -> Result<Vec<Option<Reply>>> {
        self.end_folding().await?;
        let mut replies = Vec::with_capacity(steps.len());
        let mut spread_over = None;
        let mut deliveries = Vec::with_capacity(steps.len());
        for step in steps {
            replies.push(matches!(step, Step::Count(..)));
            match step {
                Step::Count(prompt_id, delivery) => deliveries.push((prompt_id, delivery)),
                Step::Spread(shards) => spread_over = Some(shards),
            }
        }
        let (counted, changed) = self.count(&deliveries)?;
        let mut counted = counted.into_iter();
        if changed {
            self.schedule_snapshot().await;
        }
        if let Some(shards) = spread_over.or_else(|| self.shards_for(deliveries.len())) {
            self.spread_over(shards).await?;
        }
        Ok(replies.into_iter().map(|is_count| if is_count { counted.next() } else { None }).collect())
    }

    async fn settle(&self) {
        if self.with(|memory| Ok(memory.load.is_steady())).is_ok_and(|is_steady| is_steady) {
            // Until then the replies are held back, and what comes is stored together. If it fails, the object ends.
            let _ = self.storage.sync().await;
        }
    }
}

impl Counting {
    /// Restores the memory after a start.
    pub(super) async fn remember(&self) -> Result<()> {
        if self.memory.borrow().is_some() {
            return Ok(());
        }
        let alarm_ms = self.storage.get_alarm().await?;
        if self.memory.borrow().is_none() {
            let window_ms = settings::visit_window_ms(&self.env);
            let (prompt_id, counter) = counter_storage::restore(&self.storage, window_ms)?.unzip();
            let counter = counter.unwrap_or_else(|| Counter::new(window_ms));
            let standing = spread_storage::restore(&self.storage)?;
            let load = Load::default();
            *self.memory.borrow_mut() = Some(Memory {
                counter,
                prompt_id,
                standing,
                load,
                alarm_ms,
                pace: Pace::default(),
                has_told_carried: false,
            });
        }
        Ok(())
    }

    /// Does something with what is known.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Memory) -> Result<T>) -> Result<T> {
        let mut memory = self.memory.borrow_mut();
        act(memory.as_mut().ok_or_else(|| Error::from("the counter was not restored"))?)
    }

    /// Counts deliveries together; a counter that is spread counts none, and tells where they go. Also tells whether anything
    /// changed.
    fn count(&self, deliveries: &[(Uuid, Delivery)]) -> Result<(Vec<Reply>, bool)> {
        self.with(|memory| {
            let Some((prompt_id, _)) = deliveries.first() else { return Ok((Vec::new(), false)) };
            if let Some(spread) = memory.standing.spread() {
                return Ok((deliveries.iter().map(|_| Reply::Elsewhere(Some(spread))).collect(), false));
            }
            let deliveries = deliveries.iter().map(|(_, delivery)| delivery);
            let recalled = self.recall(memory, deliveries.clone().flat_map(Delivery::keys))?;
            let (told, commit) = memory.counter.count(deliveries, &recalled, now_ms());
            let changed = self.keep(memory, *prompt_id, commit, &[])?;
            Ok((told.into_iter().map(Reply::Counted).collect(), changed))
        })
    }

    /// Does what a command says that concerns what is counted already; tells whether anything changed.
    fn obey(&self, command: Command) -> Result<(Reply, bool)> {
        self.with(|memory| match command {
            Command::Read => {
                let unique_visitors = memory.counter.unique_visitors();
                Ok((Reply::Read { tally: memory.counter.tally, unique_visitors }, false))
            }
            Command::Retract { sources } => {
                let (tally, unique_visitors) = self.retract(memory, &sources)?;
                Ok((Reply::Retracted { tally, unique_visitors }, tally != Tally::default()))
            }
            Command::Between { bounds } => {
                let day_of = |bound: Option<&i64>| bound.map_or(0, |quarter| quarter.div_euclid(DAY_QUARTERS));
                let range = day_of(bounds.first())..=day_of(bounds.last());
                let days = day_storage::days(&self.storage, &memory.counter, range)?;
                Ok((Reply::Between { sums: between(&days, &bounds) }, false))
            }
            Command::Audit => {
                let days = day_storage::days(&self.storage, &memory.counter, EVERY_DAY)?;
                Ok((Reply::Audited(memory.counter.audit(&days, [memory.pace.begun_ms(), memory.alarm_ms])), false))
            }
            Command::Import { prompt_id, rows } => {
                let fresh = counter_storage::not_imported(&self.storage, &memory.counter, &rows)?;
                let commit = memory.counter.import(&fresh);
                let changed = self.keep(memory, prompt_id, commit, &fresh)?;
                Ok((Reply::Imported { counted: fresh.len() as u64 }, changed))
            }
            Command::Count { .. }
            | Command::HandOver { .. }
            | Command::Listen(_)
            | Command::Carry { .. }
            | Command::CarryImported { .. }
            | Command::CarryIds { .. }
            | Command::Take { .. } => Err(Error::from("the command is one of another kind")),
        })
    }

    /// Recalls those of some keys that are of ids of which memory does not have the whole.
    pub(super) fn recall(&self, memory: &Memory, keys: impl Iterator<Item = u64>) -> Result<Recalled> {
        memory.counter.ledger.recall(keys, |number| COUNTER_IDS.full(&self.storage.sql(), number))
    }

    fn keep(
        &self,
        memory: &mut Memory,
        prompt_id: Uuid,
        commit: Option<Commit>,
        imported: &[ImportedRow],
    ) -> Result<bool> {
        let Some(commit) = commit else { return Ok(false) };
        counter_storage::keep(&self.storage, (prompt_id, &mut memory.counter), commit, imported, Vec::new())?;
        memory.prompt_id = Some(prompt_id);
        Ok(true)
    }

    /// Takes back what sources added; gives what that was.
    fn retract(&self, memory: &mut Memory, sources: &[u64]) -> Result<(Tally, u64)> {
        let days = day_storage::sourced_days(&self.storage, &memory.counter, now_ms().div_euclid(DAY_MS))?;
        let retraction = memory.prompt_id.zip(memory.counter.retract(days, sources));
        let Some((prompt_id, retraction)) = retraction else { return Ok(Default::default()) };
        counter_storage::store_retraction(&self.storage, (prompt_id, &memory.counter), &retraction)?;
        Ok(memory.counter.keep_retraction(&retraction))
    }
}
