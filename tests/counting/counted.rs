//! One delivery counted by itself.

use promptmeter::counting::counter::{Commit, Counter};
use promptmeter::counting::protocol::{Delivery, Increment, Outcome};

use crate::stored_ids::StoredIds;

/// What becomes of the increments of a delivery, and what is to be stored, where all ids are whole in memory.
pub(crate) fn count(
    counter: &Counter,
    delivery: u64,
    increments: &[Increment],
    now_ms: i64,
) -> (Vec<Outcome>, Option<Commit>) {
    count_beside(&StoredIds::default(), counter, delivery, increments, now_ms)
}

/// The same of a counter with these stored ids.
pub(crate) fn count_beside(
    ids: &StoredIds,
    counter: &Counter,
    delivery: u64,
    increments: &[Increment],
    now_ms: i64,
) -> (Vec<Outcome>, Option<Commit>) {
    let delivery = Delivery { id: delivery, increments: increments.to_vec() };
    let recalled = ids.recall(&counter.ledger, delivery.keys());
    let (mut told, commit) = counter.count([&delivery].into_iter(), &recalled, now_ms);
    let told = told.pop().unwrap();
    assert_eq!(told.tally, commit.as_ref().map_or(counter.tally, |commit| commit.tally));
    (told.outcomes, commit)
}
