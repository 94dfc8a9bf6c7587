//! Finds prompts: one D1 read per prompt, isolate and minute, however many requests ask at once. For whoever may not see a
//! prompt it is read each time, like one that does not exist: how long an answer takes must not tell of it.
//!
//! Requests of one isolate may not wait for each other's promises, and what wakes a request in another's context runs
//! it there. So a request that finds its prompt being read by another looks again on timers of its own.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use worker::{Delay, Env, Result};

use super::call::{Call, storage_failure};
use super::d1;
use super::runtime::now_ms;
use crate::data::policy::{may_see, unknown_prompt};
use crate::data::prompt::{PromptAccess, PromptName};
use crate::data::prompt_cache::PromptCache;
use crate::http::identity::Identity;
use crate::http::problem::Problem;

/// How often a request looks whether another has read its prompt.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// How long it looks before it reads for itself.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    static CACHE: RefCell<PromptCache> = RefCell::default();
    /// How often all was forgotten: what was read before is not remembered after.
    static GENERATION: Cell<u64> = const { Cell::new(0) };
    static BEING_READ: RefCell<HashSet<PromptName>> = RefCell::default();
}

/// The prompt that the path names.
pub(super) async fn visible(call: &Call) -> std::result::Result<PromptAccess, Problem> {
    let name = PromptName::parse(&call.id)?;
    let mut found = HashMap::new();
    let read = find(&call.env, &call.identity, HashSet::from([name]), &mut found).await;
    read.map_err(|error| storage_failure("prompts", &error))?;
    found.into_values().find(|prompt| may_see(&call.identity, prompt)).ok_or_else(unknown_prompt)
}

/// Adds the prompts of these names to `found`, those that exist. After a failure, those that were known are there.
pub(super) async fn find(
    env: &Env,
    identity: &Identity,
    names: HashSet<PromptName>,
    found: &mut HashMap<PromptName, PromptAccess>,
) -> Result<()> {
    let unknown = cached(identity, names, found);
    let (others, mine): (HashSet<_>, HashSet<_>) = unknown.into_iter().partition(is_being_read);
    if !mine.is_empty() {
        let reading = Reading::begin(mine);
        read(env, identity, &reading.0, found).await?;
    }
    if others.is_empty() {
        return Ok(());
    }
    let mut waited = Duration::ZERO;
    while waited < PATIENCE && others.iter().any(is_being_read) {
        Delay::from(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
    }
    // What the other request found is in the cache; what it did not find may have been made since.
    read(env, identity, &cached(identity, others, found), found).await
}

/// The prompts of these names, where all are known without asking as ones that may be seen.
pub(super) fn known(identity: &Identity, names: HashSet<PromptName>) -> Option<HashMap<PromptName, PromptAccess>> {
    let mut found = HashMap::new();
    cached(identity, names, &mut found).is_empty().then_some(found)
}

/// Forgets all prompts: what was written is seen at once in this isolate.
pub(super) fn forget() {
    GENERATION.set(GENERATION.get() + 1);
    CACHE.with_borrow_mut(|cache| *cache = PromptCache::default());
}

/// Moves what the cache knows, and the caller may see, to `found` and gives the rest.
fn cached(
    identity: &Identity,
    names: HashSet<PromptName>,
    found: &mut HashMap<PromptName, PromptAccess>,
) -> HashSet<PromptName> {
    let now_ms = now_ms();
    CACHE.with_borrow(|cache| {
        let mut unknown = HashSet::new();
        for name in names {
            match cache.get(&name, now_ms).filter(|prompt| may_see(identity, prompt)) {
                Some(prompt) => drop(found.insert(name, prompt.clone())),
                None => drop(unknown.insert(name)),
            }
        }
        unknown
    })
}

fn is_being_read(name: &PromptName) -> bool {
    BEING_READ.with_borrow(|being_read| being_read.contains(name))
}

async fn read(
    env: &Env,
    identity: &Identity,
    names: &HashSet<PromptName>,
    found: &mut HashMap<PromptName, PromptAccess>,
) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<PromptName> = names.iter().cloned().collect();
    let generation = GENERATION.get();
    let prompts = d1::prompts::find(&d1::database(env)?, &names).await?;
    let now_ms = now_ms();
    for (name, prompt) in prompts {
        if GENERATION.get() == generation && may_see(identity, &prompt) {
            CACHE.with_borrow_mut(|cache| cache.insert(name.clone(), prompt.clone(), now_ms));
        }
        found.insert(name, prompt);
    }
    Ok(())
}

/// Names that this request is reading, until it is done.
struct Reading(HashSet<PromptName>);

impl Reading {
    fn begin(names: HashSet<PromptName>) -> Self {
        BEING_READ.with_borrow_mut(|being_read| being_read.extend(names.iter().cloned()));
        Self(names)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        BEING_READ.with_borrow_mut(|being_read| being_read.retain(|name| !self.0.contains(name)));
    }
}
