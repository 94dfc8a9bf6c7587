//! The way to a Durable Object: one command as the body of a request, one reply.

use serde::Serialize;
use serde_json::json;
use web_sys::{Request, RequestInit};
use worker::{Env, Error, Response, ResponseBuilder, Result};

/// Sends a command to an object, once; gives the reply.
pub(super) async fn ask(env: &Env, binding: &str, name: &str, command: &str) -> Result<String> {
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&command.into());
    let request = Request::new_with_str_and_init("https://object/", &init)?;
    let mut response = stub.fetch_with_request(request.into()).await?;
    let text = response.text().await?;
    if response.status_code() != 200 {
        return Err(Error::from(format!("the object failed: {text}")));
    }
    Ok(text)
}

/// What an object answers with. A failure is told to whoever asked, who logs it if asking again does not help.
pub(super) fn answer<T: Serialize>(reply: Result<T>) -> Result<Response> {
    match reply {
        Ok(reply) => Response::from_json(&reply),
        Err(error) => ResponseBuilder::new().with_status(503).from_json(&json!({"error": error.to_string()})),
    }
}
