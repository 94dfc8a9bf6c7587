//! Lets requests in as long as this isolate has not too much in hand ([`crate::http::admission`]).

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Result, console_warn};

use super::answer::{Refusal, header_lines, respond};
use super::body::Body;
use super::metering;
use super::settings::Settings;
use crate::http::admission::{Admission, CLOSED_MS, Places};
use crate::http::cors::{self, AllowedOrigins};
use crate::http::head::Head;
use crate::http::problem::Problem;
use crate::http::route::{Found, ROUTES, Sharing};
use crate::json::json_text;
use crate::limits::UNREAD_BYTES;
use crate::metrics::meter::Meter;
use crate::rest::error::DataError;

thread_local! {
    static ADMISSION: RefCell<Option<Admission>> = const { RefCell::new(None) };
}

/// That a request is in hand, until the last copy of it is gone.
pub(super) type InHand = Rc<Taken>;

/// Places that go back by themselves; none of what is let in without.
pub(super) struct Taken(Option<Places>);

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(places) = self.0.take() else { return };
        let opens = ADMISSION.with_borrow_mut(|admission| {
            admission.as_mut().is_some_and(|admission| {
                admission.leave(places);
                admission.opens()
            })
        });
        if opens {
            note_refused(open_door());
        }
    }
}

/// Lets a request in, or does not. What costs as little as a refusal takes no place.
pub(super) fn enter(
    settings: &Settings,
    body: &Body,
    head: &Head,
    found: std::result::Result<&Found, &Problem>,
    now_ms: i64,
) -> std::result::Result<InHand, Problem> {
    let is_counted = head.method() != "OPTIONS" && found.is_ok_and(|found| !found.is_always_open());
    let Some(bound) = settings.requests_in_hand.filter(|_| is_counted) else { return Ok(Rc::new(Taken(None))) };
    let bytes = body.bytes(head);
    let (entered, closes) = ADMISSION.with_borrow_mut(|admission| {
        let admission = admission.get_or_insert_with(|| Admission::of(bound));
        (admission.enter(bytes, now_ms), admission.closes(now_ms))
    });
    if entered.is_err() {
        note_refused(1);
    }
    if closes {
        close(settings, now_ms);
    }
    entered.map(|places| Rc::new(Taken(Some(places))))
}

/// Closes the door, with what is answered there: as here, but without what differs from request to request.
fn close(settings: &Settings, now_ms: i64) {
    let problem = Problem::overloaded();
    // Where origins are listed, pages are not told more than that it failed.
    let origin = (settings.allowed_origins == AllowedOrigins::Any).then_some("");
    let mut headers = problem.headers();
    headers.extend(cors::headers(Sharing::CrossOrigin, &settings.allowed_origins, origin));
    let open: Vec<&str> = ROUTES.iter().filter(|route| route.is_always_open()).map(|route| route.path).collect();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970")]
    let until_ms = (now_ms + CLOSED_MS) as f64;
    let body = json_text(&problem);
    note_refused(close_door(
        until_ms,
        &header_lines(&headers),
        &body,
        &json_text(&DataError::from(problem)),
        &open.join("\n"),
    ));
    if let Some(refused) = ADMISSION.with_borrow_mut(|admission| admission.as_mut()?.to_tell(now_ms)) {
        console_warn!("{{\"level\":\"warning\",\"what\":\"overload\",\"refused\":{refused}}}");
    }
}

fn note_refused(requests: u32) {
    if requests > 0 {
        metering::count(Meter::RefusedRequests, requests.into());
        ADMISSION.with_borrow_mut(|admission| {
            if let Some(admission) = admission {
                admission.refused(requests.into());
            }
        });
    }
}

/// Answers a request that is not let in, with as little work as there may be.
pub(super) async fn refuse(
    problem: Problem,
    body: Body,
    head: &Head,
    (settings, sharing): (&Settings, Sharing),
    request_id: String,
) -> Result<web_sys::Response> {
    if body.bytes(head) > UNREAD_BYTES {
        body.discard().await;
    }
    let mut headers = cors::headers(sharing, &settings.allowed_origins, head.header("Origin"));
    headers.push(("X-Request-Id", request_id));
    respond(Refusal::from(problem).at(head.path()).answer()?, &headers)
}

#[wasm_bindgen(module = "/src/edge/door.js")]
extern "C" {
    #[wasm_bindgen(js_name = closeDoor)]
    fn close_door(until_ms: f64, headers: &str, problem: &str, data_error: &str, open: &str) -> u32;
    #[wasm_bindgen(js_name = openDoor)]
    fn open_door() -> u32;
}
