//! The results of an experiment against sums that are computed from the hours alone, and the judgement on those.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::experiments::results::{HourOfVariant, Results, Stored};
use promptmeter::experiments::summary::{MetricFigures, Quality};
use promptmeter::http::problem::Code;
use promptmeter::limits::VARIANTS;
use promptmeter::statistics::sample_ratio::SampleRatio;
use promptmeter::verdict::arm::{Arm, ValueArm};
use promptmeter::verdict::judgement::{judge, means, rates};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEYS: [&str; 6] = ["control", "green", "B", "a", "é", ""];

/// New sessions, and those of them that converted, by day, hour and variant.
type Hours = BTreeMap<(u32, i64, &'static str), (u64, u64)>;

/// Sessions, those with a value, the sum and the sum of squares, by metric and variant.
type Metrics = BTreeMap<(&'static str, &'static str), (i64, i64, f64, f64)>;

#[derive(Clone, Debug, Default)]
struct Given {
    declared: Vec<(&'static str, f64)>,
    hours: Hours,
    metrics: Metrics,
}

impl Given {
    fn stored(&self) -> Stored {
        let hour_of = |(&(day, hour, key), &(exposed, converted)): (&(u32, i64, &str), &(u64, u64))| HourOfVariant {
            date: format!("2026-11-{day:02}"),
            hour,
            variant_key: key.to_owned(),
            exposed,
            converted,
        };
        let figures_of = |(&(metric, key), &(sessions, value_sessions, value_sum, value_sum_of_squares)): (
            &(&str, &str),
            &(i64, i64, f64, f64),
        )| {
            let figures = MetricFigures { sessions, value_sessions, value_sum, value_sum_of_squares };
            (metric.to_owned(), key.to_owned(), figures)
        };
        Stored {
            declared: self.declared.iter().map(|(key, weight)| ((*key).to_owned(), *weight)).collect(),
            hours: self.hours.iter().map(hour_of).collect(),
            metrics: self.metrics.iter().map(figures_of).collect(),
            quality: Quality {
                late: 1,
                duplicates: 2,
                unexposed_sessions: 3,
                multi_variant_sessions: 4,
                rejected: 5,
                unmeasured: 6,
            },
            as_of_ms: 1_800_000_000_000,
            is_recalculating: self.hours.len().is_multiple_of(2),
        }
    }

    fn is_declared(&self, key: &str) -> bool {
        self.declared.iter().any(|(declared, _)| *declared == key)
    }

    /// The variants that are declared, then the others that sessions came to, by their keys.
    fn keys(&self) -> Vec<&'static str> {
        let others: BTreeSet<&str> = self.hours.keys().map(|(_, _, key)| *key).collect();
        let others = others.into_iter().filter(|key| !self.is_declared(key));
        self.declared.iter().map(|(key, _)| *key).chain(others).collect()
    }

    fn arm(&self, key: &str) -> Arm {
        let weight = self.declared.iter().find(|(declared, _)| *declared == key).map_or(0.0, |(_, weight)| *weight);
        let is_compared = weight > 0.0 || self.declared.iter().all(|(_, weight)| *weight == 0.0);
        let mut arm = Arm { key: key.to_owned(), sessions: 0, conversions: 0, is_compared };
        for (_, (exposed, converted)) in self.hours.iter().filter(|((_, _, of), _)| *of == key) {
            arm.sessions += exposed;
            arm.conversions += converted;
        }
        arm
    }

    /// Looks after each hour in which any session came to any variant.
    fn sample_ratio(&self) -> Option<SampleRatio> {
        let weighted: Vec<(&str, f64)> = self.declared.iter().filter(|(_, weight)| *weight != 0.0).copied().collect();
        let mut sample_ratio = SampleRatio::new(&weighted.iter().map(|(_, weight)| *weight).collect::<Vec<_>>());
        let hours: BTreeSet<(u32, i64)> = self.hours.keys().map(|&(day, hour, _)| (day, hour)).collect();
        for (day, hour) in hours {
            let came = |key| self.hours.get(&(day, hour, key)).map_or(0, |(exposed, _)| *exposed);
            let came = weighted.iter().map(|(key, _)| f64::from(u32::try_from(came(*key)).unwrap()));
            sample_ratio.look(&came.collect::<Vec<_>>());
        }
        (!weighted.is_empty()).then_some(sample_ratio)
    }

    fn expected(&self, baseline: usize) -> Value {
        let arms: Vec<Arm> = self.keys().into_iter().map(|key| self.arm(key)).collect();
        let mut expected = serde_json::to_value(judge(&arms, baseline, self.sample_ratio().as_ref())).unwrap();
        let names: BTreeSet<&str> = self.metrics.keys().map(|(metric, _)| *metric).collect();
        expected["metrics"] = names.into_iter().map(|metric| self.expected_metric(metric, &arms, baseline)).collect();
        expected["experiment_id"] = "e".into();
        expected["as_of"] = 1_800_000_000_000_i64.into();
        expected["recalculating"] = self.stored().is_recalculating.into();
        expected["quality"] = json!({
            "late": 1,
            "duplicates": 2,
            "unexposed_sessions": 3,
            "multi_variant_sessions": 4,
            "rejected": 5,
            "unmeasured": 6,
        });
        expected
    }

    fn expected_metric(&self, metric: &'static str, arms: &[Arm], baseline: usize) -> Value {
        let (mut occurred, mut valued) = (Vec::new(), Vec::new());
        for (key, arm) in self.keys().into_iter().zip(arms) {
            let (sessions, with_value, sum, sum_of_squares) =
                self.metrics.get(&(metric, key)).copied().unwrap_or_default();
            occurred.push(Arm { conversions: u64::try_from(sessions).unwrap(), ..arm.clone() });
            let (key, sessions, valued_sessions) = (key.to_owned(), arm.sessions, u64::try_from(with_value).unwrap());
            let is_compared = arm.is_compared;
            valued.push(ValueArm { key, sessions, valued: valued_sessions, sum, sum_of_squares, is_compared });
        }
        let has_values = self.metrics.iter().any(|((name, _), (_, values, ..))| *name == metric && *values > 0);
        json!({
            "metric": metric,
            "occurrence": rates(&occurred, baseline),
            "value": has_values.then(|| means(&valued, baseline)),
        })
    }

    fn told(&self, baseline: Option<&str>) -> Result<Value, Code> {
        let results = Results::of(&self.stored(), baseline).map_err(|problem| problem.code)?;
        Ok(serde_json::to_value(results.answer("e")).unwrap())
    }

    /// Compares the results for each baseline.
    fn check(&self) {
        let keys = self.keys();
        let first = keys.iter().position(|key| self.arm(key).is_compared).unwrap_or_default();
        assert_eq!(self.told(None), Ok(self.expected(first)), "{self:?}");
        for (place, key) in keys.iter().enumerate() {
            assert_eq!(self.told(Some(key)), Ok(self.expected(place)), "{key} of {self:?}");
        }
        for key in ["Control", "another"].into_iter().chain(KEYS).filter(|key| !keys.contains(key)) {
            assert_eq!(self.told(Some(key)), Err(Code::InvalidValue), "{key} of {self:?}");
        }
    }
}

fn any_given() -> impl Strategy<Value = Given> {
    let weight = prop::sample::select(vec![0.0, 0.2, 0.5, 1.0]);
    let declared = prop::sample::subsequence(KEYS.to_vec(), 0..=4)
        .prop_shuffle()
        .prop_flat_map(move |keys| keys.into_iter().map(|key| (Just(key), weight.clone())).collect::<Vec<_>>());
    let key = || prop::sample::select(KEYS.to_vec());
    let counts = prop_oneof![0..9_u64, 0..5000_u64].prop_flat_map(|exposed| (Just(exposed), 0..=exposed));
    let hours = prop::collection::btree_map((19..22_u32, prop::sample::select(vec![0, 1, 23]), key()), counts, 0..30);
    let figures = (0..9_i64).prop_flat_map(|sessions| (Just(sessions), 0..=sessions, -9..9_i32, 0..99_u32));
    let figures = figures.prop_map(|(sessions, values, sum, squares)| {
        let is_there = f64::from(u8::from(values > 0));
        (sessions, values, is_there * f64::from(sum), is_there * f64::from(sum * sum) + f64::from(squares) * is_there)
    });
    let metric = prop::sample::select(vec!["clicks", "revenue", "Revenue", "é"]);
    let metrics = prop::collection::btree_map((metric, key()), figures, 0..9);
    (declared, hours, metrics).prop_map(|(declared, hours, metrics)| {
        let mut given = Given { declared, hours, metrics };
        // A session counts once for a metric: there are no more of them than sessions of the variant.
        let sessions = KEYS.map(|key| (key, i64::try_from(given.arm(key).sessions).unwrap()));
        for ((_, key), figures) in &mut given.metrics {
            let of = sessions.iter().find(|(known, _)| known == key).unwrap().1;
            (figures.0, figures.1) = (figures.0.min(of), figures.1.min(of));
        }
        given
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn results_are_the_judgement_on_the_sums_of_the_hours(given in any_given()) {
        given.check();
    }
}

#[test]
fn an_experiment_without_anything_has_results() {
    let given = Given::default();
    given.check();
    let told = given.told(None).unwrap();
    assert_eq!(
        (&told["verdict"], &told["variants"], &told["metrics"]),
        (&json!("not enough data"), &json!([]), &json!([]))
    );
}

/// Two hours that are skewed in opposite directions: looked at together they are even.
fn skewed() -> Given {
    let hours = [
        ((20, 23, "b"), (3000, 300)),
        ((20, 23, "a"), (100, 10)),
        ((20, 23, "extra"), (9000, 1)),
        ((21, 23, "b"), (100, 0)),
        ((21, 23, "a"), (3000, 7)),
        ((21, 23, "unweighted"), (9000, 0)),
    ];
    let metrics = [
        (("clicks", "a"), (5, 0, 0.0, 0.0)),
        (("revenue", "b"), (4, 3, 10.5, 40.25)),
        (("revenue", "nobody's"), (4, 3, 1.0, 1.0)),
    ];
    let declared = vec![("b", 0.5), ("unweighted", 0.0), ("a", 0.5)];
    Given { declared, hours: hours.into(), metrics: metrics.into() }
}

fn field(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

#[test]
fn figures_are_told_in_the_declared_order() {
    let told = skewed().told(None).unwrap();
    let variants = &told["variants"];
    assert_eq!(field(variants, "key"), ["b", "unweighted", "a", "extra"]);
    assert_eq!(field(variants, "sessions"), [3100, 9000, 3100, 9000]);
    assert_eq!(field(variants, "conversions"), [300, 0, 17, 1]);
    // To the others no sessions are allotted: those that came decide nothing, unless they are asked for.
    for (baseline, compared) in [("b", &["a"][..]), ("a", &["b"]), ("extra", &["b", "a"])] {
        let told = skewed().told(Some(baseline)).unwrap();
        assert_eq!(field(&told["comparisons"], "baseline"), vec![baseline; compared.len()]);
        assert_eq!(field(&told["comparisons"], "variant"), compared);
    }
    let unallotted = Given { declared: vec![("unweighted", 0.0), ("b", 0.5), ("a", 0.5)], ..skewed() };
    assert_eq!(field(&unallotted.told(None).unwrap()["comparisons"], "baseline"), ["b"]);
    let undeclared = Given { declared: Vec::new(), ..skewed() };
    assert_eq!(field(&undeclared.told(None).unwrap()["comparisons"], "variant"), ["b", "extra", "unweighted"]);

    let [clicks, revenue] = told["metrics"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!((&clicks["metric"], &revenue["metric"]), (&json!("clicks"), &json!("revenue")));
    assert_eq!(field(&clicks["occurrence"]["variants"], "conversions"), [0, 0, 5, 0]);
    assert_eq!(field(&clicks["occurrence"]["variants"], "sessions"), [3100, 9000, 3100, 9000]);
    assert_eq!(clicks["value"], Value::Null);
    assert_eq!(field(&revenue["occurrence"]["variants"], "conversions"), [4, 0, 0, 0]);
    assert_eq!(field(&revenue["value"]["variants"], "sum"), [10.5, 0.0, 0.0, 0.0]);
    assert_eq!(field(&revenue["value"]["comparisons"], "variant"), ["a"]);
}

#[test]
fn the_sample_ratio_is_looked_at_hour_by_hour() {
    let told = skewed().told(None).unwrap()["sample_ratio"].clone();
    let mut by_hand = SampleRatio::new(&[0.5, 0.5]);
    by_hand.look(&[3000.0, 100.0]);
    by_hand.look(&[100.0, 3000.0]);
    let (p_value, sequential_p_value) = (by_hand.p_value(), by_hand.sequential_p_value());
    assert!(p_value > 0.99 && sequential_p_value < 0.001);
    assert_eq!(told, json!({"p_value": p_value, "sequential_p_value": sequential_p_value, "mismatch": true}));
    for declared in [vec![], vec![("b", 0.0), ("a", 0.0)]] {
        let told = Given { declared, ..skewed() }.told(None).unwrap()["sample_ratio"].clone();
        let reason = "It is not declared which share of the sessions a variant gets.";
        assert_eq!(told, json!({"p_value": null, "sequential_p_value": null, "mismatch": false, "reason": reason}));
    }
}

#[test]
fn the_names_of_the_answer() {
    let told = skewed().told(None).unwrap();
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        names(&told),
        "as_of comparisons experiment_id metrics quality recalculating sample_ratio variants verdict",
    );
    assert_eq!(names(&told["metrics"][1]), "metric occurrence value");
    assert_eq!(names(&told["metrics"][1]["occurrence"]), "comparisons variants");
    assert_eq!(names(&told["metrics"][1]["value"]), "comparisons variants");
    assert_eq!(
        names(&told["quality"]),
        "duplicates late multi_variant_sessions rejected unexposed_sessions unmeasured",
    );
}

/// Events that name so many variants, beside those that are declared.
fn check_many(declared: usize, others: usize, expected: usize) {
    let hour = |number| HourOfVariant {
        date: "2026-11-20".to_owned(),
        hour: 7,
        variant_key: format!("other {number}"),
        exposed: 1,
        converted: 0,
    };
    let stored = Stored {
        declared: (0..declared).map(|number| (format!("declared {number}"), 0.0)).collect(),
        hours: (0..others).chain(0..others).map(hour).collect(),
        ..Stored::default()
    };
    let told = serde_json::to_value(Results::of(&stored, None).unwrap().answer("e")).unwrap();
    assert_eq!(told["variants"].as_array().unwrap().len(), expected, "{declared} and {others}");
}

#[test]
fn there_are_at_most_100_variants() {
    assert_eq!(VARIANTS, 100);
    check_many(0, 100, 100);
    check_many(100, 0, 100);
    check_many(40, 60, 100);
    check_many(0, 101, 100);
    check_many(40, 61, 100);
    check_many(100, 1, 100);
}

/// Rows that the service changed may have more conversions than sessions.
#[test]
fn conversions_beyond_the_sessions_are_not_told() {
    let hour = |variant_key: &str, exposed, converted| HourOfVariant {
        date: "2026-11-20".to_owned(),
        hour: 7,
        variant_key: variant_key.to_owned(),
        exposed,
        converted,
    };
    let declared = vec![("a".to_owned(), 0.5), ("b".to_owned(), 0.5)];
    let hours = vec![hour("a", 10, 1_000_000), hour("b", 0, 1_000_000)];
    let told =
        serde_json::to_value(Results::of(&Stored { declared, hours, ..Stored::default() }, None).unwrap().answer("e"));
    let conversions: Vec<_> =
        told.unwrap()["variants"].as_array().unwrap().iter().map(|arm| arm["conversions"].clone()).collect();
    assert_eq!(conversions, [10, 0]);
}
