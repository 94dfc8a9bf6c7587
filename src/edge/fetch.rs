//! The door for requests: which route, who is asking, one response.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::futures::future_to_promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env, Result, console_log, worker_sys};

use super::admission::{self, InHand};
use super::answer::{Answer, Refusal, respond};
use super::beginning::{Begun, begin};
use super::body::Body;
use super::call::Call;
use super::metering::Account;
use super::runtime::{now_ms, random_u64};
use super::settings::Settings;
use super::{first_sight, handlers, identity, kept_readings, metering};
use crate::data::policy::require_service;
use crate::http::cors;
use crate::http::head::Head;
use crate::http::problem::{Code, Problem};
use crate::http::request_log::{line, request_id};
use crate::http::route::{self, Access, Found, Sharing};
use crate::limits::HEADER_BLOCK_BYTES;
use crate::metrics::meter::Meter;

/// Answers a request, whose body `entry.js` has read if it is short: at once where nothing has to be waited for, else by a promise.
///
/// # Errors
/// Of the runtime, if it refuses to make the response.
#[wasm_bindgen(js_name = fetch)]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub fn answer_request(
    request: web_sys::Request,
    head: String,
    body: Option<Vec<u8>>,
    env: Env,
    context: worker_sys::Context,
) -> std::result::Result<JsValue, JsValue> {
    let head = Head::of(head);
    let body = Body::of(request, &head, body);
    match begin(response(head, body, env, Rc::new(Context::new(context)))) {
        Begun::Done(response) => Ok(response?.into()),
        Begun::Waiting(response) => Ok(future_to_promise(async move { Ok(response.await?.into()) }).into()),
    }
}

async fn response(head: Head, body: Body, env: Env, context: Rc<Context>) -> Result<web_sys::Response> {
    let began_ms = now_ms();
    let settings = Settings::of(&env);
    let request_id = request_id(head.header("CF-Ray"), numbered());
    let found = route::find(head.path());
    let name = route::name_of(found.as_ref().ok(), head.method());
    let in_hand = match admission::enter(&settings, &body, &head, found.as_ref(), began_ms) {
        Ok(in_hand) => in_hand,
        Err(problem) => {
            // These are many when there is least time for them: they are metered together, without a line of each.
            let sharing = found.as_ref().map_or(Sharing::CrossOrigin, Found::sharing);
            return admission::refuse(problem, body, &head, (&settings, sharing), request_id).await;
        }
    };
    let account = Account::default();
    let doors = (env.clone(), Rc::clone(&context), in_hand);
    let outcome = metering::on_account(Some(Rc::clone(&account)), outcome(head, body, doors, &settings, found)).await;
    let (outcome, mut headers) = outcome;
    headers.push(("X-Request-Id", request_id.clone()));
    let answer = outcome.or_else(Refusal::answer)?;
    let (status, now_ms) = (answer.status(), now_ms());
    let response = respond(answer, &headers)?;
    metering::request(name, status, now_ms - began_ms);
    if settings.logged.has(status) {
        console_log!("{}", line(name, status, now_ms - began_ms, account.get(), &request_id));
    }
    kept_readings::keep_soon(&env, &context, now_ms);
    Ok(response)
}

/// A random number of the isolate, and how many requests it has had.
fn numbered() -> (u32, u32) {
    thread_local! {
        static ISOLATE: Cell<Option<u32>> = const { Cell::new(None) };
        static REQUESTS: Cell<u32> = const { Cell::new(0) };
    }
    let isolate = ISOLATE.get().unwrap_or_else(|| (random_u64() >> 32) as u32);
    ISOLATE.set(Some(isolate));
    REQUESTS.set(REQUESTS.get().wrapping_add(1));
    (isolate, REQUESTS.get())
}

/// What a request is answered, and the headers that go with it.
async fn outcome(
    head: Head,
    body: Body,
    doors: (Env, Rc<Context>, InHand),
    settings: &Settings,
    found: std::result::Result<Found, Problem>,
) -> (std::result::Result<Answer, Refusal>, Vec<(&'static str, String)>) {
    let (origin, path) = (head.header("Origin").map(str::to_owned), head.path().to_owned());
    let sharing = found.as_ref().map_or(Sharing::CrossOrigin, Found::sharing);
    let mut headers = cors::headers(sharing, &settings.allowed_origins, origin.as_deref());
    let unread = body.unread();
    let answered = match found {
        Ok(found) if head.method() == "OPTIONS" => {
            headers.extend(cors::preflight_headers(&found));
            return (Ok(Answer::empty(204)), headers);
        }
        Ok(found) => answer(head, body, doors, settings, found).await,
        Err(problem) => Err(problem.into()),
    };
    if answered.is_err() {
        // A body that nobody has read has to be out of the way.
        unread.discard().await;
    }
    (answered.map_err(|refusal| refusal.at(&path)), headers)
}

async fn answer(
    head: Head,
    body: Body,
    (env, context, in_hand): (Env, Rc<Context>, InHand),
    settings: &Settings,
    found: Found,
) -> std::result::Result<Answer, Refusal> {
    check_header_block(&head)?;
    let now_ms = now_ms();
    let route = found.with_method(head.method())?;
    let identity = identity::of(&head, &env, &context, &settings.keys, now_ms).await.inspect_err(note_failure)?;
    if route.access == Access::Service {
        require_service(&identity)?;
    }
    if let Some(user) = identity.user() {
        first_sight::note(&env, &context, user, now_ms);
    }
    let call = Call { body, head, env, context, identity, id: found.id, now_ms, in_hand };
    handlers::answer(route.endpoint, call).await
}

fn check_header_block(head: &Head) -> std::result::Result<(), Problem> {
    if head.header_bytes() <= HEADER_BLOCK_BYTES {
        return Ok(());
    }
    Err(Problem::new(Code::TooLarge, format!("The headers of a request have at most {HEADER_BLOCK_BYTES} bytes.")))
}

/// Counts credentials that are not valid.
fn note_failure(problem: &Problem) {
    if problem.code == Code::InvalidCredential {
        metering::count(Meter::FailedAuthentications, 1);
    }
}
