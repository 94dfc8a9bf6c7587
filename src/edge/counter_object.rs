//! `PromptCounter`: the Durable Object that counts for one prompt, named by the prompt's id.
//!
//! Between reading its tables and writing them nothing waits, so its commands run one after another without a lock. A
//! commit is one transaction: counts, hours and ids together. The answer leaves when the commit is durable. Its alarm
//! writes a snapshot of the counts to `prompt_stats`.

use std::cell::RefCell;
use std::time::Duration;

use uuid::Uuid;
use worker::{DurableObject, Env, Error, Request, Response, Result, State, durable_object};

use super::counter_storage;
use super::runtime::{log_failure, now_ms};
use super::{d1, objects};
use crate::counting::counter::{Commit, Counter, SNAPSHOT_DELAY_MS};
use crate::counting::protocol::{Command, ImportedRow, Reply};

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
    snapshot_is_due: bool,
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
            self.schedule_snapshot(SNAPSHOT_DELAY_MS).await;
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
            self.schedule_snapshot_once().await;
        }
        Ok(reply)
    }

    /// Restores the memory after a start.
    async fn remember(&self) -> Result<()> {
        if self.memory.borrow().is_some() {
            return Ok(());
        }
        let storage = self.state.storage();
        let snapshot_is_due = storage.get_alarm().await?.is_some();
        if self.memory.borrow().is_none() {
            let (prompt_id, counter) = counter_storage::restore(&storage)?.unzip();
            let counter = counter.unwrap_or_default();
            *self.memory.borrow_mut() = Some(Memory { counter, prompt_id, snapshot_is_due, last_snapshot_ms: None });
        }
        Ok(())
    }

    /// Does what the command says, without waiting; tells whether anything changed.
    fn perform(&self, command: Command) -> Result<(Reply, bool)> {
        let mut memory = self.memory.borrow_mut();
        let memory = memory.as_mut().ok_or_else(|| Error::from("the counter was not restored"))?;
        match command {
            Command::Read => Ok((Reply::Read { tally: memory.counter.tally }, false)),
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
        counter_storage::store(&self.state.storage(), prompt_id, &commit, imported)?;
        memory.prompt_id = Some(prompt_id);
        memory.counter.keep(commit);
        Ok(true)
    }

    async fn schedule_snapshot_once(&self) {
        let delay_ms = self.memory.borrow().as_ref().filter(|memory| !memory.snapshot_is_due).map(|memory| {
            let now_ms = now_ms();
            memory.counter.snapshot_due_ms(memory.last_snapshot_ms, now_ms) - now_ms
        });
        if let Some(delay_ms) = delay_ms {
            self.schedule_snapshot(delay_ms).await;
        }
    }

    /// Sets the alarm, in the same turn as the commit before it, so that both are stored or neither.
    async fn schedule_snapshot(&self, delay_ms: i64) {
        self.set_snapshot_is_due(true);
        let delay = Duration::from_millis(delay_ms.unsigned_abs());
        if let Err(error) = self.state.storage().set_alarm(delay).await {
            self.set_snapshot_is_due(false);
            log_failure("alarm", &error.to_string());
        }
    }

    fn set_snapshot_is_due(&self, is_due: bool) {
        if let Some(memory) = self.memory.borrow_mut().as_mut() {
            memory.snapshot_is_due = is_due;
        }
    }

    async fn snapshot(&self) -> Result<()> {
        self.remember().await?;
        let now_ms = now_ms();
        let snapshot = self.memory.borrow_mut().as_mut().and_then(|memory| {
            memory.snapshot_is_due = false;
            memory.last_snapshot_ms = Some(now_ms);
            memory.prompt_id.map(|prompt_id| (prompt_id, memory.counter.tally, memory.counter.version))
        });
        match snapshot {
            Some((prompt_id, tally, version)) => {
                d1::snapshots::store(&d1::database(&self.env)?, prompt_id, &tally, version, now_ms).await
            }
            None => Ok(()),
        }
    }
}
