//! What becomes of a batch: what must be stored where, and the answer once that is known.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::event::{Event, PromptEvent, Subject};
use super::fate::{Fate, fate_of};
use super::lineage::LineageEvent;
use super::recording::Recording;
use crate::counting::id_digest::digest;
use crate::counting::protocol::{Increment, Outcome};
use crate::data::policy::require_user;
use crate::http::identity::Identity;
use crate::http::problem::{Code, Problem};
use crate::limits::{EVENT_FUTURE_MS, EVENT_PAST_MS};
use crate::time::timestamp_from_ms;
use crate::traffic::attribution::Attribution;
use crate::traffic::reason::{self, Reason};
use crate::usage::event::Usage;
use crate::usage::row::UsageRow;

/// A batch on its way: what is left to store, and the fates known so far.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Events to count.
    pub counts: Vec<Counting>,
    /// Rows of uses to store, with their places in the batch.
    pub usage: Vec<(usize, UsageRow)>,
    /// Experiment events to store.
    pub experiment_events: Vec<Recording>,
    /// The experiments of the events that were refused, one for each.
    pub refused: Vec<String>,
    fates: Vec<Option<Fate>>,
}

/// An event about a prompt that is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// Its place in the batch.
    pub index: usize,
    /// The prompt.
    pub prompt_id: Uuid,
    /// What is counted.
    pub increment: Increment,
    /// The row that is kept, for a fork and a comparison.
    pub lineage: Option<LineageEvent>,
}

impl Counting {
    /// What becomes of the event, from what its counter said.
    #[must_use]
    pub fn fate(&self, outcome: Outcome) -> Fate {
        match (fate_of(outcome), Reason::of(self.increment.metric)) {
            (Fate::Accepted | Fate::Duplicate, Some(reason)) => Fate::Dropped(reason),
            (fate, _) => fate,
        }
    }
}

/// What the counters of prompts are sent of events to count, in their order.
#[must_use]
pub fn increments_of(counts: &[(Uuid, Vec<Counting>)]) -> Vec<(Uuid, Vec<Increment>)> {
    let increments = |countings: &[Counting]| countings.iter().map(|counting| counting.increment).collect();
    counts.iter().map(|(prompt_id, countings)| (*prompt_id, increments(countings))).collect()
}

impl Batch {
    /// Decides what to do with each event of `identity` that arrives at `now_ms`; `attribution` tells what its sender
    /// makes of it. `new_id` makes ids for the events that have none and are kept as rows.
    pub fn admit(
        events: Vec<Result<Event, Problem>>,
        identity: &Identity,
        attribution: &Attribution,
        now_ms: i64,
        mut new_id: impl FnMut() -> Uuid,
    ) -> Self {
        Self::admit_with(events, identity, attribution, now_ms, &mut new_id)
    }

    fn admit_with(
        events: Vec<Result<Event, Problem>>,
        identity: &Identity,
        attribution: &Attribution,
        now_ms: i64,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Self {
        let mut batch = Self { fates: vec![None; events.len()], ..Self::default() };
        for (index, event) in events.into_iter().enumerate() {
            let admitted = event.and_then(|event| {
                let at_ms = admitted_time(event.at_ms, now_ms);
                match event.subject {
                    Subject::Prompt(subject) => {
                        let by = (identity, attribution);
                        batch.counts.push(counting(index, event.id, subject, at_ms?, by, new_id)?);
                    }
                    Subject::Usage(usage) => {
                        batch.usage.push((index, usage_row(event.id, usage, at_ms?, identity, new_id)?));
                    }
                    Subject::Experiment(experiment) => match at_ms {
                        Ok(at_ms) => {
                            batch.experiment_events.push(Recording { index, id: event.id, at_ms, event: experiment });
                        }
                        Err(problem) => {
                            batch.refused.push(experiment.experiment_id);
                            return Err(problem);
                        }
                    },
                }
                Ok(())
            });
            if let Err(problem) = admitted {
                batch.settle(index, Fate::Rejected(problem));
            }
        }
        batch
    }

    /// Gives an id to each event that has none, so that storing it again is safe.
    pub fn name_all(&mut self, mut new_id: impl FnMut() -> Uuid) {
        for counting in &mut self.counts {
            counting.increment.id.get_or_insert_with(|| digest(&new_id().to_string(), &[]));
        }
        for recording in &mut self.experiment_events {
            recording.id.get_or_insert_with(|| new_id().to_string());
        }
    }

    /// Whether there is nothing to do but to count: no row to store, and nobody to be told.
    #[must_use]
    pub fn is_counts_only(&self) -> bool {
        let is_count = |counting: &Counting| counting.lineage.is_none();
        self.counts.iter().all(is_count)
            && self.usage.is_empty()
            && self.experiment_events.is_empty()
            && self.refused.is_empty()
    }

    /// A batch of lineage events alone, as they come from another system or from storage.
    #[must_use]
    pub fn of_lineage(events: Vec<LineageEvent>) -> Self {
        let fates = vec![None; events.len()];
        let counts = events.into_iter().enumerate().map(|(index, event)| Counting {
            index,
            prompt_id: event.prompt_id,
            increment: event.increment(),
            lineage: Some(event),
        });
        Self { counts: counts.collect(), fates, ..Self::default() }
    }

    /// How many events are still to be stored.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.fates.iter().filter(|fate| fate.is_none()).count()
    }

    /// How many of them will be in the counts that callers are told: all but those that are no views and no copies.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.unsettled() - self.dropped().count()
    }

    /// Why some events are no views and no copies, as the header `X-Promptmeter-Dropped` tells it.
    #[must_use]
    pub fn dropped_header(&self) -> Option<String> {
        reason::header(self.dropped())
    }

    fn dropped(&self) -> impl Iterator<Item = Reason> {
        self.counts.iter().filter_map(|counting| Reason::of(counting.increment.metric))
    }

    /// The events that are kept as rows, with their places in the batch.
    #[must_use]
    pub fn lineage(&self) -> Vec<(usize, LineageEvent)> {
        self.counts.iter().filter_map(|counting| Some((counting.index, counting.lineage.clone()?))).collect()
    }

    /// Rejects the events that are kept as rows: their rows could not be stored.
    pub fn reject_lineage(&mut self, problem: &Problem) {
        for (index, _) in self.lineage() {
            self.settle(index, Fate::Rejected(problem.clone()));
        }
    }

    /// The part of the batch that storage failed to store, by the fates of the whole.
    #[must_use]
    pub fn unstored(&self, fates: &[Fate]) -> Self {
        let is_unstored = |index: usize| fates.get(index).is_some_and(Fate::is_storage_failure);
        let mut part = self.clone();
        part.refused.clear();
        part.counts.retain(|counting| is_unstored(counting.index));
        part.usage.retain(|(index, _)| is_unstored(*index));
        part.experiment_events.retain(|recording| is_unstored(recording.index));
        part
    }

    /// Whether nothing is left to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.usage.is_empty() && self.experiment_events.is_empty()
    }

    /// The prompts that the events are about.
    #[must_use]
    pub fn prompts(&self) -> BTreeSet<Uuid> {
        let counted = self.counts.iter().map(|counting| counting.prompt_id);
        counted.chain(self.usage.iter().map(|(_, row)| row.usage.prompt_id)).collect()
    }

    /// Takes out the events about prompts that are to be counted and whose fate is still open, by prompt.
    pub fn take_counts(&mut self) -> Vec<(Uuid, Vec<Counting>)> {
        let mut counts = std::mem::take(&mut self.counts);
        counts.retain(|counting| self.fates.get(counting.index).is_some_and(Option::is_none));
        by_prompt(counts.into_iter().map(|counting| (counting.prompt_id, counting)))
    }

    /// Rejects the events of prompts other than `these`.
    pub fn reject_others(&mut self, these: impl Fn(Uuid) -> bool, problem: &Problem) {
        let these: BTreeSet<Uuid> = self.prompts().into_iter().filter(|prompt_id| these(*prompt_id)).collect();
        let is_kept = |prompt_id: Uuid| these.contains(&prompt_id);
        let (kept, others) = std::mem::take(&mut self.counts).into_iter().partition(|event| is_kept(event.prompt_id));
        self.counts = kept;
        self.settle_all(&others, &Fate::Rejected(problem.clone()));
        let usage: Vec<(usize, UsageRow)> = std::mem::take(&mut self.usage);
        let (kept, others): (Vec<_>, Vec<_>) = usage.into_iter().partition(|(_, row)| is_kept(row.usage.prompt_id));
        self.usage = kept;
        for (index, _) in others {
            self.settle(index, Fate::of_use(problem.clone()));
        }
    }

    /// Notes what became of the event at `index`.
    pub fn settle(&mut self, index: usize, fate: Fate) {
        if let Some(slot) = self.fates.get_mut(index) {
            *slot = Some(fate);
        }
    }

    /// Whether the event at `index` is stored.
    #[must_use]
    pub fn is_accepted(&self, index: usize) -> bool {
        self.fates.get(index) == Some(&Some(Fate::Accepted))
    }

    /// Notes the same of all these events.
    pub fn settle_all(&mut self, countings: &[Counting], fate: &Fate) {
        for counting in countings {
            self.settle(counting.index, fate.clone());
        }
    }

    /// The fates, in the order of the events. An event that nobody settled was not stored.
    #[must_use]
    pub fn into_fates(self) -> Vec<Fate> {
        self.fates.into_iter().map(|fate| fate.unwrap_or_else(|| Fate::Rejected(Problem::storage()))).collect()
    }
}

fn admitted_time(at_ms: Option<i64>, now_ms: i64) -> Result<i64, Problem> {
    let at_ms = at_ms.unwrap_or(now_ms);
    if (now_ms - EVENT_PAST_MS..=now_ms + EVENT_FUTURE_MS).contains(&at_ms) {
        return Ok(at_ms);
    }
    let detail = "timestamp is in milliseconds since 1970, at most 48 hours old and 5 minutes ahead.";
    Err(Problem::at(Code::TimestampOutOfRange, "/timestamp", detail))
}

fn counting(
    index: usize,
    id: Option<String>,
    event: PromptEvent,
    at_ms: i64,
    (identity, attribution): (&Identity, &Attribution),
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Counting, Problem> {
    let kind = &event.kind;
    if !kind.is_lineage() {
        let mut increment = Increment::of(kind.metric(), at_ms, id.map(|id| kind.digest(&id, None)));
        attribution.mark(&mut increment, &event);
        let prompt_id = event.prompt_id;
        return Ok(Counting { index, prompt_id, increment, lineage: None });
    }
    let PromptEvent { prompt_id, kind, .. } = event;
    let user = Some(require_user(identity)?.clone());
    let id = id.unwrap_or_else(|| new_id().to_string());
    let created_at = timestamp_from_ms(at_ms).unwrap_or_default();
    let event = LineageEvent { id, prompt_id, user, kind, created_at };
    Ok(Counting { index, prompt_id, increment: event.increment(), lineage: Some(event) })
}

fn usage_row(
    id: Option<String>,
    usage: Usage,
    at_ms: i64,
    identity: &Identity,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<UsageRow, Problem> {
    let user = match identity {
        Identity::Service(user) => user.clone(),
        Identity::Anonymous | Identity::User(_) => Some(require_user(identity)?.clone()),
    };
    let id = id.unwrap_or_else(|| new_id().to_string());
    Ok(UsageRow::of(id, user, timestamp_from_ms(at_ms).unwrap_or_default(), usage))
}

/// Groups what is about prompts: the prompts in the order in which they first come, and what is about each in its order.
pub fn by_prompt<T>(members: impl IntoIterator<Item = (Uuid, T)>) -> Vec<(Uuid, Vec<T>)> {
    let mut places = BTreeMap::new();
    let mut groups: Vec<(Uuid, Vec<T>)> = Vec::new();
    for (prompt_id, member) in members {
        let place = *places.entry(prompt_id).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(member),
            None => groups.push((prompt_id, vec![member])),
        }
    }
    groups
}
