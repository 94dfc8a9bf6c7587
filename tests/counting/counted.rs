//! One delivery counted by itself.

use promptmeter::counting::counter::{Commit, Counter};
use promptmeter::counting::protocol::{Delivery, Increment, Outcome};

/// What becomes of the increments of a delivery, and what is to be stored.
pub(crate) fn count(
    counter: &Counter,
    delivery: u64,
    increments: &[Increment],
    now_ms: i64,
) -> (Vec<Outcome>, Option<Commit>) {
    let delivery = Delivery { id: delivery, increments: increments.to_vec() };
    let (mut told, commit) = counter.count([&delivery].into_iter(), now_ms);
    let told = told.pop().unwrap();
    assert_eq!(told.tally, commit.as_ref().map_or(counter.tally, |commit| commit.tally));
    (told.outcomes, commit)
}
