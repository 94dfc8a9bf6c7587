//! What an instance tells of itself, in the text format that Prometheus reads.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::counting::tally::Metric;
use promptmeter::events::event::ExperimentEventKind;
use promptmeter::health::state::State;
use promptmeter::http::route::RouteName;
use promptmeter::json::json_object;
use promptmeter::metrics::exposition::{Told, text};
use promptmeter::metrics::life::{FOLDED_MS, LIFE_MS, LOST_MS, Lives, Writing};
use promptmeter::metrics::meter::{EventType, Meter};
use promptmeter::metrics::readings::{Count, Readings};

/// What is appended to a family's name in samples of its kind.
fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" | "gauge" => &[""],
        "histogram" => &["_bucket", "_sum", "_count"],
        other => panic!("{other} is no kind"),
    }
}

/// What a reader of the format finds: each sample with its value. Fails where it is not the format.
fn samples(text: &str) -> BTreeMap<String, String> {
    let is_name =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let (mut samples, mut families, mut family, mut kind) = (BTreeMap::new(), BTreeSet::new(), "", "");
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(is_name(name) && help.ends_with('.') && !help.contains('\\'), "{line}");
            assert!(families.insert(name), "{name} comes once");
            family = name;
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            kind = typed.strip_prefix(family).unwrap().trim();
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) =
                sample.split_once('{').map_or((sample, None), |(name, rest)| (name, rest.strip_suffix('}')));
            assert!(suffixes(kind).contains(&name.strip_prefix(family).unwrap()), "{line}");
            for label in labels.into_iter().flat_map(|labels| labels.split(',')) {
                let (label, value) = label.split_once('=').unwrap();
                assert!(is_name(label) && value.len() > 2 && value.starts_with('"') && value.ends_with('"'), "{line}");
            }
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert_eq!(samples.insert(sample.to_owned(), value.to_owned()), None, "{line}");
        }
    }
    samples
}

/// The text of what one isolate counted.
fn text_of(readings: &Readings) -> String {
    text(&Told { total: &readings.counts(), ..Told::default() })
}

/// The samples of the meters.
fn meters(readings: &Readings) -> BTreeMap<String, u64> {
    samples(&text_of(readings)).into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect()
}

const METERS: [(Meter, &str); 20] = [
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
    (Meter::FailedAuthentications, "promptmeter_failed_authentications_total"),
    (Meter::RefusedRequests, "promptmeter_refused_requests_total"),
];

#[test]
fn every_meter_is_told_under_its_name_from_the_start() {
    let expected: BTreeMap<String, u64> = METERS.iter().map(|(_, name)| ((*name).to_owned(), 0)).collect();
    assert_eq!(meters(&Readings::NONE), expected);
}

#[test]
fn each_meter_counts_for_itself() {
    let mut readings = Readings::default();
    for (place, (meter, _)) in (1..).zip(METERS) {
        readings.add(meter, place);
        readings.add(meter, 1000);
    }
    let expected: BTreeMap<String, u64> = (1..).zip(METERS).map(|(n, (_, name))| (name.to_owned(), n + 1000)).collect();
    assert_eq!(meters(&readings), expected);
}

#[test]
fn no_number_is_too_large_and_what_is_not_metered_changes_nothing() {
    let mut readings = Readings::default();
    readings.add(Meter::Event(EventType::Prompt(Metric::Visit)), 7);
    assert_eq!(readings.counts(), Vec::<Count>::new());
    readings.add(Meter::ObjectCalls, u64::MAX);
    readings.add(Meter::ObjectCalls, 1);
    assert_eq!(meters(&readings)["promptmeter_object_calls_total"], u64::MAX);
}

#[test]
fn the_text_is_written_as_the_format_has_it() {
    let mut readings = Readings::default();
    readings.add(Meter::Event(EventType::Prompt(Metric::View)), 3);
    let begin = "# HELP promptmeter_events_total Events that were accepted, by what they were counted as.\n\
        # TYPE promptmeter_events_total counter\n\
        promptmeter_events_total{type=\"view\"} 3\n\
        promptmeter_events_total{type=\"copy\"} 0\n";
    assert!(text_of(&readings).starts_with(begin), "{}", text_of(&readings));
    let end = "# TYPE promptmeter_failed_authentications_total counter\npromptmeter_failed_authentications_total 0\n";
    assert!(text_of(&readings).contains(end), "{}", text_of(&readings));
}

const VIEW: RouteName = RouteName { method: "POST", path: "/v1/prompts/{id}/view" };
const HEALTH: RouteName = RouteName { method: "GET", path: "/healthz" };

/// Samples of a family, with what stands for its name left out.
fn family<'a>(samples: &'a BTreeMap<String, String>, name: &str) -> Vec<(&'a str, &'a str)> {
    let of = |(sample, value): (&'a String, &'a String)| Some((sample.strip_prefix(name)?, value.as_str()));
    samples.iter().filter_map(of).collect()
}

#[test]
fn requests_are_told_by_route_and_status() {
    let mut readings = Readings::default();
    for status in [200, 200, 503, 500, 404] {
        readings.request(VIEW, status, 1);
    }
    readings.request(HEALTH, 200, 1);
    let samples = samples(&text_of(&readings));
    let view = r#"{method="POST",route="/v1/prompts/{id}/view"#;
    let expected = [
        (r#"{method="GET",route="/healthz",status="200"}"#.to_owned(), "1"),
        (format!(r#"{view}",status="200"}}"#), "2"),
        (format!(r#"{view}",status="404"}}"#), "1"),
        (format!(r#"{view}",status="500"}}"#), "1"),
        (format!(r#"{view}",status="503"}}"#), "1"),
    ];
    let expected: Vec<(&str, &str)> = expected.iter().map(|(sample, value)| (sample.as_str(), *value)).collect();
    assert_eq!(family(&samples, "promptmeter_requests_total"), expected);
    let errors = [(r#"{method="GET",route="/healthz"}"#.to_owned(), "0"), (format!(r#"{view}"}}"#), "2")];
    let errors: Vec<(&str, &str)> = errors.iter().map(|(sample, value)| (sample.as_str(), *value)).collect();
    assert_eq!(family(&samples, "promptmeter_request_errors_total"), errors);
}

#[test]
fn durations_are_a_histogram_and_quantiles_that_are_five_per_cent_off_at_most() {
    let mut readings = Readings::default();
    let mut durations: Vec<u64> = (0..2000).map(|n: u64| n * n * 7 % 9973).collect();
    for duration in &durations {
        readings.request(VIEW, 200, *duration);
    }
    let counts = readings.counts();
    let samples = samples(&text(&Told { total: &counts, lately: &counts, state: None }));
    let labels = r#"method="POST",route="/v1/prompts/{id}/view""#;
    // Counts, and seconds, which have three decimals, in milliseconds.
    let value = |name: &str, more: &str| -> u64 {
        samples[&format!("promptmeter_request_duration_{name}{{{labels}{more}}}")].replace('.', "").parse().unwrap()
    };
    for (bound, ms) in [
        ("0.002", 2),
        ("0.010", 10),
        ("0.100", 100),
        ("0.250", 250),
        ("1.000", 1000),
        ("5.000", 5000),
        ("+Inf", u64::MAX),
    ] {
        let below = durations.iter().filter(|duration| **duration < ms).count();
        assert_eq!(value("seconds_bucket", &format!(",le=\"{bound}\"")), below as u64, "{bound}");
    }
    assert_eq!(value("seconds_count", ""), 2000);
    assert_eq!(value("seconds_sum", ""), durations.iter().sum::<u64>());
    durations.sort_unstable();
    for (quantile, rank) in [("0.5", 1000), ("0.95", 1900), ("0.99", 1980)] {
        let (told, is) = (value("quantile_seconds", &format!(",quantile=\"{quantile}\"")), durations[rank - 1]);
        assert!(told.abs_diff(is) * 20 <= is, "{quantile}: {told} for {is}");
    }
}

#[test]
fn slow_statements_are_told_by_name_and_a_hundred_names_at_the_most() {
    let mut readings = Readings::default();
    readings.slow_statement("select prompts", 1500, 1_700_000_000_000);
    readings.slow_statement("select prompts", 1200, 1_700_000_001_500);
    for n in 0..200 {
        readings.slow_statement(&format!("select table_{n}"), 1000 + n, 5);
    }
    let samples = samples(&text_of(&readings));
    let of = |family: &str, name: &str| samples[&format!("promptmeter_slow_{family}{{statement=\"{name}\"}}")].clone();
    assert_eq!(of("queries_total", "select prompts"), "2");
    assert_eq!(of("query_max_seconds", "select prompts"), "1.500");
    assert_eq!(of("query_last_timestamp_seconds", "select prompts"), "1700000001.500");
    assert_eq!(
        (of("queries_total", "others"), of("query_max_seconds", "others")),
        ("101".to_owned(), "1.199".to_owned())
    );
    assert_eq!(family(&samples, "promptmeter_slow_queries_total").len(), 101);
}

#[test]
fn the_database_is_told_with_its_share_of_the_limit() {
    let state = State {
        waiting_since_ms: Some(1000),
        storage_bytes: 8_012_345_678,
        storage_limit: 10_000_000_000,
        ..State::default()
    };
    let samples = samples(&text(&Told { state: Some((state, 91_500)), ..Told::default() }));
    let of = |name: &str| samples[name].as_str();
    assert_eq!(of("promptmeter_rollup_lag_seconds"), "90.500");
    assert_eq!(of("promptmeter_storage_bytes"), "8012345678");
    assert_eq!(of("promptmeter_storage_limit_bytes"), "10000000000");
    assert_eq!(of("promptmeter_storage_ratio"), "0.801");
}

#[test]
fn lives_hold_each_count_once() {
    let mut readings = Readings::default();
    let mut kept: BTreeMap<u64, Vec<Count>> = BTreeMap::new();
    let mut lives = Lives::default();
    for n in 0..100_i64 {
        readings.add(Meter::ObjectCalls, 3);
        readings.request(VIEW, if n % 7 == 0 { 503 } else { 200 }, n.unsigned_abs() * 11);
        let now_ms = n * LIFE_MS / 4;
        let counted = readings.counts();
        let new_id = n.unsigned_abs();
        let writing = lives.write(&counted, new_id, now_ms);
        kept.insert(writing.life, writing.counts.clone());
        lives.written(&writing, counted, new_id, now_ms);
    }
    assert_eq!(kept.len(), 25);
    for counts in kept.values() {
        let object: BTreeMap<String, u64> = serde_json::from_str(&json_object(counts)).unwrap();
        assert_eq!(&object.into_iter().collect::<Vec<_>>(), counts);
    }
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (name, count) in kept.into_values().flatten() {
        *sums.entry(name).or_default() += count;
    }
    assert_eq!(sums.into_iter().collect::<Vec<_>>(), readings.counts());
    // What is folded is not written any more.
    const { assert!(LOST_MS > LIFE_MS && FOLDED_MS > LOST_MS) }
}

/// Writings of the isolate that end in any order, each stored over those of a lower version.
#[derive(Default)]
struct Rows(BTreeMap<u64, (u32, u64)>);

impl Rows {
    fn store(&mut self, writing: &Writing) {
        let calls = writing.counts.iter().map(|(_, count)| *count).sum();
        let row = self.0.entry(writing.life).or_default();
        *row = (*row).max((writing.version, calls));
    }

    fn sum(&self) -> u64 {
        self.0.values().map(|(_, calls)| calls).sum()
    }
}

#[test]
fn writings_that_overlap_at_the_end_of_a_life_count_once() {
    let counted = |calls: u64| vec![("object_calls".to_owned(), calls)];
    for is_later_first in [false, true] {
        let (mut lives, mut rows) = (Lives::default(), Rows::default());
        let first = lives.write(&counted(1), 1, 0);
        rows.store(&first);
        lives.written(&first, counted(1), 2, 0);
        let (one, other) = (lives.write(&counted(10), 3, LIFE_MS), lives.write(&counted(15), 4, LIFE_MS));
        let mut ends = [(&one, 10, 5), (&other, 15, 6)];
        if is_later_first {
            ends.reverse();
        }
        for (writing, calls, new_id) in ends {
            rows.store(writing);
            lives.written(writing, counted(calls), new_id, LIFE_MS);
        }
        assert_eq!(rows.sum(), 15);
        let next = lives.write(&counted(21), 7, LIFE_MS + 1);
        rows.store(&next);
        assert_eq!((rows.sum(), rows.0.len()), (21, 2), "later first: {is_later_first}");
    }
}

#[test]
fn a_life_that_was_not_written_in_time_is_given_up() {
    let counted = |calls: u64| vec![("object_calls".to_owned(), calls)];
    let mut lives = Lives::default();
    assert_eq!(lives.write(&counted(5), 1, 0).life, 1);
    assert_eq!(lives.write(&counted(6), 2, LOST_MS - 1).counts, counted(6));
    let writing = lives.write(&counted(9), 3, LOST_MS);
    assert_eq!((writing.life, writing.begun_ms, writing.counts), (3, LOST_MS, vec![]));
    assert_eq!(lives.write(&counted(11), 4, LOST_MS + 1).counts, counted(2));
}
