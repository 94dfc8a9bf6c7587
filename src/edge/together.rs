//! What an object does one after another: what comes while it does something waits, and is done together.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot::{self, Sender};
use worker::{Env, Error, Result, State};

use super::kept_readings;

/// What waits at the most: more is refused, and may come again.
const WAITING: usize = 10_000;

/// Something that is done together.
pub(super) trait Together: 'static {
    /// What is asked for.
    type Item;
    /// What is replied.
    type Reply: Clone;

    /// The bindings.
    fn env(&self) -> &Env;
    /// What waits.
    fn queue(&self) -> &RefCell<Queue<Self::Item, Self::Reply>>;
    /// Does all of it: one reply for each.
    async fn perform(&self, items: Vec<Self::Item>) -> Result<Vec<Self::Reply>>;
    /// Waits until what comes next may be done, once the replies are given.
    async fn settle(&self);
}

/// What waits, and who waits for it.
pub(super) struct Queue<Item, Reply> {
    waiting: Vec<(Item, Sender<std::result::Result<Reply, String>>)>,
    is_busy: bool,
}

impl<Item, Reply> Default for Queue<Item, Reply> {
    fn default() -> Self {
        Self { waiting: Vec::new(), is_busy: false }
    }
}

/// Has something done, with what else waits; gives the reply.
pub(super) async fn join<T: Together>(object: &Rc<T>, state: &State, item: T::Item) -> Result<T::Reply> {
    let (sender, reply) = oneshot::channel();
    let starts = {
        let mut queue = object.queue().borrow_mut();
        if queue.waiting.len() >= WAITING {
            return Err(Error::from("too much waits"));
        }
        queue.waiting.push((item, sender));
        !std::mem::replace(&mut queue.is_busy, true)
    };
    if starts {
        // It goes on should whoever asked first go away.
        state.wait_until(work(Rc::clone(object)));
    }
    reply.await.map_err(|_| Error::from("what was asked for was not done"))?.map_err(Error::from)
}

async fn work<T: Together>(object: Rc<T>) {
    loop {
        let waiting = {
            let mut queue = object.queue().borrow_mut();
            queue.is_busy = !queue.waiting.is_empty();
            std::mem::take(&mut queue.waiting)
        };
        if waiting.is_empty() {
            return kept_readings::keep_if_busy(object.env()).await;
        }
        let (items, senders): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        let replies = match object.perform(items).await {
            Ok(replies) => replies.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error.to_string()); senders.len()],
        };
        for (sender, reply) in senders.into_iter().zip(replies) {
            // Whoever asked may be gone.
            let _ = sender.send(reply);
        }
        object.settle().await;
    }
}
