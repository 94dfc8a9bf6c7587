//! `PromptCounter`: the Durable Object that counts for one prompt, named by the prompt's id.
//!
//! Between reading its tables and writing them nothing waits, so its commands run one after another without a lock. A
//! commit is one transaction: counts, days and ids together. The answer leaves when the commit is durable. Its alarm writes
//! a snapshot of the counts to D1: when they changed, and when what was counted leaves one of the windows of the rankings.

use std::cell::RefCell;
use std::time::Duration;

use uuid::Uuid;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use super::counter_storage::{self, EVERY_DAY};
use super::runtime::{log_failure, now_ms};
use super::{d1, objects, settings};
use crate::counting::counter::{Commit, Counter, SNAPSHOT_DELAY_MS};
use crate::counting::day::between;
use crate::counting::protocol::{Command, ImportedRow, Reply};
use crate::counting::snapshot::Snapshot;
use crate::counting::tally::Tally;
use crate::counting::windows::{first_day, spread_ms};
use crate::time::{DAY_MS, DAY_QUARTERS};

/// The counter of one prompt.
#[durable_object(alarm)]
pub struct PromptCounter {
    state: State,
    env: Env,
    memory: RefCell<Option<Memory>>,
}

#[derive(Default)]
struct Memory {
    counter: Counter,
    /// Known since the first count.
    prompt_id: Option<Uuid>,
    /// When the alarm rings, in milliseconds since 1970; `None` where it is not set.
    alarm_ms: Option<i64>,
    last_snapshot_ms: Option<i64>,
}

impl DurableObject for PromptCounter {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, memory: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let reply = match request.text().await {
            Ok(text) => self.obey(&text).await,
            Err(error) => Err(error),
        };
        objects::answer(reply)
    }

    async fn alarm(&self) -> Result<Response> {
        if let Err(error) = self.snapshot().await {
            log_failure("snapshot", &error.to_string());
            self.ring_at(now_ms() + SNAPSHOT_DELAY_MS).await;
        }
        Response::empty()
    }
}

impl PromptCounter {
    async fn obey(&self, text: &str) -> Result<Reply> {
        let command: Command = serde_json::from_str(text)?;
        self.remember().await?;
        let (reply, changed) = self.perform(command)?;
        if changed {
            self.schedule_snapshot().await;
        }
        Ok(reply)
    }

    /// Restores the memory after a start.
    async fn remember(&self) -> Result<()> {
        if self.memory.borrow().is_some() {
            return Ok(());
        }
        let storage = self.state.storage();
        let alarm_ms = storage.get_alarm().await?;
        if self.memory.borrow().is_none() {
            let window_ms = settings::visit_window_ms(&self.env);
            let (prompt_id, counter) = counter_storage::restore(&storage, window_ms)?.unzip();
            let counter = counter.unwrap_or_else(|| Counter::new(window_ms));
            *self.memory.borrow_mut() = Some(Memory { counter, prompt_id, alarm_ms, last_snapshot_ms: None });
        }
        Ok(())
    }

    /// Does what the command says, without waiting; tells whether anything changed.
    fn perform(&self, command: Command) -> Result<(Reply, bool)> {
        let mut memory = self.memory.borrow_mut();
        let memory = memory.as_mut().ok_or_else(|| Error::from("the counter was not restored"))?;
        match command {
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
                let days = counter_storage::days(&self.state.storage(), &memory.counter, range)?;
                Ok((Reply::Between { sums: between(&days, &bounds) }, false))
            }
            Command::Audit => {
                let days = counter_storage::days(&self.state.storage(), &memory.counter, EVERY_DAY)?;
                Ok((Reply::Audited(memory.counter.audit(&days, [memory.last_snapshot_ms, memory.alarm_ms])), false))
            }
            Command::Count { prompt_id, delivery, increments } => {
                let (outcomes, commit) = memory.counter.count(delivery, &increments, now_ms());
                let changed = self.keep(memory, prompt_id, commit, &[])?;
                Ok((Reply::Counted { tally: memory.counter.tally, outcomes }, changed))
            }
            Command::Import { prompt_id, rows } => {
                let fresh = counter_storage::not_imported(&self.state.storage(), &memory.counter, &rows)?;
                let commit = memory.counter.import(&fresh);
                let changed = self.keep(memory, prompt_id, commit, &fresh)?;
                Ok((Reply::Imported { counted: fresh.len() as u64 }, changed))
            }
        }
    }

    fn keep(
        &self,
        memory: &mut Memory,
        prompt_id: Uuid,
        commit: Option<Commit>,
        imported: &[ImportedRow],
    ) -> Result<bool> {
        let Some(commit) = commit else { return Ok(false) };
        counter_storage::store(&self.state.storage(), (prompt_id, &memory.counter), &commit, imported)?;
        memory.prompt_id = Some(prompt_id);
        memory.counter.keep(commit);
        Ok(true)
    }

    /// Takes back what sources added; gives what that was.
    fn retract(&self, memory: &mut Memory, sources: &[u64]) -> Result<(Tally, u64)> {
        let storage = self.state.storage();
        let days = counter_storage::sourced_days(&storage, &memory.counter, now_ms().div_euclid(DAY_MS))?;
        let retraction = memory.prompt_id.zip(memory.counter.retract(days, sources));
        let Some((prompt_id, retraction)) = retraction else { return Ok(Default::default()) };
        counter_storage::store_retraction(&storage, prompt_id, &retraction)?;
        Ok(memory.counter.keep_retraction(&retraction))
    }

    /// Sees to a snapshot of what changed.
    async fn schedule_snapshot(&self) {
        let due_ms = self.memory.borrow().as_ref().and_then(|memory| {
            let due_ms = memory.counter.snapshot_due_ms(memory.last_snapshot_ms, now_ms());
            memory.alarm_ms.is_none_or(|alarm_ms| alarm_ms > due_ms).then_some(due_ms)
        });
        if let Some(due_ms) = due_ms {
            self.ring_at(due_ms).await;
        }
    }

    /// Sets the alarm, in the same turn as the commit before it, so that both are stored or neither.
    async fn ring_at(&self, at_ms: i64) {
        self.note_alarm(Some(at_ms));
        let delay = Duration::from_millis((at_ms - now_ms()).max(0).unsigned_abs());
        if let Err(error) = self.state.storage().set_alarm(delay).await {
            self.note_alarm(None);
            log_failure("alarm", &error.to_string());
        }
    }

    fn note_alarm(&self, alarm_ms: Option<i64>) {
        if let Some(memory) = self.memory.borrow_mut().as_mut() {
            memory.alarm_ms = alarm_ms;
        }
    }

    async fn snapshot(&self) -> Result<()> {
        self.remember().await?;
        let now_ms = now_ms();
        let Some((prompt_id, snapshot)) = self.take_snapshot(now_ms)? else { return Ok(()) };
        d1::snapshots::store(&d1::database(&self.env)?, prompt_id, &snapshot, now_ms).await?;
        // A change that came while the snapshot was stored has set the alarm.
        let is_set = self.memory.borrow().as_ref().is_some_and(|memory| memory.alarm_ms.is_some());
        match snapshot.recent.changes_ms {
            Some(changes_ms) if !is_set => self.ring_at(changes_ms + spread_ms(prompt_id)).await,
            _ => {}
        }
        Ok(())
    }

    /// What a snapshot tells; `None` of a counter that never counted.
    fn take_snapshot(&self, now_ms: i64) -> Result<Option<(Uuid, Snapshot)>> {
        let mut memory = self.memory.borrow_mut();
        let Some(memory) = memory.as_mut() else { return Ok(None) };
        memory.alarm_ms = None;
        let Some(prompt_id) = memory.prompt_id else { return Ok(None) };
        let range = first_day(now_ms)..=*EVERY_DAY.end();
        let days = counter_storage::days(&self.state.storage(), &memory.counter, range)?;
        memory.last_snapshot_ms = Some(now_ms);
        Ok(Some((prompt_id, memory.counter.snapshot(&days, now_ms))))
    }
}
