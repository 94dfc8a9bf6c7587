//! Looks whether there is something to tell, and sends it ([`crate::alerts`]).

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use web_sys::{Request, RequestInit, RequestRedirect};
use worker::{D1Database, Delay, Env, Error, Fetch, Result, console_log};

use super::d1;
use super::runtime::{new_uuid, now_ms};
use super::settings::{self, Settings};
use crate::alerts::condition::{LATELY_MS, Traffic, detail};
use crate::alerts::decision::{Message, decide};
use crate::alerts::kind::Kind;
use crate::alerts::webhook;
use crate::time::SECOND_MS;

/// How long the receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends what there is to tell, if there is somebody to be told.
pub(super) async fn run(env: &Env) -> Result<()> {
    let (Some(address), Some(secret)) = settings::alert_webhook(env) else { return Ok(()) };
    let database = d1::database(env)?;
    let now_ms = now_ms();
    let state = d1::state::state(&database, Settings::of(env).storage_limit).await?;
    let traffic = Traffic::of(&d1::instance_metrics::counts(&database, now_ms - LATELY_MS).await?);
    let standings = d1::alerts::standings(&database).await?;
    let mut outcome = Ok(());
    for kind in Kind::ALL {
        let standing = standings.iter().find(|(name, _)| name == kind.name()).map(|(_, standing)| standing);
        let detail = detail(kind, &state, &traffic, now_ms);
        let new_id = format!("msg_{}", new_uuid(now_ms).simple());
        let Some(decided) = decide(kind, standing, detail.as_deref(), &new_id, now_ms) else { continue };
        let before_ms = standing.map(|standing| standing.claimed_ms);
        if d1::alerts::claim(&database, kind, before_ms, &decided).await?
            && let Some(message) = &decided.waiting
            && let Err(error) = tell(&database, message, &address, &secret, kind).await
        {
            outcome = Err(error);
        }
    }
    outcome
}

async fn tell(database: &D1Database, message: &Message, address: &str, secret: &str, kind: Kind) -> Result<()> {
    match select(pin!(post(message, address, secret)), Delay::from(PATIENCE)).await {
        Either::Left((Ok(200..=299), _)) => {}
        Either::Left((Ok(status), _)) => {
            return Err(Error::from(format!("the receiver of alerts answered {status}")));
        }
        // What the runtime says of it has the address, by which many receivers know who may tell them something.
        Either::Left((Err(_), _)) => return Err(Error::from("the receiver of alerts cannot be reached")),
        Either::Right(_) => return Err(Error::from("the receiver of alerts did not answer in time")),
    }
    // The id is of letters and digits.
    let (kind, id) = (kind.name(), &message.id);
    console_log!("{{\"level\":\"info\",\"what\":\"alert\",\"kind\":\"{kind}\",\"id\":\"{id}\"}}");
    d1::alerts::delivered(database, message, now_ms()).await
}

/// Sends a message; gives the status of the answer.
async fn post(message: &Message, address: &str, secret: &str) -> Result<u16> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_redirect(RequestRedirect::Manual);
    init.set_body(&message.body.as_str().into());
    let request = Request::new_with_str_and_init(address, &init)?;
    for (name, value) in webhook::headers(message, secret, now_ms() / SECOND_MS) {
        request.headers().set(name, &value)?;
    }
    Ok(Fetch::Request(request.into()).send().await?.status_code())
}
