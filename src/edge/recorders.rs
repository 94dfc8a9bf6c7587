//! The way to an experiment's recorder.

use std::time::Duration;

use worker::{Delay, Env, Result};

use super::runtime::random_u64;
use super::{counters, objects};
use crate::recording::protocol::{BINDING, Command, Delivery, Outcome, Reply};

/// How long is waited before a delivery whose events all have ids is sent again, in milliseconds.
const PAUSES_MS: [u64; 2] = [50, 250];

/// Has events recorded: one outcome for each, in their order, all durable. A delivery that failed is sent again if the
/// ids of its events make that safe; what of it is no event is counted once, by the delivery's own id.
pub(super) async fn record(env: &Env, delivery: Delivery) -> Result<Vec<Outcome>> {
    let is_safe = delivery.events.iter().all(|entry| entry.id.is_some());
    let pauses_ms: &[u64] = if is_safe { &PAUSES_MS } else { &[] };
    let experiment_id = delivery.experiment_id.clone();
    let expected = delivery.events.len();
    let command = Command::RecordOnce(random_u64(), delivery);
    let mut reply = objects::ask(env, BINDING, &experiment_id, &command).await;
    for pause_ms in pauses_ms {
        if reply.is_ok() {
            break;
        }
        Delay::from(Duration::from_millis(*pause_ms)).await;
        reply = objects::ask(env, BINDING, &experiment_id, &command).await;
    }
    match reply? {
        Reply::Recorded(outcomes) if outcomes.len() == expected => Ok(outcomes),
        _ => Err(counters::unexpected()),
    }
}

/// Has the recorder forget what it knows of the experiment's declaration.
pub(super) async fn forget_declaration(env: &Env, experiment_id: &str) -> Result<()> {
    match objects::ask(env, BINDING, experiment_id, &Command::Redeclared).await? {
        Reply::Noted => Ok(()),
        Reply::Recorded(_) => Err(counters::unexpected()),
    }
}
