//! Who listens to a counter. One timer looks once a second what is due to all of them, as long as there are any: then nothing is
//! written, and no listener has a timer of its own. The database is asked now and then whether the prompt may still be seen.
//!
//! That a listener went away shows when it is sent something: it is forgotten within [`HEARTBEAT_MS`].

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use js_sys::Uint8Array;
use uuid::Uuid;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::ReadableStream;
use worker::{Delay, Response, ResponseBuilder, Result, State};

use super::counter_object::Counting;
use super::runtime::{log_failure, now_ms, random_u64};
use super::{d1, objects, settings};
use crate::data::prompt::PromptName;
use crate::live::counts::{HEARTBEAT, LiveCounts};
use crate::live::listener::{Due, HEARTBEAT_MS, LOOK_MS, Listen, Listener};

/// How many looks there are from one question whether the prompt may be seen to the next.
const LOOKS: i64 = HEARTBEAT_MS / LOOK_MS;

#[wasm_bindgen(module = "/src/edge/outlet.js")]
extern "C" {
    /// The body of an answer that goes on.
    type Outlet;

    #[wasm_bindgen(constructor)]
    fn new() -> Outlet;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Outlet) -> ReadableStream;
    #[wasm_bindgen(method, getter, js_name = isOpen)]
    fn is_open(this: &Outlet) -> bool;
    #[wasm_bindgen(method)]
    fn send(this: &Outlet, bytes: &Uint8Array) -> bool;
    #[wasm_bindgen(method)]
    fn close(this: &Outlet);
}

/// Who listens to a counter.
pub(super) struct Listeners {
    counting: Rc<Counting>,
    all: RefCell<Vec<(Listener, Outlet)>>,
    is_looking: Cell<bool>,
}

impl Listeners {
    /// Those of a counter.
    pub(super) fn of(counting: &Rc<Counting>) -> Self {
        Self { counting: Rc::clone(counting), all: RefCell::default(), is_looking: Cell::default() }
    }

    /// Takes in a listener; refuses it where there are too many.
    pub(super) fn add(self: &Rc<Self>, state: &State, listen: Listen) -> Result<Response> {
        let prompt_id = listen.prompt.id;
        let mut all = self.all.borrow_mut();
        all.retain(|(_, outlet)| outlet.is_open());
        if all.len() >= settings::live_listeners(&self.counting.env) {
            return Ok(ResponseBuilder::new().with_status(objects::REFUSED).empty());
        }
        let (listener, opening) = Listener::begin(listen, self.counts()?, now_ms(), random_u64());
        let outlet = Outlet::new();
        outlet.send(&bytes(&opening));
        let body = outlet.body();
        all.push((listener, outlet));
        if !self.is_looking.replace(true) {
            state.wait_until(look(Rc::clone(self), prompt_id));
        }
        Ok(ResponseBuilder::new().stream(body))
    }

    fn counts(&self) -> Result<LiveCounts> {
        self.counting.with(|memory| Ok(LiveCounts::of(&memory.counter.tally, memory.counter.unique_visitors())))
    }

    /// Sends what is due, where these are the counts, and are stored; whether anybody is left.
    fn tell(&self, prompt_id: Uuid, counts: &LiveCounts) -> bool {
        let now_ms = now_ms();
        let (event, heartbeat) = (bytes(&counts.event(prompt_id)), bytes(HEARTBEAT));
        let mut all = self.all.borrow_mut();
        for (listener, outlet) in all.iter_mut() {
            let Some(due) = listener.due(counts, now_ms) else { continue };
            let is_taken = match due {
                Due::Counts => outlet.send(&event),
                Due::Heartbeat => outlet.send(&heartbeat),
                Due::End => {
                    outlet.close();
                    continue;
                }
            };
            if is_taken {
                listener.note(due, counts, now_ms);
            }
        }
        all.retain(|(_, outlet)| outlet.is_open());
        !all.is_empty()
    }

    /// Ends the streams of those who might not be allowed to see the prompt any more.
    async fn end_strangers(&self, prompt_id: Uuid) -> Result<()> {
        let name = PromptName::Id(prompt_id);
        let found = d1::prompts::find(&d1::database(&self.counting.env)?, &[name]).await?;
        let prompt = found.first().map(|(_, prompt)| prompt);
        for (_, outlet) in self.all.borrow().iter().filter(|(listener, _)| !listener.still_sees(prompt)) {
            outlet.close();
        }
        Ok(())
    }
}

/// Looks what is due, until nobody listens.
async fn look(listeners: Rc<Listeners>, prompt_id: Uuid) {
    for looks in 1_i64.. {
        Delay::from(Duration::from_millis(LOOK_MS.unsigned_abs())).await;
        if looks % LOOKS == 0
            && let Err(error) = listeners.end_strangers(prompt_id).await
        {
            log_failure("live", &error.to_string());
        }
        let Ok(counts) = listeners.counts() else { continue };
        // What is told is durable. If it cannot be stored, the object ends, and all streams with it.
        let _ = listeners.counting.storage.sync().await;
        if !listeners.tell(prompt_id, &counts) {
            break;
        }
    }
    listeners.is_looking.set(false);
}

fn bytes(text: &str) -> Uint8Array {
    Uint8Array::from(text.as_bytes())
}
