//! The cron's work on experiments, step for step as `edge/rollup` and `edge/rejudging` have it.

use std::collections::HashMap;
use std::rc::Rc;

use promptmeter::experiments::rollup::{Changes, RulesInForce, Slice, judge_anew, roll};
use promptmeter::experiments::session::{Rules, Session};
use promptmeter::recording::event_row::EventRow;

use super::database::{Database, Position};
use super::rolled::definition::EXPERIMENTS;
use super::rolled::storage::number_of;
use super::world::{Defect, Failure, World};

/// Sessions that are judged in one transaction.
const SESSIONS: usize = 2;

/// Starts a run in some isolate, beside those that go on.
pub(crate) fn start(world: &World) {
    let process = world.isolates.borrow()[world.random.below(super::world::ISOLATES)].process;
    let own_world = Rc::clone(world);
    world.spawn(process, async move {
        let _ = run(&own_world).await;
    });
}

/// One run.
pub(crate) async fn run(world: &World) -> Result<(), Failure> {
    world.note("cron ran");
    let rolled_up = roll_up(world).await;
    for (experiment, _) in EXPERIMENTS {
        rejudge(world, experiment).await?;
    }
    rolled_up
}

async fn position(world: &World) -> Result<Position, Failure> {
    world.ask_database("the watermark", |_, database| Ok(database.position)).await
}

async fn roll_up(world: &World) -> Result<(), Failure> {
    let newest = |_: &World, database: &mut Database| Ok(database.batches.keys().next_back().copied().unwrap_or(0));
    let newest = world.ask_database("the newest batch", newest).await?;
    let events = world.random.one_of(&[1, 3, 100]);
    while slice(world, newest, events).await? {}
    Ok(())
}

async fn slice(world: &World, newest: i64, events: usize) -> Result<bool, Failure> {
    let from = position(world).await?;
    if from.0 >= newest {
        return Ok(false);
    }
    let read = move |_: &World, database: &mut Database| Ok(database.batches_after(from.0, events));
    let batches = world.ask_database("the next batches", read).await?;
    let Some(to) = batches.last().map(|(seq, ..)| *seq) else { return Ok(false) };
    let experiments: Vec<&'static str> = batches.iter().map(|(_, experiment, _)| *experiment).collect();
    let find = move |_: &World, database: &mut Database| Ok(database.rules_of(&experiments));
    let rules = world.ask_database("rules", find).await?;
    let mut slice = Slice::default();
    for (_, experiment, batch) in batches {
        slice.note(number_of(experiment), batch.duplicates.into(), batch.rejected.into());
        let rows: Vec<EventRow> = serde_json::from_str(&batch.events).unwrap();
        slice.take(number_of(experiment), batch.received_ms, rows);
    }
    slice.sort();
    let keys: Vec<_> = slice.by_session().map(|(key, _)| key).collect();
    let find = move |_: &World, database: &mut Database| Ok(database.sessions(&keys));
    let known: HashMap<_, _> = world.ask_database("sessions", find).await?;
    let changes = || roll(&slice, known.clone(), &rules);
    if world.has(Defect::MovesTheWatermarkFirst) {
        let moved = store(world, Changes::default(), (from, to), None).await;
        if moved.is_ok() {
            let from = position(world).await?;
            store(world, changes(), (from, to), None).await?;
        }
        return Ok(true);
    }
    settle(world, from, store(world, changes(), (from, to), None).await).await
}

/// Whether there is more to do: not where it failed, but if another run was first, what it did is done.
async fn settle(world: &World, from: Position, stored: Result<(), Failure>) -> Result<bool, Failure> {
    match stored {
        Ok(()) => {
            world.note("slice rolled up");
            Ok(true)
        }
        Err(_) if position(world).await? != from => Ok(true),
        Err(failure) => Err(failure),
    }
}

async fn store(
    world: &World,
    changes: Changes,
    (from, to): (Position, i64),
    rules: Option<(i64, RulesInForce)>,
) -> Result<(), Failure> {
    let changes = std::cell::RefCell::new(Some((changes, rules)));
    let store = move |world: &World, database: &mut Database| {
        let (changes, rules) = changes.take().ok_or("it was stored")?;
        database.store_changes(world, changes, (from, to), rules)
    };
    world.ask_database("what a slice changes", store).await
}

type Outdated = Option<(RulesInForce, Rules)>;

/// The rules of an experiment, and those that are declared, where these are others.
async fn outdated(world: &World, experiment: &'static str) -> Result<Outdated, Failure> {
    let find = move |_: &World, database: &mut Database| {
        let declared = database.declared.get(experiment).copied().unwrap_or_default();
        let in_force = database.rollup.rules.get(&number_of(experiment)).cloned();
        let is_outdated = |rules: &RulesInForce| rules.next.is_some() || rules.rules != declared;
        Ok(in_force.filter(is_outdated).map(|rules| (rules, declared)))
    };
    world.ask_database("rules that are outdated", find).await
}

async fn rejudge(world: &World, experiment: &'static str) -> Result<(), Failure> {
    let before = outdated(world, experiment).await?;
    while before.is_some() {
        let from = position(world).await?;
        let read = if world.has(Defect::JudgesByRulesReadBefore) {
            before.clone()
        } else {
            outdated(world, experiment).await?
        };
        let Some((rolled, declared)) = read else { return Ok(()) };
        match step(world, from, experiment, rolled, declared).await {
            Ok(true) if !world.has(Defect::JudgesByRulesReadBefore) => {}
            Err(failure) if position(world).await? == from => return Err(failure),
            // All are judged, or another run was first.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Judges the next sessions; whether any are left.
async fn step(
    world: &World,
    from: Position,
    experiment: &'static str,
    rolled: RulesInForce,
    declared: Rules,
) -> Result<bool, Failure> {
    let number = number_of(experiment);
    let (next, judged_to) = rolled.next.unwrap_or((declared, None));
    let read = move |_: &World, database: &mut Database| Ok(database.sessions_after(number, judged_to, SESSIONS));
    let found = world.ask_database("the next sessions", read).await?;
    let last = found.last().map(|(key, _)| key.session).filter(|_| found.len() == SESSIONS);
    let sessions: Vec<Session> = found.into_iter().map(|(_, session)| session).collect();
    let changes = judge_anew(number, &sessions, rolled.rules, next);
    let progress = match last {
        Some(last) => RulesInForce { rules: rolled.rules, next: Some((next, Some(last))) },
        None => RulesInForce { rules: next, next: None },
    };
    store(world, changes, (from, from.0), Some((number, progress))).await?;
    world.note("sessions judged anew");
    Ok(last.is_some())
}
