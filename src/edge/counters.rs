//! The way to a prompt's counter.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use uuid::Uuid;
use worker::{Delay, Env, Error, Result};

use super::objects;
use crate::counting::protocol::{BINDING, Command, Reply};
use crate::counting::tally::Tally;
use crate::json::json_text;

/// How long is waited before a command is sent: first, again, and for the last time, in milliseconds. It carries what
/// makes sending it again safe.
const PAUSES_MS: [u64; 3] = [0, 50, 250];

/// Counters that are asked the same at the same time.
const AT_ONCE: usize = 16;

/// Asks a prompt's counter; what it replies is durable.
pub(super) async fn ask(env: &Env, prompt_id: Uuid, command: &Command) -> Result<Reply> {
    let body = serde_json::to_string(command)?;
    let mut failure = Error::from("no attempt");
    for pause_ms in PAUSES_MS {
        if pause_ms > 0 {
            Delay::from(Duration::from_millis(pause_ms)).await;
        }
        match objects::ask(env, BINDING, &prompt_id.to_string(), &body).await {
            Ok(reply) => return Ok(serde_json::from_str(&reply)?),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// The counts of a prompt.
pub(super) async fn read(env: &Env, prompt_id: Uuid) -> Result<Tally> {
    match ask(env, prompt_id, &Command::Read).await? {
        Reply::Read { tally, .. } => Ok(tally),
        other => Err(unexpected(&other)),
    }
}

/// What a prompt was counted for between each two of `bounds`, which are quarters of an hour since 1970 in ascending
/// order: the places where that is anything, in their order.
pub(super) async fn between(env: &Env, prompt_id: Uuid, bounds: Vec<i64>) -> Result<Vec<(usize, Tally)>> {
    match ask(env, prompt_id, &Command::Between { bounds }).await? {
        Reply::Between { sums } => Ok(sums),
        other => Err(unexpected(&other)),
    }
}

/// Asks several counters the same; gives the replies in the order of the prompts.
pub(super) async fn ask_each(env: &Env, prompts: &[Uuid], command: &Command) -> Vec<Result<Reply>> {
    stream::iter(prompts).map(|id| ask(env, *id, command)).buffered(AT_ONCE).collect().await
}

/// The failure of a reply that does not answer its command.
pub(super) fn unexpected(reply: &Reply) -> Error {
    Error::from(format!("the counter replied {}", json_text(reply)))
}
