//! Increments of several callers go to a prompt's counter as one command: who waits with whom, who sends, and what each is
//! told.
//!
//! Of each prompt one command is on its way at a time; what comes meanwhile gathers in a batch behind it. A batch is sent by
//! one of the callers in it, its carrier: the first one, or the first one that is in a hurry; where it must be gone, the next
//! one that comes. A carrier whose batch has to wait leaves something by which it is called when it is its turn.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

use super::protocol::{Increment, Outcome, Told};
use super::tally::Tally;

/// Increments that wait or are on their way at the most, of all prompts.
pub const WAITING: usize = 100_000;
/// Increments of a batch, unless its last caller has more.
pub const BATCH: usize = 5000;
/// How long a carrier may take, in milliseconds: then it is taken for gone.
pub const CARRYING_MS: i64 = 30_000;
/// Prompts of which callers come together that are known at the most.
const CROWDED: usize = 1000;

/// Whether somebody waits until the increments are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// They go as soon as those before them are counted.
    AtOnce,
    /// They wait for more to come.
    Gathering,
}

/// The increments of callers, one caller's behind another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged<Caller> {
    /// All of them, in the order in which they are judged.
    pub increments: Vec<Increment>,
    /// The callers, and how many each has.
    callers: Vec<(Caller, usize)>,
}

impl<Caller> Default for Merged<Caller> {
    fn default() -> Self {
        Self { increments: Vec::new(), callers: Vec::new() }
    }
}

impl<Caller> Merged<Caller> {
    /// Adds those of another caller.
    pub fn add(&mut self, caller: Caller, increments: &[Increment]) {
        self.increments.extend_from_slice(increments);
        self.callers.push((caller, increments.len()));
    }

    /// The increments, and the callers.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Increment>, Vec<Caller>) {
        (self.increments, self.callers.into_iter().map(|(caller, _)| caller).collect())
    }

    /// What each caller is told of a command that came to this: the counts behind the last increment, and an outcome for
    /// each. What was sent again may have been counted before others were; then callers are told values as far apart as
    /// theirs, but later ones.
    #[must_use]
    pub fn told(self, together: &Told) -> Vec<(Caller, Told)> {
        let Told { tally, outcomes } = together;
        let mut counted = Tally::default();
        for (increment, outcome) in self.increments.iter().zip(outcomes) {
            counted.add(increment.metric, (*outcome == Outcome::Counted).into());
        }
        let mut so_far = tally.without(&counted);
        let mut rest = self.increments.iter().zip(outcomes);
        let told = self.callers.into_iter().map(|(caller, length)| {
            let mut outcomes = Vec::with_capacity(length);
            for (increment, outcome) in rest.by_ref().take(length) {
                so_far.add(increment.metric, (*outcome == Outcome::Counted).into());
                outcomes.push(*outcome);
            }
            (caller, Told { tally: so_far, outcomes })
        });
        told.collect()
    }
}

/// A batch of one prompt, by which its carrier knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchName {
    /// The prompt.
    pub prompt_id: Uuid,
    number: u64,
}

/// What a carrier is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<Caller> {
    /// It is not the batch's turn: [`Queues::wait`].
    Wait,
    /// Another carrier has sent it.
    Over,
    /// It is to be sent; then [`Queues::sent`] is told, and those are called whose turn it is then; in the end [`Queues::done`].
    Send(Sending<Caller>),
}

/// A batch on its way.
#[derive(Debug, PartialEq, Eq)]
pub struct Sending<Caller> {
    /// Which one; where a carrier was gone, not the one that was asked for.
    pub name: BatchName,
    /// What is in it.
    pub merged: Merged<Caller>,
}

/// What waits, by prompt.
#[derive(Debug)]
pub struct Queues<Caller, Carrier> {
    by_prompt: HashMap<Uuid, Queue<Caller, Carrier>>,
    waiting: usize,
    on_their_way: Vec<OnItsWay>,
    /// No number is given twice: a carrier may come when its batch, and its prompt's queue, is long gone.
    next_number: u64,
    /// Prompts of which several callers were in the batch that was sent last.
    crowded: HashSet<Uuid>,
}

#[derive(Debug)]
struct OnItsWay {
    number: u64,
    increments: usize,
    since_ms: i64,
}

#[derive(Debug)]
struct Queue<Caller, Carrier> {
    batches: VecDeque<Batch<Caller, Carrier>>,
    /// The batch on its way, and since when.
    sent: Option<(u64, i64)>,
}

#[derive(Debug)]
struct Batch<Caller, Carrier> {
    number: u64,
    merged: Merged<Caller>,
    /// Whom to call when it is its turn.
    carriers: Vec<Carrier>,
    since_ms: i64,
    is_urgent: bool,
}

impl<Caller, Carrier> Default for Queues<Caller, Carrier> {
    fn default() -> Self {
        Self {
            by_prompt: HashMap::new(),
            waiting: 0,
            on_their_way: Vec::new(),
            next_number: 0,
            crowded: HashSet::new(),
        }
    }
}

impl<Caller, Carrier> Default for Queue<Caller, Carrier> {
    fn default() -> Self {
        Self { batches: VecDeque::new(), sent: None }
    }
}

impl<Caller, Carrier> Queues<Caller, Carrier> {
    /// Adds a caller's increments to what waits. If the caller is to carry its batch, tells which that is.
    ///
    /// # Errors
    /// The caller, where too much is waiting.
    pub fn add(
        &mut self,
        prompt_id: Uuid,
        caller: Caller,
        increments: &[Increment],
        pace: Pace,
        now_ms: i64,
    ) -> Result<Option<BatchName>, Caller> {
        if !self.has_room(increments.len(), now_ms) {
            return Err(caller);
        }
        self.waiting += increments.len();
        let queue = self.by_prompt.entry(prompt_id).or_default();
        let is_urgent = pace == Pace::AtOnce;
        if let Some(open) = queue.batches.back_mut().filter(|open| open.merged.increments.len() < BATCH) {
            open.merged.add(caller, increments);
            // Where nobody carries it any more, nobody else would, and who comes would wait in vain.
            let is_left = now_ms - open.since_ms > CARRYING_MS;
            let is_carrier = is_left || (is_urgent && !open.is_urgent);
            open.is_urgent |= is_urgent;
            if is_left {
                open.since_ms = now_ms;
            }
            return Ok(is_carrier.then_some(BatchName { prompt_id, number: open.number }));
        }
        let number = self.next_number;
        self.next_number += 1;
        let mut merged = Merged::default();
        merged.add(caller, increments);
        queue.batches.push_back(Batch { number, merged, carriers: Vec::new(), since_ms: now_ms, is_urgent });
        Ok(Some(BatchName { prompt_id, number }))
    }

    /// What the carrier of a batch is to do at an instant.
    pub fn turn(&mut self, name: BatchName, now_ms: i64) -> Turn<Caller> {
        let is_gone = |since_ms: i64| now_ms - since_ms > CARRYING_MS;
        let Some(queue) = self.by_prompt.get_mut(&name.prompt_id) else { return Turn::Over };
        let Some(first) = queue.batches.front().filter(|first| first.number <= name.number) else { return Turn::Over };
        let is_free = queue.sent.is_none_or(|(_, since_ms)| is_gone(since_ms));
        if !is_free || (first.number < name.number && !is_gone(first.since_ms)) {
            return Turn::Wait;
        }
        let Some(Batch { number, merged, .. }) = queue.batches.pop_front() else { return Turn::Over };
        queue.sent = Some((number, now_ms));
        self.note_crowd(name.prompt_id, merged.callers.len());
        self.on_their_way.push(OnItsWay { number, increments: merged.increments.len(), since_ms: now_ms });
        Turn::Send(Sending { name: BatchName { number, ..name }, merged })
    }

    fn note_crowd(&mut self, prompt_id: Uuid, callers: usize) {
        if callers == 1 {
            self.crowded.remove(&prompt_id);
            return;
        }
        if self.crowded.len() >= CROWDED {
            self.crowded.clear();
        }
        self.crowded.insert(prompt_id);
    }

    /// Whether more callers are expected soon: they came together last time.
    #[must_use]
    pub fn is_crowded(&self, prompt_id: Uuid) -> bool {
        self.crowded.contains(&prompt_id)
    }

    /// How many increments a batch has that is not sent.
    #[must_use]
    pub fn size(&self, name: BatchName) -> usize {
        let batches = self.by_prompt.get(&name.prompt_id).map(|queue| queue.batches.iter());
        let batch = batches.and_then(|mut batches| batches.find(|batch| batch.number == name.number));
        batch.map_or(0, |batch| batch.merged.increments.len())
    }

    /// Has the carrier of a batch called when it is the batch's turn; at once, if that is unknown.
    pub fn wait(&mut self, name: BatchName, carrier: Carrier) -> Option<Carrier> {
        let queue = self.by_prompt.get_mut(&name.prompt_id);
        let batch = queue.and_then(|queue| queue.batches.iter_mut().find(|batch| batch.number == name.number));
        let Some(batch) = batch else { return Some(carrier) };
        batch.carriers.push(carrier);
        None
    }

    /// A batch was answered, or the next need not wait for it; tells whom to call.
    #[must_use]
    pub fn sent(&mut self, name: BatchName) -> Vec<Carrier> {
        let Some(queue) = self.by_prompt.get_mut(&name.prompt_id) else { return Vec::new() };
        if queue.sent.is_some_and(|(number, _)| number == name.number) {
            queue.sent = None;
        }
        if queue.sent.is_some() {
            return Vec::new();
        }
        let Some(next) = queue.batches.front_mut() else {
            self.by_prompt.remove(&name.prompt_id);
            return Vec::new();
        };
        std::mem::take(&mut next.carriers)
    }

    /// A batch is counted, or given up.
    pub fn done(&mut self, name: BatchName) {
        self.keep_on_their_way(|batch| batch.number != name.number);
    }

    /// Whether so many increments more may wait. Batches whose carrier is gone count no more.
    #[must_use]
    pub fn has_room(&mut self, increments: usize, now_ms: i64) -> bool {
        if self.waiting + increments > WAITING {
            self.keep_on_their_way(|batch| now_ms - batch.since_ms <= CARRYING_MS);
        }
        self.waiting + increments <= WAITING
    }

    fn keep_on_their_way(&mut self, is_kept: impl Fn(&OnItsWay) -> bool) {
        self.on_their_way.retain(|batch| {
            let is_kept = is_kept(batch);
            self.waiting -= if is_kept { 0 } else { batch.increments };
            is_kept
        });
    }
}
