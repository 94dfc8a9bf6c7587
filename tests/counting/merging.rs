//! What requests of one isolate count together: that each increment is sent once, whoever carries it, and what callers are
//! told.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::counting::merging::{self, BATCH, BatchName, CARRYING_MS, Merged, Pace, Sending, Turn, WAITING};
use promptmeter::counting::protocol::{IdDigest, Increment, Outcome, Told};
use promptmeter::counting::tally::{Metric, Tally};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use uuid::Uuid;

/// Carriers are called by name.
type Queues<Caller> = merging::Queues<Caller, usize>;

const PROMPT: Uuid = Uuid::from_u128(1);
/// Not 0, at which differences of times and their sums are the same.
const NOW_MS: i64 = 1_800_000_000_000;

fn view(key: u64) -> Increment {
    Increment::of(Metric::View, 0, Some(IdDigest { key, payload: 0 }))
}

fn views(keys: std::ops::Range<u64>) -> Vec<Increment> {
    keys.map(view).collect()
}

fn carried<Caller>(turn: Turn<Caller>) -> Sending<Caller> {
    match turn {
        Turn::Send(sending) => sending,
        Turn::Wait => panic!("it is not the batch's turn"),
        Turn::Over => panic!("the batch was sent"),
    }
}

#[test]
fn the_first_of_a_batch_carries_it() {
    let mut queues = Queues::default();
    let first = queues.add(PROMPT, "a", &views(0..1), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    assert_eq!(queues.add(PROMPT, "b", &views(1..3), Pace::AtOnce, NOW_MS), Ok(None));
    assert_eq!(queues.size(first), 3);
    let sending = carried(queues.turn(first, NOW_MS));
    assert_eq!(sending.merged.increments, views(0..3));
    assert_eq!(queues.turn(first, NOW_MS), Turn::Over);
    assert_eq!(queues.size(first), 0, "it is on its way");
}

#[test]
fn one_batch_of_a_prompt_is_on_its_way() {
    let mut queues = Queues::default();
    let first = queues.add(PROMPT, "a", &views(0..1), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    let sending = carried(queues.turn(first, NOW_MS));
    let second = queues.add(PROMPT, "b", &views(1..2), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    let other = queues.add(Uuid::from_u128(2), "c", &views(0..1), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    assert_eq!(queues.turn(second, NOW_MS), Turn::Wait);
    assert_eq!(queues.wait(second, 2), None);
    assert_eq!(carried(queues.turn(other, NOW_MS)).merged.increments, views(0..1));
    assert_eq!(queues.sent(sending.name), [2]);
    assert_eq!(carried(queues.turn(second, NOW_MS)).merged.increments, views(1..2));
    assert_eq!(queues.wait(second, 2), Some(2), "it is on its way");
}

#[test]
fn a_prompt_is_crowded_whose_callers_came_together_last_time() {
    let mut queues = Queues::default();
    let mut send = |prompt: u128, callers: usize| {
        let prompt = Uuid::from_u128(prompt);
        let mut add = || queues.add(prompt, "a", &views(0..2), Pace::AtOnce, NOW_MS).unwrap();
        let name = add().unwrap();
        (1..callers).for_each(|_| assert_eq!(add(), None));
        let sending = carried(queues.turn(name, NOW_MS));
        assert!(queues.sent(sending.name).is_empty());
        queues.done(sending.name);
        queues.is_crowded(prompt)
    };
    assert!(!send(1, 1), "increments of one caller are no crowd");
    assert!(send(1, 2));
    assert!(send(1, 3));
    assert!(!send(1, 1));
    assert!(send(1, 2));
    assert!(send(2, 2));
    assert!(!queues.is_crowded(Uuid::from_u128(3)));
    assert!(queues.is_crowded(PROMPT));
}

#[test]
fn whoever_is_in_a_hurry_carries_what_gathers() {
    let mut queues = Queues::default();
    let gathering = queues.add(PROMPT, "a", &views(0..1), Pace::Gathering, NOW_MS).unwrap().unwrap();
    assert_eq!(queues.add(PROMPT, "b", &views(1..2), Pace::Gathering, NOW_MS), Ok(None));
    let urgent = queues.add(PROMPT, "c", &views(2..3), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    assert_eq!(queues.add(PROMPT, "d", &views(3..4), Pace::AtOnce, NOW_MS), Ok(None));
    assert_eq!(carried(queues.turn(urgent, NOW_MS)).merged.increments, views(0..4));
    assert_eq!(queues.turn(gathering, NOW_MS), Turn::Over);
}

#[test]
fn a_full_batch_is_followed_by_another() {
    let mut queues = Queues::default();
    let full = u64::try_from(BATCH).unwrap();
    let first = queues.add(PROMPT, "a", &views(0..full), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    let second = queues.add(PROMPT, "b", &views(full..full + 1), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    assert_eq!(queues.turn(second, NOW_MS), Turn::Wait);
    let sending = carried(queues.turn(first, NOW_MS));
    assert_eq!(queues.turn(second, NOW_MS), Turn::Wait);
    assert!(queues.sent(sending.name).is_empty());
    assert_eq!(carried(queues.turn(second, NOW_MS)).merged.increments.len(), 1);
}

#[test]
fn too_much_is_refused_and_leaves_no_trace() {
    let mut queues = Queues::default();
    let much = views(0..u64::try_from(WAITING).unwrap());
    let name = queues.add(PROMPT, "a", &much, Pace::AtOnce, NOW_MS).unwrap().unwrap();
    assert_eq!(queues.add(PROMPT, "b", &views(0..1), Pace::AtOnce, NOW_MS), Err("b"));
    assert!(!queues.has_room(1, NOW_MS + CARRYING_MS + 1));
    let sending = carried(queues.turn(name, NOW_MS));
    assert!(!queues.has_room(1, NOW_MS + CARRYING_MS), "it is on its way");
    queues.done(sending.name);
    assert!(queues.has_room(WAITING, NOW_MS));
    assert_eq!(sending.merged.into_parts(), (much, vec!["a"]));
}

#[test]
fn what_a_carrier_took_with_it_does_not_keep_others_out() {
    let mut queues = Queues::default();
    let much = views(0..u64::try_from(WAITING).unwrap());
    let gone = queues.add(PROMPT, "a", &much, Pace::AtOnce, NOW_MS).unwrap().unwrap();
    let sending = carried(queues.turn(gone, NOW_MS));
    assert_eq!(queues.add(PROMPT, "b", &views(0..1), Pace::AtOnce, NOW_MS + CARRYING_MS), Err("b"));
    assert!(queues.add(PROMPT, "b", &views(0..1), Pace::AtOnce, NOW_MS + CARRYING_MS + 1).is_ok());
    queues.done(sending.name);
    assert!(queues.has_room(WAITING - 1, NOW_MS));
    assert!(!queues.has_room(WAITING, NOW_MS));
}

#[test]
fn what_a_carrier_left_is_carried_by_another() {
    let mut queues = Queues::default();
    let gone = queues.add(PROMPT, "a", &views(0..1), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    carried(queues.turn(gone, NOW_MS));
    // It never says that the batch was sent.
    let next = queues.add(PROMPT, "b", &views(1..2), Pace::AtOnce, NOW_MS + 10).unwrap().unwrap();
    assert_eq!(queues.turn(next, NOW_MS + CARRYING_MS), Turn::Wait);
    assert_eq!(carried(queues.turn(next, NOW_MS + CARRYING_MS + 1)).merged.increments, views(1..2));

    let mut queues = Queues::default();
    queues.add(PROMPT, "a", &views(0..u64::try_from(BATCH).unwrap()), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    // It never comes back.
    let next = queues.add(PROMPT, "b", &views(0..1), Pace::AtOnce, NOW_MS + 10).unwrap().unwrap();
    assert_eq!(queues.turn(next, NOW_MS + CARRYING_MS), Turn::Wait);
    let abandoned = carried(queues.turn(next, NOW_MS + CARRYING_MS + 1));
    assert_eq!(abandoned.merged.increments.len(), BATCH);
    assert!(queues.sent(abandoned.name).is_empty());
    assert_eq!(carried(queues.turn(next, NOW_MS + CARRYING_MS + 1)).merged.increments.len(), 1);
}

#[test]
fn who_comes_to_a_batch_whose_carrier_is_gone_carries_it() {
    let mut queues = Queues::default();
    queues.add(PROMPT, "a", &views(0..1), Pace::AtOnce, NOW_MS).unwrap().unwrap();
    assert_eq!(
        queues.add(PROMPT, "b", &views(1..2), Pace::AtOnce, NOW_MS + CARRYING_MS),
        Ok(None),
        "it may still come"
    );
    let name = queues.add(PROMPT, "c", &views(2..3), Pace::Gathering, NOW_MS + CARRYING_MS + 1).unwrap().unwrap();
    assert_eq!(
        queues.add(PROMPT, "d", &views(3..4), Pace::AtOnce, NOW_MS + 2 * CARRYING_MS),
        Ok(None),
        "there is one again"
    );
    assert_eq!(carried(queues.turn(name, NOW_MS + 2 * CARRYING_MS)).merged.increments, views(0..4));
}

#[test]
fn callers_are_told_their_own_counts() {
    use Outcome::{Conflicting, Counted, Repeated};
    let check = |lengths: &[usize], outcomes: &[Outcome], after: u64, expected: &[u64]| {
        let mut merged = Merged::default();
        for (caller, length) in lengths.iter().enumerate() {
            merged.add(caller, &vec![Increment::of(Metric::View, 0, None); *length]);
        }
        let together = Told { tally: Tally { views: after, ..Tally::default() }, outcomes: outcomes.to_vec() };
        let told = merged.told(&together);
        assert_eq!(told.iter().map(|(caller, _)| *caller).collect::<Vec<_>>(), (0..lengths.len()).collect::<Vec<_>>());
        assert_eq!(told.iter().map(|(_, told)| told.tally.views).collect::<Vec<_>>(), expected);
        assert_eq!(told.into_iter().flat_map(|(_, told)| told.outcomes).collect::<Vec<_>>(), outcomes);
    };
    check(&[1, 1, 1], &[Counted, Counted, Counted], 10, &[8, 9, 10]);
    check(&[2, 1], &[Counted, Repeated, Counted], 10, &[9, 10]);
    check(&[1, 0, 2], &[Conflicting, Repeated, Counted], 5, &[4, 4, 5]);
    check(&[1], &[Repeated], 0, &[0]);
}

/// What happens in an isolate.
#[derive(Clone, Debug)]
enum Step {
    /// A request has increments.
    Add { prompt: u128, increments: u64, is_urgent: bool },
    /// A carrier looks whether it is its turn.
    Look(usize),
    /// A counter answers.
    Answer(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_u128, 0..4_u64, any::<bool>())
            .prop_map(|(prompt, increments, is_urgent)| Step::Add { prompt, increments, is_urgent }),
        4 => (0..8_usize).prop_map(Step::Look),
        2 => (0..4_usize).prop_map(Step::Answer),
    ]
}

/// An isolate: who carries a batch, who of them waits to be called, and what is on its way.
#[derive(Default)]
struct Isolate {
    queues: Queues<usize>,
    prompts: BTreeMap<usize, Uuid>,
    carriers: BTreeMap<usize, BatchName>,
    waiting: BTreeSet<usize>,
    on_their_way: Vec<Sending<usize>>,
    sent: BTreeMap<Uuid, Vec<Increment>>,
}

fn callers_of(sending: &Sending<usize>) -> Vec<usize> {
    sending.merged.clone().into_parts().1
}

impl Isolate {
    fn is_of(&self, sending: &Sending<usize>, prompt: Uuid) -> bool {
        callers_of(sending).iter().all(|caller| self.prompts[caller] == prompt)
    }

    /// A carrier that does not wait looks whether it is its turn.
    fn look(&mut self, place: usize) {
        let ready =
            |(carrier, name): (&usize, &BatchName)| (!self.waiting.contains(carrier)).then_some((*carrier, *name));
        let Some((carrier, name)) = self.carriers.iter().filter_map(ready).nth(place) else { return };
        match self.queues.turn(name, NOW_MS) {
            Turn::Wait => {
                assert_eq!(self.queues.wait(name, carrier), None);
                self.waiting.insert(carrier);
            }
            Turn::Over => drop(self.carriers.remove(&carrier)),
            Turn::Send(sending) => {
                let prompt = self.prompts[&carrier];
                assert!(callers_of(&sending).contains(&carrier));
                assert!(!self.on_their_way.iter().any(|other| self.is_of(other, prompt)));
                self.sent.entry(prompt).or_default().extend(&sending.merged.increments);
                self.on_their_way.push(sending);
            }
        }
    }

    /// A counter answers.
    fn answer(&mut self, place: usize) {
        if place < self.on_their_way.len() {
            let sending = self.on_their_way.remove(place);
            for called in self.queues.sent(sending.name) {
                assert!(self.waiting.remove(&called));
            }
            self.queues.done(sending.name);
        }
    }
}

proptest! {
    /// Every increment is sent, once, in the order in which it came; never are two batches of a prompt on their way; nobody who
    /// carries a batch sends one that it is not in; and nobody waits to be called for ever.
    #[test]
    fn each_increment_is_sent_once(steps in vec(step(), 0..80)) {
        let mut isolate = Isolate::default();
        let mut expected: BTreeMap<Uuid, Vec<Increment>> = BTreeMap::new();
        let mut key = 0;
        for (caller, step) in steps.into_iter().enumerate() {
            match step {
                Step::Add { prompt, increments, is_urgent } => {
                    let prompt = Uuid::from_u128(prompt);
                    isolate.prompts.insert(caller, prompt);
                    let added = views(key..key + increments);
                    key += increments;
                    expected.entry(prompt).or_default().extend(&added);
                    let pace = if is_urgent { Pace::AtOnce } else { Pace::Gathering };
                    let batch = isolate.queues.add(prompt, caller, &added, pace, NOW_MS).unwrap();
                    isolate.carriers.extend(batch.map(|name| (caller, name)));
                }
                Step::Look(place) => isolate.look(place),
                Step::Answer(place) => isolate.answer(place),
            }
        }
        while isolate.carriers.len() > isolate.waiting.len() || !isolate.on_their_way.is_empty() {
            isolate.look(0);
            isolate.answer(0);
        }
        assert!(isolate.carriers.is_empty(), "nobody calls {:?}", isolate.waiting);
        expected.retain(|_, increments| !increments.is_empty());
        isolate.sent.retain(|_, increments| !increments.is_empty());
        assert_eq!(isolate.sent, expected);
        assert!(isolate.queues.has_room(WAITING, NOW_MS));
    }
}
