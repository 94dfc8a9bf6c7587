//! Brings changed rules of an experiment into force: judges its sessions anew, a few thousand at a time. Sessions that
//! were judged have the new rules, the others the old, whatever else is rolled up meanwhile.

use std::collections::HashMap;

use worker::{D1Database, Result};

use super::d1::rollup::{self as statements, Position};
use super::d1::rules::{self, Rolled};
use super::d1::session_states;
use super::runtime::now_ms;
use crate::experiments::rollup::judge_anew;
use crate::experiments::session::{Rules, Session};
use crate::time::SECOND_MS;

/// Sessions that are judged in one transaction.
const SESSIONS: usize = 1000;
/// A run judges no further sessions after this time; the next run goes on. In milliseconds.
const RUN_MS: i64 = 10 * SECOND_MS;

/// Brings the declared rules of all experiments into force. One that fails does not keep the others from theirs.
pub(super) async fn run(database: &D1Database) -> Result<()> {
    let started_ms = now_ms();
    let mut outcome = Ok(());
    for (rolled, _) in rules::outdated(database).await? {
        match rejudge(database, rolled.experiment, started_ms).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => outcome = Err(error),
        }
    }
    outcome
}

/// Judges the sessions of an experiment, until all are judged or the time is up; tells whether all are.
async fn rejudge(database: &D1Database, experiment: i64, started_ms: i64) -> Result<bool> {
    while now_ms() - started_ms <= RUN_MS {
        let from = statements::position(database).await?;
        // Read behind the position: if another run brings rules into force in between, what was read before is not so any
        // more, and nothing would tell.
        let mut outdated = rules::outdated(database).await?.into_iter();
        let Some((rolled, declared)) = outdated.find(|(rolled, _)| rolled.experiment == experiment) else {
            return Ok(true);
        };
        match step(database, from, &rolled, declared).await {
            Ok(true) => {}
            Err(error) if statements::position(database).await? == from => return Err(error),
            // All are judged, or another run was first: what it did the next one knows.
            Ok(false) | Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

/// Judges the next sessions of an experiment; tells whether any are left.
async fn step(database: &D1Database, from: Position, rolled: &Rolled, declared: Rules) -> Result<bool> {
    let (next, judged_to) = rolled.rules.next.unwrap_or((declared, None));
    let found = session_states::after(database, rolled.experiment, judged_to.as_ref(), SESSIONS).await?;
    let last = found.last().map(|(key, _)| key.session).filter(|_| found.len() == SESSIONS);
    let sessions: Vec<Session> = found.into_iter().map(|(_, session)| session).collect();
    let changes = judge_anew(rolled.experiment, &sessions, rolled.rules.rules, next);
    let progress = match last {
        Some(last) => rules::advance(database, rolled.experiment, next, &last)?,
        None => rules::settle(database, rolled.experiment, next)?,
    };
    let ids = HashMap::from([(rolled.experiment, rolled.experiment_id.clone())]);
    statements::store(database, &changes, &ids, (from, from.seq), vec![progress]).await?;
    Ok(last.is_some())
}
