//! Fetches a key set: in bounded time, of bounded size, and from nowhere else than the address says.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use web_sys::{Request, RequestInit, RequestRedirect};
use worker::{Delay, Error, Fetch, Response, Result};

use crate::http::key_set::SET_BYTES;
use crate::http::remote_keys::TIMEOUT_MS;

/// The text that is at `url`.
pub(super) async fn download(url: &str) -> Result<String> {
    let timeout = Delay::from(Duration::from_millis(TIMEOUT_MS.unsigned_abs()));
    match select(pin!(get(url)), timeout).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(Error::from("the key set did not come in time")),
    }
}

async fn get(url: &str) -> Result<String> {
    let init = RequestInit::new();
    init.set_redirect(RequestRedirect::Manual);
    let response = Fetch::Request(Request::new_with_str_and_init(url, &init)?.into()).send().await?;
    if response.status_code() != 200 {
        return Err(Error::from(format!("the key set's address answered {}", response.status_code())));
    }
    String::from_utf8(bounded(response).await?).map_err(|_| Error::from("the key set is not UTF-8"))
}

async fn bounded(mut response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut chunks = response.stream()?;
    while let Some(chunk) = chunks.next().await.transpose()? {
        if body.len() + chunk.len() > SET_BYTES {
            return Err(Error::from(format!("the key set has more than {SET_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
