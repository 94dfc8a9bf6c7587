//! What counts come down to: the judgement as JSON, the sentence, and what an evaluation is asked with.

mod evaluations;

use promptmeter::http::problem::Code;
use promptmeter::statistics::count;
use promptmeter::statistics::sample_ratio::SampleRatio;
use promptmeter::verdict::arm::{Arm, ValueArm};
use promptmeter::verdict::evaluation::Evaluation;
use promptmeter::verdict::judgement::{judge, means, rates};
use serde_json::{Value, json};

/// Arms named a, b, c … with these sessions and conversions.
fn arms(counts: &[(u64, u64)]) -> Vec<Arm> {
    let named = |(key, &(sessions, conversions)): (char, &(u64, u64))| Arm {
        key: key.to_string(),
        sessions,
        conversions,
        is_compared: true,
    };
    ('a'..).zip(counts).map(named).collect()
}

/// The judgement on arms that should have equal shares, looked at once.
fn judged(counts: &[(u64, u64)], baseline: usize) -> Value {
    let mut sample_ratio = SampleRatio::new(&vec![1.0; counts.len()]);
    sample_ratio.look(&counts.iter().map(|(sessions, _)| count(*sessions)).collect::<Vec<f64>>());
    serde_json::to_value(judge(&arms(counts), baseline, Some(&sample_ratio))).unwrap()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn p_values(judgement: &Value, effect: &str, name: &str) -> Vec<f64> {
    let comparisons = judgement["comparisons"].as_array().unwrap().iter();
    comparisons.map(|comparison| comparison[effect][name].as_f64().unwrap_or(f64::NAN)).collect()
}

fn check_near(actual: &Value, expected: &Value, what: &str) {
    match (actual, expected) {
        (Value::Number(actual), Value::Number(expected)) => {
            let (actual, expected) = (actual.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!((actual - expected).abs() <= 1e-9 * expected.abs(), "{what}: {actual} instead of {expected}");
        }
        (Value::Array(actual), Value::Array(expected)) if actual.len() == expected.len() => {
            actual.iter().zip(expected).for_each(|(actual, expected)| check_near(actual, expected, what));
        }
        (Value::Object(actual), Value::Object(expected)) => {
            assert_eq!(actual.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
            expected.iter().for_each(|(name, expected)| check_near(&actual[name], expected, &format!("{what}/{name}")));
        }
        _ => assert_eq!(actual, expected, "{what}"),
    }
}

/// Worked out with a library of arbitrary precision, from the formulas.
#[test]
fn a_judgement_has_the_figures_of_the_contract() {
    let judgement = judged(&[(9000, 800), (9500, 950)], 0);
    let expected = json!({
        "verdict": "no difference yet",
        "variants": [
            {
                "key": "a", "sessions": 9000, "conversions": 800, "rate": 0.088_888_888_888_888_89,
                "interval": [0.083_183_482_298_252_84, 0.094_945_093_838_488_94],
            },
            {
                "key": "b", "sessions": 9500, "conversions": 950, "rate": 0.1,
                "interval": [0.094_128_091_084_544_92, 0.106_195_269_429_187_46],
            },
        ],
        "comparisons": [{
            "baseline": "a",
            "variant": "b",
            "absolute": {
                "estimate": 0.011_111_111_111_111_111,
                "interval": [0.002_686_746_754_879_100_5, 0.019_535_475_467_343_122],
                "p_value": 0.009_739_376_023_282_318,
                "sequential_interval": [-0.002_291_992_838_992_156, 0.024_514_215_061_214_38],
                "sequential_p_value": 0.217_622_888_431_768_25,
            },
            "relative": {
                "estimate": 0.125,
                "interval": [0.024_280_637_802_227_757, 0.225_719_362_197_772_24],
                "p_value": 0.014_999_605_407_308_182,
                "sequential_interval": [-0.035_243_791_013_882_47, 0.285_243_791_013_882_5],
                "sequential_p_value": 0.315_139_543_912_701_07,
            },
            "chance_to_win": 0.995_080_795_401_786_2,
            "expected_loss": 6.692_287_502_643_764e-6,
        }],
        "sample_ratio": {
            "p_value": 0.000_236_851_670_651_000_85, "sequential_p_value": 0.021_011_862_367_979_972, "mismatch": false,
        },
    });
    check_near(&judgement, &expected, "");
}

#[test]
fn a_figure_without_a_value_is_null_and_has_a_reason() {
    for (counts, figures, absolute, relative) in [
        (
            [(100, 10), (0, 0)],
            Some("There are no sessions."),
            Some("There are no sessions."),
            Some("There are no sessions."),
        ),
        (
            [(100, 10), (100, 0)],
            None,
            Some("All sessions of a variant have the same value."),
            Some("All sessions of a variant have the same value."),
        ),
        (
            [(100, 0), (100, 10)],
            None,
            Some("All sessions of a variant have the same value."),
            Some("The baseline's mean is not above 0."),
        ),
        (
            [(1, 1), (1, 0)],
            None,
            Some("All sessions of a variant have the same value."),
            Some("All sessions of a variant have the same value."),
        ),
        ([(1_000_000_000, 1), (2, 1)], None, None, None),
    ] {
        let judgement = judged(&counts, 0);
        let (variant, comparison) = (&judgement["variants"][1], &judgement["comparisons"][0]);
        for (figures, reason) in
            [(variant, figures), (&comparison["absolute"], absolute), (&comparison["relative"], relative)]
        {
            assert_eq!(figures["reason"], json!(reason), "{counts:?} {figures}");
            let has_null = figures.as_object().unwrap().values().any(Value::is_null);
            assert_eq!(has_null, reason.is_some(), "{counts:?} {figures}");
        }
        for name in ["chance_to_win", "expected_loss"] {
            assert!(
                comparison[name].as_f64().is_some_and(|chance| (0.0..=1.0).contains(&chance)),
                "{counts:?} {comparison}"
            );
        }
    }
}

fn check_verdict(counts: &[(u64, u64)], baseline: usize, expected: &str) {
    assert_eq!(judged(counts, baseline)["verdict"], expected, "{counts:?} against {baseline}");
}

#[test]
fn a_verdict_names_who_is_better() {
    let (plain, good, best, bad) = ((10_000, 1000), (10_000, 1400), (10_000, 1600), (10_000, 600));
    check_verdict(&[plain, good], 0, "b is better");
    check_verdict(&[plain, bad], 0, "a is better");
    check_verdict(&[good, plain], 0, "a is better");
    check_verdict(&[good, plain], 1, "a is better");
    check_verdict(&[plain, plain], 0, "no difference yet");
    check_verdict(&[plain, (10_000, 1100)], 0, "no difference yet");
    check_verdict(&[plain, good, best, bad], 0, "c is better");
    check_verdict(&[plain, best, good, bad], 0, "b is better");
    check_verdict(&[bad, best, good, plain], 3, "b is better");
    check_verdict(&[good, bad, plain], 0, "a is better");
    check_verdict(&[good, bad, good], 0, "no difference yet");
    // What is worse than the baseline is not named against one that is not known to be.
    check_verdict(&[plain, bad, (10_000, 1010)], 0, "no difference yet");
}

#[test]
fn a_verdict_waits_for_ten_of_each() {
    check_verdict(&[(0, 0), (0, 0)], 0, "not enough data");
    check_verdict(&[(1, 0), (1, 1)], 0, "not enough data");
    check_verdict(&[(5000, 9), (5000, 2000)], 0, "not enough data");
    check_verdict(&[(5000, 10), (5000, 2000)], 0, "b is better");
    check_verdict(&[(5000, 4991), (5000, 2000)], 0, "not enough data");
    check_verdict(&[(5000, 4990), (5000, 2000)], 0, "a is better");
    check_verdict(&[(5000, 0), (5000, 2000)], 0, "not enough data");
    check_verdict(&[(20, 10), (20, 10)], 0, "no difference yet");
    // One arm that has just begun keeps no verdict on the others back, unless all others have to be worse.
    check_verdict(&[(5000, 500), (5000, 2000), (5000, 3)], 0, "b is better");
    check_verdict(&[(5000, 2000), (5000, 500), (5000, 3)], 0, "no difference yet");
}

#[test]
fn a_mismatch_of_shares_comes_first() {
    check_verdict(&[(10_000, 1000), (11_000, 2000)], 0, "do not trust: sample ratio");
    check_verdict(&[(5000, 0), (0, 0)], 0, "do not trust: sample ratio");
    check_verdict(&[(10_000, 1000), (10_500, 2000)], 0, "b is better");
    // Just above and below a thousandth.
    for (sessions, mismatch) in [(10_675, false), (10_680, true)] {
        let judgement = judged(&[(10_000, 1000), (sessions, 2000)], 0);
        let p_value = judgement["sample_ratio"]["sequential_p_value"].as_f64().unwrap();
        assert_eq!(
            (p_value < 0.001, &judgement["sample_ratio"]["mismatch"]),
            (mismatch, &json!(mismatch)),
            "{p_value}"
        );
    }
    let mut sample_ratio = SampleRatio::new(&[0.5, 0.5]);
    sample_ratio.look(&[11_000.0, 9000.0]);
    sample_ratio.look(&[9000.0, 11_000.0]);
    let judgement =
        serde_json::to_value(judge(&arms(&[(20_000, 2000), (20_000, 3000)]), 0, Some(&sample_ratio))).unwrap();
    assert_eq!(judgement["verdict"], "do not trust: sample ratio", "a mismatch of any look stays one");
    assert_eq!(judgement["sample_ratio"]["p_value"], 1.0);
}

#[test]
#[expect(clippy::float_cmp, reason = "doubling is exact")]
fn the_p_values_of_several_variants_are_adjusted_together() {
    let (plain, first, second) = ((10_000, 1000), (10_000, 1090), (10_000, 1120));
    let together = judged(&[plain, first, second], 0);
    for effect in ["absolute", "relative"] {
        for name in ["p_value", "sequential_p_value"] {
            let alone = [first, second].map(|variant| p_values(&judged(&[plain, variant], 0), effect, name)[0]);
            let expected = [alone[0].max(2.0 * alone[1]), 2.0 * alone[1]].map(|p_value: f64| p_value.min(1.0));
            assert_eq!(p_values(&together, effect, name), expected, "{effect} {name}");
        }
        let interval = |judgement: &Value| judgement["comparisons"][0][effect]["interval"].clone();
        assert_eq!(interval(&together), interval(&judged(&[plain, first], 0)), "intervals are not adjusted");
    }
    // Significant alone, not among twelve that are looked at.
    let (plain, better) = ((10_000, 1000), (10_000, 1150));
    check_verdict(&[plain, better], 0, "b is better");
    check_verdict(&[[plain; 12].as_slice(), &[better]].concat(), 0, "no difference yet");
    // One without a p-value counts as well.
    let with_empty = judged(&[plain, better, (10_000, 0)], 0);
    let alone = p_values(&judged(&[plain, better], 0), "absolute", "p_value")[0];
    assert_eq!(p_values(&with_empty, "absolute", "p_value")[0], 2.0 * alone);
    assert!(with_empty["comparisons"][1]["absolute"]["p_value"].is_null());
}

#[test]
fn metrics_are_compared_alike() {
    let of_rates = serde_json::to_value(rates(&arms(&[(1000, 100), (1000, 130)]), 1)).unwrap();
    let judgement = judged(&[(1000, 100), (1000, 130)], 1);
    assert_eq!((&of_rates["variants"], &of_rates["comparisons"]), (&judgement["variants"], &judgement["comparisons"]));
    assert_eq!(of_rates["comparisons"][0]["baseline"], "b");

    let arm = |key: &str, sessions, sum, sum_of_squares| ValueArm {
        key: key.to_owned(),
        sessions,
        valued: 30,
        sum,
        sum_of_squares,
        is_compared: true,
    };
    let of_values = serde_json::to_value(means(&[arm("a", 10, 50.0, 270.0), arm("b", 12, 66.0, 390.0)], 0)).unwrap();
    let comparison = &of_values["comparisons"][0];
    let near = |actual: &Value, expected: f64| check_near(actual, &json!(expected), "values");
    near(&of_values["variants"][0]["mean"], 5.0);
    near(&comparison["absolute"]["estimate"], 0.5);
    near(&comparison["absolute"]["p_value"], 0.453_164_967_195_397_32);
    near(&comparison["relative"]["p_value"], 0.476_013_417_029_907_71);
    assert_eq!(names(&comparison["absolute"]), names(&of_rates["comparisons"][0]["absolute"]));
    assert!(comparison["chance_to_win"].is_null() && comparison["expected_loss"].is_null());
    assert!(comparison["reason"].is_string());

    // Of few values one that is large decides: what is to hold at any look waits for thirty in each variant.
    for (valued, is_told) in [([30, 30], true), ([29, 5000], false), ([5000, 29], false)] {
        let arms = valued.map(|valued| ValueArm { valued, ..arm("v", 10_000, 50_000.0, 2_700_000.0) });
        let comparison = &serde_json::to_value(means(&arms, 0)).unwrap()["comparisons"][0];
        for effect in ["absolute", "relative"] {
            let effect = &comparison[effect];
            let told = ["interval", "p_value", "sequential_interval", "sequential_p_value"]
                .map(|name| !effect[name].is_null());
            assert_eq!(told, [true, true, is_told, is_told], "{valued:?} {effect}");
            assert_eq!(effect["reason"].is_string(), !is_told, "{valued:?} {effect}");
        }
    }

    let without = serde_json::to_value(means(&[arm("a", 10, 5.0, 2.5), arm("b", 0, 0.0, 0.0)], 0)).unwrap();
    assert!(without["variants"].as_array().unwrap().iter().all(|variant| variant["reason"].is_string()));
    for empty in [rates(&[], 0), rates(&arms(&[(1, 1)]), 1)] {
        assert!(empty.comparisons.is_empty());
    }
}

#[test]
fn the_greatest_counts_are_judged() {
    const MOST: u64 = 1_000_000_000_000;
    for counts in [
        [(MOST, 0), (MOST, 0)],
        [(MOST, MOST), (MOST, MOST)],
        [(MOST, 0), (MOST, MOST)],
        [(MOST, 1), (1, 1)],
        [(MOST, MOST / 2), (MOST, MOST / 2 + 1)],
        [(MOST, MOST / 2), (0, 0)],
        [(1_000_000_000, 100_000_000), (1_000_000_000, 100_100_000)],
    ] {
        let judgement = judged(&counts, 0);
        let comparison = &judgement["comparisons"][0];
        for name in ["chance_to_win", "expected_loss"] {
            assert!(
                comparison[name].as_f64().is_some_and(|figure| (0.0..=1.0).contains(&figure)),
                "{counts:?} {comparison}"
            );
        }
        for effect in ["absolute", "relative"] {
            for name in ["p_value", "sequential_p_value"] {
                let p_value = &comparison[effect][name];
                assert!(
                    p_value.is_null() || p_value.as_f64().is_some_and(|p| p > 0.0 && p <= 1.0),
                    "{counts:?} {comparison}"
                );
            }
        }
    }
}
