//! Distributions, intervals and tests against closed forms, definitions and brute force.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use promptmeter::statistics::difference::{Difference, Spread};
use promptmeter::statistics::holm::holm;
use promptmeter::statistics::normal::{Z_975, two_sided_p_value, upper_quantile};
use promptmeter::statistics::proportion::{sessions_per_variant, wilson_interval};
use promptmeter::statistics::sample::{Lack, Sample};
use promptmeter::statistics::sample_ratio::SampleRatio;
use promptmeter::statistics::sequential;
use promptmeter::statistics::student::StudentT;
use proptest::prelude::*;

fn check(actual: f64, expected: f64, what: &str) {
    assert!((actual - expected).abs() <= 1e-9 * expected.abs(), "{what}: {actual:e} instead of {expected:e}");
}

#[test]
#[expect(clippy::float_cmp, reason = "the least number, exactly")]
fn the_normal_distribution_has_its_known_values() {
    for (z, expected) in [
        (0.0, 1.0),
        (1.0, 0.317_310_507_862_914_1),
        (-1.0, 0.317_310_507_862_914_1),
        (Z_975, 0.05),
        (5.0, 5.733_031_437_583_878e-7),
        (10.0, 1.523_970_604_832_105e-23),
        (30.0, 9.813_427_854_296_374e-198),
        (37.0, 1.145_114_244_552_4e-299),
    ] {
        check(two_sided_p_value(z), expected, &format!("beyond {z}"));
    }
    for (tail, expected) in [
        (0.2, 0.841_621_233_572_914_3),
        (0.8, -0.841_621_233_572_914_3),
        (0.1, 1.281_551_565_544_600_4),
        (0.025, Z_975),
        (1e-10, 6.361_340_902_404_056),
    ] {
        check(upper_quantile(tail), expected, &format!("the quantile of {tail}"));
    }
    assert!(upper_quantile(0.5).abs() < 1e-15);
    assert_eq!(two_sided_p_value(1e4), f64::MIN_POSITIVE, "what is too small for a number is not 0");
}

/// With one and two degrees of freedom there are closed forms; the others are from a library of arbitrary precision.
#[test]
fn the_t_distribution_has_its_known_values() {
    for t in [0.0, 1e-9, 1e-3, 0.5, 1.0, 2.0, 12.7, 1e3, 1e8, 1e100] {
        let root = f64::hypot(t, 2.0_f64.sqrt());
        check(StudentT::new(1.0).two_sided_p_value(t), FRAC_2_PI * 1.0_f64.atan2(t), &format!("{t} of 1"));
        check(StudentT::new(2.0).two_sided_p_value(-t), 2.0 / root / (root + t), &format!("{t} of 2"));
    }
    for (degrees_of_freedom, t, expected) in [
        (1.5, 8.0, 0.032_918_350_940_906_82),
        (10.0, 36.0, 6.497_928_153_357_067e-12),
        (198.0, 36.0, 7.811_698_473_882_358e-89),
        (57_742.58, 36.0, 1.093_985_501_266_758_7e-280),
        (1e9, 1e-3, 0.999_202_115_572_377_4),
        (1e9, 8.0, 1.244_193_428_445_476_3e-15),
        (1e12, 36.0, 8.365_251_649_615_057e-284),
    ] {
        let actual = StudentT::new(degrees_of_freedom).two_sided_p_value(t);
        check(actual, expected, &format!("{t} of {degrees_of_freedom}"));
    }
    for (degrees_of_freedom, expected) in [
        (1.0, (0.95 * FRAC_PI_2).tan()),
        (2.0, 4.302_652_729_749_464),
        (10.0, 2.228_138_851_986_275),
        (198.0, 1.972_017_477_836_314_7),
        (1e9, 1.959_963_986_912_325_6),
        (1e12, 1.959_963_984_542_426_5),
    ] {
        let actual = StudentT::new(degrees_of_freedom).critical_value();
        check(actual, expected, &format!("the critical value of {degrees_of_freedom}"));
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "the ends of the interval are exact")]
fn wilsons_bounds_are_where_the_rate_is_just_not_refuted() {
    for (sessions, conversions) in
        [(1.0, 0.0), (1.0, 1.0), (10.0, 3.0), (1e9, 0.0), (1e9, 1.0), (1e9, 1e9), (1e12, 5e11)]
    {
        let [low, high] = wilson_interval(sessions, conversions);
        let rate = conversions / sessions;
        assert!(0.0 <= low && low <= rate && rate <= high && high <= 1.0, "{low} {rate} {high}");
        for bound in [low, high] {
            let off = (rate - bound) * (rate - bound);
            let allowed = Z_975 * Z_975 * bound * (1.0 - bound) / sessions;
            assert!((off - allowed).abs() <= 1e-6 * allowed + 1e-30, "{bound} of {conversions} in {sessions}");
        }
        assert_eq!((low == 0.0, high == 1.0), (conversions == 0.0, conversions == sessions));
    }
}

#[test]
fn a_sample_is_known_by_its_sums() {
    let values = [1.0, 2.0, 4.0, 9.0_f64];
    let squares = values.iter().map(|value| value * value).sum();
    let sample = Sample::of_values(4.0, values.iter().sum(), squares);
    check(sample.mean, 4.0, "mean");
    check(sample.variance, (9.0 + 4.0 + 25.0) / 3.0, "variance");
    let half = 3.182_446_305_284_263 * (38.0_f64 / 3.0 / 4.0).sqrt();
    let [low, high] = sample.interval().unwrap();
    check(high - 4.0, half, "interval");
    check(4.0 - low, half, "interval");
    check(Sample::of_rate(4.0, 1.0).variance, 0.1875, "variance of a rate");
    for (sample, lack) in [
        (Sample::of_values(0.0, 0.0, 0.0), Lack::Sessions),
        (Sample::of_values(1.0, 5.0, 25.0), Lack::Variance),
        (Sample::of_values(3.0, 0.3, 0.03), Lack::Variance),
        (Sample::of_values(1e3, 1e3, 1e3 - 1e-9), Lack::Variance),
        (Sample::of_values(3.0, 3e7, 3e14 + 64.0), Lack::Variance),
        (Sample::of_values(5.0, 1e200, 1e300), Lack::Variance),
        (Sample::of_rate(0.0, 0.0), Lack::Sessions),
        (Sample::of_rate(7.0, 0.0), Lack::Variance),
        (Sample::of_rate(7.0, 7.0), Lack::Variance),
    ] {
        assert_eq!(sample.interval(), Err(lack), "{sample:?}");
        assert!(sample.mean.is_finite(), "{sample:?}");
    }
}

#[test]
fn a_difference_is_welchs() {
    let (baseline, variant) = (Sample::of_values(3.0, 6.0, 14.0), Sample::of_values(5.0, 20.0, 90.0));
    let difference = Difference::absolute(&baseline, &variant);
    let (a, b) = (1.0 / 3.0, 2.5 / 5.0_f64);
    let spread = difference.spread.unwrap();
    check(difference.estimate.unwrap(), 2.0, "difference");
    check(spread.standard_error, (a + b).sqrt(), "standard error");
    check(spread.degrees_of_freedom, (a + b) * (a + b) / (a * a / 2.0 + b * b / 4.0), "degrees of freedom");
    check(spread.size, 8.0, "size");

    let relative = Difference::relative(&baseline, &variant);
    check(relative.estimate.unwrap(), 1.0, "relative difference");
    check(relative.spread.unwrap().standard_error, (b / 4.0 + a * 16.0 / 16.0).sqrt(), "delta method");
    check(relative.spread.unwrap().degrees_of_freedom, spread.degrees_of_freedom, "degrees of freedom");
}

#[test]
fn what_a_difference_lacks_is_told() {
    let (good, empty) = (Sample::of_rate(10.0, 5.0), Sample::of_rate(0.0, 0.0));
    let (none, below) = (Sample::of_rate(10.0, 0.0), Sample::of_values(10.0, -10.0, 20.0));
    // As a part of next to nothing, its spread is beyond all numbers.
    let tiny = Sample::of_values(4.0, 4e-200, 1.0);
    assert!(Difference::absolute(&tiny, &good).spread.is_ok());
    assert_eq!(Difference::relative(&tiny, &good).spread.err(), Some(Lack::Variance));
    for (baseline, variant, absolute, relative) in [
        (good, empty, (None, Lack::Sessions), (None, Lack::Sessions)),
        (empty, good, (None, Lack::Sessions), (None, Lack::Sessions)),
        (good, none, (Some(-0.5), Lack::Variance), (Some(-1.0), Lack::Variance)),
        (none, good, (Some(0.5), Lack::Variance), (None, Lack::PositiveBaseline)),
        (none, none, (Some(0.0), Lack::Variance), (None, Lack::PositiveBaseline)),
    ] {
        for (difference, (estimate, lack)) in [
            (Difference::absolute(&baseline, &variant), absolute),
            (Difference::relative(&baseline, &variant), relative),
        ] {
            assert_eq!((difference.estimate, difference.spread), (estimate, Err(lack)));
        }
    }
    assert!(Difference::absolute(&below, &good).spread.is_ok());
    assert_eq!(Difference::relative(&below, &good).spread, Err(Lack::PositiveBaseline));
}

/// Equation 155 of the paper, as its e-value, and equation 9.
#[test]
fn the_confidence_sequence_is_that_of_the_paper() {
    let rho_square = (-2.0 * 0.05_f64.ln() + (-2.0 * 0.05_f64.ln() + 1.0).ln()) / 5000.0;
    for (size, standard_error, estimate) in [(10.0, 0.3, 0.2), (5000.0, 0.01, 0.04), (2e9, 1e-5, 3e-5)] {
        let spread = Spread { standard_error, degrees_of_freedom: size, size };
        let variance = standard_error * standard_error * size;
        let e_value = (rho_square * size * size * estimate * estimate / variance / (2.0 * (size * rho_square + 1.0)))
            .exp()
            / (size * rho_square + 1.0).sqrt();
        check(sequential::p_value(estimate, &spread), e_value.recip().min(1.0), "p-value");
        let half = (variance * 2.0 * (size * rho_square + 1.0) / (size * size * rho_square)
            * ((size * rho_square + 1.0).sqrt() / 0.05).ln())
        .sqrt();
        check(sequential::half_width(&spread), half, "half width");
    }
}

/// Holm's procedure as it is described: the least p-value is multiplied by their number, the next by one less.
fn step_down(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let (mut adjusted, mut largest) = (vec![0.0; p_values.len()], 0.0_f64);
    for (place, left) in order.into_iter().zip((1..=u32::try_from(p_values.len()).unwrap()).rev().map(f64::from)) {
        largest = largest.max(p_values[place] * left).min(1.0);
        adjusted[place] = largest;
    }
    adjusted
}

#[test]
fn holm_multiplies_the_least_most() {
    for (p_values, expected) in [
        (vec![], vec![]),
        (vec![0.03], vec![0.03]),
        (vec![0.01, 0.04, 0.03], vec![0.03, 0.06, 0.06]),
        (vec![0.02, 0.02, 1.0], vec![0.06, 0.06, 1.0]),
        (vec![0.5, 0.6], vec![1.0, 1.0]),
    ] {
        assert_eq!(holm(&p_values), expected, "{p_values:?}");
    }
}

/// The Bayes factor as a product over sessions, and the least of its inverses so far.
fn brute_sequential(weights: &[f64], looks: &[Vec<u32>]) -> f64 {
    let rising = |start: f64, sessions: u32| (0..sessions).map(|index| (start + f64::from(index)).ln()).sum::<f64>();
    let (mut totals, mut least) = (vec![0; weights.len()], 1.0_f64);
    for look in looks {
        totals.iter_mut().zip(look).for_each(|(total, new)| *total += new);
        let of_arms = totals
            .iter()
            .zip(weights)
            .map(|(&sessions, weight)| rising(10_000.0 * weight, sessions) - f64::from(sessions) * weight.ln());
        let ln_bayes_factor = of_arms.sum::<f64>() - rising(10_000.0, totals.iter().sum());
        least = least.min((-ln_bayes_factor).exp());
    }
    least
}

#[test]
fn extreme_shares_have_p_values() {
    for (weights, sessions, fixed, sequential) in [
        (vec![1.0, 1.0], vec![0.0, 0.0], 1.0, 1.0),
        (vec![1.0, 1.0], vec![1e9, 1e9], 1.0, 1.0),
        (vec![1.0], vec![5.0], 1.0, 1.0),
        (vec![1.0, 1.0], vec![1e9, 0.0], f64::MIN_POSITIVE, f64::MIN_POSITIVE),
        (vec![1.0, 1.0, 1.0], vec![1000.0, 1100.0, 900.0], (-10.0_f64).exp(), 0.129_278_809_800_302_64),
        (vec![0.5, 0.25, 0.25], vec![500_200.0, 250_000.0, 249_800.0], (-0.12_f64).exp(), 1.0),
    ] {
        let mut ratio = SampleRatio::new(&weights);
        ratio.look(&sessions);
        check(ratio.p_value(), fixed, &format!("{sessions:?}"));
        check(ratio.sequential_p_value(), sequential, &format!("{sessions:?}"));
    }
    // Five arms have four degrees of freedom, four have three: e^(-x/2) (1 + x/2), and that of one with one term more.
    for (sessions, chi_square) in [([120.0, 90.0, 90.0, 100.0, 100.0], 6.0), ([1e3, 0.0, 0.0, 0.0, 0.0], 4e3)] {
        let mut ratio = SampleRatio::new(&[0.2; 5]);
        ratio.look(&sessions);
        let expected = (-chi_square / 2.0 + (1.0 + chi_square / 2.0_f64).ln()).exp();
        check(ratio.p_value(), expected.max(f64::MIN_POSITIVE), &format!("{sessions:?}"));
    }
    let mut ratio = SampleRatio::new(&[0.25; 4]);
    ratio.look(&[130.0, 90.0, 90.0, 90.0]);
    let x = 12.0_f64;
    let expected = two_sided_p_value(x.sqrt()) + (2.0 * x / std::f64::consts::PI).sqrt() * (-x / 2.0).exp();
    check(ratio.p_value(), expected, "four arms");
    // And of more: the series goes on.
    let x = 20.0_f64;
    let odd =
        |series: f64| two_sided_p_value(x.sqrt()) + (2.0 * x / std::f64::consts::PI).sqrt() * (-x / 2.0).exp() * series;
    let even = |series: f64| (-x / 2.0).exp() * series;
    for (arms, expected) in [
        (6_u8, odd(1.0 + x / 3.0)),
        (7, even(1.0 + x / 2.0 + x * x / 8.0)),
        (8, odd(1.0 + x / 3.0 + x * x / 15.0)),
        (9, even(1.0 + x / 2.0 + x * x / 8.0 + x * x * x / 48.0)),
    ] {
        // Two arms are as far off, to either side, as comes to 20.
        let mut sessions = vec![1000.0; arms.into()];
        (sessions[0], sessions[1]) = (1100.0, 900.0);
        let mut ratio = SampleRatio::new(&vec![1.0; arms.into()]);
        ratio.look(&sessions);
        check(ratio.p_value(), expected, &format!("{arms} arms"));
    }
    let mut ratio = SampleRatio::new(&[1.0; 100]);
    ratio.look(&std::array::from_fn::<f64, 100, _>(|arm| if arm == 0 { 1e9 } else { 0.0 }));
    check(ratio.p_value(), f64::MIN_POSITIVE, "a hundred arms, and all come to one");
}

#[test]
fn the_sequential_sample_ratio_keeps_its_digits_for_an_arm_that_hardly_any_should_come_to() {
    for (weight, new_sessions) in [(1e-5, [9, 20]), (1e-4, [30, 20]), (6e-4, [40, 1000]), (2e-3, [70, 3000])] {
        let weights = [weight, 1.0 - weight];
        let mut ratio = SampleRatio::new(&weights);
        ratio.look(&new_sessions.map(f64::from));
        let expected = brute_sequential(&weights, &[new_sessions.to_vec()]);
        let actual = ratio.sequential_p_value();
        assert!((actual - expected).abs() <= 2e-11 * expected, "{weight}: {actual:e} instead of {expected:e}");
    }
}

#[test]
fn sessions_suffice_for_the_power_and_one_less_does_not() {
    check(sessions_per_variant([0.1, 0.11], 0.8), 14_749.0, "a tenth more than a tenth");
    for (baseline, variant, power) in
        [(0.1, 0.11, 0.8), (0.001, 0.002, 0.9), (0.5, 0.9, 0.99), (0.3, 0.301, 0.2), (0.2, 0.6, 0.5)]
    {
        let variance = baseline * (1.0 - baseline) + variant * (1.0 - variant);
        let quantile = |sessions: f64| (variant - baseline) / (variance / sessions).sqrt() - Z_975;
        let (needed, wanted) = (sessions_per_variant([baseline, variant], power), upper_quantile(1.0 - power));
        assert!(quantile(needed) >= wanted - 1e-9 && quantile(needed - 1.0) < wanted, "{baseline} {variant} {power}");
    }
}

proptest! {
    #[test]
    fn holm_is_the_step_down_procedure(p_values in prop::collection::vec(prop_oneof![0.0..1.0, 0.0..0.01, Just(0.02)], 0..9)) {
        let (actual, expected) = (holm(&p_values), step_down(&p_values));
        for (actual, expected) in actual.iter().zip(&expected) {
            prop_assert!((actual - expected).abs() < 1e-12, "{actual} {expected} {p_values:?}");
        }
        prop_assert_eq!(actual.len(), expected.len());
    }

    #[test]
    fn shares_are_tested_by_the_product_over_sessions(
        shares in prop::collection::vec(prop_oneof![1_u32..100, Just(100_000)], 2..5),
        looks in prop::collection::vec(prop::collection::vec(0_u32..400, 5), 1..6),
    ) {
        let sum: u32 = shares.iter().sum();
        let weights: Vec<f64> = shares.iter().map(|share| f64::from(*share) / f64::from(sum)).collect();
        let looks: Vec<Vec<u32>> = looks.iter().map(|look| look[..weights.len()].to_vec()).collect();
        let mut ratio = SampleRatio::new(&weights);
        for look in &looks {
            ratio.look(&look.iter().map(|&new| f64::from(new)).collect::<Vec<f64>>());
        }
        let expected = brute_sequential(&weights, &looks).max(f64::MIN_POSITIVE);
        let actual = ratio.sequential_p_value();
        prop_assert!((actual - expected).abs() <= 1e-7 * expected, "{actual:e} instead of {expected:e}");
    }

    #[test]
    fn a_sequential_p_value_is_below_alpha_where_the_interval_leaves_zero_out(
        size in 2.0..1e9_f64, standard_error in 1e-6..1.0_f64, times in -8.0..8.0_f64,
    ) {
        let spread = Spread { standard_error, degrees_of_freedom: size, size };
        let (estimate, half) = (times * standard_error, sequential::half_width(&spread));
        prop_assert_eq!(sequential::p_value(estimate, &spread) < 0.05, estimate.abs() > half);
        let fixed = StudentT::new(size).two_sided_p_value(times);
        prop_assert!(sequential::p_value(estimate, &spread) >= fixed, "looking often costs something");
    }

    #[test]
    fn the_critical_value_is_exceeded_in_a_twentieth(degrees_of_freedom in 1.0..300.0_f64) {
        let student = StudentT::new(degrees_of_freedom);
        prop_assert!((student.two_sided_p_value(student.critical_value()) - 0.05).abs() < 1e-12);
    }
}
