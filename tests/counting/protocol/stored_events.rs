//! Experiment events as they are stored.

use super::*;

/// A pageview without anything.
fn pageview() -> ExperimentEvent {
    bare_event(ExperimentEventKind::Pageview)
}

/// What is stored of an experiment event, and what the rollup reads of it. `change` makes it of a pageview.
fn check_row(event_id: Option<&str>, change: impl FnOnce(&mut ExperimentEvent), expected: &str) {
    let mut event = pageview();
    change(&mut event);
    let at_ms = 1_800_000_000_000;
    assert_eq!(serde_json::to_string(&NewRow { event_id, at_ms, event: &event }).unwrap(), expected);
    let ExperimentEvent { kind, session_id, variant_key, measurement, .. } = event;
    let row: EventRow = serde_json::from_str(expected).unwrap();
    assert_eq!(row, EventRow { kind, session_id, variant_key, at_ms, measurement }, "{expected}");
}

fn measure(event: &mut ExperimentEvent, metric: &str, value: Option<f64>) {
    event.kind = ExperimentEventKind::Conversion;
    event.measurement = Some(Measurement { metric: metric.into(), value });
}

#[test]
fn a_stored_event() {
    check_row(None, |_| {}, r#"[null,0,"s",null,1800000000000]"#);
    let text = |text: &str| Some(text.to_owned());
    let exposed = |event: &mut ExperimentEvent| {
        event.kind = ExperimentEventKind::Exposure;
        event.variant_key = text("é😀");
    };
    check_row(Some("id \"1\""), exposed, r#"["id \"1\"",1,"s","é😀",1800000000000]"#);
    check_row(None, |event| event.kind = ExperimentEventKind::Conversion, r#"[null,2,"s",null,1800000000000]"#);
    check_row(None, |event| measure(event, "m", None), r#"[null,2,"s",null,1800000000000,"m"]"#);
    check_row(None, |event| measure(event, "m", Some(1.0)), r#"[null,2,"s",null,1800000000000,"m",1.0]"#);
    check_row(None, |event| measure(event, "m", Some(-0.1)), r#"[null,2,"s",null,1800000000000,"m",-0.1]"#);
    check_row(None, |event| event.project_id = text("p"), r#"[null,0,"s",null,1800000000000,null,null,"p"]"#);
    check_row(None, |event| event.view_id = text("v"), r#"[null,0,"s",null,1800000000000,null,null,null,"v"]"#);
    check_row(
        None,
        |event| event.properties = text(r#"{ "a":"\u00e9" }"#),
        r#"[null,0,"s",null,1800000000000,null,null,null,null,"{ \"a\":\"\\u00e9\" }"]"#,
    );
    let all = |event: &mut ExperimentEvent| {
        measure(event, "m", Some(2.5));
        (event.variant_key, event.project_id) = (text("red"), text("p"));
        (event.view_id, event.properties) = (text("v"), text("{}"));
    };
    check_row(Some("i"), all, r#"["i",2,"s","red",1800000000000,"m",2.5,"p","v","{}"]"#);
}

#[test]
fn stored_events_that_are_read() {
    // Whole numbers, those that were moved without a measurement, and whatever may come after them.
    for (text, measured) in [
        (r#"["i",2,"s","a",7,"m",3]"#, Some(Some(3.0))),
        (r#"[null,2,"s","a",7,"m",null,null,"v"]"#, Some(None)),
        (r#"[null,2,"s","a",7,null,null,null,null,null]"#, None),
        (r#"[null,2,"s","a",7,"m",1e3,"p","v","{}",{"more":[]}]"#, Some(Some(1000.0))),
    ] {
        let row: EventRow = serde_json::from_str(text).unwrap();
        let measurement = measured.map(|value| Measurement { metric: "m".into(), value });
        assert_eq!((row.measurement, row.at_ms, row.session_id.as_str()), (measurement, 7, "s"), "{text}");
    }
    for bad in [
        "[]",
        "{}",
        r#"[null,0,"s",null]"#,
        r#"[null,3,"s",null,7]"#,
        r#"[null,-1,"s",null,7]"#,
        r#"[null,null,"s",null,7]"#,
        r#"[null,"pageview","s",null,7]"#,
        "[null,0,null,null,7]",
        r#"[null,0,"s",null,7.5]"#,
        r#"[null,0,"s",7,7]"#,
        r#"[null,2,"s",null,7,1]"#,
        r#"[null,2,"s",null,7,"m","1"]"#,
    ] {
        assert!(serde_json::from_str::<EventRow>(bad).is_err(), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn a_stored_value_is_read_to_its_last_bit(
        value in prop_oneof![-1e9..=1e9_f64, any::<f64>().prop_filter("too large", |value| value.abs() <= 1e9)],
    ) {
        let mut event = pageview();
        measure(&mut event, "m", Some(value));
        let text = serde_json::to_string(&NewRow { event_id: None, at_ms: 7, event: &event }).unwrap();
        let row: EventRow = serde_json::from_str(&text).unwrap();
        let read = row.measurement.unwrap().value.unwrap();
        prop_assert_eq!(read.to_bits(), value.to_bits(), "{} is read as {}", text, read);
    }
}
