//! The way to a prompt's counter, and to its shards where it is spread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use uuid::Uuid;
use web_sys::ReadableStream;
use worker::{Delay, Env, Error, Result};

use super::runtime::random_u64;
use super::{metering, objects};
use crate::counting::protocol::{BINDING, Command, Delivery, Increment, Outcome, Reply, Told};
use crate::counting::tally::Tally;
use crate::metrics::meter::EventType;
use crate::sharding::placement::{Place, Spread};
use crate::sharding::protocol::{self as shards, object_name};

/// How long is waited before a command is sent: first, again, and for the last time, in milliseconds. It carries what
/// makes sending it again safe.
pub(super) const PAUSES_MS: &[u64] = &[0, 50, 250];
/// The same once more, of what would be lost.
pub(super) const LATER_PAUSES_MS: &[u64] = &[1000, 3000, 5000, 9000];
/// How often increments are sent elsewhere.
const TURNS: usize = 8;
/// Counters that are known to be spread.
const KNOWN: usize = 1000;

thread_local! {
    static SPREADS: RefCell<HashMap<Uuid, Spread>> = RefCell::default();
}

/// Counters that are asked at the same time.
const AT_ONCE: usize = 16;

/// Asks a prompt's counter; what it replies is durable.
pub(super) async fn ask(env: &Env, prompt_id: Uuid, command: &Command) -> Result<Reply> {
    let name = prompt_id.to_string();
    again(PAUSES_MS, || objects::ask(env, BINDING, &name, command)).await
}

/// Has increments counted; what is told is durable. If it fails it is tried again.
pub(super) async fn count(env: &Env, prompt_id: Uuid, increments: &[Increment]) -> Result<Told> {
    deliver(env, prompt_id, (random_u64(), increments), PAUSES_MS).await
}

/// The same after pauses, in milliseconds, and under the number of a delivery: what comes under it again is counted once.
pub(super) async fn deliver(
    env: &Env,
    prompt_id: Uuid,
    (delivery, increments): (u64, &[Increment]),
    pauses_ms: &[u64],
) -> Result<Told> {
    let mut told = Vec::new();
    let mut left: Vec<usize> = (0..increments.len()).collect();
    for _ in 0..TURNS {
        let here: Vec<Increment> = left.iter().filter_map(|index| increments.get(*index).copied()).collect();
        let (counted, elsewhere) = count_where(env, prompt_id, (delivery, &here), pauses_ms).await?;
        let of_all = |indexes: Vec<usize>| indexes.into_iter().filter_map(|index| left.get(index).copied()).collect();
        told.extend(counted.into_iter().map(|(indexes, told)| (of_all(indexes), told)));
        left = of_all(elsewhere);
        if left.is_empty() {
            let told = together(increments, told);
            meter(increments, &told.outcomes);
            return Ok(told);
        }
    }
    Err(Error::from("the counter spreads and folds too often"))
}

fn meter(increments: &[Increment], outcomes: &[Outcome]) {
    for (increment, _) in increments.iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Counted) {
        metering::events(EventType::Prompt(increment.metric), 1);
    }
}

/// What was told of parts of some increments, by their places among them.
type Parts = Vec<(Vec<usize>, Told)>;

/// Has increments counted where they go as far as this isolate knows; and the places of those that go elsewhere.
async fn count_where(
    env: &Env,
    prompt_id: Uuid,
    (id, increments): (u64, &[Increment]),
    pauses_ms: &[u64],
) -> Result<(Parts, Vec<usize>)> {
    let spread = SPREADS.with_borrow(|spreads| spreads.get(&prompt_id).copied());
    let Some(spread) = spread else {
        let command = Command::Count { prompt_id, delivery: Delivery { id, increments: increments.to_vec() } };
        let name = prompt_id.to_string();
        let reply = again(pauses_ms, || objects::ask(env, BINDING, &name, &command)).await?;
        let all = (0..increments.len()).collect();
        return match reply {
            Reply::Counted(told) => Ok((vec![(all, told)], Vec::new())),
            Reply::Elsewhere(spread) => {
                learn(prompt_id, spread);
                Ok((Vec::new(), all))
            }
            _ => Err(unexpected()),
        };
    };
    let replies = join_all(spread.parts(id, increments).into_iter().map(|(shard, indexes)| async move {
        let part = indexes.iter().filter_map(|index| increments.get(*index).copied()).collect();
        let place = Place { epoch: spread.epoch, shard };
        let command = shards::Command::Count { prompt_id, place, delivery: Delivery { id, increments: part } };
        let name = object_name(prompt_id, shard);
        (indexes, again(pauses_ms, || objects::ask(env, shards::BINDING, &name, &command)).await)
    }));
    let (mut counted, mut elsewhere) = (Vec::new(), Vec::new());
    for (indexes, reply) in replies.await {
        match reply? {
            shards::Reply::Counted(told) => counted.push((indexes, told)),
            shards::Reply::Elsewhere(spread) => {
                learn(prompt_id, spread);
                elsewhere.extend(indexes);
            }
            _ => return Err(unexpected()),
        }
    }
    Ok((counted, elsewhere))
}

/// What is told of all increments, from what was told of parts of them. Each shard knows the counts of all as they were
/// when its counter last pulled, and its own since then: the highest are the nearest.
fn together(increments: &[Increment], parts: Parts) -> Told {
    let mut outcomes = vec![Outcome::Counted; increments.len()];
    let (mut nearest, mut counted) = (Tally::default(), Tally::default());
    for (indexes, told) in parts {
        let mut own = Tally::default();
        for (index, outcome) in indexes.into_iter().zip(told.outcomes) {
            if let (Some(increment), Some(place)) = (increments.get(index), outcomes.get_mut(index)) {
                own.add(increment.metric, (outcome == Outcome::Counted).into());
                *place = outcome;
            }
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

/// Notes where the increments of a prompt go; to its counter, where that is not known.
fn learn(prompt_id: Uuid, spread: Option<Spread>) {
    SPREADS.with_borrow_mut(|spreads| {
        if spreads.len() >= KNOWN {
            spreads.clear();
        }
        match spread {
            Some(spread) => drop(spreads.insert(prompt_id, spread)),
            None => drop(spreads.remove(&prompt_id)),
        }
    });
}

/// Asks after pauses, in milliseconds, as long as it fails.
async fn again<T, F: Future<Output = Result<T>>>(pauses_ms: &[u64], ask: impl Fn() -> F) -> Result<T> {
    let mut failure = Error::from("no attempt");
    for pause_ms in pauses_ms {
        if *pause_ms > 0 {
            Delay::from(Duration::from_millis(*pause_ms)).await;
        }
        match ask().await {
            Ok(reply) => return Ok(reply),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// The counts of a prompt, and how many visitors it had.
pub(super) async fn read(env: &Env, prompt_id: Uuid) -> Result<(Tally, u64)> {
    match ask(env, prompt_id, &Command::Read).await? {
        Reply::Read { tally, unique_visitors } => Ok((tally, unique_visitors)),
        _ => Err(unexpected()),
    }
}

/// The stream of a prompt's counts that a command asks for; `None` where too many have one.
pub(super) async fn listen(env: &Env, prompt_id: Uuid, command: &Command) -> Result<Option<ReadableStream>> {
    let name = prompt_id.to_string();
    again(PAUSES_MS, || objects::open(env, BINDING, &name, command)).await
}

/// What a prompt was counted for between each two of `bounds`, which are quarters of an hour since 1970 in ascending
/// order: the places where that is anything, in their order.
pub(super) async fn between(env: &Env, prompt_id: Uuid, bounds: Vec<i64>) -> Result<Vec<(usize, Tally)>> {
    match ask(env, prompt_id, &Command::Between { bounds }).await? {
        Reply::Between { sums } => Ok(sums),
        _ => Err(unexpected()),
    }
}

/// Asks several counters the same; gives the replies in the order of the prompts.
pub(super) async fn ask_each(env: &Env, prompts: &[Uuid], command: &Command) -> Vec<Result<Reply>> {
    ask_all(env, prompts.iter().map(|id| (*id, command.clone())).collect()).await
}

/// Asks several counters; gives the replies in the order of the prompts.
pub(super) async fn ask_all(env: &Env, asked: Vec<(Uuid, Command)>) -> Vec<Result<Reply>> {
    let ask = |(id, command)| async move { ask(env, id, &command).await };
    stream::iter(asked).map(ask).buffered(AT_ONCE).collect().await
}

/// The failure of a reply that does not answer its command.
pub(super) fn unexpected() -> Error {
    Error::from("an object replied to another command")
}
