//! What an instance tells of itself, in the text format that Prometheus reads.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::counting::tally::Metric;
use promptmeter::events::event::ExperimentEventKind;
use promptmeter::metrics::{EventType, Meter, Readings};

/// What a reader of the format finds: each sample with its value. Fails where it is not the format.
fn samples(text: &str) -> BTreeMap<String, u64> {
    let is_name =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let (mut samples, mut families, mut family) = (BTreeMap::new(), BTreeSet::new(), "");
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(is_name(name) && help.ends_with('.') && !help.contains('\\'), "{line}");
            assert!(families.insert(name), "{name} comes once");
            family = name;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{family} counter"));
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            assert_eq!(name, family, "{line}");
            let labels = sample.strip_prefix(name).unwrap();
            let label = labels.strip_prefix("{type=\"").and_then(|rest| rest.strip_suffix("\"}"));
            assert!(labels.is_empty() || label.is_some_and(is_name), "{line}");
            assert_eq!(samples.insert(sample.to_owned(), value.parse().unwrap()), None, "{line}");
        }
    }
    samples
}

const METERS: [(Meter, &str); 18] = [
    (Meter::Event(EventType::Prompt(Metric::View)), "promptmeter_events_total{type=\"view\"}"),
    (Meter::Event(EventType::Prompt(Metric::Copy)), "promptmeter_events_total{type=\"copy\"}"),
    (Meter::Event(EventType::Prompt(Metric::Fork)), "promptmeter_events_total{type=\"fork\"}"),
    (Meter::Event(EventType::Prompt(Metric::Compare)), "promptmeter_events_total{type=\"compare_add\"}"),
    (Meter::Event(EventType::Prompt(Metric::Bot)), "promptmeter_events_total{type=\"bot\"}"),
    (Meter::Event(EventType::Prompt(Metric::Headless)), "promptmeter_events_total{type=\"headless\"}"),
    (Meter::Event(EventType::Prompt(Metric::Prefetch)), "promptmeter_events_total{type=\"prefetch\"}"),
    (Meter::Event(EventType::Usage), "promptmeter_events_total{type=\"usage\"}"),
    (Meter::Event(EventType::Experiment(ExperimentEventKind::Pageview)), "promptmeter_events_total{type=\"pageview\"}"),
    (Meter::Event(EventType::Experiment(ExperimentEventKind::Exposure)), "promptmeter_events_total{type=\"exposure\"}"),
    (
        Meter::Event(EventType::Experiment(ExperimentEventKind::Conversion)),
        "promptmeter_events_total{type=\"conversion\"}",
    ),
    (Meter::ObjectCalls, "promptmeter_object_calls_total"),
    (Meter::ObjectRowsRead, "promptmeter_object_rows_read_total"),
    (Meter::ObjectRowsWritten, "promptmeter_object_rows_written_total"),
    (Meter::Alarms, "promptmeter_alarms_total"),
    (Meter::AlarmsRung, "promptmeter_alarms_rung_total"),
    (Meter::DatabaseRowsRead, "promptmeter_d1_rows_read_total"),
    (Meter::DatabaseRowsWritten, "promptmeter_d1_rows_written_total"),
];

#[test]
fn every_meter_is_told_under_its_name_from_the_start() {
    let expected: BTreeMap<String, u64> = METERS.iter().map(|(_, name)| ((*name).to_owned(), 0)).collect();
    assert_eq!(samples(&Readings::NONE.text()), expected);
}

#[test]
fn each_meter_counts_for_itself() {
    let mut readings = Readings::default();
    for (place, (meter, _)) in (1..).zip(METERS) {
        readings.add(meter, place);
        readings.add(meter, 1000);
    }
    let expected: BTreeMap<String, u64> = (1..).zip(METERS).map(|(n, (_, name))| (name.to_owned(), n + 1000)).collect();
    assert_eq!(samples(&readings.text()), expected);
}

#[test]
fn no_number_is_too_large_and_what_is_not_metered_changes_nothing() {
    let mut readings = Readings::default();
    readings.add(Meter::Event(EventType::Prompt(Metric::Visit)), 7);
    assert_eq!(readings, Readings::NONE);
    readings.add(Meter::ObjectCalls, u64::MAX);
    readings.add(Meter::ObjectCalls, 1);
    assert_eq!(samples(&readings.text())["promptmeter_object_calls_total"], u64::MAX);
}

#[test]
fn the_text_is_written_as_the_format_has_it() {
    let mut readings = Readings::default();
    readings.add(Meter::Event(EventType::Prompt(Metric::View)), 3);
    let begin = "# HELP promptmeter_events_total Events that were accepted, by what they were counted as.\n\
        # TYPE promptmeter_events_total counter\n\
        promptmeter_events_total{type=\"view\"} 3\n\
        promptmeter_events_total{type=\"copy\"} 0\n";
    assert!(readings.text().starts_with(begin), "{}", readings.text());
    let end = "# TYPE promptmeter_d1_rows_written_total counter\npromptmeter_d1_rows_written_total 0\n";
    assert!(readings.text().ends_with(end), "{}", readings.text());
}
