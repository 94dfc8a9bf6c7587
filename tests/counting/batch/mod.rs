//! What becomes of the events of one request.

mod consignments;
mod fates;

use std::collections::BTreeSet;

use promptmeter::counting::id_digest::digest;
use promptmeter::counting::protocol::{Increment, Outcome};
use promptmeter::counting::tally::Metric;
use promptmeter::data::policy::unknown_prompt;
use promptmeter::events::batch::{Batch, Counting};
use promptmeter::events::event::{
    Event, ExperimentEvent, ExperimentEventKind, Measurement, PromptEvent, PromptEventKind as Kind, Subject,
};
use promptmeter::events::fate::{Fate, answer, dropped_header, fate_of};
use promptmeter::events::lineage::{LineageEvent, Standing, StoredLineage};
use promptmeter::events::recording::{self, Consignment, Recording, by_experiment};
use promptmeter::http::identity::{Identity, User};
use promptmeter::http::problem::{Code, Problem};
use promptmeter::recording::protocol::{Delivery, Entry, Outcome as Recorded};
use promptmeter::traffic::attribution::Attribution;
use promptmeter::traffic::reason::Reason;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bare_event::bare_event;

const NOW_MS: i64 = 1_800_000_000_000;
const NOW: &str = "2027-01-15T08:00:00.000000+00:00";
const PROMPT: Uuid = Uuid::from_u128(1);
const OTHER_PROMPT: Uuid = Uuid::from_u128(2);
const USER: Uuid = Uuid::from_u128(3);
const NEW_ID: Uuid = Uuid::from_u128(4);

fn user() -> User {
    User { id: USER, email: Some("a@example.com".to_owned()) }
}

fn event(prompt_id: Uuid, kind: Kind) -> Event {
    Event { id: None, at_ms: None, subject: Subject::Prompt(PromptEvent { prompt_id, kind, is_steered: false }) }
}

fn view(prompt_id: Uuid) -> Event {
    event(prompt_id, Kind::View { visitor: None })
}

fn fork() -> Event {
    event(PROMPT, Kind::Fork { child_prompt_id: None })
}

fn comparison() -> Event {
    event(PROMPT, Kind::CompareAdd { comparison_id: Some("c".to_owned()) })
}

fn with_id(id: &str, event: Event) -> Event {
    Event { id: Some(id.to_owned()), ..event }
}

fn conversion() -> ExperimentEvent {
    bare_event(ExperimentEventKind::Conversion)
}

fn experiment() -> Event {
    Event { id: None, at_ms: None, subject: Subject::Experiment(conversion()) }
}

fn admit(events: Vec<Event>, identity: &Identity) -> Batch {
    Batch::admit(events.into_iter().map(Ok).collect(), identity, &Attribution::default(), NOW_MS, || NEW_ID)
}

/// Where each event of a batch stands once it is admitted: its code where it is refused.
fn codes(batch: Batch) -> Vec<Code> {
    let code = |fate| match fate {
        Fate::Rejected(problem) => problem.code,
        Fate::Accepted | Fate::Duplicate | Fate::Unrecorded | Fate::Dropped(_) => panic!("nobody settled this"),
    };
    batch.into_fates().into_iter().map(code).collect()
}

/// What is admitted of one event: to be counted, or its problem.
fn check(event: Event, identity: &Identity, expected: Result<Counting, (Code, Option<&str>)>) {
    let shown = format!("{event:?} of {identity:?}");
    let batch = admit(vec![event], identity);
    match expected {
        Ok(counting) => {
            assert_eq!(batch.counts, [counting], "{shown}");
            assert_eq!(batch.unsettled(), 1, "{shown}");
        }
        Err((code, pointer)) => {
            assert_eq!((batch.counts.len(), batch.experiment_events.len(), batch.unsettled()), (0, 0, 0), "{shown}");
            let fates = batch.into_fates();
            let [Fate::Rejected(problem)] = fates.as_slice() else { panic!("{shown}: {fates:?}") };
            assert_eq!((problem.code, problem.pointer.as_deref()), (code, pointer), "{shown}");
        }
    }
}

#[test]
fn timestamps_are_at_most_48_hours_old_and_5_minutes_ahead() {
    let early = NOW_MS - 48 * 3_600_000;
    let late = NOW_MS + 5 * 60_000;
    for (at_ms, expected) in [
        (None, Ok(NOW_MS)),
        (Some(NOW_MS - 1), Ok(NOW_MS - 1)),
        (Some(early), Ok(early)),
        (Some(early - 1), Err(Code::TimestampOutOfRange)),
        (Some(late), Ok(late)),
        (Some(late + 1), Err(Code::TimestampOutOfRange)),
        (Some(0), Err(Code::TimestampOutOfRange)),
        (Some(NOW_MS / 1000), Err(Code::TimestampOutOfRange)),
        (Some(i64::MIN), Err(Code::TimestampOutOfRange)),
        (Some(i64::MAX), Err(Code::TimestampOutOfRange)),
    ] {
        let counting = |at_ms| Counting {
            index: 0,
            prompt_id: PROMPT,
            increment: Increment::of(Metric::View, at_ms, None),
            lineage: None,
        };
        let expected_counting = expected.map(counting).map_err(|code| (code, Some("/timestamp")));
        check(Event { at_ms, ..view(PROMPT) }, &Identity::Anonymous, expected_counting);

        let subject = Subject::Experiment(conversion());
        let batch = admit(vec![Event { id: None, at_ms, subject }], &Identity::Anonymous);
        let recording = |at_ms| Recording { index: 0, id: None, at_ms, event: conversion() };
        assert_eq!(batch.experiment_events, Vec::from_iter(expected.map(recording)), "{at_ms:?}");
    }
}

#[test]
fn views_and_copies_are_anybodys_and_nobodys() {
    let visitor = || Some("v".to_owned());
    for (kind, metric) in
        [(Kind::View { visitor: visitor() }, Metric::View), (Kind::Copy { visitor: visitor() }, Metric::Copy)]
    {
        for identity in [Identity::Anonymous, Identity::User(user()), Identity::Service(None)] {
            let increment = Increment::of(metric, NOW_MS, Some(kind.digest("an id", None)));
            let expected = Counting { index: 0, prompt_id: PROMPT, increment, lineage: None };
            check(with_id("an id", event(PROMPT, kind.clone())), &identity, Ok(expected));
            let increment = Increment::of(metric, NOW_MS, None);
            check(
                event(PROMPT, kind.clone()),
                &identity,
                Ok(Counting { index: 0, prompt_id: PROMPT, increment, lineage: None }),
            );
        }
    }
}

#[test]
fn forks_and_comparisons_are_a_users_and_have_an_id() {
    let new_id = NEW_ID.to_string();
    for (event, kind, metric) in [
        (fork(), Kind::Fork { child_prompt_id: None }, Metric::Fork),
        (comparison(), Kind::CompareAdd { comparison_id: Some("c".to_owned()) }, Metric::Compare),
    ] {
        for identity in [Identity::User(user()), Identity::Service(Some(user()))] {
            for (id, event) in [("an id", with_id("an id", event.clone())), (&new_id, event.clone())] {
                let increment = Increment::of(metric, NOW_MS, Some(kind.digest(id, Some(USER))));
                let row = LineageEvent {
                    id: id.to_owned(),
                    prompt_id: PROMPT,
                    user: Some(user()),
                    kind: kind.clone(),
                    created_at: NOW.to_owned(),
                };
                assert_eq!(row.increment(), increment);
                check(event, &identity, Ok(Counting { index: 0, prompt_id: PROMPT, increment, lineage: Some(row) }));
            }
        }
        for identity in [Identity::Anonymous, Identity::Service(None)] {
            check(event.clone(), &identity, Err((Code::UserRequired, None)));
            check(with_id("an id", event.clone()), &identity, Err((Code::UserRequired, None)));
        }
    }
}

#[test]
fn a_new_id_is_made_for_each_lineage_event_without_one_and_for_no_other() {
    let mut made = 100;
    let events = vec![view(PROMPT), fork(), with_id("an id", fork()), comparison()];
    let new_id = || {
        made += 1;
        Uuid::from_u128(made)
    };
    let batch = Batch::admit(
        events.into_iter().map(Ok).collect(),
        &Identity::User(user()),
        &Attribution::default(),
        NOW_MS,
        new_id,
    );
    let ids: Vec<Option<String>> =
        batch.counts.iter().map(|counting| counting.lineage.as_ref().map(|row| row.id.clone())).collect();
    let made_id = |number| Some(Uuid::from_u128(number).to_string());
    assert_eq!(ids, [None, made_id(101), Some("an id".to_owned()), made_id(102)]);
    assert_eq!(made, 102);
}

#[test]
fn the_payload_tells_events_under_one_id_apart() {
    let other = Kind::Fork { child_prompt_id: Some(OTHER_PROMPT) };
    let kinds = [
        (Kind::View { visitor: None }, None),
        (Kind::View { visitor: Some("v".to_owned()) }, None),
        (Kind::Copy { visitor: None }, None),
        (Kind::Fork { child_prompt_id: None }, Some(USER)),
        (Kind::Fork { child_prompt_id: None }, None),
        (other, Some(USER)),
        (Kind::CompareAdd { comparison_id: None }, Some(USER)),
        (Kind::CompareAdd { comparison_id: Some("c".to_owned()) }, Some(USER)),
    ];
    let digests: Vec<_> = kinds.iter().map(|(kind, user)| kind.digest("an id", *user)).collect();
    assert_eq!(digests.iter().map(|digest| digest.key).collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(digests.iter().map(|digest| digest.payload).collect::<BTreeSet<_>>().len(), kinds.len());
}

/// The prompts of what is to be counted, and the places of their events.
fn indices(counts: &[(Uuid, Vec<Counting>)]) -> Vec<(Uuid, Vec<usize>)> {
    let places = |countings: &[Counting]| countings.iter().map(|counting| counting.index).collect();
    counts.iter().map(|(prompt_id, countings)| (*prompt_id, places(countings))).collect()
}

#[test]
fn events_are_grouped_by_prompt_in_their_order() {
    let bad = Problem::at(Code::MissingField, "/type", "The field type is missing.");
    let events = vec![
        Ok(view(OTHER_PROMPT)),
        Err(bad),
        Ok(view(PROMPT)),
        Ok(Event { id: Some("an id".to_owned()), at_ms: None, subject: Subject::Experiment(conversion()) }),
        Ok(view(OTHER_PROMPT)),
        Ok(fork()),
    ];
    let mut batch = Batch::admit(events, &Identity::Anonymous, &Attribution::default(), NOW_MS, || NEW_ID);
    assert_eq!(indices(&batch.take_counts()), [(OTHER_PROMPT, vec![0, 4]), (PROMPT, vec![2])]);
    let recording = Recording { index: 3, id: Some("an id".to_owned()), at_ms: NOW_MS, event: conversion() };
    assert_eq!(batch.experiment_events, [recording]);
    assert_eq!(batch.unsettled(), 4);
    let storage = Code::StorageUnavailable;
    assert_eq!(codes(batch), [storage, Code::MissingField, storage, storage, storage, Code::UserRequired]);
}

#[test]
fn events_of_invisible_prompts_are_rejected_and_their_neighbours_are_not() {
    let mut batch = admit(vec![view(OTHER_PROMPT), view(PROMPT), view(OTHER_PROMPT)], &Identity::Anonymous);
    batch.reject_others(|id| id == PROMPT, &unknown_prompt());
    assert_eq!(batch.counts.iter().map(|counting| counting.index).collect::<Vec<_>>(), [1]);
    assert_eq!(batch.unsettled(), 1);
    assert_eq!(codes(batch), [Code::UnknownPrompt, Code::StorageUnavailable, Code::UnknownPrompt]);

    let mut batch = admit(vec![view(PROMPT), view(PROMPT)], &Identity::Anonymous);
    batch.reject_others(|_| false, &unknown_prompt());
    assert_eq!((batch.counts.len(), batch.unsettled()), (0, 0));
    assert_eq!(codes(batch), [Code::UnknownPrompt; 2]);
}

#[test]
fn what_is_settled_is_not_counted_any_more() {
    let mut batch = admit(vec![view(PROMPT), view(PROMPT), view(OTHER_PROMPT)], &Identity::Anonymous);
    batch.settle(1, Fate::Duplicate);
    batch.settle(2, Fate::Accepted);
    batch.settle(3, Fate::Accepted);
    let counts = batch.take_counts();
    assert_eq!(indices(&counts), [(PROMPT, vec![0])]);
    assert!(batch.take_counts().is_empty());
    batch.settle_all(&counts[0].1, &Fate::Accepted);
    assert_eq!(batch.into_fates(), [Fate::Accepted, Fate::Duplicate, Fate::Accepted]);
}

#[test]
fn lineage_events_of_storage_are_a_batch_of_their_own() {
    let row = |id: &str, prompt_id| LineageEvent {
        id: id.to_owned(),
        prompt_id,
        user: None,
        kind: Kind::Fork { child_prompt_id: None },
        created_at: NOW.to_owned(),
    };
    let rows = vec![row("a", OTHER_PROMPT), row("b", PROMPT), row("c", OTHER_PROMPT)];
    let batch = Batch::of_lineage(rows.clone());
    assert_eq!(batch.unsettled(), 3);
    let expected: Vec<Counting> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| Counting {
            index,
            prompt_id: row.prompt_id,
            increment: row.increment(),
            lineage: Some(row.clone()),
        })
        .collect();
    assert_eq!(batch.counts, expected);
}

#[test]
fn lineage_events_whose_rows_could_not_be_stored_are_not_counted() {
    let mut batch = admit(vec![view(PROMPT), fork(), view(OTHER_PROMPT), comparison()], &Identity::User(user()));
    let rows: Vec<(usize, Metric)> = batch.lineage().iter().map(|(index, row)| (*index, row.kind.metric())).collect();
    assert_eq!(rows, [(1, Metric::Fork), (3, Metric::Compare)]);
    batch.reject_lineage(&Problem::storage());
    assert_eq!(batch.unsettled(), 2);
    assert_eq!(indices(&batch.take_counts()), [(PROMPT, vec![0]), (OTHER_PROMPT, vec![2])]);
}

#[test]
fn what_storage_failed_to_store_is_stored_again() {
    let events = vec![view(PROMPT), experiment(), view(OTHER_PROMPT), experiment(), fork()];
    let batch = admit(events, &Identity::User(user()));
    let failed = || Fate::Rejected(Problem::storage());
    let known = || Fate::Rejected(Problem::new(Code::UnknownPrompt, ""));
    let indices = |part: &Batch| {
        let counts = part.counts.iter().map(|counting| counting.index);
        let mut indices: Vec<usize> = counts.chain(part.experiment_events.iter().map(|event| event.index)).collect();
        indices.sort_unstable();
        indices
    };
    let part = batch.unstored(&[failed(), Fate::Accepted, known(), failed(), failed()]);
    assert_eq!(indices(&part), [0, 3, 4]);
    assert!(!part.is_empty());
    let rest = part.unstored(&[Fate::Accepted, failed(), failed(), Fate::Duplicate, known()]);
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn queued_events_without_an_id_get_one() {
    let exposed =
        |id: Option<&str>| Event { id: id.map(str::to_owned), at_ms: None, subject: Subject::Experiment(conversion()) };
    let events = vec![
        Ok(view(PROMPT)),
        Err(Problem::new(Code::InvalidType, "")),
        Ok(with_id("an id", view(PROMPT))),
        Ok(exposed(None)),
        Ok(exposed(Some("another"))),
    ];
    let mut batch = Batch::admit(events, &Identity::Anonymous, &Attribution::default(), NOW_MS, || NEW_ID);
    let known = batch.counts.last().map(|counting| counting.increment.id);
    batch.name_all(|| NEW_ID);
    let new = digest(&NEW_ID.to_string(), &[]);
    assert_eq!(
        batch.counts.iter().map(|counting| counting.increment.id).collect::<Vec<_>>(),
        [Some(new), known.unwrap()]
    );
    let ids: Vec<Option<String>> = batch.experiment_events.into_iter().map(|event| event.id).collect();
    assert_eq!(ids, [Some(NEW_ID.to_string()), Some("another".to_owned())]);
}

#[test]
fn the_experiments_of_events_that_are_refused_are_told() {
    let of = |experiment_id: &str, at_ms| {
        let event = ExperimentEvent { experiment_id: experiment_id.to_owned(), ..conversion() };
        Ok(Event { id: Some("an id".to_owned()), at_ms, subject: Subject::Experiment(event) })
    };
    let bad = Err(Problem::at(Code::MissingField, "/session_id", "The field session_id is missing."));
    let events = vec![
        of("e", Some(0)),
        of("e", None),
        bad,
        Ok(Event { at_ms: Some(0), ..view(PROMPT) }),
        of("f", Some(NOW_MS + 600_000)),
        of("e", Some(1)),
        Ok(fork()),
    ];
    let batch = Batch::admit(events, &Identity::Anonymous, &Attribution::default(), NOW_MS, || NEW_ID);
    assert_eq!(batch.refused, ["e", "f", "e"]);
    assert_eq!(batch.experiment_events.iter().map(|event| event.index).collect::<Vec<_>>(), [1]);
    // They are told once, however often the rest is stored.
    let fates = vec![Fate::Rejected(Problem::storage()); 7];
    let part = batch.unstored(&fates);
    assert!(part.refused.is_empty() && part.experiment_events.len() == 1);
    let (range, storage) = (Code::TimestampOutOfRange, Code::StorageUnavailable);
    assert_eq!(codes(batch), [range, storage, Code::MissingField, range, range, range, Code::UserRequired]);
}
