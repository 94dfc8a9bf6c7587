//! The way to a Durable Object: one command as the body of a request, one reply, both in postcard's format.

use js_sys::Uint8Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use web_sys::{ReadableStream, Request, RequestInit};
use worker::{Env, Error, Response, ResponseBuilder, Result};

use super::http::whole_body;
use super::metering;

/// The status with which an object refuses what it could do at another time.
pub(super) const REFUSED: u16 = 429;

/// Sends a command to an object, once; gives the reply.
pub(super) async fn ask<C: Serialize, R: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    command: &C,
) -> Result<R> {
    let bytes = postcard::to_allocvec(command).map_err(unreadable)?;
    read(&send(env, binding, name, &bytes).await?)
}

/// Sends a command whose answer goes on; `None` where the object refuses it.
pub(super) async fn open<C: Serialize>(
    env: &Env,
    binding: &str,
    name: &str,
    command: &C,
) -> Result<Option<ReadableStream>> {
    let bytes = postcard::to_allocvec(command).map_err(unreadable)?;
    let response = reach(env, binding, name, &bytes).await?;
    match response.status() {
        200 => response.body().map(Some).ok_or_else(|| Error::from("the object said nothing")),
        REFUSED => Ok(None),
        _ => Err(failure(&whole_body(response.array_buffer()).await?)),
    }
}

async fn send(env: &Env, binding: &str, name: &str, command: &[u8]) -> Result<Vec<u8>> {
    let response = reach(env, binding, name, command).await?;
    let reply = whole_body(response.array_buffer()).await?;
    if response.status() == 200 { Ok(reply) } else { Err(failure(&reply)) }
}

fn failure(reply: &[u8]) -> Error {
    Error::from(format!("the object failed: {}", String::from_utf8_lossy(reply)))
}

async fn reach(env: &Env, binding: &str, name: &str, command: &[u8]) -> Result<web_sys::Response> {
    metering::object_call();
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(command).into());
    let request = Request::new_with_str_and_init("https://object/", &init)?;
    Ok(web_sys::Response::from(stub.fetch_with_request(request.into()).await?))
}

/// The command that an object is sent.
pub(super) async fn command<C: DeserializeOwned>(request: worker::Request) -> Result<C> {
    read(&whole_body(request.inner().array_buffer()).await?)
}

/// What an object answers with. A failure is told to whoever asked, who logs it if asking again does not help.
pub(super) fn answer<T: Serialize>(reply: Result<T>) -> Result<Response> {
    match reply {
        Ok(reply) => Response::from_bytes(postcard::to_allocvec(&reply).map_err(unreadable)?),
        Err(error) => Ok(ResponseBuilder::new().with_status(503).fixed(error.to_string().into_bytes())),
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(unreadable)
}

/// Of what another build of this worker said: while a new one comes, callers are told to come again.
#[expect(clippy::needless_pass_by_value, reason = "it is what an error is mapped by")]
fn unreadable(error: postcard::Error) -> Error {
    Error::from(format!("a message between worker and object: {error}"))
}
