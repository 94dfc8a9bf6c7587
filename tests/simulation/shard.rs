//! The object of a shard, step for step as `edge/shard_object` has it.

use std::cell::RefCell;
use std::rc::Rc;

use promptmeter::counting::protocol::{self, Delivery};
use promptmeter::counting::segment::{self, IdPage};
use promptmeter::counting::tally::Tally;
use promptmeter::sharding::placement::{Place, Spread};
use promptmeter::sharding::protocol::{Command, Pull, Pulled, Reply};
use promptmeter::sharding::shard::Shard;

use super::counter;
use super::defect::Defect;
use super::isolate::{PAUSES_MS, again};
use super::storage::{Disk, IDS_AT_ONCE, ShardTables};
use super::together::{Queue, Together, join};
use super::world::{Answer, Failure, Flush, Process, World};

/// Increments that are told together.
const BATCH: usize = 4;

pub(crate) struct CounterShard {
    prompt: usize,
    pub(crate) process: Process,
    pub(crate) disk: Disk<ShardTables>,
    memory: RefCell<Memory>,
    queue: RefCell<Queue<(Place, Delivery), Reply>>,
}

#[derive(Default)]
struct Memory {
    is_restored: bool,
    shard: Option<Shard>,
    closed_epoch: Option<u64>,
    commands: u64,
}

impl CounterShard {
    pub(crate) fn start(world: &World, (prompt, _): (usize, u32), tables: Rc<ShardTables>) -> Rc<Self> {
        let (process, disk) = (world.new_process(), Disk::of(tables));
        Rc::new(Self { prompt, process, disk, memory: RefCell::default(), queue: RefCell::default() })
    }

    /// Asks a shard, once; its object comes into being with the first question.
    pub(crate) async fn ask(world: &World, name: (usize, u32), command: Command) -> Result<Reply, Failure> {
        let arrive = move |world: &World, answer: Answer<Result<Reply, Failure>>| {
            let known = world.shards.borrow().get(&name).cloned();
            let object = known.unwrap_or_else(|| {
                let object = Self::start(world, name, Rc::default());
                world.shards.borrow_mut().insert(name, Rc::clone(&object));
                object
            });
            let (world_of_task, command) = (Rc::clone(world), command.clone());
            world.spawn(object.process, async move {
                let reply = Self::obey(&object, &world_of_task, command).await;
                object.disk.flushed(&world_of_task).await;
                answer.send(&world_of_task, reply);
            });
        };
        world.call("a command of a shard", true, arrive).await?
    }

    async fn obey(self: &Rc<Self>, world: &World, command: Command) -> Result<Reply, Failure> {
        self.remember(world);
        match command {
            Command::Count { place, delivery, .. } => join(world, self, (place, delivery)).await,
            Command::Pull(pull) => self.pull(world, pull).map(Reply::Pulled),
            Command::Clear { epoch } => self.clear(world, epoch).map(|()| Reply::Cleared),
        }
    }

    fn remember(&self, world: &World) {
        let mut memory = self.memory.borrow_mut();
        if !memory.is_restored {
            memory.shard = self.disk.read().restore();
            if let Some(shard) = memory.shard.as_mut().filter(|_| world.has(Defect::WakesWithoutTheCounts)) {
                shard.total = Some(Tally::default());
            }
            memory.is_restored = true;
        }
    }

    async fn count(&self, world: &World, place: Place, deliveries: &[Delivery]) -> Result<Vec<Reply>, Failure> {
        self.memory.borrow_mut().commands += deliveries.len() as u64;
        if self.is_open(place) && !self.knows_the_counts() {
            world.note("shard asked for the counts");
            self.disk.flushed(world).await;
            again(world, PAUSES_MS, || counter::ask(world, self.prompt, protocol::Command::Read)).await?;
        }
        if !self.is_open(place)
            && let Some(elsewhere) = self.begin(world, place).await?
        {
            return Ok(deliveries.iter().map(|_| Reply::Elsewhere(elsewhere)).collect());
        }
        let mut memory = self.memory.borrow_mut();
        let shard = memory.shard.as_mut().ok_or("the shard did not begin")?;
        world.note("shard counted");
        let keys = deliveries.iter().flat_map(Delivery::keys);
        let recalled = self.disk.read().rows().ids.recall(world, &shard.ledger, keys);
        let counted = shard.count(deliveries.iter(), &recalled, world.now_ms.get());
        let (told, batch) = counted.ok_or("the shard does not know the counts yet")?;
        if let Some(batch) = batch {
            self.disk.write(world, |tables| tables.store(&batch))?;
            shard.keep(batch);
        }
        Ok(told.into_iter().map(Reply::Counted).collect())
    }

    fn is_open(&self, place: Place) -> bool {
        let memory = self.memory.borrow();
        memory.shard.as_ref().is_some_and(|shard| shard.epoch == place.epoch && !shard.is_closed)
    }

    fn knows_the_counts(&self) -> bool {
        self.memory.borrow().shard.as_ref().is_some_and(|shard| shard.total.is_some())
    }

    async fn begin(&self, world: &World, place: Place) -> Result<Option<Option<Spread>>, Failure> {
        let (mut segments, mut from) = (0, 0);
        loop {
            self.disk.flushed(world).await;
            let command = protocol::Command::HandOver { place, from };
            let (parts, total, next) =
                match again(world, PAUSES_MS, || counter::ask(world, self.prompt, command.clone())).await? {
                    protocol::Reply::HandedOver { segments, total, next } => (segments, total, next),
                    protocol::Reply::Elsewhere(spread) => {
                        return self.end_beginning(world, from).map(|()| Some(spread));
                    }
                    _ => return Err("another reply"),
                };
            let mut memory = self.memory.borrow_mut();
            if memory.closed_epoch.is_some_and(|closed| closed >= place.epoch) {
                world.note("shard closed before it began");
                return self.end_beginning(world, from).map(|()| Some(None));
            }
            if from == 0 {
                memory.shard = None;
                self.disk.write(world, ShardTables::empty)?;
            }
            let page = segment::numbered(parts, segments);
            segments += page.len() as u64;
            let begins = next.is_none().then_some((place.epoch, segments));
            self.disk.write(world, |tables| tables.take_over(&page, begins))?;
            let Some(next) = next else {
                memory.shard = self.disk.read().restore().map(|shard| Shard { total: Some(total), ..shard });
                return Ok(None);
            };
            from = next;
        }
    }

    fn end_beginning(&self, world: &World, from: u64) -> Result<(), Failure> {
        if from > 0 { self.disk.write(world, ShardTables::empty) } else { Ok(()) }
    }

    fn pull(&self, world: &World, pull: Pull) -> Result<Pulled, Failure> {
        let mut memory = self.memory.borrow_mut();
        if pull.closes {
            memory.closed_epoch = memory.closed_epoch.max(Some(pull.epoch));
        }
        let commands = std::mem::take(&mut memory.commands);
        let nothing = Pulled { through: pull.through, commands, ..Pulled::default() };
        let Some(shard) = memory.shard.as_mut().filter(|shard| shard.epoch == pull.epoch) else { return Ok(nothing) };
        if shard.held > 0 || (pull.closes && !shard.is_closed) {
            self.disk.write(world, |tables| tables.pulled(pull.through, pull.closes))?;
        }
        shard.is_closed |= pull.closes;
        let held = self.disk.read().accepted(pull.through);
        let mut pulled = nothing;
        let mut all = Vec::new();
        for (number, increments) in held {
            if pulled.increments.len() < BATCH {
                pulled.increments.extend_from_slice(&increments);
                pulled.through = number;
            } else {
                world.note("pulled a part");
                pulled.is_partial = true;
            }
            all.extend_from_slice(&increments);
        }
        shard.learn(&pull.total, &all);
        if pull.closes && !pulled.is_partial {
            let mut page = IdPage::with_room(IDS_AT_ONCE);
            let from = pull.ids_from.max(shard.own_ids_from(pull.most_ids));
            self.disk.read().rows().ids.give_from(from, |segment| page.add(segment, |_| true));
            if page.next.is_some() {
                world.note("ids told in parts");
            }
            pulled.ids_left = page.next;
            pulled.ids = page.into_ids();
        }
        Ok(pulled)
    }

    fn clear(&self, world: &World, epoch: u64) -> Result<(), Failure> {
        let mut memory = self.memory.borrow_mut();
        if memory.shard.as_ref().is_some_and(|shard| shard.epoch <= epoch) {
            self.disk.write(world, ShardTables::empty)?;
            memory.shard = None;
        }
        Ok(())
    }
}

impl Flush for CounterShard {
    fn is_dirty(&self) -> bool {
        self.disk.is_dirty()
    }

    fn flush(&self) {
        self.disk.flush();
    }
}

impl Together for CounterShard {
    type Item = (Place, Delivery);
    type Reply = Reply;

    fn queue(&self) -> &RefCell<Queue<Self::Item, Reply>> {
        &self.queue
    }

    fn process(&self) -> Process {
        self.process
    }

    async fn perform(&self, world: &World, items: Vec<Self::Item>) -> Result<Vec<Reply>, Failure> {
        let mut replies = Vec::with_capacity(items.len());
        let mut items = items.into_iter().peekable();
        while let Some((place, first)) = items.next() {
            let mut deliveries = vec![first];
            while let Some((_, next)) = items.next_if(|(other, _)| *other == place) {
                deliveries.push(next);
            }
            replies.extend(self.count(world, place, &deliveries).await?);
        }
        Ok(replies)
    }

    async fn settle(&self, world: &World) {
        self.disk.flushed(world).await;
    }
}
