//! What may happen, at random, and that it is recorded right.

use super::*;

/// Texts that are hard to keep.
const TEXTS: [&str; 9] =
    ["a", "O'Brien", "\"quoted\"", "back\\slash", "{\"a\":[1]}", "null", "7", "東京 é 😀", "\u{2028}\u{feff}%_[0]"];

const PROPERTIES: [&str; 6] = [
    "{}",
    r#"{ "b" : 1 ,"a":[ 1,2 ], "a":2}"#,
    r#"{"a":"\u00e9é\u0000\ud83d\ude00😀\/\"'"}"#,
    r#"{"a":1.0,"b":1e3,"c":123456789012345678901234567890,"d":-0}"#,
    "{\n\t\"a\": null\r\n}",
    r#"{"metric":"m","value":1}"#,
];

/// A project, a view, and properties.
type Detail = (Option<String>, Option<String>, Option<String>);

fn any_detail() -> impl Strategy<Value = Detail> {
    let text = || prop::option::of(prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned));
    let properties = prop::option::of(prop::sample::select(PROPERTIES.to_vec()).prop_map(str::to_owned));
    prop::option::weighted(0.4, (text(), text(), properties)).prop_map(Option::unwrap_or_default)
}

fn any_event() -> impl Strategy<Value = Sent> {
    use ExperimentEventKind::{Conversion, Exposure, Pageview};
    let id = prop::option::weighted(0.8, (0..12_u64, prop::sample::select(vec![0_u32, 0, 0, 1])));
    let text = || prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned);
    let kind = prop::sample::select(vec![Pageview, Exposure, Conversion]);
    let variant = prop::option::of(prop::sample::select(vec!["red", "red", "green", "blue"]).prop_map(str::to_owned));
    let value = prop::option::of(prop::sample::select(vec![0.0, 1.0, -2.5, 0.1, 1e9]));
    let measured = prop::option::of(((0..6_u32).prop_map(|number| format!("metric {number}")), value));
    (id, text(), (kind, variant, measured), -HOUR_MS..HOUR_MS, any_detail()).prop_map(
        |(id, session_id, (kind, variant_key, measured), ago_ms, detail)| {
            let measured = measured.filter(|_| kind == Conversion);
            let measurement = measured.map(|(metric, value)| Measurement { metric: metric.into(), value });
            let (project_id, view_id, properties) = detail;
            Sent {
                id: id.map(|(key, payload)| IdDigest { key, payload }),
                event_id: id.map(|(key, _)| format!("{}{key}", TEXTS[usize::try_from(key).unwrap() % 9])),
                at_ms: NOW_MS + ago_ms,
                event: ExperimentEvent {
                    kind,
                    variant_key,
                    measurement,
                    project_id,
                    view_id,
                    properties,
                    ..event(&session_id)
                },
            }
        },
    )
}

fn any_deliveries() -> impl Strategy<Value = Vec<(Vec<Sent>, u32)>> {
    let rejected = prop::sample::select(vec![0, 0, 0, 1, 7]);
    prop::collection::vec((prop::collection::vec(any_event(), 0..6), rejected), 0..4)
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let variants = prop::sample::select(vec![vec![], vec!["red", "green"], vec!["red", "green", "blue"]]);
    let over = prop::sample::select(vec![None, None, None, Some(0), Some(1), Some(DAY_MS)]);
    (variants, over).prop_map(|(variants, over)| Terms {
        variants: variants.into_iter().map(str::to_owned).collect(),
        over_ms: over.map(|after_ms| NOW_MS + after_ms),
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let waits = vec![0, 1, HOUR_MS, 8 * HOUR_MS, DAY_MS - 1, DAY_MS, DAY_MS + 1];
    prop_oneof![
        12 => any_deliveries().prop_map(Step::Record),
        1 => (1..70_usize, 0..90_usize).prop_map(|(events, bytes)| Step::Bulk(events, bytes)),
        1 => any_deliveries().prop_map(Step::Fail),
        2 => Just(Step::Restart),
        4 => Just(Step::Again),
        1 => any_terms().prop_map(Step::Declare),
        4 => prop::sample::select(waits).prop_map(Step::Wait),
    ]
}

fn simulate(steps: Vec<Step>) -> Simulation {
    let mut simulation = Simulation::default();
    for step in steps {
        simulation.step(step);
    }
    simulation
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn each_id_is_recorded_once_within_24_hours(steps in prop::collection::vec(any_step(), 1..30)) {
        simulate(steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn what_is_recorded_is_told_by_the_view_as_it_was_sent(steps in prop::collection::vec(any_step(), 1..12)) {
        simulate(steps).check_view();
    }
}

#[test]
fn batches_are_as_large_as_can_be_bound() {
    let steps = [Step::Bulk(700, 3800), Step::Bulk(1, 5000), Step::Bulk(900, 2000), Step::Bulk(3, 1_000_000)];
    let simulation = simulate(steps.to_vec());
    let counts: Vec<usize> = simulation.stored.iter().map(|batch| batch.event_count).collect();
    assert_eq!(counts, [232, 232, 232, 4, 1, 434, 434, 32, 1, 1, 1]);
}
