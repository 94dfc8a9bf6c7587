//! How a counter spreads, step for step as `edge/counter_shards` has it.

use super::*;

impl Counting {
    pub(super) fn spread(&self) -> Result<Option<Spread>, Failure> {
        self.with(|memory| Ok(memory.standing.spread()))
    }

    pub(super) fn version(&self) -> Result<u64, Failure> {
        self.with(|memory| Ok(memory.counter.version))
    }

    pub(super) fn hand_over(&self, world: &World, place: Place, from: u64) -> Result<Reply, Failure> {
        self.with(|memory| {
            let spread = memory.standing.spread().filter(|_| !memory.standing.is_folding);
            if !memory.standing.admits(place) {
                world.note("shard not admitted");
                return Ok(Reply::Elsewhere(spread));
            }
            let falls_to = |key| {
                spread.is_some_and(|spread| spread.shard_of(key) == place.shard) && !world.has(Defect::HandsNoIdsOver)
            };
            let mut page = IdPage::with_room(IDS_AT_ONCE);
            self.disk.read().ids.give_from(from, |segment| page.add(segment, falls_to));
            if page.next.is_some() {
                world.note("ids handed over in parts");
            }
            Ok(Reply::HandedOver { segments: page.parts, total: memory.counter.tally, next: page.next })
        })
    }

    pub(super) fn shards_for(&self, world: &World, commands: usize) -> Option<u32> {
        let wanted = self.with(|memory| {
            if memory.standing.spread().is_some() {
                return Ok(None);
            }
            memory.load.note(commands as u64 + self.more_load.take(), world.now_ms.get());
            Ok(memory.load.decide(world.now_ms.get(), 1, HOT_COMMANDS))
        });
        wanted.unwrap_or_default()
    }

    pub(super) fn wanted_shards(&self, world: &World) -> Result<Option<u32>, Failure> {
        self.with(|memory| {
            memory.load.note(self.more_load.take(), world.now_ms.get());
            match memory.standing.spread() {
                Some(_) if memory.standing.is_folding => Ok(Some(1)),
                Some(spread) => Ok(memory.load.decide(world.now_ms.get(), spread.shards, HOT_COMMANDS)),
                None => Ok(None),
            }
        })
    }

    pub(super) async fn spread_over(&self, world: &World, shards: u32) -> Result<(), Failure> {
        if !self.with(|memory| Ok(memory.is_known))? {
            // A counter that never counted is told no load.
            return Ok(());
        }
        if let Some(spread) = self.spread()? {
            world.note("counter folded");
            self.turn(world, Standing::folding)?;
            self.pull(world, true).await?;
            self.turn(world, |standing| standing.over(1))?;
            self.clear(world, spread).await;
        }
        if shards > 1 {
            world.note("counter spread");
            world.tell(|| format!("counter {} spreads over {shards}", self.prompt));
            world.oracle.borrow_mut().note_spread(self.prompt);
            self.turn(world, |standing| standing.over(shards))?;
        }
        self.ring_by(world, world.now_ms.get() + PULL_INTERVAL_MS);
        Ok(())
    }

    pub(super) async fn end_folding(&self, world: &World) -> Result<(), Failure> {
        if self.with(|memory| Ok(memory.standing.is_folding))? {
            world.note("folding gone on with");
            self.spread_over(world, 1).await
        } else {
            Ok(())
        }
    }

    pub(super) fn turn(&self, world: &World, next: impl FnOnce(&Standing) -> Standing) -> Result<(), Failure> {
        self.with(|memory| {
            let standing = next(&memory.standing);
            self.disk.write(world, |tables| tables.standing = standing.clone())?;
            memory.standing = standing;
            Ok(())
        })
    }

    pub(super) async fn pull(&self, world: &World, closes: bool) -> Result<(), Failure> {
        let Some(spread) = self.spread()? else { return Ok(()) };
        let pulls = join_all(spread.places().map(|place| self.pull_from(world, place, closes))).await;
        pulls.into_iter().collect()
    }

    pub(super) async fn pull_from(&self, world: &World, place: Place, closes: bool) -> Result<(), Failure> {
        let mut ids_from = 0;
        loop {
            let pull = self.with(|memory| {
                let through = memory.standing.pulled(place.shard);
                Ok(Pull {
                    epoch: place.epoch,
                    through,
                    total: memory.counter.tally,
                    closes,
                    ids_from,
                    most_ids: u64::MAX,
                })
            })?;
            let reply = self.ask_shard(world, place.shard, shards::Command::Pull(pull)).await?;
            let shards::Reply::Pulled(pulled) = reply else { return Err("another reply") };
            world.note("shard pulled");
            let left = self.with(|memory| self.absorb(world, memory, place, &pull, &pulled))?;
            let Some(next) = left else { return Ok(()) };
            ids_from = next;
        }
    }

    pub(super) fn absorb(
        &self,
        world: &World,
        memory: &mut Memory,
        place: Place,
        pull: &Pull,
        pulled: &Pulled,
    ) -> Result<Option<u64>, Failure> {
        memory.load.note(pulled.commands, world.now_ms.get());
        if memory.standing.spread().is_none_or(|spread| spread.epoch != place.epoch) {
            return Ok(None);
        }
        if memory.standing.pulled(place.shard) != pull.through {
            world.note("pulled beside another pull");
            return Ok(pulled.next(pull, false));
        }
        let ids = if world.has(Defect::FoldsWithoutIds) { &[][..] } else { &pulled.ids };
        let recalled = self.disk.read().ids.recall(world, &memory.counter.ledger, ids.iter().map(|id| id.key));
        let Some(commit) = memory.counter.absorb(&pulled.increments, ids, &recalled, world.now_ms.get()) else {
            return Ok(pulled.next(pull, true));
        };
        let standing = memory.standing.with_pulled(place.shard, pulled.through);
        let days = self.disk.read().day_change(world, &memory.counter, &commit);
        self.disk.write(world, |tables| {
            tables.store(world, &commit, &days, &[]);
            if !world.has(Defect::NotesWhatIsPulledLater) {
                tables.standing = standing.clone();
            }
        })?;
        memory.counter.keep(commit, days);
        memory.standing = standing;
        Ok(pulled.next(pull, true))
    }

    pub(super) async fn clear(&self, world: &World, spread: Spread) {
        let clear = |shard| self.ask_shard(world, shard, shards::Command::Clear { epoch: spread.epoch });
        join_all((0..spread.shards).map(clear)).await;
    }

    pub(super) async fn ask_shard(
        &self,
        world: &World,
        shard: u32,
        command: shards::Command,
    ) -> Result<shards::Reply, Failure> {
        self.disk.flushed(world).await;
        CounterShard::ask(world, (self.prompt, shard), command).await
    }
}
