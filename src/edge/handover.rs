//! A value that one request hands to another of the same isolate.
//!
//! A request may use what is its own (answers, timers, objects) only in its own context. A task that another request wakes
//! would run in that one's; a promise that another request resolves goes on where it was made. So the value is a plain one,
//! and beside it a promise tells that it is there.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::{Function, Undefined};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;

/// What is called when it is there.
type Arrive = Function<fn(JsValue) -> Undefined>;

#[wasm_bindgen(module = "/src/edge/handover.js")]
extern "C" {
    #[wasm_bindgen(js_name = callHere)]
    fn call_here(arrived: &Closure<dyn Fn(u32)>, number: u32) -> Arrive;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(arrive: &Arrive, milliseconds: u32);
}

thread_local! {
    static ARRIVALS: RefCell<HashMap<u32, Rc<Arrival>>> = RefCell::default();
    static NEXT_NUMBER: Cell<u32> = const { Cell::new(0) };
    /// One for all: to make one for each costs more than the rest of a handover.
    static ARRIVED: Closure<dyn Fn(u32)> = Closure::new(arrived);
}

/// Whether it is there, and who is to be woken then.
#[derive(Default)]
struct Arrival {
    is_there: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

/// Is over when it is there.
struct Awaited {
    number: u32,
    arrival: Rc<Arrival>,
}

fn arrived(number: u32) {
    let arrival = ARRIVALS.with_borrow_mut(|arrivals| arrivals.remove(&number));
    if let Some(arrival) = arrival {
        arrival.is_there.set(true);
        if let Some(waker) = arrival.waiting.take() {
            waker.wake();
        }
    }
}

/// What is to be called, and what to be waited for by whoever calls this.
fn await_arrival() -> (Arrive, Awaited) {
    let number = NEXT_NUMBER.get();
    NEXT_NUMBER.set(number.wrapping_add(1));
    let arrival = Rc::new(Arrival::default());
    ARRIVALS.with_borrow_mut(|arrivals| arrivals.insert(number, Rc::clone(&arrival)));
    (ARRIVED.with(|arrived| call_here(arrived, number)), Awaited { number, arrival })
}

impl Future for Awaited {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.arrival.is_there.get() {
            return Poll::Ready(());
        }
        self.arrival.waiting.set(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        ARRIVALS.with_borrow_mut(|arrivals| arrivals.remove(&self.number));
    }
}

/// The end that gives.
pub(super) struct Giver<T> {
    value: Rc<RefCell<Option<T>>>,
    arrive: Arrive,
}

/// The end that waits.
pub(super) struct Taker<T> {
    value: Rc<RefCell<Option<T>>>,
    awaited: Awaited,
}

/// Both ends; to be made by the request that waits.
pub(super) fn handover<T>() -> (Giver<T>, Taker<T>) {
    let (arrive, awaited) = await_arrival();
    let value = Rc::new(RefCell::new(None));
    (Giver { value: Rc::clone(&value), arrive }, Taker { value, awaited })
}

impl<T> Giver<T> {
    /// Gives the value; whoever waited may be gone.
    pub(super) fn give(self, value: T) {
        self.value.replace(Some(value));
        // It cannot fail: the function is the engine's.
        let _ = self.arrive.call1(&JsValue::UNDEFINED, &JsValue::UNDEFINED);
    }
}

impl<T> Taker<T> {
    /// The value, once it is given.
    pub(super) async fn take(self) -> Option<T> {
        self.awaited.await;
        self.value.take()
    }
}

/// So many ends that give, and one that waits for all of them; to be made by the request that waits.
pub(super) fn handovers<T>(count: usize) -> (Vec<PartGiver<T>>, WholeTaker<T>) {
    let (giver, completion) = handover();
    let arrive = giver.arrive.clone();
    let values = (0..count).map(|_| None).collect();
    let pending = Rc::new(RefCell::new(Pending { values, missing: count, giver: Some(giver) }));
    let givers = (0..count).map(|place| PartGiver { pending: Rc::clone(&pending), place }).collect();
    (givers, WholeTaker { pending, completion, arrive })
}

/// What several give.
struct Pending<T> {
    values: Vec<Option<T>>,
    missing: usize,
    giver: Option<Giver<()>>,
}

/// One of several ends that give.
pub(super) struct PartGiver<T> {
    pending: Rc<RefCell<Pending<T>>>,
    place: usize,
}

/// The end that waits for several.
pub(super) struct WholeTaker<T> {
    pending: Rc<RefCell<Pending<T>>>,
    completion: Taker<()>,
    arrive: Arrive,
}

impl<T> PartGiver<T> {
    /// Gives the value; whoever waited may be gone.
    pub(super) fn give(self, value: T) {
        let complete = {
            let mut pending = self.pending.borrow_mut();
            if let Some(place) = pending.values.get_mut(self.place) {
                *place = Some(value);
            }
            pending.missing -= 1;
            if pending.missing == 0 { pending.giver.take() } else { None }
        };
        if let Some(giver) = complete {
            giver.give(());
        }
    }
}

impl<T> WholeTaker<T> {
    /// The values, once all are given, or those that are after so many milliseconds. The timer is not stopped, which would cost more
    /// than to leave it: it ends with the request. An object is kept awake by one, and is not to wait so.
    pub(super) async fn take(self, patience_ms: u32) -> Vec<Option<T>> {
        if self.pending.borrow().missing > 0 {
            set_timeout(&self.arrive, patience_ms);
            self.completion.take().await;
        }
        std::mem::take(&mut self.pending.borrow_mut().values)
    }
}
