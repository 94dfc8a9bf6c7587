//! `ExperimentRecorder`: the Durable Object that records the events of one experiment, named by the experiment's id.
//!
//! Deliveries that come while one is being stored wait, and are stored together. The object has no storage of its own:
//! the ids that it knows stand in the batches that it stored in D1, and the number of a batch keeps a second object, if
//! there ever were one, from storing beside it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot::{self, Sender};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::worker_sys::DurableObjectState;
use worker::{D1Database, Delay, Env, Error, Result, State};

use super::runtime::{now_ms, random_u64};
use super::{d1, kept_readings, objects, settings};
use crate::recording::protocol::{Command, Delivery, Outcome, Reply};
use crate::recording::recorder::{Decision, Recorder, Terms};
use crate::time::MINUTE_MS;

/// What deliveries weigh that are stored together, unless one weighs more: a batch is rolled up as a whole, with the sessions of its
/// events, and each of them may be large.
const WEIGHT_TOGETHER: usize = 500;

/// What deliveries weigh that wait, at the most: what comes beyond is refused, and may come again.
const WEIGHT_WAITING: usize = 20_000;

/// How long what is known of a declaration is relied on, in milliseconds. Whoever declares tells the recorder, but may end
/// before.
const TERMS_MS: i64 = MINUTE_MS;

/// How long is waited before a batch is stored again, in milliseconds: the same one, so that it is stored once.
const STORE_PAUSES_MS: [u64; 3] = [0, 50, 250];

/// How often deliveries are decided anew because another object stored a batch.
const DECISIONS: usize = 3;

/// The recorder of one experiment.
#[wasm_bindgen]
pub struct ExperimentRecorder {
    state: State,
    recording: Rc<Recording>,
}

struct Recording {
    env: Env,
    memory: RefCell<Memory>,
}

/// What became of a delivery's events, or why they are not stored.
type Stored = std::result::Result<Vec<Outcome>, String>;

#[derive(Default)]
struct Memory {
    recorder: Option<Recorder>,
    /// What is known of the declaration, and since when.
    terms: Option<(i64, Terms)>,
    /// How often the terms were forgotten: what was read before is not kept after.
    redeclared: u64,
    waiting: Vec<(Delivery, Sender<Stored>)>,
    is_storing: bool,
}

#[wasm_bindgen]
impl ExperimentRecorder {
    /// The object, as the runtime makes it.
    #[wasm_bindgen(constructor)]
    pub fn new(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), recording: Rc::new(Recording { env, memory: RefCell::default() }) }
    }

    /// What is told to a command.
    pub async fn ask(&self, command: Vec<u8>) -> JsValue {
        objects::told(&command, async |command| self.obey(command).await).await
    }
}

impl ExperimentRecorder {
    async fn obey(&self, command: Command) -> Result<Reply> {
        match command {
            Command::Redeclared => {
                let mut memory = self.recording.memory.borrow_mut();
                memory.terms = None;
                memory.redeclared += 1;
                Ok(Reply::Noted)
            }
            Command::Record(delivery) => self.record(delivery).await,
            Command::RecordOnce(id, delivery) => self.record(Delivery { id: Some(id), ..delivery }).await,
        }
    }

    async fn record(&self, delivery: Delivery) -> Result<Reply> {
        let (sender, stored) = oneshot::channel();
        if self.recording.enqueue(delivery, sender)? {
            self.state.wait_until(store_waiting(Rc::clone(&self.recording)));
        }
        let stored = stored.await.map_err(|_| Error::from("the events were not stored"))?;
        stored.map(Reply::Recorded).map_err(Error::from)
    }
}

/// Stores what waits until nothing does.
async fn store_waiting(recording: Rc<Recording>) {
    while let Some((deliveries, senders)) = recording.next() {
        let stored: Vec<Stored> = match recording.store(&deliveries).await {
            Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error.to_string()); senders.len()],
        };
        for (sender, stored) in senders.into_iter().zip(stored) {
            // Whoever sent it may be gone.
            let _ = sender.send(stored);
        }
    }
    kept_readings::keep_if_busy(&recording.env).await;
}

impl Recording {
    /// Puts a delivery in the queue; tells whether nobody is storing what is in it.
    fn enqueue(&self, delivery: Delivery, sender: Sender<Stored>) -> Result<bool> {
        let mut memory = self.memory.borrow_mut();
        let waiting: usize = memory.waiting.iter().map(|(delivery, _)| delivery.weight()).sum();
        if waiting > WEIGHT_WAITING {
            return Err(Error::from("too many events are waiting to be stored"));
        }
        memory.waiting.push((delivery, sender));
        Ok(!std::mem::replace(&mut memory.is_storing, true))
    }

    /// Takes deliveries from the queue, in their order.
    fn next(&self) -> Option<(Vec<Delivery>, Vec<Sender<Stored>>)> {
        let mut memory = self.memory.borrow_mut();
        let mut weight = 0;
        let together = memory.waiting.iter().take_while(|(delivery, _)| {
            let is_first = weight == 0;
            weight += delivery.weight();
            is_first || weight <= WEIGHT_TOGETHER
        });
        let count = together.count();
        memory.is_storing = count > 0;
        (count > 0).then(|| memory.waiting.drain(..count).unzip())
    }

    async fn store(&self, deliveries: &[Delivery]) -> Result<Vec<Vec<Outcome>>> {
        let database = d1::database(&self.env)?;
        let Some(experiment_id) = deliveries.first().map(|delivery| delivery.experiment_id.as_str()) else {
            return Ok(Vec::new());
        };
        for _ in 0..DECISIONS {
            let mut decision = self.decide(&database, experiment_id, deliveries).await?;
            let outcomes = std::mem::take(&mut decision.outcomes);
            let stored = store_batches(&database, experiment_id, &decision).await;
            let mut memory = self.memory.borrow_mut();
            match stored {
                Ok(true) => {
                    if let Some(recorder) = &mut memory.recorder {
                        recorder.keep(decision);
                    }
                    return Ok(outcomes);
                }
                Ok(false) => memory.recorder = None,
                Err(error) => {
                    memory.recorder = None;
                    return Err(error);
                }
            }
        }
        Err(Error::from("other batches of the experiment were stored at the same time"))
    }

    /// Decides what becomes of deliveries, with what is known, or else read.
    async fn decide(&self, database: &D1Database, experiment_id: &str, deliveries: &[Delivery]) -> Result<Decision> {
        if self.memory.borrow().recorder.is_none() {
            let recorder = d1::batches::restore(database, experiment_id, now_ms()).await?;
            self.memory.borrow_mut().recorder = Some(recorder);
        }
        let is_known = |memory: &Memory| memory.terms.as_ref().is_some_and(|(since, _)| now_ms() - since <= TERMS_MS);
        while !is_known(&self.memory.borrow()) {
            let redeclared = self.memory.borrow().redeclared;
            let terms = d1::batches::terms(database, experiment_id, settings::session_days(&self.env)).await?;
            let mut memory = self.memory.borrow_mut();
            memory.terms = Some((now_ms(), terms)).filter(|_| memory.redeclared == redeclared);
        }
        let memory = self.memory.borrow();
        match (&memory.recorder, &memory.terms) {
            (Some(recorder), Some((_, terms))) => Ok(recorder.decide(deliveries, terms, now_ms())),
            _ => Err(Error::from("the recorder was not restored")),
        }
    }
}

/// Stores batches; tells whether they are stored, or others have their numbers. What is not known is an error.
async fn store_batches(database: &D1Database, experiment_id: &str, decision: &Decision) -> Result<bool> {
    let Decision { batches, new_names, .. } = decision;
    if batches.is_empty() {
        return Ok(true);
    }
    let writer = format!("{:016x}", random_u64());
    let mut failure = Error::from("no attempt");
    for pause_ms in STORE_PAUSES_MS {
        if pause_ms > 0 {
            Delay::from(Duration::from_millis(pause_ms)).await;
        }
        match d1::batches::store(database, experiment_id, &writer, batches, new_names).await {
            Ok(()) => return Ok(true),
            Err(error) => failure = error,
        }
        match d1::batches::writer_of(database, experiment_id, batches).await {
            Ok(Some(stored)) => return Ok(stored == writer),
            Ok(None) => {}
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
