//! The way to a prompt's counter.

use std::time::Duration;

use uuid::Uuid;
use worker::{Delay, Env, Error, Method, Request, RequestInit, Result};

use crate::counting::protocol::{BINDING, Command, Reply};
use crate::counting::tally::Tally;

/// How long is waited before a command is sent: first, again, and for the last time, in milliseconds. It carries what
/// makes sending it again safe.
const PAUSES_MS: [u64; 3] = [0, 50, 250];

/// Asks a prompt's counter; what it replies is durable.
pub(super) async fn ask(env: &Env, prompt_id: Uuid, command: &Command) -> Result<Reply> {
    let body = serde_json::to_string(command)?;
    let mut failure = Error::from("no attempt");
    for pause_ms in PAUSES_MS {
        if pause_ms > 0 {
            Delay::from(Duration::from_millis(pause_ms)).await;
        }
        match attempt(env, prompt_id, &body).await {
            Ok(reply) => return Ok(reply),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// The counts of a prompt.
pub(super) async fn read(env: &Env, prompt_id: Uuid) -> Result<Tally> {
    match ask(env, prompt_id, &Command::Read).await? {
        Reply::Read { tally } => Ok(tally),
        other => Err(unexpected(&other)),
    }
}

/// The failure of a reply that does not answer its command.
pub(super) fn unexpected(reply: &Reply) -> Error {
    Error::from(format!("the counter replied {reply:?}"))
}

async fn attempt(env: &Env, prompt_id: Uuid, body: &str) -> Result<Reply> {
    let stub = env.durable_object(BINDING)?.get_by_name(&prompt_id.to_string())?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(body.into()));
    let mut response = stub.fetch_with_request(Request::new_with_init("https://counter/", &init)?).await?;
    let text = response.text().await?;
    if response.status_code() != 200 {
        return Err(Error::from(format!("the counter failed: {text}")));
    }
    Ok(serde_json::from_str(&text)?)
}
