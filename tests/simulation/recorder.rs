//! The object of a recorder, step for step as `edge/recorder_object` has it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use promptmeter::recording::protocol::{Delivery, Outcome};
use promptmeter::recording::recorder::{Decision, Recorder, Terms};

use super::channel::{Sender, channel};
use super::rolled::definition::EXPERIMENTS;
use super::world::{Answer, Defect, Failure, Process, World};

const WEIGHT_TOGETHER: usize = 6;
const STORE_PAUSES_MS: [i64; 3] = [0, 50, 250];
const DECISIONS: usize = 3;

/// What became of a delivery's events.
type Stored = Result<Vec<Outcome>, Failure>;

pub(crate) struct ExperimentRecorder {
    experiment: &'static str,
    pub(crate) process: Process,
    recorder: RefCell<Option<Recorder>>,
    waiting: RefCell<Vec<(Delivery, Sender<Stored>)>>,
    is_storing: Cell<bool>,
}

impl ExperimentRecorder {
    pub(crate) fn start(world: &World, experiment: &'static str) -> Rc<Self> {
        let (recorder, waiting, is_storing) = (RefCell::default(), RefCell::default(), Cell::default());
        Rc::new(Self { experiment, process: world.new_process(), recorder, waiting, is_storing })
    }

    /// Asks the recorder of the delivery's experiment, once.
    pub(crate) async fn ask(world: &World, delivery: Delivery) -> Stored {
        let place = EXPERIMENTS.iter().position(|(name, _)| *name == delivery.experiment_id).unwrap();
        let may_repeat = delivery.events.iter().all(|entry| entry.id.is_some());
        let arrive = move |world: &World, answer: Answer<Stored>| {
            let object = Rc::clone(&world.recorders.borrow()[place]);
            let (own_world, delivery) = (Rc::clone(world), delivery.clone());
            world.spawn(object.process, async move {
                let reply = object.record(&own_world, delivery).await;
                answer.send(&own_world, reply);
            });
        };
        world.call("a command of a recorder", may_repeat, arrive).await?
    }

    async fn record(self: &Rc<Self>, world: &World, delivery: Delivery) -> Stored {
        let (sender, stored) = channel(world);
        self.waiting.borrow_mut().push((delivery, sender));
        if !self.is_storing.replace(true) {
            world.spawn(self.process, Rc::clone(self).store_waiting(Rc::clone(world)));
        }
        stored.await.ok_or("the events were not stored")?
    }

    async fn store_waiting(self: Rc<Self>, world: World) {
        while let Some((deliveries, senders)) = self.next() {
            match self.store(&world, &deliveries).await {
                Ok(outcomes) => outcomes.into_iter().zip(senders).for_each(|(stored, sender)| sender.send(Ok(stored))),
                Err(failure) => senders.into_iter().for_each(|sender| sender.send(Err(failure))),
            }
        }
    }

    fn next(&self) -> Option<(Vec<Delivery>, Vec<Sender<Stored>>)> {
        let mut waiting = self.waiting.borrow_mut();
        let mut weight = 0;
        let together = waiting.iter().take_while(|(delivery, _)| {
            let is_first = weight == 0;
            weight += delivery.weight();
            is_first || weight <= WEIGHT_TOGETHER
        });
        let count = together.count();
        self.is_storing.set(count > 0);
        (count > 0).then(|| waiting.drain(..count).unzip())
    }

    async fn store(&self, world: &World, deliveries: &[Delivery]) -> Result<Vec<Vec<Outcome>>, Failure> {
        for _ in 0..DECISIONS {
            let mut decision = self.decide(world, deliveries).await?;
            let outcomes = std::mem::take(&mut decision.outcomes);
            match self.store_batches(world, &decision).await {
                Ok(true) => {
                    if let Some(recorder) = self.recorder.borrow_mut().as_mut() {
                        recorder.keep(decision);
                    }
                    return Ok(outcomes);
                }
                Ok(false) => {
                    world.note("number taken by another recorder");
                    self.recorder.replace(None);
                }
                Err(failure) => {
                    self.recorder.replace(None);
                    return Err(failure);
                }
            }
        }
        Err("other batches of the experiment were stored at the same time")
    }

    async fn decide(&self, world: &World, deliveries: &[Delivery]) -> Result<Decision, Failure> {
        if self.recorder.borrow().is_none() {
            let experiment = self.experiment;
            let read = move |world: &World, database: &mut super::database::Database| {
                world.note("recorder restored");
                Ok(database.recorder_parts(world, experiment))
            };
            let (segments, deliveries, next_number, names) = world.ask_database("ids of batches", read).await?;
            self.recorder.replace(Some(Recorder::restore(segments, deliveries, next_number, names)));
        }
        for delivery in deliveries {
            world.oracle.borrow_mut().note_decided(delivery, world.now_ms.get());
        }
        let recorder = self.recorder.borrow();
        let recorder = recorder.as_ref().ok_or("the recorder was not restored")?;
        Ok(recorder.decide(deliveries, &Terms::default(), world.now_ms.get()))
    }

    async fn store_batches(&self, world: &World, decision: &Decision) -> Result<bool, Failure> {
        let Some(first) = decision.batches.first().map(|batch| batch.number) else { return Ok(true) };
        let experiment = self.experiment;
        let mut writer = world.random.next();
        let mut failure = "no attempt";
        for pause_ms in STORE_PAUSES_MS {
            if pause_ms > 0 {
                world.note("batch stored again");
                world.delay(pause_ms).await;
            }
            if world.has(Defect::NamesEachWriterAnew) {
                writer = world.random.next();
            }
            let (batches, names) = (decision.batches.clone(), decision.new_names.clone());
            let store = move |world: &World, database: &mut super::database::Database| {
                database.store_batches(world, experiment, writer, &batches, &names)
            };
            match world.ask_database("batches", store).await {
                Ok(()) => return Ok(true),
                Err(error) => failure = error,
            }
            let find =
                move |_: &World, database: &mut super::database::Database| Ok(database.writer_of(experiment, first));
            match world.ask_database("the writer of a batch", find).await {
                Ok(Some(stored)) => return Ok(stored == writer),
                Ok(None) => {}
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}
