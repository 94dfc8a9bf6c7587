//! The way to a Durable Object: one command, one reply, both in postcard's format.
//!
//! An object is asked by a call of its method `ask`, which costs it and whoever asks a turn less each than a request does. A request,
//! with the command as its body, is what an answer needs that goes on.

use js_sys::futures::JsFuture;
use js_sys::{Promise, Uint8Array};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStream, Request, RequestInit};
use worker::durable::Stub;
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
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(bytes.as_slice()).into());
    let request = Request::new_with_str_and_init("https://object/", &init)?;
    let answer = reach(env, binding, name)?.fetch_with_request(request.into()).await?;
    let answer = web_sys::Response::from(answer);
    match answer.status() {
        200 => answer.body().map(Some).ok_or_else(|| Error::from("the object said nothing")),
        REFUSED => Ok(None),
        _ => Err(failure(&String::from_utf8_lossy(&whole_body(answer.array_buffer()).await?))),
    }
}

#[wasm_bindgen]
extern "C" {
    /// An object, as whoever asks it has it.
    type Asked;

    #[wasm_bindgen(method, catch)]
    fn ask(this: &Asked, command: &Uint8Array) -> std::result::Result<Promise, JsValue>;
}

async fn send(env: &Env, binding: &str, name: &str, command: &[u8]) -> Result<Vec<u8>> {
    let asked: Asked = reach(env, binding, name)?.into_rpc();
    let told = JsFuture::from(asked.ask(&Uint8Array::from(command))?).await?;
    match told.dyn_ref::<Uint8Array>() {
        Some(reply) => Ok(reply.to_vec()),
        None => Err(failure(&told.as_string().unwrap_or_default())),
    }
}

fn failure(told: &str) -> Error {
    Error::from(format!("the object failed: {told}"))
}

fn reach(env: &Env, binding: &str, name: &str) -> Result<Stub> {
    metering::object_call();
    env.durable_object(binding)?.get_by_name(name)
}

/// What an object tells whoever asks it: the reply to a command, or as a text why there is none.
pub(super) async fn told<C: DeserializeOwned, R: Serialize>(
    command: &[u8],
    obey: impl AsyncFnOnce(C) -> Result<R>,
) -> JsValue {
    let reply = async { postcard::to_allocvec(&obey(read(command)?).await?).map_err(unreadable) };
    match reply.await {
        Ok(reply) => Uint8Array::from(reply.as_slice()).into(),
        Err(error) => JsValue::from_str(&error.to_string()),
    }
}

/// The command that an object is sent by a request.
pub(super) async fn command<C: DeserializeOwned>(request: worker::Request) -> Result<C> {
    read(&whole_body(request.inner().array_buffer()).await?)
}

/// The answer to a request for a reply.
pub(super) fn answer<R: Serialize>(reply: &R) -> Result<Response> {
    Response::from_bytes(postcard::to_allocvec(reply).map_err(unreadable)?)
}

/// What a request is answered when that failed. It is told to whoever sent it, who logs it if sending it again does not help.
pub(super) fn failed(error: &Error) -> Response {
    ResponseBuilder::new().with_status(503).fixed(error.to_string().into_bytes())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(unreadable)
}

/// Of what another build of this worker said: while a new one comes, callers are told to come again.
#[expect(clippy::needless_pass_by_value, reason = "it is what an error is mapped by")]
fn unreadable(error: postcard::Error) -> Error {
    Error::from(format!("a message between worker and object: {error}"))
}
