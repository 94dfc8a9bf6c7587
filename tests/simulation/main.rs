//! Clients, isolates, counters, shards, recorders, the database and cron, with everything that can happen to them: messages that are
//! lost, repeated, late and out of order, processes that end anywhere, clients that send again. A seed decides what happens, so what
//! failed can be looked at:
//!
//! ```sh
//! SEED=123 cargo test --locked --test simulation one_seed -- --nocapture
//! ```
//!
//! `SEEDS` says how many seeds are tried.

#![cfg(test)]
#![expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "numbers are small")]

mod channel;
mod client;
mod counter;
mod cron;
mod database;
mod defect;
mod isolate;
mod oracle;
mod random;
mod recorder;
#[path = "../rolled/mod.rs"]
mod rolled;
mod shard;
mod storage;
mod together;
mod world;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, Once};

use promptmeter::time::{MINUTE_MS, SECOND_MS};

use world::{Defect, OUTSIDE, Sim, World};

type Happened = BTreeMap<&'static str, u64>;

/// Everything that has to happen among enough seeds.
const HAPPENS: [&str; 58] = [
    "alarm rung",
    "alarm set",
    "another run rolled up",
    "answer lost",
    "asked again",
    "batch stored again",
    "batch stored",
    "batch was stored already",
    "burst of load",
    "carrier waited",
    "client sent again what was not stored",
    "client waited in vain",
    "client was cut off",
    "counter counted",
    "counter crashed",
    "counter evicted",
    "counter folded",
    "counter spread",
    "counter told where its shards are",
    "counter was quiet",
    "counts read",
    "cron ran beside",
    "cron ran",
    "day opened beside an earlier one",
    "disk flushed",
    "done together",
    "event acknowledged",
    "event twice in a request",
    "ids handed over in parts",
    "ids told in parts",
    "increments merged",
    "isolate stopped",
    "rankings told later",
    "rankings told",
    "recorder restored",
    "recorder stopped",
    "request cancelled",
    "request given up, and arrives later",
    "request lost",
    "request queued",
    "request repeated",
    "rows imported",
    "rules declared",
    "segment of ids filled",
    "segment of ids looked into",
    "sent elsewhere by a shard",
    "sessions judged anew",
    "shard asked for the counts",
    "shard counted",
    "shard crashed",
    "shard evicted",
    "shard not admitted",
    "shard pulled",
    "slice rolled up",
    "snapshot as new as the one that is stored",
    "snapshot stored",
    "time jumped",
    "write failed",
];

fn finish(world: &World, what: &str, task: impl Future<Output = ()> + 'static) {
    let is_done = Rc::new(Cell::new(false));
    let done = Rc::clone(&is_done);
    world.spawn(OUTSIDE, async move {
        task.await;
        done.set(true);
    });
    assert!(world.run(|_| is_done.get()), "{what} does not end");
}

/// Lives one seed through, and checks everything.
fn live(world: &World) {
    for _ in 0..=world.random.below(4) {
        client::start(world);
    }
    let ticking = Rc::clone(world);
    world.spawn(OUTSIDE, async move {
        loop {
            ticking.delay(ticking.random.one_of(&[5 * MINUTE_MS, 100 * SECOND_MS])).await;
            cron::start(&ticking);
            // It may run twice at once.
            if ticking.random.once_in(4) {
                cron::start(&ticking);
            }
        }
    });
    let steps = Cell::new(100 + world.random.below(1500));
    world.run(|world| {
        steps.set(steps.get().saturating_sub(1));
        steps.get() == 0 || world.oracle.borrow().clients == 0
    });
    if world.random.once_in(2) {
        world.oracle.borrow().check_rollup(world);
    }
    world.tell(|| "nothing fails any more".to_owned());
    world.fault_every.set(0);
    world.writes_to_fail.set(0);
    assert!(world.run(|world| world.oracle.borrow().clients == 0), "clients do not get through");
    let settled_ms = world.now_ms.get() + 2 * MINUTE_MS;
    assert!(world.run(|world| world.now_ms.get() >= settled_ms && world.is_still()), "it does not come to rest");
    world.oracle.borrow().check(world);
    for _ in 0..2 {
        let running = Rc::clone(world);
        finish(world, "the cron", async move { cron::run(&running).await.unwrap() });
    }
    world.oracle.borrow().check_rolled_up(world);
    let version = world.database.borrow().position;
    let running = Rc::clone(world);
    finish(world, "the cron", async move { cron::run(&running).await.unwrap() });
    assert_eq!(world.database.borrow().position, version, "the cron wrote though nothing was new");
    let sending = Rc::clone(world);
    finish(world, "sending again", async move { client::send_all_again(&sending).await });
}

thread_local! {
    static IS_LIVING: Cell<bool> = const { Cell::new(false) };
}

/// What goes wrong in a run is told once, by whoever tries it: mistakes are to go wrong.
fn tell_panics_elsewhere_alone() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_LIVING.get() {
                tell(panic);
            }
        }));
    });
}

/// What happened; or what is wrong.
fn try_seed(seed: u64, defect: Option<Defect>, is_told: bool) -> Result<Happened, String> {
    tell_panics_elsewhere_alone();
    IS_LIVING.set(!is_told);
    let world = Sim::new(seed, defect, is_told);
    let lived = catch_unwind(AssertUnwindSafe(|| live(&world)));
    IS_LIVING.set(false);
    let happened = world.happened.borrow().clone();
    world.end();
    match lived {
        Ok(()) => Ok(happened),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Err(text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default())
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[test]
fn everything_is_counted_once_whatever_happens() {
    let seeds = number("SEEDS").unwrap_or(5000);
    let (next, failed, all) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Happened::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    match try_seed(seed, None, false) {
                        Ok(happened) => {
                            let mut all = all.lock().unwrap();
                            for (what, times) in happened {
                                *all.entry(what).or_default() += times;
                            }
                        }
                        Err(failure) => {
                            failed.store(true, Ordering::Relaxed);
                            eprintln!("seed {seed}: {failure}");
                            eprintln!("SEED={seed} cargo test --locked --test simulation one_seed -- --nocapture");
                        }
                    }
                }
            });
        }
    });
    assert!(!failed.load(Ordering::Relaxed), "a seed failed");
    let all = all.into_inner().unwrap();
    for (what, times) in &all {
        println!("{times:>10}  {what}");
    }
    for what in HAPPENS {
        assert!(all.contains_key(what), "in {seeds} seeds it never happened: {what}");
    }
}

/// Tells a seed step by step; `SEED` says which.
#[test]
fn one_seed() {
    let seed = number("SEED");
    let told = try_seed(seed.unwrap_or_default(), None, seed.is_some());
    assert!(told.is_ok(), "seed {}: {told:?}", seed.unwrap_or_default());
}

fn check_caught(defect: Defect, seeds: u64) {
    let caught = (0..seeds).find_map(|seed| Some((seed, try_seed(seed, Some(defect), false).err()?)));
    let (seed, failure) = caught.unwrap_or_else(|| panic!("{defect:?} is not noticed in {seeds} seeds"));
    println!("{defect:?} is noticed with seed {seed}: {failure}");
}

#[test]
fn mistakes_are_noticed() {
    use Defect::{
        AnswersBeforeItIsStored, FoldsWithoutIds, HandsNoIdsOver, JudgesByRulesReadBefore, KeepsBeforeItIsStored,
        KeepsTheRestFromRankings, MovesTheWatermarkFirst, NamesEachAttemptAnew, NamesEachDeliveryAnew,
        NamesEachWriterAnew, NotesWhatIsPulledLater, OverwritesNewerSnapshots, RecallsNoIds, RestoresNoDeliveries,
        RestoresNoIdsOfBatches, RollsUpFromAnywhere, StoresBatchesUnderTakenNumbers, StoresNoIds,
        WakesWithoutTheCounts,
    };
    let all = [
        AnswersBeforeItIsStored,
        FoldsWithoutIds,
        HandsNoIdsOver,
        JudgesByRulesReadBefore,
        KeepsBeforeItIsStored,
        KeepsTheRestFromRankings,
        MovesTheWatermarkFirst,
        NamesEachAttemptAnew,
        NamesEachDeliveryAnew,
        NamesEachWriterAnew,
        NotesWhatIsPulledLater,
        OverwritesNewerSnapshots,
        RecallsNoIds,
        RestoresNoDeliveries,
        RestoresNoIdsOfBatches,
        RollsUpFromAnywhere,
        StoresBatchesUnderTakenNumbers,
        StoresNoIds,
        WakesWithoutTheCounts,
    ];
    for defect in all {
        check_caught(defect, 100_000);
    }
}
