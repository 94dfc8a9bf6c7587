//! Which recorders experiment events go to, and what becomes of them there.

use super::*;

/// Where events stand in their batches, with the experiments and the numbers of refused events.
fn check_consignments(recordings: &[(usize, &str)], refused: &[&str], expected: &[(&str, &[usize], u32)]) {
    let recordings = recordings.iter().map(|&(index, experiment_id)| Recording {
        index,
        id: Some(format!("id {index}")),
        at_ms: NOW_MS,
        event: ExperimentEvent { experiment_id: experiment_id.to_owned(), ..conversion() },
    });
    let refused: Vec<String> = refused.iter().map(|&experiment_id| experiment_id.to_owned()).collect();
    let consignments = by_experiment(&recordings.collect::<Vec<_>>(), &refused);
    let actual: Vec<(&str, &[usize], u32)> = consignments
        .iter()
        .map(|Consignment { indexes, delivery }| {
            let ids = delivery.events.iter().map(|entry| read(&entry.row)[0].clone());
            assert!(ids.eq(indexes.iter().map(|index| json!(format!("id {index}")))));
            (delivery.experiment_id.as_str(), indexes.as_slice(), delivery.rejected)
        })
        .collect();
    assert_eq!(actual, expected);
}

#[test]
fn experiment_events_go_to_the_recorders_of_their_experiments_in_their_order() {
    check_consignments(&[], &[], &[]);
    check_consignments(&[(3, "e")], &[], &[("e", &[3], 0)]);
    check_consignments(&[], &["f", "e", "f"], &[("f", &[], 2), ("e", &[], 1)]);
    check_consignments(
        &[(0, "f"), (2, "e"), (3, "f"), (7, ""), (8, "E"), (9, "e")],
        &["e", "g", "f", "e"],
        &[("f", &[0, 3], 1), ("e", &[2, 9], 2), ("", &[7], 0), ("E", &[8], 0), ("g", &[], 1)],
    );
}

/// What is sent of an event, and that all of it is.
fn check_entry(id: Option<&str>, change: impl FnOnce(&mut ExperimentEvent), payload: &[&str]) -> Entry {
    let mut event = conversion();
    change(&mut event);
    let id = id.map(str::to_owned);
    let recording = Recording { index: 0, id: id.clone(), at_ms: NOW_MS - 7, event: event.clone() };
    let consignments = by_experiment(&[recording], &[]);
    let [Consignment { delivery: Delivery { events, .. }, .. }] = consignments.as_slice() else {
        panic!("{consignments:?}")
    };
    let ExperimentEvent { kind, project_id, session_id, variant_key, view_id, properties, measurement, .. } = event;
    let (metric, value) = measurement.map(|Measurement { metric, value }| (metric.to_string(), value)).unzip();
    let kind = ["pageview", "exposure", "conversion"].iter().position(|name| *name == kind.name());
    let (at_ms, value) = (NOW_MS - 7, value.flatten());
    let row = json!([id, kind, session_id, variant_key, at_ms, metric, value, project_id, view_id, properties]);
    let row = row.as_array().unwrap();
    let length = row.iter().rposition(|cell| !cell.is_null()).unwrap() + 1;
    let [entry] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(read(&entry.row), row[..length]);
    assert_eq!(entry.id, id.as_deref().map(|id| digest(id, payload)));
    assert_eq!((&entry.variant_key, &entry.metric), (&variant_key, &metric));
    entry.clone()
}

/// The cells of a stored row.
fn read(row: &str) -> Vec<Value> {
    serde_json::from_str(row).unwrap()
}

#[test]
fn an_experiment_event_is_sent_whole() {
    let text = |text: &str| Some(text.to_owned());
    check_entry(None, |_| {}, &[]);
    check_entry(Some("a"), |event| event.project_id = text("p"), &["conversion", "s", ""]);
    check_entry(Some("a"), |event| event.view_id = text("v"), &["conversion", "s", ""]);
    check_entry(Some("a"), |event| event.properties = text("{ }"), &["conversion", "s", ""]);
    let all = |event: &mut ExperimentEvent| {
        event.properties = text(r#"{"metric":"m","value":1}"#);
        event.measurement = Some(Measurement { metric: "m".into(), value: Some(1.0) });
        event.variant_key = text("red");
        event.project_id = text("p");
        event.view_id = text("v");
    };
    check_entry(Some("😀"), all, &["conversion", "s", "red", "m"]);
    check_entry(None, all, &[]);
}

#[test]
fn an_experiment_events_id_belongs_to_one_event() {
    let payload = |payload, change: fn(&mut ExperimentEvent)| check_entry(Some("a"), change, payload).id.unwrap();
    let first = payload(&["conversion", "s", ""], |_| {});
    let same = payload(&["conversion", "s", ""], |event| event.view_id = Some("another view".to_owned()));
    assert_eq!(first, same);
    let measure = |event: &mut ExperimentEvent, metric: &str, value| {
        event.measurement = Some(Measurement { metric: metric.into(), value });
    };
    let measured = check_entry(Some("a"), |event| measure(event, "m", None), &["conversion", "s", "", "m"]).id.unwrap();
    let again = |event: &mut ExperimentEvent| measure(event, "m", Some(2.0));
    assert_eq!(Some(measured), check_entry(Some("a"), again, &["conversion", "s", "", "m"]).id, "another value");
    let others = [
        measured,
        check_entry(Some("a"), |event| measure(event, "n", None), &["conversion", "s", "", "n"]).id.unwrap(),
        payload(&["pageview", "s", ""], |event| event.kind = ExperimentEventKind::Pageview),
        payload(&["conversion", "another", ""], |event| event.session_id = "another".to_owned()),
        payload(&["conversion", "s", "another"], |event| event.variant_key = Some("another".to_owned())),
    ];
    for other in others {
        assert!(other.key == first.key && other.payload != first.payload, "{other:?}");
    }
    assert_eq!(others.map(|other| other.payload).into_iter().collect::<BTreeSet<_>>().len(), others.len());
}

#[test]
fn a_recorders_outcome_is_an_events_fate() {
    assert_eq!(recording::fate_of(Recorded::Recorded), Fate::Accepted);
    assert_eq!(recording::fate_of(Recorded::Repeated), Fate::Duplicate);
    for (outcome, code, pointer) in [
        (Recorded::Conflicting, Code::IdempotencyKeyReused, None),
        (Recorded::UnknownVariant, Code::UnknownVariant, Some("/variant_key")),
        (Recorded::TooManyMetrics, Code::TooManyMetrics, Some("/properties/metric")),
        (Recorded::Over, Code::ExperimentOver, None),
    ] {
        let Fate::Rejected(problem) = recording::fate_of(outcome) else { panic!("{outcome:?} is rejected") };
        assert_eq!((problem.code, problem.pointer.as_deref()), (code, pointer), "{outcome:?}");
    }
}
