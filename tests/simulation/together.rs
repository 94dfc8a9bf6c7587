//! What an object does one after another, as `edge/together` does it.

use std::cell::RefCell;
use std::rc::Rc;

use super::channel::{Sender, channel};
use super::world::{Failure, Process, World};

/// Something that is done together.
pub(crate) trait Together: 'static {
    type Item: 'static;
    type Reply: 'static;

    fn queue(&self) -> &RefCell<Queue<Self::Item, Self::Reply>>;
    fn process(&self) -> Process;
    async fn perform(&self, world: &World, items: Vec<Self::Item>) -> Result<Vec<Self::Reply>, Failure>;
    async fn settle(&self, world: &World);
}

/// What waits, and who waits for it.
pub(crate) struct Queue<Item, Reply> {
    waiting: Vec<(Item, Sender<Result<Reply, Failure>>)>,
    is_busy: bool,
}

impl<Item, Reply> Default for Queue<Item, Reply> {
    fn default() -> Self {
        Self { waiting: Vec::new(), is_busy: false }
    }
}

/// Has something done, with what else waits; gives the reply.
pub(crate) async fn join<T: Together>(world: &World, object: &Rc<T>, item: T::Item) -> Result<T::Reply, Failure> {
    let (sender, reply) = channel(world);
    let starts = {
        let mut queue = object.queue().borrow_mut();
        queue.waiting.push((item, sender));
        !std::mem::replace(&mut queue.is_busy, true)
    };
    if starts {
        world.spawn(object.process(), work(Rc::clone(world), Rc::clone(object)));
    }
    reply.await.ok_or("what was asked for was not done")?
}

async fn work<T: Together>(world: World, object: Rc<T>) {
    loop {
        let waiting = {
            let mut queue = object.queue().borrow_mut();
            queue.is_busy = !queue.waiting.is_empty();
            std::mem::take(&mut queue.waiting)
        };
        if waiting.is_empty() {
            return;
        }
        let (items, senders): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        if items.len() > 1 {
            world.note("done together");
        }
        match object.perform(&world, items).await {
            Ok(replies) => replies.into_iter().zip(senders).for_each(|(reply, sender)| sender.send(Ok(reply))),
            Err(failure) => senders.into_iter().for_each(|sender| sender.send(Err(failure))),
        }
        object.settle(&world).await;
    }
}
