//! Work that is begun on the spot, and goes on as a task if there is something to wait for.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Work that was begun.
pub(super) enum Begun<T, F> {
    /// It waited for nothing.
    Done(T),
    /// It goes on when this is awaited.
    Waiting(F),
}

/// Wakes the task that the work became. What the work waits for may keep the waker that it saw first (`worker::Delay` does), so it
/// sees this one always.
#[derive(Default)]
struct Relay(AtomicWaker);

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

/// Begins work.
pub(super) fn begin<T>(work: impl Future<Output = T>) -> Begun<T, impl Future<Output = T>> {
    let relay = Arc::new(Relay::default());
    let waker = Waker::from(Arc::clone(&relay));
    let mut work = Box::pin(work);
    match poll(&mut work, &waker) {
        Poll::Ready(done) => Begun::Done(done),
        Poll::Pending => Begun::Waiting(poll_fn(move |context| {
            relay.0.register(context.waker());
            poll(&mut work, &waker)
        })),
    }
}

fn poll<T>(work: &mut Pin<Box<impl Future<Output = T>>>, waker: &Waker) -> Poll<T> {
    work.as_mut().poll(&mut Context::from_waker(waker))
}
