//! What tasks wait for: a value that another one gives, or several things.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use super::world::World;

struct Slot<T> {
    value: RefCell<Option<T>>,
    is_closed: Cell<bool>,
    waiter: Cell<Option<usize>>,
    world: World,
}

impl<T> Slot<T> {
    fn close(&self) {
        self.is_closed.set(true);
        if let Some(task) = self.waiter.take() {
            self.world.wake(task);
        }
    }
}

/// Gives a value, once; whoever waits is told also when it is dropped.
pub(crate) struct Sender<T>(Rc<Slot<T>>);

/// Waits for it; `None` where it was dropped.
pub(crate) struct Receiver<T>(Rc<Slot<T>>);

pub(crate) fn channel<T>(world: &World) -> (Sender<T>, Receiver<T>) {
    let (value, is_closed, waiter) = (RefCell::new(None), Cell::new(false), Cell::new(None));
    let slot = Rc::new(Slot { value, is_closed, waiter, world: Rc::clone(world) });
    (Sender(Rc::clone(&slot)), Receiver(slot))
}

impl<T> Sender<T> {
    pub(crate) fn send(self, value: T) {
        self.0.value.replace(Some(value));
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        if self.0.is_closed.get() {
            return Poll::Ready(self.0.value.take());
        }
        self.0.waiter.set(Some(self.0.world.current()));
        Poll::Pending
    }
}

/// All of them, at the same time.
pub(crate) async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        let mut is_over = true;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => is_over = false,
                }
            }
        }
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

/// What comes within so many milliseconds.
pub(crate) async fn within<T>(world: &World, pause_ms: i64, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut pause) = (pin!(future), pin!(world.delay(pause_ms)));
    poll_fn(|context| match (future.as_mut().poll(context), pause.as_mut().poll(context)) {
        (Poll::Ready(value), _) => Poll::Ready(Some(value)),
        (_, Poll::Ready(())) => Poll::Ready(None),
        _ => Poll::Pending,
    })
    .await
}
