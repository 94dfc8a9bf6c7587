//! Whatever happens in whatever order, the rollup stores what its definition says.

use promptmeter::events::event::ExperimentEventKind::{Conversion, Exposure, Pageview};
use promptmeter::experiments::rollup::RulesInForce;
use promptmeter::experiments::session::{MultiVariant, Rules};
use proptest::prelude::*;

use crate::rolled::definition::*;
use crate::rolled::storage::*;

/// Rolls up events in these slices, and compares with the brute force after every slice.
fn check_slices(
    sent: &[Sent],
    slices: impl IntoIterator<Item = Delivered>,
    rules: impl IntoIterator<Item = (&'static str, Rules)>,
) {
    let mut storage = Storage::with_rules(rules);
    let mut rolled = 0;
    for delivered in slices {
        let end = sent.len().min(rolled + delivered.events);
        storage.roll(&sent[rolled..end], delivered);
        rolled = end;
        storage.check(&format!("after {rolled} events"));
    }
    assert_eq!(rolled, sent.len());
}

/// Few sessions and variants, and times that meet each other and the edges of hours, windows, days and the year. Values
/// are sums of few powers of two, so that their sums are exact.
fn any_event(sessions: usize) -> impl Strategy<Value = Sent> {
    let hour = prop::sample::select(vec![0, 0, 0, 0, -73, -72, -25, -24, -1, -1, 1, 1, 2, 23, 24, 25, 72, 73]);
    let offset_ms = prop::sample::select(vec![0, 0, 0, 1, 1, -1, -1, 2, 1_800_000, 1_800_001, 3_599_999]);
    let kind = prop::sample::select(vec![Pageview, Exposure, Exposure, Conversion, Conversion, Conversion]);
    let value = prop::sample::select(vec![None, None, Some(0.0), Some(0.25), Some(1.5), Some(-2.0), Some(1024.0)]);
    let measured = prop::option::of((prop::sample::select(vec!["revenue", "revenue", "clicks"]), value));
    (0..5_usize, 0..sessions, kind, hour, offset_ms, (0..8_usize, measured)).prop_map(
        |(experiment, session, kind, hour, offset_ms, (variant, measured))| {
            let variant = VARIANTS.get(variant).copied();
            Sent {
                experiment: EXPERIMENTS[experiment / 4].0,
                session: SESSIONS[session],
                kind,
                at_ms: hour * HOUR_MS + offset_ms,
                variant: if kind == Exposure { variant.or(Some(VARIANTS[0])) } else { variant },
                measured: measured.filter(|_| kind == Conversion),
            }
        },
    )
}

fn any_delivery() -> impl Strategy<Value = Delivered> {
    let hour = prop::sample::select(vec![-72, -24, 0, 1, 1, 2, 25, 73]);
    let offset_ms = prop::sample::select(vec![-1, 0, 0, 1, 1_800_000]);
    (0..8_usize, hour, offset_ms, 0..3_i64, 0..3_i64).prop_map(|(events, hour, offset_ms, duplicates, rejected)| {
        Delivered { events, received_ms: hour * HOUR_MS + offset_ms, left_out: (duplicates, rejected) }
    })
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let multi_variant = prop::sample::select(vec![MultiVariant::Exclude, MultiVariant::First]);
    let window = prop::sample::select(vec![None, Some(1), Some(24), Some(72)]);
    (multi_variant, window).prop_map(|(multi_variant, window)| rules(multi_variant, window))
}

#[derive(Clone, Debug)]
enum Step {
    /// Events arrive and are rolled up.
    Roll(Vec<Sent>, Delivered),
    /// Sessions of the experiment at this place are judged anew, so many at a time.
    Judge(usize, usize),
    /// Other rules are declared for it.
    Declare(usize, Rules),
}

fn any_step() -> impl Strategy<Value = Step> {
    let events = prop::collection::vec(any_event(SESSIONS.len()), 0..10);
    prop_oneof![
        4 => (events, any_delivery()).prop_map(|(events, delivered)| Step::Roll(events, delivered)),
        4 => (0..2_usize, 1..5_usize).prop_map(|(experiment, portion)| Step::Judge(experiment, portion)),
        2 => (0..2_usize, any_rules()).prop_map(|(experiment, rules)| Step::Declare(experiment, rules)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2500) })]

    #[test]
    fn any_events_in_any_slices_give_the_rows_of_the_definition(
        sent in prop::collection::vec(any_event(3), 0..20),
        slices in prop::collection::vec(any_delivery(), 1..6),
        known in any_rules(),
        other in prop::option::of(any_rules()),
    ) {
        let known = [("checkout", known)];
        let rules: Vec<_> = known.into_iter().chain(other.map(|other| ("pricing", other))).collect();
        let rest = Delivered::on_time(sent.len());
        check_slices(&sent, slices.into_iter().chain([rest]), rules.clone());
        check_slices(&sent, vec![Delivered::on_time(1); sent.len()], rules);
    }

    #[test]
    fn while_rules_change_each_session_counts_under_the_old_or_the_new(
        steps in prop::collection::vec(any_step(), 1..16),
        declared in any_rules(),
        other in any_rules(),
    ) {
        let mut declared = [declared, other];
        let mut storage = Storage::default();
        for step in steps {
            let when = format!("{step:?}");
            match step {
                Step::Roll(events, delivered) => {
                    // An experiment is rolled up under the rules that are declared when its first events are.
                    for event in &events {
                        let place = usize::from(event.experiment != EXPERIMENTS[0].0);
                        let first = RulesInForce { rules: declared[place], next: None };
                        storage.rules.entry(number_of(event.experiment)).or_insert(first);
                    }
                    storage.roll(&events, delivered);
                }
                Step::Judge(place, portion) => {
                    storage.judge(EXPERIMENTS[place].1, declared[place], portion);
                }
                Step::Declare(place, rules) => declared[place] = rules,
            }
            storage.check(&when);
        }
        for ((_, experiment), declared) in EXPERIMENTS.into_iter().zip(declared) {
            while storage.judge(experiment, declared, 2) {
                storage.check("while the last rules come into force");
            }
        }
        let declared_for = |experiment: &str, _: &str| declared[usize::from(experiment != EXPERIMENTS[0].0)];
        prop_assert_eq!(storage.figures(), brute_force(&storage.arrived, declared_for));
    }
}
