//! What a recorder does in cases that are known.

use super::*;

/// The outcomes of one delivery.
fn check(recorder: &mut Recorder, terms: &Terms, sent: &[&Sent], expected: &[Outcome]) {
    let events = sent.iter().map(|&sent| sent.clone()).collect();
    let decision = recorder.decide(&deliveries_of(&[(events, 0)]), terms, NOW_MS);
    assert_eq!(decision.outcomes, [expected], "{sent:?} {terms:?}");
    recorder.keep(decision);
}

fn sent(id: Option<(u64, u32)>, change: impl FnOnce(&mut ExperimentEvent)) -> Sent {
    let mut event = event("s");
    change(&mut event);
    Sent { id: id.map(|(key, payload)| IdDigest { key, payload }), event_id: None, at_ms: NOW_MS, event }
}

#[test]
fn what_is_wrong_with_an_event_is_told_before_its_id_is_taken() {
    use Outcome::{Conflicting, Over, Recorded, Repeated, TooManyMetrics, UnknownVariant};
    let mut recorder = Recorder::restore(
        Vec::new(),
        Vec::new(),
        0,
        (0..99).map(|number| (NameKind::Metric, format!("m{number}"))).collect(),
    );
    let default = Terms::default();
    let declared = Terms { variants: vec!["red".to_owned()], over_ms: None };
    let over = |over_ms| Terms { over_ms: Some(over_ms), ..Terms::default() };
    let of_variant = |variant: &str, id| sent(id, |event| event.variant_key = Some(variant.to_owned()));
    let of_metric = |metric: &str, id| {
        sent(id, |event| event.measurement = Some(Measurement { metric: metric.into(), value: None }))
    };
    let (plain, other) = (sent(Some((1, 7)), |_| {}), sent(Some((1, 8)), |_| {}));
    let anonymous = sent(None, |_| {});
    check(&mut recorder, &over(NOW_MS), &[&plain], &[Over]);
    check(&mut recorder, &declared, &[&of_variant("blue", Some((1, 7)))], &[UnknownVariant]);
    check(&mut recorder, &over(NOW_MS + 1), &[&plain, &plain, &other], &[Recorded, Repeated, Conflicting]);
    check(
        &mut recorder,
        &declared,
        &[&anonymous, &anonymous, &plain, &other],
        &[Recorded, Recorded, Repeated, Conflicting],
    );
    check(&mut recorder, &declared, &[&of_variant("red", None), &of_variant("Red", None)], &[Recorded, UnknownVariant]);
    check(&mut recorder, &default, &[&of_variant("blue", None)], &[Recorded]);
    // The hundredth is the last; an event that is refused for its metric leaves its id.
    check(
        &mut recorder,
        &default,
        &[
            &of_metric("m0", Some((1, 7))),
            &of_metric("a", Some((2, 0))),
            &of_metric("b", Some((3, 0))),
            &of_metric("a", Some((3, 0))),
            &of_metric("m98", None),
            &of_metric("c", None),
        ],
        &[Repeated, Recorded, TooManyMetrics, Recorded, Recorded, TooManyMetrics],
    );
    check(&mut recorder, &default, &[&of_metric("b", None), &of_metric("a", None)], &[TooManyMetrics, Recorded]);
}

fn ids(keys: std::ops::Range<usize>) -> Vec<IdDigest> {
    keys.map(|key| IdDigest { key: u64::try_from(key).unwrap(), payload: 0 }).collect()
}

#[test]
fn a_recorder_holds_at_most_900_000_ids_and_forgets_the_oldest() {
    assert_eq!(RECORDER_IDS, 900_000);
    let step = 10_000;
    let segments = (0..90).map(|number| {
        let first = usize::try_from(number).unwrap() * step;
        Segment { number, newest_ms: NOW_MS, entries: ids(first..first + step) }
    });
    let mut recorder = Recorder::restore(segments.collect(), Vec::new(), 90, Vec::new());
    let deliver = |recorder: &Recorder, keys: std::ops::Range<usize>| {
        let of_id = |id: IdDigest| sent(Some((id.key, 0)), |_| {});
        let events = ids(keys).into_iter().map(of_id).collect();
        recorder.decide(&deliveries_of(&[(events, 0)]), &Terms::default(), NOW_MS)
    };
    let known =
        |recorder: &Recorder, key: usize| deliver(recorder, key..key + 1).outcomes.concat() == [Outcome::Repeated];
    assert!(known(&recorder, 0) && known(&recorder, RECORDER_IDS - 1) && !known(&recorder, RECORDER_IDS));
    // One more than fits takes the oldest batch with it, which leaves room for the others.
    let mut end = RECORDER_IDS;
    for added in [1, step - 1, 1] {
        recorder.keep(deliver(&recorder, end..end + added));
        end += added;
    }
    assert!(known(&recorder, end - 1) && !known(&recorder, end));
    assert!(!known(&recorder, 2 * step - 1) && known(&recorder, 2 * step));
}

/// What is read again may be more than fits: batches are read by the page.
#[test]
fn a_recorder_that_is_restored_from_too_much_leaves_out_the_oldest_batches() {
    let sizes = [3, 400_000, 7, 500_000, 1, 399_999];
    let (mut first, mut segments) = (0, Vec::new());
    for (number, size) in (0..).zip(sizes) {
        segments.push(Segment { number, newest_ms: NOW_MS, entries: ids(first..first + size) });
        first += size;
    }
    // The newest that fit together are 399,999 and 1 and 500,000.
    let recorder = Recorder::restore(segments, Vec::new(), 6, Vec::new());
    let outcome = |key: usize| {
        let events = vec![sent(Some((u64::try_from(key).unwrap(), 0)), |_| {})];
        recorder.decide(&deliveries_of(&[(events, 0)]), &Terms::default(), NOW_MS).outcomes.concat()[0]
    };
    for key in [0, 2, 3, 400_002, 400_003, 400_009] {
        assert_eq!(outcome(key), Outcome::Recorded, "{key}");
    }
    for key in [400_010, 900_009, 900_010, 900_011, first - 1] {
        assert_eq!(outcome(key), Outcome::Repeated, "{key}");
    }
}

#[test]
fn a_batch_without_an_event_is_an_empty_array() {
    let recorder = Recorder::restore(Vec::new(), Vec::new(), 4, Vec::new());
    let decision = recorder.decide(&deliveries_of(&[(Vec::new(), 3), (Vec::new(), 2)]), &Terms::default(), NOW_MS);
    let batch =
        NewBatch { number: 4, received_ms: NOW_MS, events: "[]".to_owned(), rejected: 5, ..NewBatch::default() };
    assert_eq!(decision.batches, [batch]);
    assert!(recorder.decide(&deliveries_of(&[(Vec::new(), 0)]), &Terms::default(), NOW_MS).batches.is_empty());
}

/// How many events are in each batch, of events that take so many bytes.
fn check_bytes(bytes: [usize; 2], expected: &[usize]) {
    let row = |bytes: usize| format!("[{}]", "7".repeat(bytes - 2));
    let entry = |bytes| Entry { id: None, variant_key: None, metric: None, row: row(bytes) };
    let delivery = Delivery { experiment_id: "e".to_owned(), events: bytes.map(entry).to_vec(), rejected: 0, id: None };
    let recorder = Recorder::restore(Vec::new(), Vec::new(), 0, Vec::new());
    let batches = recorder.decide(&[delivery], &Terms::default(), NOW_MS).batches;
    assert_eq!(batches.iter().map(|batch| batch.event_count).collect::<Vec<_>>(), expected, "{bytes:?}");
}

/// Two events with their brackets and their comma.
#[test]
fn a_batch_has_all_bytes_that_it_may_have() {
    check_bytes([1000, ARRAY_BYTES - 1003], &[2]);
    check_bytes([1000, ARRAY_BYTES - 1002], &[1, 1]);
    check_bytes([ARRAY_BYTES, 1000], &[1, 1]);
}

#[test]
fn events_with_long_rows_weigh_more() {
    for (rows, expected) in [(&[][..], 1), (&[0], 2), (&[300, 1023], 3), (&[1024], 3), (&[8200, 10], 11)] {
        let entry = |bytes: &usize| Entry { id: None, variant_key: None, metric: None, row: "x".repeat(*bytes) };
        let events = rows.iter().map(entry).collect();
        let delivery = Delivery { experiment_id: "e".to_owned(), events, rejected: 3, id: None };
        assert_eq!(delivery.weight(), expected, "{rows:?}");
    }
}
