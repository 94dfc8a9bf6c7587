//! The figures against those that gbstats and closed forms gave, where `../shared` has them.

use promptmeter::statistics::beta::{Beta, Contest};
use promptmeter::statistics::difference::Difference;
use promptmeter::statistics::proportion::wilson_interval;
use promptmeter::statistics::sample::Sample;
use promptmeter::statistics::sample_ratio::SampleRatio;
use promptmeter::statistics::sequential;
use promptmeter::statistics::student::StudentT;
use serde_json::Value;

const RELATIVE: f64 = 1e-6;
const P_VALUE: f64 = 1e-9;

/// The JSON of an oracle; says so where there is none.
fn oracle(name: &str) -> Option<Value> {
    let path = format!("{}/../shared/oracles/{name}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there is no {path}");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Where 0 is told, nothing but the rounding of the two means may be left of their difference.
fn check(actual: f64, expected: f64, what: &str) {
    let off = (actual - expected).abs();
    assert!(off <= RELATIVE * expected.abs() || off < 1e-15, "{what}: {actual:e} instead of {expected:e}");
}

fn check_interval(actual: [f64; 2], expected: &Value, what: &str) {
    for (actual, expected) in actual.into_iter().zip(numbers(expected)) {
        check(actual, expected, what);
    }
}

/// p-values agree to 1e-9, and to 1e-6 of themselves wherever the oracle is not rounded to 0.
fn check_p_value(actual: f64, expected: f64, what: &str) {
    assert!((actual - expected).abs() <= P_VALUE, "{what}: {actual:e} instead of {expected:e}");
    assert!(actual > 0.0, "{what} is 0");
    if expected > 1e-300 {
        check(actual, expected, what);
    }
}

fn check_fixed(difference: &Difference, expected: &Value, interval: &str, p_value: &str, what: &str) {
    let spread = difference.spread.unwrap();
    let student = StudentT::new(spread.degrees_of_freedom);
    let (estimate, half) = (difference.estimate.unwrap(), spread.standard_error * student.critical_value());
    check(estimate, number(&expected["expected"]), what);
    check(spread.standard_error, number(&expected["stderr"]), what);
    if let Some(degrees_of_freedom) = expected["dof"].as_f64() {
        check(spread.degrees_of_freedom, degrees_of_freedom, what);
    }
    check_interval([estimate - half, estimate + half], &expected[interval], what);
    check_p_value(student.two_sided_p_value(estimate / spread.standard_error), number(&expected[p_value]), what);
}

fn check_sequential(difference: &Difference, expected: &Value, interval: &str, p_value: &str, what: &str) {
    let (estimate, spread) = (difference.estimate.unwrap(), difference.spread.unwrap());
    let half = sequential::half_width(&spread);
    check_interval([estimate - half, estimate + half], &expected[interval], what);
    check_p_value(sequential::p_value(estimate, &spread), number(&expected[p_value]), what);
}

fn check_differences(row: &Value, baseline: &Sample, variant: &Sample) {
    let what = row["id"].as_str().unwrap();
    for (kind, difference) in
        [("abs", Difference::absolute(baseline, variant)), ("rel", Difference::relative(baseline, variant))]
    {
        let (fixed, ongoing) = (&row[format!("freq_{kind}")], &row[format!("seq_{kind}")]);
        if fixed["error"].is_string() {
            assert!(difference.spread.is_err(), "{what} has no spread");
            continue;
        }
        check_fixed(&difference, fixed, "ci95", "p_value", what);
        if ongoing.is_object() {
            check_sequential(&difference, ongoing, "ci95", "p_value", what);
        }
        let independent = &row["indep"][kind];
        if independent.is_object() {
            check_fixed(&difference, independent, "ci95_t", "t_p_value", what);
            check_sequential(&difference, independent, "seq_ci95", "seq_p_value", what);
        }
    }
}

#[test]
fn rates_are_compared_as_the_oracle_has_it() {
    let Some(oracle) = oracle("stats_reference.json") else { return };
    let rows = oracle["rows"].as_array().unwrap();
    for row in rows {
        let [sessions_a, converted_a, sessions_b, converted_b] =
            ["nA", "xA", "nB", "xB"].map(|name| number(&row[name]));
        let what = row["id"].as_str().unwrap();
        check_differences(row, &Sample::of_rate(sessions_a, converted_a), &Sample::of_rate(sessions_b, converted_b));
        let contest =
            Contest::between(Beta::posterior(sessions_a, converted_a), Beta::posterior(sessions_b, converted_b));
        check(contest.chance_to_win, number(&row["beta_ctw"]), what);
        for (name, sessions, conversions) in
            [("wilson_a", sessions_a, converted_a), ("wilson_b", sessions_b, converted_b)]
        {
            if !row[name].is_null() {
                check_interval(wilson_interval(sessions, conversions), &row[name], what);
            }
        }
        let mut ratio = SampleRatio::new(&numbers(&row["weights"]));
        ratio.look(&[sessions_a, sessions_b]);
        check_p_value(ratio.p_value(), number(&row["srm_p"]), what);
    }
    println!("{} comparisons of rates as the oracle has them", rows.len());
}

#[test]
fn means_are_compared_as_the_oracle_has_it() {
    let Some(oracle) = oracle("stats_reference.json") else { return };
    for row in oracle["means"].as_array().unwrap() {
        let sample = |size: &str, sum: &str, squares: &str| {
            Sample::of_values(number(&row[size]), number(&row[sum]), number(&row[squares]))
        };
        check_differences(row, &sample("nA", "sumA", "sqA"), &sample("nB", "sumB", "sqB"));
    }
}

#[test]
fn shares_of_one_look_are_tested_as_the_oracle_has_it() {
    let Some(oracle) = oracle("stats_reference.json") else { return };
    for row in oracle["srm"].as_array().unwrap() {
        let mut ratio = SampleRatio::new(&numbers(&row["weights"]));
        ratio.look(&numbers(&row["users"]));
        check_p_value(ratio.p_value(), number(&row["p"]), &row["users"].to_string());
    }
}

#[test]
fn shares_of_many_looks_are_tested_as_the_oracle_has_it() {
    let Some(oracle) = oracle("sequential_srm.json") else { return };
    let mut looks = 0;
    for sequence in oracle["sequences"].as_array().unwrap() {
        let what = sequence["id"].as_str().unwrap();
        let mut ratio = SampleRatio::new(&numbers(&sequence["null"]));
        let hours = sequence["counts_per_hour"].as_array().unwrap();
        for (hour, expected) in hours.iter().zip(numbers(&sequence["p_sequence"])) {
            ratio.look(&numbers(hour));
            check_p_value(ratio.sequential_p_value(), expected, what);
            looks += 1;
        }
        assert_eq!(hours.len(), sequence["p_sequence"].as_array().unwrap().len());
    }
    println!("{looks} looks as the oracle has them");
}
