//! The scheduler: tasks of processes, messages between them, disks, a clock; which of them goes on next, and what fails, is decided by
//! the seed alone.

#[path = "faults.rs"]
mod faults;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use promptmeter::time::{HOUR_MS, MINUTE_MS, SECOND_MS};

use super::channel::{Sender, channel};
use super::counter::PromptCounter;
use super::database::Database;
pub(crate) use super::defect::Defect;
use super::isolate::Isolate;
use super::oracle::Oracle;
use super::random::Random;
use super::recorder::ExperimentRecorder;
use super::rolled::definition::{EDGE_MS, EXPERIMENTS};
use super::shard::CounterShard;
use super::storage::CounterTables;

/// Why something was not done.
pub(crate) type Failure = &'static str;
pub(crate) type World = Rc<Sim>;

pub(crate) const PROMPTS: usize = 2;
pub(crate) const ISOLATES: usize = 2;
/// Steps of a run at the most: one that takes more hangs.
const STEPS: usize = 400_000;

/// A process of which there may be another one later: an isolate, an object.
pub(crate) type Process = usize;
/// Clients and the platform itself: never stopped.
pub(crate) const OUTSIDE: Process = 0;

struct Task {
    process: Process,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    is_ready: bool,
}

type WaitingTask = (usize, Rc<Cell<bool>>);

/// What is on its way.
#[derive(Clone)]
struct Message {
    name: &'static str,
    is_reply: bool,
    may_repeat: bool,
    arrive: Rc<dyn Fn(&World)>,
    /// Tells whoever waits for the answer that there will be none.
    give_up: Rc<dyn Fn()>,
}

/// Whom to answer; the first answer is taken.
pub(crate) struct Answer<T>(Rc<RefCell<Option<Sender<T>>>>);

impl<T> Clone for Answer<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

pub(crate) struct Sim {
    pub(crate) random: Random,
    pub(crate) now_ms: Cell<i64>,
    pub(crate) defect: Option<Defect>,
    pub(crate) oracle: RefCell<Oracle>,
    pub(crate) database: RefCell<Database>,
    pub(crate) isolates: RefCell<Vec<Rc<Isolate>>>,
    pub(crate) counters: RefCell<Vec<Rc<PromptCounter>>>,
    pub(crate) shards: RefCell<BTreeMap<(usize, u32), Rc<CounterShard>>>,
    pub(crate) recorders: RefCell<Vec<Rc<ExperimentRecorder>>>,
    /// How often each kind of step and fault happened.
    pub(crate) happened: RefCell<BTreeMap<&'static str, u64>>,
    pub(crate) is_told: bool,
    /// One step in so many has a fault; none where it is 0.
    pub(crate) fault_every: Cell<usize>,
    pub(crate) writes_to_fail: Cell<u32>,
    tasks: RefCell<Vec<Task>>,
    free: RefCell<Vec<usize>>,
    ready: RefCell<Vec<usize>>,
    current: Cell<usize>,
    /// The task that waits and whether it is over, by instant and number.
    timers: RefCell<BTreeMap<(i64, u64), WaitingTask>>,
    timer_number: Cell<u64>,
    network: RefCell<Vec<Message>>,
    processes: Cell<Process>,
    jumped_ms: Cell<i64>,
}

impl Sim {
    pub(crate) fn new(seed: u64, defect: Option<Defect>, is_told: bool) -> World {
        let random = Random::of(seed);
        let start_ms = EDGE_MS - 26 * HOUR_MS + random.below(52 * 3_600_000) as i64;
        let world = Rc::new(Self {
            now_ms: Cell::new(start_ms),
            fault_every: Cell::new(random.one_of(&[0, 100, 40, 20, 10])),
            random,
            defect,
            is_told,
            oracle: RefCell::default(),
            database: RefCell::default(),
            isolates: RefCell::default(),
            counters: RefCell::default(),
            shards: RefCell::default(),
            recorders: RefCell::default(),
            happened: RefCell::default(),
            writes_to_fail: Cell::default(),
            tasks: RefCell::default(),
            free: RefCell::default(),
            ready: RefCell::default(),
            current: Cell::default(),
            timers: RefCell::default(),
            timer_number: Cell::default(),
            network: RefCell::default(),
            processes: Cell::default(),
            jumped_ms: Cell::default(),
        });
        for _ in 0..ISOLATES {
            let isolate = Isolate::start(&world);
            world.isolates.borrow_mut().push(isolate);
        }
        for prompt in 0..PROMPTS {
            let counter = PromptCounter::start(&world, prompt, Rc::default());
            world.counters.borrow_mut().push(counter);
        }
        for (experiment, _) in EXPERIMENTS {
            let recorder = ExperimentRecorder::start(&world, experiment);
            world.recorders.borrow_mut().push(recorder);
        }
        world
    }

    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(crate) fn note(&self, what: &'static str) {
        *self.happened.borrow_mut().entry(what).or_default() += 1;
    }

    pub(crate) fn tell(&self, what: impl FnOnce() -> String) {
        if self.is_told {
            println!("{:>10} ms  {}", self.now_ms.get() - EDGE_MS, what());
        }
    }

    pub(crate) fn new_process(&self) -> Process {
        self.processes.set(self.processes.get() + 1);
        self.processes.get()
    }

    pub(crate) fn spawn(&self, process: Process, future: impl Future<Output = ()> + 'static) {
        let task = Task { process, future: Some(Box::pin(future)), is_ready: false };
        let mut tasks = self.tasks.borrow_mut();
        let place = if let Some(place) = self.free.borrow_mut().pop() {
            tasks[place] = task;
            place
        } else {
            tasks.push(task);
            tasks.len() - 1
        };
        drop(tasks);
        self.wake(place);
    }

    pub(crate) fn wake(&self, place: usize) {
        // At the end of a run there are none.
        if let Some(task) = self.tasks.borrow_mut().get_mut(place)
            && !std::mem::replace(&mut task.is_ready, true)
        {
            self.ready.borrow_mut().push(place);
        }
    }

    /// The task that is being polled.
    pub(crate) fn current(&self) -> usize {
        self.current.get()
    }

    fn poll(&self, place: usize) {
        let future = {
            let mut tasks = self.tasks.borrow_mut();
            tasks[place].is_ready = false;
            tasks[place].future.take()
        };
        let Some(mut future) = future else { return };
        self.current.set(place);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => self.tasks.borrow_mut()[place].future = Some(future),
            Poll::Ready(()) => {
                drop(future);
                self.free.borrow_mut().push(place);
            }
        }
    }

    /// Ends what a process does; with `one`, one thing of it.
    fn end_tasks(&self, process: Process, one: bool) {
        let mut ended = Vec::new();
        for (place, task) in self.tasks.borrow_mut().iter_mut().enumerate() {
            let is_chosen = task.process == process && task.future.is_some() && (!one || self.random.once_in(3));
            if is_chosen && (!one || ended.is_empty()) {
                ended.push(task.future.take());
                self.free.borrow_mut().push(place);
            }
        }
        drop(ended);
    }

    /// Waits.
    pub(crate) async fn delay(self: &Rc<Self>, pause_ms: i64) {
        self.timer_number.set(self.timer_number.get() + 1);
        let key = (self.now_ms.get() + pause_ms, self.timer_number.get());
        let is_over = Rc::new(Cell::new(false));
        self.timers.borrow_mut().insert(key, (self.current(), Rc::clone(&is_over)));
        let timer = Timer { world: Rc::clone(self), key };
        std::future::poll_fn(|_| if is_over.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        drop(timer);
    }

    /// Asks somebody; what arrives may arrive twice where `may_repeat`. Fails where question or answer get lost.
    pub(crate) async fn call<T: 'static>(
        self: &Rc<Self>,
        name: &'static str,
        may_repeat: bool,
        arrive: impl Fn(&World, Answer<T>) + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = channel(self);
        let answer = Answer(Rc::new(RefCell::new(Some(sender))));
        let given_up = answer.clone();
        let message = Message {
            name,
            is_reply: false,
            may_repeat,
            arrive: Rc::new(move |world| arrive(world, answer.clone())),
            give_up: Rc::new(move || drop(given_up.0.take())),
        };
        self.network.borrow_mut().push(message);
        receiver.await.ok_or("the connection was lost")
    }

    /// Asks the database, which does one transaction after another.
    pub(crate) async fn ask_database<T: 'static>(
        self: &Rc<Self>,
        name: &'static str,
        act: impl Fn(&World, &mut Database) -> Result<T, Failure> + 'static,
    ) -> Result<T, Failure> {
        let arrive = move |world: &World, answer: Answer<Result<T, Failure>>| {
            let done = act(world, &mut world.database.borrow_mut());
            answer.send(world, done);
        };
        self.call(name, false, arrive).await?
    }

    /// Runs until `is_over`; whether it was.
    pub(crate) fn run(self: &Rc<Self>, is_over: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..STEPS {
            if is_over(self) {
                return true;
            }
            if self.fault_every.get() > 0 && self.random.once_in(self.fault_every.get()) {
                self.fail();
            }
            self.step();
        }
        false
    }

    fn step(self: &Rc<Self>) {
        let (ready, network) = (self.ready.borrow().len(), self.network.borrow().len());
        let dirty = self.dirty();
        let weights = [ready * 3, network * 2, dirty.len() * 2, 1];
        let mut chosen = self.random.below(weights.iter().sum());
        let mut kind = 0;
        while chosen >= weights[kind] {
            chosen -= weights[kind];
            kind += 1;
        }
        match kind {
            0 => {
                let place = self.ready.borrow_mut().swap_remove(chosen / 3);
                self.poll(place);
            }
            1 => {
                let message = self.network.borrow_mut().swap_remove(chosen / 2);
                self.tell(|| format!("{} {}", if message.is_reply { "answer" } else { "arrives" }, message.name));
                (message.arrive)(self);
            }
            2 => {
                let object = &dirty[chosen / 2];
                self.note("disk flushed");
                object.flush();
            }
            _ => self.pass_time(ready + network + dirty.len() == 0),
        }
    }

    fn dirty(&self) -> Vec<Rc<dyn Flush>> {
        let mut dirty: Vec<Rc<dyn Flush>> = Vec::new();
        for counter in self.counters.borrow().iter().filter(|counter| counter.is_dirty()) {
            dirty.push(Rc::clone(counter) as Rc<dyn Flush>);
        }
        for shard in self.shards.borrow().values().filter(|shard| shard.is_dirty()) {
            dirty.push(Rc::clone(shard) as Rc<dyn Flush>);
        }
        dirty
    }

    /// Goes to the instant at which something is due; or, while there is something else to do, a little on.
    fn pass_time(self: &Rc<Self>, is_idle: bool) {
        let timer = self.timers.borrow().keys().next().map(|(at_ms, _)| *at_ms);
        let alarms: Vec<_> = self.counters.borrow().iter().filter_map(|counter| counter.alarm_ms()).collect();
        let Some(next_ms) = timer.into_iter().chain(alarms).min() else { return };
        if !is_idle && next_ms > self.now_ms.get() {
            let pause_ms = self.random.one_of(&[0, 1, 5, 40]);
            self.now_ms.set(next_ms.min(self.now_ms.get() + pause_ms));
            return;
        }
        self.now_ms.set(self.now_ms.get().max(next_ms));
        if timer.is_some_and(|at_ms| at_ms <= self.now_ms.get()) {
            let Some((_, (task, is_over))) = self.timers.borrow_mut().pop_first() else { return };
            is_over.set(true);
            self.wake(task);
            return;
        }
        let due = self
            .counters
            .borrow()
            .iter()
            .find(|one| one.alarm_ms().is_some_and(|at_ms| at_ms <= self.now_ms.get()))
            .cloned();
        if let Some(counter) = due {
            self.tell(|| format!("alarm of counter {}", counter.prompt()));
            counter.ring(self);
        }
    }

    /// Whether nobody does anything that does not wait for time to pass.
    pub(crate) fn is_still(&self) -> bool {
        self.ready.borrow().is_empty() && self.network.borrow().is_empty() && self.dirty().is_empty()
    }

    /// Forgets everything, in which all hold each other.
    pub(crate) fn end(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(tasks);
        let network = std::mem::take(&mut *self.network.borrow_mut());
        drop(network);
        self.isolates.borrow_mut().clear();
        self.counters.borrow_mut().clear();
        self.shards.borrow_mut().clear();
        self.recorders.borrow_mut().clear();
    }
}

impl<T: 'static> Answer<T> {
    /// Sends the answer.
    pub(crate) fn send(self, world: &World, value: T) {
        let content = RefCell::new(Some((self, value)));
        let arrive = move |_: &World| {
            if let Some((answer, value)) = content.take()
                && let Some(sender) = answer.0.take()
            {
                sender.send(value);
            }
        };
        let give_up = Rc::new(|| ());
        let message = Message { name: "", is_reply: true, may_repeat: false, arrive: Rc::new(arrive), give_up };
        world.network.borrow_mut().push(message);
    }
}

/// What has a disk.
pub(crate) trait Flush {
    fn is_dirty(&self) -> bool;
    fn flush(&self);
}

struct Timer {
    world: World,
    key: (i64, u64),
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.world.timers.borrow_mut().remove(&self.key);
    }
}
