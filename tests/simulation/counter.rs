//! The object of a counter, step for step as `edge/counter_object`, `counter_alarm` and `counter_shards` have it.

#[path = "counter_alarm.rs"]
mod alarm;
#[path = "counter_shards.rs"]
mod spreading;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use promptmeter::counting::counter::Counter;
use promptmeter::counting::protocol::{Command, Delivery, ImportedRow, Reply};
use promptmeter::counting::segment::IdPage;
use promptmeter::counting::snapshot::{Pace, SNAPSHOT_DELAY_MS};
use promptmeter::counting::windows::{first_day, spread_ms};
use promptmeter::rankings::standing;
use promptmeter::sharding::load::Load;
use promptmeter::sharding::placement::{Place, Spread};
use promptmeter::sharding::protocol::{self as shards, Pull, Pulled};
use promptmeter::sharding::standing::Standing;
use promptmeter::time::SECOND_MS;

use super::channel::join_all;
use super::isolate::prompt_id;
use super::shard::CounterShard;
use super::storage::{CounterTables, Disk, IDS_AT_ONCE};
use super::together::{Queue, Together, join};
use super::world::{Defect, Failure, Flush, Process, World};

const PULL_INTERVAL_MS: i64 = SECOND_MS;
const RANKING_INTERVAL_MS: i64 = 20 * SECOND_MS;
/// Commands a second, beyond which a counter spreads.
const HOT_COMMANDS: u64 = 4;

pub(crate) struct PromptCounter {
    counting: Rc<Counting>,
    pulls: Rc<Pulls>,
    is_ringing: Cell<bool>,
}

struct Counting {
    prompt: usize,
    process: Process,
    disk: Disk<CounterTables>,
    memory: RefCell<Option<Memory>>,
    queue: RefCell<Queue<Step, Option<Reply>>>,
    more_load: Cell<u64>,
}

struct Pulls {
    counting: Rc<Counting>,
    queue: RefCell<Queue<(), ()>>,
}

struct Memory {
    counter: Counter,
    is_known: bool,
    standing: Standing,
    load: Load,
    alarm_ms: Option<i64>,
    pace: Pace,
}

enum Step {
    Count(Delivery),
    Spread(u32),
}

/// Asks a counter, once.
pub(crate) async fn ask(world: &World, prompt: usize, command: Command) -> Result<Reply, Failure> {
    let arrive = move |world: &World, answer: super::world::Answer<Result<Reply, Failure>>| {
        let object = Rc::clone(&world.counters.borrow()[prompt]);
        let (world_of_task, command) = (Rc::clone(world), command.clone());
        world.spawn(object.process(), async move {
            let reply = object.obey(&world_of_task, command).await;
            object.counting.disk.flushed(&world_of_task).await;
            answer.send(&world_of_task, reply);
        });
    };
    world.call("a command of a counter", true, arrive).await?
}

impl PromptCounter {
    pub(crate) fn start(world: &World, prompt: usize, tables: Rc<CounterTables>) -> Rc<Self> {
        let counting = Rc::new(Counting {
            prompt,
            process: world.new_process(),
            disk: Disk::of(tables),
            memory: RefCell::default(),
            queue: RefCell::default(),
            more_load: Cell::new(0),
        });
        let pulls = Rc::new(Pulls { counting: Rc::clone(&counting), queue: RefCell::default() });
        Rc::new(Self { counting, pulls, is_ringing: Cell::new(false) })
    }

    pub(crate) fn process(&self) -> Process {
        self.counting.process
    }

    pub(crate) fn prompt(&self) -> usize {
        self.counting.prompt
    }

    pub(crate) fn disk(&self) -> &Disk<CounterTables> {
        &self.counting.disk
    }

    pub(crate) fn is_ringing(&self) -> bool {
        self.is_ringing.get()
    }

    /// When the platform rings; not while it does.
    pub(crate) fn alarm_ms(&self) -> Option<i64> {
        if self.is_ringing.get() { None } else { self.counting.disk.durable().alarm_ms }
    }

    /// As if others had sent so many commands.
    pub(crate) fn load_more(&self, commands: u64) {
        self.counting.more_load.set(commands);
    }

    /// The alarm rings.
    pub(crate) fn ring(self: Rc<Self>, world: &World) {
        world.note("alarm rung");
        self.is_ringing.set(true);
        self.counting.disk.write_through(|tables| tables.alarm_ms = None);
        let own_world = Rc::clone(world);
        world.spawn(self.process(), async move {
            self.pull_and_spread(&own_world).await;
            self.counting.tell(&own_world).await;
            // It has rung once what it wrote is durable.
            self.counting.disk.flushed(&own_world).await;
            self.is_ringing.set(false);
        });
    }

    async fn obey(&self, world: &World, command: Command) -> Result<Reply, Failure> {
        self.counting.remember();
        match command {
            Command::Count { delivery, .. } => {
                join(world, &self.counting, Step::Count(delivery)).await?.ok_or("the counter did not count")
            }
            Command::HandOver { place, from } => self.counting.hand_over(world, place, from),
            other => {
                self.pull(world).await?;
                let (reply, changed) = self.counting.obey(world, other)?;
                if changed {
                    self.counting.schedule_snapshot(world);
                }
                Ok(reply)
            }
        }
    }

    async fn pull(&self, world: &World) -> Result<(), Failure> {
        match self.counting.spread()? {
            Some(_) => join(world, &self.pulls, ()).await,
            None => Ok(()),
        }
    }

    async fn pull_and_spread(&self, world: &World) {
        self.counting.remember();
        if self.pull(world).await.is_err() {
            return;
        }
        if let Ok(Some(shards)) = self.counting.wanted_shards(world) {
            let _ = join(world, &self.counting, Step::Spread(shards)).await;
        }
    }

    /// What was counted, as memory has it, if it has it.
    pub(crate) fn check_memory(&self) {
        let memory = self.counting.memory.borrow();
        let (Some(memory), tables) = (memory.as_ref(), self.counting.disk.read()) else { return };
        let stored = tables.restore();
        let of = |counter: &Counter| {
            (counter.tally, counter.version, counter.unique_visitors(), counter.ledger.len(), counter.visits.len())
        };
        assert_eq!(of(&memory.counter), of(&stored), "a counter remembers something else than it stored");
        assert_eq!(memory.counter.open_day, stored.open_day);
        assert_eq!(memory.standing, tables.standing);
    }
}

impl Flush for PromptCounter {
    fn is_dirty(&self) -> bool {
        self.counting.disk.is_dirty()
    }

    fn flush(&self) {
        self.counting.disk.flush();
    }
}

impl Together for Counting {
    type Item = Step;
    type Reply = Option<Reply>;

    fn queue(&self) -> &RefCell<Queue<Step, Option<Reply>>> {
        &self.queue
    }

    fn process(&self) -> Process {
        self.process
    }

    async fn perform(&self, world: &World, steps: Vec<Step>) -> Result<Vec<Option<Reply>>, Failure> {
        self.end_folding(world).await?;
        let mut replies = Vec::with_capacity(steps.len());
        let mut spread_over = None;
        let mut deliveries = Vec::with_capacity(steps.len());
        for step in steps {
            replies.push(matches!(step, Step::Count(..)));
            match step {
                Step::Count(delivery) => deliveries.push(delivery),
                Step::Spread(shards) => spread_over = Some(shards),
            }
        }
        let (counted, changed) = self.count(world, &deliveries)?;
        let mut counted = counted.into_iter();
        if changed {
            self.schedule_snapshot(world);
        }
        if let Some(shards) = spread_over.or_else(|| self.shards_for(world, deliveries.len())) {
            self.spread_over(world, shards).await?;
        }
        Ok(replies.into_iter().map(|is_count| if is_count { counted.next() } else { None }).collect())
    }

    async fn settle(&self, world: &World) {
        if self.with(|memory| Ok(memory.load.is_steady())).is_ok_and(|is_steady| is_steady) {
            self.disk.flushed(world).await;
        } else {
            world.note("counter was quiet");
        }
    }
}

impl Together for Pulls {
    type Item = ();
    type Reply = ();

    fn queue(&self) -> &RefCell<Queue<(), ()>> {
        &self.queue
    }

    fn process(&self) -> Process {
        self.counting.process
    }

    async fn perform(&self, world: &World, asked: Vec<()>) -> Result<Vec<()>, Failure> {
        let version = self.counting.version()?;
        self.counting.pull(world, false).await?;
        if self.counting.version()? != version {
            self.counting.schedule_snapshot(world);
        }
        Ok(asked)
    }

    async fn settle(&self, _: &World) {}
}

impl Counting {
    fn remember(&self) {
        let tables = self.disk.read();
        let mut memory = self.memory.borrow_mut();
        if memory.is_none() {
            *memory = Some(Memory {
                counter: tables.restore(),
                is_known: tables.version > 0,
                standing: tables.standing.clone(),
                load: Load::default(),
                alarm_ms: tables.alarm_ms,
                pace: Pace::default(),
            });
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Memory) -> Result<T, Failure>) -> Result<T, Failure> {
        act(self.memory.borrow_mut().as_mut().ok_or("the counter was not restored")?)
    }

    fn count(&self, world: &World, deliveries: &[Delivery]) -> Result<(Vec<Reply>, bool), Failure> {
        self.with(|memory| {
            if deliveries.is_empty() {
                return Ok((Vec::new(), false));
            }
            if let Some(spread) = memory.standing.spread() {
                world.note("counter told where its shards are");
                return Ok((deliveries.iter().map(|_| Reply::Elsewhere(Some(spread))).collect(), false));
            }
            world.note("counter counted");
            let keys = deliveries.iter().flat_map(Delivery::keys);
            let recalled = self.disk.read().ids.recall(world, &memory.counter.ledger, keys);
            let (told, commit) = memory.counter.count(deliveries.iter(), &recalled, world.now_ms.get());
            let changed = match commit {
                Some(commit) => self.keep(world, memory, commit, &[])?,
                None => false,
            };
            Ok((told.into_iter().map(Reply::Counted).collect(), changed))
        })
    }

    fn obey(&self, world: &World, command: Command) -> Result<(Reply, bool), Failure> {
        self.with(|memory| match command {
            Command::Read => {
                let unique_visitors = memory.counter.unique_visitors();
                Ok((Reply::Read { tally: memory.counter.tally, unique_visitors }, false))
            }
            Command::Import { rows, .. } => {
                let fresh = self.disk.read().not_imported(&rows);
                let commit = memory.counter.import(&fresh);
                let changed = match commit {
                    Some(commit) => self.keep(world, memory, commit, &fresh)?,
                    None => false,
                };
                Ok((Reply::Imported { counted: fresh.len() as u64 }, changed))
            }
            _ => Err("the command is one of another kind"),
        })
    }

    fn keep(
        &self,
        world: &World,
        memory: &mut Memory,
        commit: promptmeter::counting::counter::Commit,
        imported: &[ImportedRow],
    ) -> Result<bool, Failure> {
        let days = self.disk.read().day_change(world, &memory.counter, &commit);
        let stored = self.disk.write(world, |tables| tables.store(world, &commit, &days, imported));
        if stored.is_err() && world.has(Defect::KeepsBeforeItIsStored) {
            memory.counter.ledger.apply(commit.ledger);
            return Err("the write failed");
        }
        stored?;
        memory.is_known = true;
        memory.counter.keep(commit, days);
        Ok(true)
    }
}
