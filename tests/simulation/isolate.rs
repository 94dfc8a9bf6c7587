//! An isolate of the worker: requests, and how they go to counters and recorders, as `edge/events`, `ingestion`, `merging`, `counters`
//! and `recorders` have it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

use promptmeter::counting::merging::{BatchName, Merged, Pace, Queues, Sending, Turn};
use promptmeter::counting::protocol::{Command, Delivery, Increment, Outcome, Reply, Told};
use promptmeter::counting::tally::Tally;
use promptmeter::events::batch::{Batch, Counting, increments_of};
use promptmeter::events::fate::Fate;
use promptmeter::events::recording::{self, by_experiment};
use promptmeter::http::problem::Problem;
use promptmeter::recording::protocol::{Delivery as Consigned, Outcome as Recorded};
use promptmeter::sharding::placement::{Place, Spread};
use promptmeter::sharding::protocol as shards;
use uuid::Uuid;

use super::channel::{Sender, channel, join_all, within};
use super::counter;
use super::recorder::ExperimentRecorder;
use super::shard::CounterShard;
use super::world::{Defect, Failure, Process, World};

pub(crate) const PAUSES_MS: &[i64] = &[0, 50, 250];
const LATER_PAUSES_MS: &[i64] = &[1000, 3000, 5000, 9000];
const RECORD_PAUSES_MS: [i64; 2] = [50, 250];
const QUEUE_PAUSES_MS: &[i64] = &[0, 200, 500, 1000, 2000, 5000, 10_000];
const TURNS: usize = 8;
const WINDOW_MS: i64 = 240;
const LOOK_AGAIN_MS: i64 = 1000;
const LOOKS: usize = 100;
const PATIENCE_MS: i64 = 25_000;

type Caller = Option<Sender<Result<Told, Failure>>>;

pub(crate) type Tallies = Vec<(usize, Tally)>;

pub(crate) struct Isolate {
    pub(crate) process: Process,
    pub(crate) queues: RefCell<Queues<Caller, Sender<()>>>,
    spreads: RefCell<BTreeMap<usize, Spread>>,
}

/// The id of a prompt.
pub(crate) fn prompt_id(prompt: usize) -> Uuid {
    Uuid::from_u128(prompt as u128 + 1)
}

pub(crate) fn prompt_of(id: Uuid) -> usize {
    usize::try_from(id.as_u128() - 1).unwrap()
}

/// Asks after pauses as long as it fails.
pub(crate) async fn again<T, F: Future<Output = Result<T, Failure>>>(
    world: &World,
    pauses_ms: &[i64],
    ask: impl Fn() -> F,
) -> Result<T, Failure> {
    let mut failure = "no attempt";
    for pause_ms in pauses_ms {
        if *pause_ms > 0 {
            world.note("asked again");
            world.delay(*pause_ms).await;
        }
        match ask().await {
            Ok(reply) => return Ok(reply),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

impl Isolate {
    pub(crate) fn start(world: &World) -> Rc<Self> {
        Rc::new(Self { process: world.new_process(), queues: RefCell::default(), spreads: RefCell::default() })
    }

    /// `edge/ingestion::store`.
    pub(crate) async fn store(self: &Rc<Self>, world: &World, mut batch: Batch, pace: Pace) -> (Vec<Fate>, Tallies) {
        let consignments = by_experiment(&batch.experiment_events, &batch.refused);
        let counts = batch.take_counts();
        let record = async {
            let recorded = join_all(consignments.into_iter().map(|consignment| async move {
                let fates = match Self::record(world, consignment.delivery).await {
                    Ok(outcomes) => outcomes.into_iter().map(recording::fate_of).collect(),
                    Err(_) => vec![Fate::Rejected(Problem::storage()); consignment.indexes.len()],
                };
                consignment.indexes.into_iter().zip(fates).collect::<Vec<_>>()
            }));
            recorded.await.concat()
        };
        let recorded = record.await;
        let tallies = self.count_and_settle(world, &mut batch, counts, pace).await;
        for (index, fate) in recorded {
            batch.settle(index, fate);
        }
        (batch.into_fates(), tallies)
    }

    async fn count_and_settle(
        self: &Rc<Self>,
        world: &World,
        batch: &mut Batch,
        counts: Vec<(Uuid, Vec<Counting>)>,
        pace: Pace,
    ) -> Tallies {
        let replies = self.count(world, &increments_of(&counts), pace).await;
        let mut tallies = Tallies::new();
        for ((id, countings), reply) in counts.into_iter().zip(replies) {
            match reply {
                Err(_) => batch.settle_all(&countings, &Fate::Rejected(Problem::storage())),
                Ok(Told { tally, outcomes }) => {
                    assert_eq!(outcomes.len(), countings.len());
                    tallies.push((prompt_of(id), tally));
                    for (counting, outcome) in countings.into_iter().zip(outcomes) {
                        batch.settle(counting.index, counting.fate(outcome));
                    }
                }
            }
        }
        tallies
    }

    /// `edge/events::queue`, behind the answer. Where the isolate does not know all of the prompts, it asks first.
    pub(crate) fn store_later(self: &Rc<Self>, world: &World, mut batch: Batch, knows_prompts: bool) {
        if batch.is_counts_only() && knows_prompts {
            let counts = increments_of(&batch.take_counts());
            self.add(world, counts.iter().map(|count| (count, None)), Pace::Gathering);
            return;
        }
        batch.name_all(|| Uuid::from_u128(u128::from(world.random.next())));
        let (isolate, own_world) = (Rc::clone(self), Rc::clone(world));
        world.spawn(self.process, async move {
            let mut left = batch;
            for pause_ms in QUEUE_PAUSES_MS {
                own_world.delay(*pause_ms).await;
                let (fates, _) = isolate.store(&own_world, left.clone(), Pace::Gathering).await;
                left = left.unstored(&fates);
                if left.is_empty() {
                    return;
                }
            }
            own_world.note("queued events given up");
            own_world.oracle.borrow_mut().may_lose_queued = true;
        });
    }

    async fn record(world: &World, delivery: Consigned) -> Result<Vec<Recorded>, Failure> {
        let has_ids = delivery.events.iter().all(|entry| entry.id.is_some());
        let pauses_ms: &[i64] = if has_ids { &RECORD_PAUSES_MS } else { &[] };
        let id = world.random.next();
        let ask = || {
            let id_of_attempt = if world.has(Defect::NamesEachDeliveryAnew) { world.random.next() } else { id };
            world.oracle.borrow_mut().note_attempt(id_of_attempt, id);
            ExperimentRecorder::ask(world, Consigned { id: Some(id_of_attempt), ..delivery.clone() })
        };
        let mut reply = ask().await;
        for pause_ms in pauses_ms {
            if reply.is_ok() {
                break;
            }
            world.delay(*pause_ms).await;
            reply = ask().await;
        }
        reply
    }

    // `edge/merging`.

    async fn count(
        self: &Rc<Self>,
        world: &World,
        counts: &[(Uuid, Vec<Increment>)],
        pace: Pace,
    ) -> Vec<Result<Told, Failure>> {
        let (givers, takers): (Vec<_>, Vec<_>) = counts.iter().map(|_| channel(world)).unzip();
        self.add(world, counts.iter().zip(givers.into_iter().map(Some)), pace);
        // `edge/handover` has one timer for all of them; what is given before it rings is taken.
        let told = join_all(takers.into_iter().map(|taker| within(world, PATIENCE_MS, taker))).await;
        let told = told.into_iter().map(|told| told.flatten().unwrap_or(Err("the counter was not reached in time")));
        told.collect()
    }

    fn add<'a>(
        self: &Rc<Self>,
        world: &World,
        counts: impl Iterator<Item = (&'a (Uuid, Vec<Increment>), Caller)>,
        pace: Pace,
    ) {
        let mut carried = Vec::new();
        for ((id, increments), caller) in counts {
            let added = self.queues.borrow_mut().add(*id, caller, increments, pace, world.now_ms.get());
            match added {
                Ok(Some(batch)) => carried.push(batch),
                Ok(None) => world.note("increments merged"),
                Err(caller) => caller.unwrap().send(Err("too many increments wait to be counted")),
            }
        }
        if !carried.is_empty() {
            world.spawn(self.process, Rc::clone(self).carry(Rc::clone(world), carried, pace));
        }
    }

    async fn carry(self: Rc<Self>, world: World, batches: Vec<BatchName>, pace: Pace) {
        match pace {
            Pace::Gathering => world.delay(WINDOW_MS).await,
            Pace::AtOnce => self.grow(&world, &batches).await,
        }
        join_all(batches.into_iter().map(|name| self.carry_one(&world, name))).await;
    }

    async fn carry_one(&self, world: &World, name: BatchName) {
        loop {
            let turn = self.queues.borrow_mut().turn(name, world.now_ms.get());
            match turn {
                Turn::Over => return,
                Turn::Wait => {
                    world.note("carrier waited");
                    let (giver, taker) = channel(world);
                    let unknown = self.queues.borrow_mut().wait(name, giver);
                    if unknown.is_none() {
                        within(world, LOOK_AGAIN_MS, taker).await;
                    }
                    self.grow(world, &[name]).await;
                }
                Turn::Send(sending) => {
                    let sent = sending.name;
                    self.send(world, sending).await;
                    self.queues.borrow_mut().done(sent);
                }
            }
        }
    }

    async fn grow(&self, world: &World, batches: &[BatchName]) {
        let size = || batches.iter().map(|name| self.queues.borrow().size(*name)).sum::<usize>();
        let mut before = size();
        for _ in 0..LOOKS {
            world.delay(0).await;
            let now = size();
            if now <= before {
                return;
            }
            before = now;
        }
    }

    async fn send(&self, world: &World, Sending { name, merged }: Sending<Caller>) {
        let prompt = prompt_of(name.prompt_id);
        let delivery = world.random.next();
        let told = self.deliver(world, prompt, (delivery, &merged.increments), PAUSES_MS).await;
        let called = self.queues.borrow_mut().sent(name);
        for next in called {
            next.send(());
        }
        let failure = match told {
            Ok(together) => return tell(merged, &together),
            Err(failure) => failure,
        };
        let (increments, callers) = merged.into_parts();
        let is_lost = callers.iter().any(Option::is_none);
        for caller in callers.into_iter().flatten() {
            caller.send(Err(failure));
        }
        if is_lost && self.deliver(world, prompt, (delivery, &increments), LATER_PAUSES_MS).await.is_err() {
            world.note("queued increments given up");
            world.oracle.borrow_mut().may_lose_queued = true;
        }
    }

    // `edge/counters`.

    async fn deliver(
        &self,
        world: &World,
        prompt: usize,
        (delivery, increments): (u64, &[Increment]),
        pauses_ms: &[i64],
    ) -> Result<Told, Failure> {
        let mut told = Vec::new();
        let mut left: Vec<usize> = (0..increments.len()).collect();
        for _ in 0..TURNS {
            let here: Vec<Increment> = left.iter().map(|index| increments[*index]).collect();
            let (counted, elsewhere) = self.count_where(world, prompt, (delivery, &here), pauses_ms).await?;
            let of_all = |indexes: Vec<usize>| indexes.into_iter().map(|index| left[index]).collect::<Vec<_>>();
            told.extend(counted.into_iter().map(|(indexes, told)| (of_all(indexes), told)));
            left = of_all(elsewhere);
            if left.is_empty() {
                return Ok(together(increments, told));
            }
        }
        world.note("went elsewhere too often");
        Err("the counter spreads and folds too often")
    }

    async fn count_where(
        &self,
        world: &World,
        prompt: usize,
        (id, increments): (u64, &[Increment]),
        pauses_ms: &[i64],
    ) -> Result<(Vec<(Vec<usize>, Told)>, Vec<usize>), Failure> {
        let named = |id| if world.has(Defect::NamesEachAttemptAnew) { world.random.next() } else { id };
        let spread = self.spreads.borrow().get(&prompt).copied();
        let Some(spread) = spread else {
            let ask = || {
                let delivery = Delivery { id: named(id), increments: increments.to_vec() };
                counter::ask(world, prompt, Command::Count { prompt_id: prompt_id(prompt), delivery })
            };
            let reply = again(world, pauses_ms, ask).await?;
            let all = (0..increments.len()).collect();
            return match reply {
                Reply::Counted(told) => Ok((vec![(all, told)], Vec::new())),
                Reply::Elsewhere(spread) => {
                    self.learn(prompt, spread);
                    Ok((Vec::new(), all))
                }
                _ => Err("another reply"),
            };
        };
        let replies = join_all(spread.parts(id, increments).into_iter().map(|(shard, indexes)| async move {
            let part: Vec<Increment> = indexes.iter().map(|index| increments[*index]).collect();
            let place = Place { epoch: spread.epoch, shard };
            let ask = || {
                let delivery = Delivery { id: named(id), increments: part.clone() };
                let command = shards::Command::Count { prompt_id: prompt_id(prompt), place, delivery };
                CounterShard::ask(world, (prompt, shard), command)
            };
            (indexes, again(world, pauses_ms, ask).await)
        }));
        let (mut counted, mut elsewhere) = (Vec::new(), Vec::new());
        for (indexes, reply) in replies.await {
            match reply? {
                shards::Reply::Counted(told) => counted.push((indexes, told)),
                shards::Reply::Elsewhere(spread) => {
                    world.note("sent elsewhere by a shard");
                    self.learn(prompt, spread);
                    elsewhere.extend(indexes);
                }
                _ => return Err("another reply"),
            }
        }
        Ok((counted, elsewhere))
    }

    fn learn(&self, prompt: usize, spread: Option<Spread>) {
        match spread {
            Some(spread) => drop(self.spreads.borrow_mut().insert(prompt, spread)),
            None => drop(self.spreads.borrow_mut().remove(&prompt)),
        }
    }
}

fn tell(merged: Merged<Caller>, together: &Told) {
    for (caller, told) in merged.told(together) {
        if let Some(caller) = caller {
            caller.send(Ok(told));
        }
    }
}

/// `edge/counters::together`.
fn together(increments: &[Increment], parts: Vec<(Vec<usize>, Told)>) -> Told {
    let mut outcomes = vec![Outcome::Counted; increments.len()];
    let (mut nearest, mut counted) = (Tally::default(), Tally::default());
    for (indexes, told) in parts {
        let mut own = Tally::default();
        for (index, outcome) in indexes.into_iter().zip(told.outcomes) {
            own.add(increments[index].metric, (outcome == Outcome::Counted).into());
            outcomes[index] = outcome;
        }
        counted.add_all(&own);
        let before = told.tally.without(&own);
        if before.views >= nearest.views {
            nearest = before;
        }
    }
    nearest.add_all(&counted);
    Told { tally: nearest, outcomes }
}
