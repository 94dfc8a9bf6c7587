//! Stores a batch: rows of forks and comparisons, then counts; uses and experiment events beside them.

use std::collections::{HashMap, HashSet};

use futures_util::future::{join_all, join3};
use uuid::Uuid;
use worker::{Env, Result};

use super::call::storage_failure;
use super::counters;
use super::merging::Way;
use super::runtime::{log_failure, now_ms};
use super::{d1, merging, metering, prompt_lookup, recorders};
use crate::counting::merging::Pace;
use crate::counting::protocol::{Increment, Outcome, Told};
use crate::counting::tally::Tally;
use crate::data::policy::{may_see, unknown_prompt};
use crate::data::prompt::PromptName;
use crate::events::batch::{Batch, Counting, increments_of};
use crate::events::fate::{Fate, fate_of_use, reused_id};
use crate::events::lineage::{LineageEvent, Standing, StoredLineage};
use crate::events::recording::{self, Consignment, by_experiment};
use crate::http::identity::Identity;
use crate::http::problem::Problem;
use crate::metrics::meter::EventType;
use crate::time::HOUR_MS;
use crate::usage::row::UsageRow;

/// The counts of the prompts that a batch was about, those whose counter answered.
pub(super) type Tallies = Vec<(Uuid, Tally)>;

/// Stores what `identity` may store of a batch; everything that is settled as accepted or duplicate is durable.
pub(super) async fn store(way: &Way, identity: &Identity, mut batch: Batch, pace: Pace) -> (Vec<Fate>, Tallies) {
    let env = &way.env;
    reject_unknown_prompts(env, identity, &mut batch).await;
    let consignments = by_experiment(&batch.experiment_events, &batch.refused);
    let usage = std::mem::take(&mut batch.usage);
    let (tallies, recorded, used) =
        join3(count(Passage::Merged(way, pace), &mut batch), record(env, consignments), store_usage(env, &usage)).await;
    for (index, fate) in recorded.into_iter().chain(used) {
        batch.settle(index, fate);
    }
    meter_others(&batch, &usage);
    (batch.into_fates(), tallies)
}

/// Takes out of a batch what is about prompts that the caller may not see, where all are known without asking; whether they
/// are.
pub(super) fn keep_visible(identity: &Identity, batch: &mut Batch) -> bool {
    let names: HashSet<PromptName> = batch.prompts().into_iter().map(PromptName::Id).collect();
    let Some(known) = prompt_lookup::known(identity, names) else { return false };
    let is_visible = |id| known.get(&PromptName::Id(id)).is_some_and(|prompt| may_see(identity, prompt));
    batch.reject_others(is_visible, &unknown_prompt());
    true
}

/// Has the counts of a batch counted, which nobody waits for.
///
/// # Errors
/// [`Code::StorageUnavailable`](crate::http::problem::Code::StorageUnavailable) where too much is waiting: then none is.
pub(super) fn count_later(way: &Way, mut batch: Batch) -> std::result::Result<(), Problem> {
    let counts = batch.take_counts();
    if !merging::has_room(counts.iter().map(|(_, countings)| countings.len()).sum()) {
        return Err(Problem::storage());
    }
    way.count_later(&increments_of(&counts));
    Ok(())
}

/// Counts forks and comparisons of prompts that exist, as they come from another system.
pub(super) async fn store_lineage(env: &Env, events: Vec<LineageEvent>) -> Vec<Fate> {
    let mut batch = Batch::of_lineage(events);
    count(Passage::Alone(env), &mut batch).await;
    batch.into_fates()
}

/// Counts events whose rows are already stored.
pub(super) async fn count_stored_lineage(env: &Env, events: Vec<LineageEvent>) -> Vec<Fate> {
    let mut batch = Batch::of_lineage(events);
    let counts = batch.take_counts();
    count_and_settle(Passage::Alone(env), &mut batch, counts).await;
    batch.into_fates()
}

/// Counts events whose rows were stored under these keys just now; tells whether one was taken out again, because its
/// counter knows its id for another event. What fails here the cron makes good.
pub(super) async fn count_stored_rows(env: &Env, keys: &[(Uuid, String)]) -> bool {
    let stored = match d1::database(env) {
        Ok(database) => d1::lineage::find(&database, keys).await,
        Err(error) => Err(error),
    };
    match stored {
        Ok(stored) => {
            let uncounted = stored.iter().filter(|row| row.uncounted_since_ms.is_some());
            let fates = count_stored_lineage(env, uncounted.map(StoredLineage::event).collect()).await;
            fates.contains(&Fate::Rejected(reused_id()))
        }
        Err(error) => {
            log_failure("lineage", &error.to_string());
            false
        }
    }
}

/// Meters what is accepted and has no counter.
fn meter_others(batch: &Batch, usage: &[(usize, UsageRow)]) {
    metering::events(EventType::Usage, usage.iter().filter(|(index, _)| batch.is_accepted(*index)).count());
    for recording in batch.experiment_events.iter().filter(|recording| batch.is_accepted(recording.index)) {
        metering::events(EventType::Experiment(recording.event.kind), 1);
    }
}

async fn reject_unknown_prompts(env: &Env, identity: &Identity, batch: &mut Batch) {
    let name = PromptName::Id;
    let names: HashSet<PromptName> = batch.prompts().into_iter().map(name).collect();
    let mut found = HashMap::new();
    if let Err(error) = prompt_lookup::find(env, identity, names, &mut found).await {
        batch.reject_others(|id| found.contains_key(&name(id)), &storage_failure("prompts", &error));
    }
    let is_visible = |id| found.get(&name(id)).is_some_and(|prompt| may_see(identity, prompt));
    batch.reject_others(is_visible, &unknown_prompt());
}

async fn count(passage: Passage<'_>, batch: &mut Batch) -> Tallies {
    if let Err(error) = store_lineage_rows(passage.env(), batch, passage.stored_ms()).await {
        batch.reject_lineage(&storage_failure("lineage", &error));
    }
    let counts = batch.take_counts();
    count_and_settle(passage, batch, counts).await
}

/// Stores the rows of forks and comparisons, and settles those that need no counting.
async fn store_lineage_rows(env: &Env, batch: &mut Batch, stored_ms: i64) -> Result<()> {
    let events: Vec<(usize, LineageEvent)> = batch.lineage();
    if events.is_empty() {
        return Ok(());
    }
    let rows: Vec<&LineageEvent> = events.iter().map(|(_, event)| event).collect();
    let stored = d1::lineage::store(&d1::database(env)?, &rows, stored_ms).await?;
    let stored: HashMap<(Uuid, &str), _> = stored.iter().map(|row| ((row.prompt_id, row.id.as_str()), row)).collect();
    for (index, event) in &events {
        match stored.get(&(event.prompt_id, event.id.as_str())).map(|row| row.standing_of(event)) {
            Some(Standing::Uncounted) => {}
            Some(Standing::Counted) => batch.settle(*index, Fate::Duplicate),
            Some(Standing::Taken) => batch.settle(*index, Fate::Rejected(reused_id())),
            None => batch.settle(*index, Fate::Rejected(unknown_prompt())),
        }
    }
    Ok(())
}

/// How increments go to their counters.
#[derive(Clone, Copy)]
enum Passage<'a> {
    /// With those of other requests.
    Merged(&'a Way, Pace),
    /// By themselves: the cron and an import have many of a prompt anyway.
    Alone(&'a Env),
}

/// How long the rows of an import that died wait for it to be sent again, which counts them when they happened, in milliseconds.
const SENT_AGAIN_MS: i64 = HOUR_MS;

impl Passage<'_> {
    /// Since when rows that are stored now are taken to wait to be counted.
    fn stored_ms(self) -> i64 {
        match self {
            Self::Merged(..) => now_ms(),
            Self::Alone(_) => now_ms() + SENT_AGAIN_MS,
        }
    }

    fn env(&self) -> &Env {
        match self {
            Self::Merged(way, _) => &way.env,
            Self::Alone(env) => env,
        }
    }

    /// What becomes of increments of prompts, in their order.
    async fn count(self, counts: &[(Uuid, Vec<Increment>)]) -> Vec<Result<Told>> {
        match self {
            Self::Merged(way, pace) => way.count(counts, pace).await,
            Self::Alone(env) => {
                join_all(counts.iter().map(|(id, increments)| counters::count(env, *id, increments))).await
            }
        }
    }
}

/// Has each prompt's counter count.
async fn count_and_settle(passage: Passage<'_>, batch: &mut Batch, counts: Vec<(Uuid, Vec<Counting>)>) -> Tallies {
    let replies = passage.count(&increments_of(&counts)).await;
    let mut tallies = Tallies::new();
    let (mut counted, mut refused) = (Vec::new(), Vec::new());
    for ((prompt_id, countings), reply) in counts.into_iter().zip(replies) {
        match reply {
            Err(error) => {
                batch.settle_all(&countings, &Fate::Rejected(storage_failure("count", &error)));
            }
            Ok(Told { tally, outcomes }) => {
                tallies.push((prompt_id, tally));
                for (counting, outcome) in countings.into_iter().zip(outcomes) {
                    batch.settle(counting.index, counting.fate(outcome));
                    match (counting.lineage, outcome) {
                        (None, _) => {}
                        (Some(event), Outcome::Conflicting) => refused.push(event),
                        (Some(event), Outcome::Counted | Outcome::Repeated) => counted.push(event),
                    }
                }
            }
        }
    }
    settle_lineage_rows(passage.env(), &counted, &refused).await;
    tallies
}

/// Takes the marks off. That this fails changes nothing for the caller: the cron finds what is still marked.
async fn settle_lineage_rows(env: &Env, counted: &[LineageEvent], refused: &[LineageEvent]) {
    if counted.is_empty() && refused.is_empty() {
        return;
    }
    let (counted, refused): (Vec<_>, Vec<_>) = (counted.iter().collect(), refused.iter().collect());
    let settled = match d1::database(env) {
        Ok(database) => d1::lineage::settle(&database, &counted, &refused).await,
        Err(error) => Err(error),
    };
    if let Err(error) = settled {
        log_failure("lineage", &error.to_string());
    }
}

/// Stores rows of uses; the fate of each, by its place in the batch.
async fn store_usage(env: &Env, rows: &[(usize, UsageRow)]) -> Vec<(usize, Fate)> {
    if rows.is_empty() {
        return Vec::new();
    }
    let (indexes, rows): (Vec<usize>, Vec<&UsageRow>) = rows.iter().map(|(index, row)| (*index, row)).unzip();
    let stored = match d1::database(env) {
        Ok(database) => d1::usage::store(&database, &rows, now_ms()).await,
        Err(error) => Err(error),
    };
    let fates = match stored {
        Ok(stored) => stored.standings(rows).into_iter().map(fate_of_use).collect(),
        Err(error) => vec![Fate::of_use(storage_failure("usage", &error)); indexes.len()],
    };
    indexes.into_iter().zip(fates).collect()
}

/// Has experiment events recorded; the fate of each, by its place in the batch.
async fn record(env: &Env, consignments: Vec<Consignment>) -> Vec<(usize, Fate)> {
    let recorded = join_all(consignments.into_iter().map(|Consignment { indexes, delivery }| async move {
        let fates = match recorders::record(env, delivery).await {
            Ok(outcomes) => outcomes.into_iter().map(recording::fate_of).collect(),
            Err(error) => vec![Fate::Rejected(storage_failure("experiment_events", &error)); indexes.len()],
        };
        indexes.into_iter().zip(fates).collect::<Vec<_>>()
    }));
    recorded.await.concat()
}
