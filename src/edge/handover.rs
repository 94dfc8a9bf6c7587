//! A value that one request hands to another of the same isolate.
//!
//! A request may use what is its own (answers, timers, objects) only in its own context. A task that another request wakes
//! would run in that one's; a promise that another request resolves goes on where it was made. So the value is a plain one,
//! and beside it a promise tells that it is there.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::futures::JsFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Calls a function soon.
    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(function: &Function);
}

/// The end that gives.
pub(super) struct Giver<T> {
    value: Rc<RefCell<Option<T>>>,
    arrive: Option<Function>,
}

/// The end that waits.
pub(super) struct Taker<T> {
    value: Rc<RefCell<Option<T>>>,
    arrived: JsFuture,
}

/// Both ends; to be made by the request that waits.
pub(super) fn handover<T>() -> (Giver<T>, Taker<T>) {
    let mut arrive = None;
    let arrived = JsFuture::from(Promise::new(&mut |resolve, _| arrive = Some(resolve)));
    let value = Rc::new(RefCell::new(None));
    (Giver { value: Rc::clone(&value), arrive }, Taker { value, arrived })
}

impl<T> Giver<T> {
    /// Gives the value; whoever waited may be gone.
    ///
    /// The promise is resolved by the runtime and not by a call from here: compiled code of JavaScript that resolves a promise
    /// does it without asking whose it is, once it is hot enough to be optimized.
    pub(super) fn give(self, value: T) {
        self.value.replace(Some(value));
        if let Some(arrive) = self.arrive {
            queue_microtask(&arrive);
        }
    }
}

impl<T> Taker<T> {
    /// The value, once it is given.
    pub(super) async fn take(self) -> Option<T> {
        let _ = self.arrived.await;
        self.value.take()
    }
}
