//! The memory that one slice of a rollup takes, measured by the allocator.

#![cfg(test)]

use std::collections::HashMap;

use peak_alloc::PeakAlloc;
use promptmeter::events::event::{ExperimentEvent, ExperimentEventKind, Measurement};
use promptmeter::experiments::rollup::{Slice, roll};
use promptmeter::experiments::session::{Occurrence, Session};
use promptmeter::experiments::session_state::{pack, unpack};
use promptmeter::limits::{SESSION_MEASUREMENTS, SESSION_METRICS};
use promptmeter::recording::event_row::{EventRow, NewRow};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const SLICE_EVENTS: usize = 10_000;
const BATCH_EVENTS: usize = 500;
const START_MS: i64 = 1_800_000_000_000;

/// A batch as it is stored: events of sessions with two events each, with ids and properties of the usual length.
fn batch(number: usize) -> String {
    let rows = (0..BATCH_EVENTS).map(|place| {
        let event = number * BATCH_EVENTS + place;
        let kind =
            if event.is_multiple_of(2) { ExperimentEventKind::Exposure } else { ExperimentEventKind::Conversion };
        let event_id = format!("00000000-0000-4000-8000-{event:012}");
        let event = ExperimentEvent {
            experiment_id: "e".to_owned(),
            kind,
            project_id: Some("project".to_owned()),
            session_id: format!("00000000-0000-4000-9000-{:012}", event / 2),
            variant_key: Some("treatment".to_owned()),
            view_id: Some("00000000-0000-4000-a000-000000000000".to_owned()),
            properties: Some(r#"{"path":"/prompts/linux-terminal","referrer":"https://prompts.example/"}"#.repeat(2)),
            measurement: None,
        };
        serde_json::to_string(&NewRow { event_id: Some(&event_id), at_ms: START_MS, event: &event }).unwrap()
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

fn slice_of(batches: &[String]) -> Slice {
    let mut slice = Slice::default();
    for batch in batches {
        slice.take(1, START_MS, serde_json::from_str::<Vec<EventRow>>(batch).unwrap());
    }
    slice.sort();
    slice
}

/// In one test, for the allocator measures all that goes on.
#[test]
fn a_slice_stays_below_20_megabytes() {
    check_usual_sessions();
    check_sessions_that_are_full();
}

fn check_usual_sessions() {
    let batches: Vec<String> = (0..SLICE_EVENTS / BATCH_EVENTS).map(batch).collect();
    // Half of the sessions are known from before.
    let before = roll(&slice_of(&batches[..batches.len() / 2]), HashMap::new(), &HashMap::new());
    let known: Vec<_> =
        before.sessions.into_iter().map(|(key, session)| (key, pack(&session), session.first_exposure)).collect();
    let held = MEMORY.current_usage();
    MEMORY.reset_peak_usage();

    let slice = slice_of(&batches);
    let stored = known
        .iter()
        .map(|(key, packed, first_exposure)| (*key, unpack(packed, first_exposure.clone(), false).unwrap()));
    let changes = roll(&slice, stored.collect(), &HashMap::new());
    let packed: Vec<Vec<u8>> = changes.sessions.iter().map(|(_, session)| pack(session)).collect();
    assert_eq!((changes.sessions.len(), packed.len()), (SLICE_EVENTS / 2, SLICE_EVENTS / 2));

    let peak = MEMORY.peak_usage() - held;
    let texts: usize = batches.iter().map(String::len).sum();
    eprintln!("{peak} bytes beside {texts} bytes of batches");
    assert!(peak + texts < 20_000_000, "{peak} bytes beside {texts} bytes of batches");
}

/// A batch whose events are each of another session, which has measured as much as it may under the longest names.
fn check_sessions_that_are_full() {
    let mut session = Session { first_exposure: Some((START_MS, "red".to_owned())), ..Session::default() };
    let names: Vec<String> =
        ('a'..).take(SESSION_METRICS).map(|letter| format!("{letter}{}", "😀".repeat(63))).collect();
    for number in 0..SESSION_MEASUREMENTS {
        let metric = names[number % names.len()].as_str().into();
        session.observe(&Occurrence {
            kind: ExperimentEventKind::Conversion,
            at_ms: START_MS,
            variant_key: None,
            measurement: Some(Measurement { metric, value: Some(1.5) }),
        });
    }
    assert_eq!((session.measurements.len(), session.unmeasured), (SESSION_MEASUREMENTS, 0));
    let packed = pack(&session);
    let mut slice = Slice::default();
    let row = |number: usize| EventRow {
        kind: ExperimentEventKind::Pageview,
        session_id: number.to_string(),
        variant_key: None,
        at_ms: START_MS,
        measurement: None,
    };
    slice.take(1, START_MS, (0..BATCH_EVENTS).map(row).collect());
    slice.sort();
    let held = MEMORY.current_usage();
    MEMORY.reset_peak_usage();

    let keys: Vec<_> = slice.by_session().map(|(key, _)| key).collect();
    let stored = keys.iter().map(|key| (*key, unpack(&packed, session.first_exposure.clone(), false).unwrap()));
    let changes = roll(&slice, stored.collect(), &HashMap::new());
    assert_eq!(changes.sessions.len(), BATCH_EVENTS);

    let peak = MEMORY.peak_usage() - held;
    eprintln!("{peak} bytes of {BATCH_EVENTS} sessions that are full");
    assert!(peak < 20_000_000, "{peak} bytes of {BATCH_EVENTS} sessions that are full");
}
