//! Brings changed rules of an experiment into force: judges its sessions anew, a few thousand at a time. Sessions that
//! were judged have the new rules, the others the old, whatever else is rolled up meanwhile.

use std::collections::HashMap;

use worker::{D1Database, Result};

use super::d1::{rollup as statements, rules, session_states};
use super::runtime::now_ms;
use crate::experiments::rollup::judge_anew;
use crate::experiments::session::{Rules, Session};
use crate::time::SECOND_MS;

/// Sessions that are judged in one transaction.
const SESSIONS: usize = 5000;
/// A run judges no further sessions after this time; the next run goes on. In milliseconds.
const RUN_MS: i64 = 10 * SECOND_MS;

/// Brings the declared rules of all experiments into force.
pub(super) async fn run(database: &D1Database) -> Result<()> {
    let started_ms = now_ms();
    while now_ms() - started_ms <= RUN_MS {
        let from = statements::position(database).await?;
        let Some((rolled, declared)) = rules::outdated(database).await?.into_iter().next() else { return Ok(()) };
        if let Err(error) = step(database, from, &rolled, declared).await
            && statements::position(database).await? == from
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Judges the next sessions of an experiment.
async fn step(
    database: &D1Database,
    from: statements::Position,
    rolled: &rules::Rolled,
    declared: Rules,
) -> Result<()> {
    let (next, judged_to) = rolled.rules.next.unwrap_or((declared, None));
    let found = session_states::after(database, rolled.experiment, judged_to.as_ref(), SESSIONS).await?;
    let last = found.last().map(|(key, _)| key.session);
    let is_last = found.len() < SESSIONS;
    let sessions: Vec<Session> = found.into_iter().map(|(_, session)| session).collect();
    let changes = judge_anew(rolled.experiment, &sessions, rolled.rules.rules, next);
    let progress = match last {
        Some(last) if !is_last => rules::advance(database, rolled.experiment, next, Some(&last))?,
        _ => rules::settle(database, rolled.experiment, next)?,
    };
    let ids = HashMap::from([(rolled.experiment, rolled.experiment_id.clone())]);
    statements::store(database, &changes, &ids, (from, from.seq), vec![progress]).await.map(drop)
}
