//! Chances to win and expected losses against closed forms and brute force.

use promptmeter::statistics::beta::{Beta, Contest};
use proptest::prelude::*;

fn contest([sessions_a, converted_a, sessions_b, converted_b]: [f64; 4]) -> Contest {
    Contest::between(Beta::posterior(sessions_a, converted_a), Beta::posterior(sessions_b, converted_b))
}

fn mean(sessions: f64, conversions: f64) -> f64 {
    (conversions + 1.0) / (sessions + 2.0)
}

fn check(actual: f64, expected: f64, what: &str) {
    assert!((actual - expected).abs() <= 1e-7 * expected.abs(), "{what}: {actual:e} instead of {expected:e}");
}

/// The log-odds of a rate with the distribution Beta(a, b), around their mode.
struct LogOdds {
    a: f64,
    b: f64,
}

impl LogOdds {
    fn mode(&self) -> f64 {
        (self.a / self.b).ln()
    }

    fn deviation(&self) -> f64 {
        (self.a.recip() + self.b.recip()).sqrt()
    }

    /// The density, as a share of that at the mode.
    fn density(&self, at: f64) -> f64 {
        let (rate, off) = (self.a / (self.a + self.b), at - self.mode());
        (-self.a * ((1.0 - rate) * (-off).exp_m1()).ln_1p() - self.b * (rate * off.exp_m1()).ln_1p()).exp()
    }
}

/// The chance that the second rate is higher, and the expected loss of choosing it, by Simpson's rule on a fine grid over
/// the log-odds.
fn brute([sessions_a, converted_a, sessions_b, converted_b]: [f64; 4]) -> [f64; 2] {
    let of = |sessions: f64, conversions: f64| LogOdds { a: conversions + 1.0, b: sessions - conversions + 1.0 };
    let (first, second) = (of(sessions_a, converted_a), of(sessions_b, converted_b));
    let ends = |sign: f64| [&first, &second].map(|odds| odds.mode() + sign * 45.0 * odds.deviation());
    let (low, high) = (ends(-1.0)[0].min(ends(-1.0)[1]), ends(1.0)[0].max(ends(1.0)[1]));
    let step = first.deviation().min(second.deviation()) / 400.0;
    let cells = (0..u32::MAX).find(|&index| low + f64::from(index) * step >= high).unwrap();

    // What is below, and above, each end of a cell.
    let below = |odds: &LogOdds| {
        let cell = |index: u32| {
            let at = low + f64::from(index) * step;
            (odds.density(at) + 4.0 * odds.density(at + step / 2.0) + odds.density(at + step)) / 6.0
        };
        let masses: Vec<f64> = (0..cells).map(cell).collect();
        let sums = |masses: &mut dyn Iterator<Item = &f64>| {
            let mut sum = 0.0;
            [0.0]
                .into_iter()
                .chain(masses.map(|mass| {
                    sum += mass;
                    sum
                }))
                .collect::<Vec<f64>>()
        };
        let (below, mut above) = (sums(&mut masses.iter()), sums(&mut masses.iter().rev()));
        above.reverse();
        let all = below[below.len() - 1];
        (
            below.iter().map(|sum| sum / all).collect::<Vec<f64>>(),
            above.iter().map(|sum| sum / all).collect::<Vec<f64>>(),
            all,
        )
    };
    let ((below_first, above_first, _), (below_second, _, all_second)) = (below(&first), below(&second));
    let (mut chance, mut loss) = (0.0, 0.0);
    for index in 0..=cells {
        let at = low + f64::from(index) * step;
        let place = index as usize;
        chance += second.density(at) / all_second * below_first[place];
        loss += above_first[place] * below_second[place] * step / (2.0 + at.exp() + (-at).exp());
    }
    [chance, loss]
}

fn check_brute(counts: [f64; 4]) {
    let [a, b, c, d] = counts;
    let [chance, loss] = brute(counts);
    let actual = contest(counts);
    check(actual.chance_to_win, chance, &format!("chance of {counts:?}"));
    check(actual.expected_loss, loss, &format!("loss of {counts:?}"));
    let back = contest([c, d, a, b]);
    let sum = actual.chance_to_win + back.chance_to_win;
    assert!((sum - 1.0).abs() < 1e-11, "one of both wins: {sum}");
    let between = actual.expected_loss - back.expected_loss;
    assert!((between - (mean(a, b) - mean(c, d))).abs() < 1e-11, "what one loses the other gains: {counts:?}");
}

#[test]
fn contests_are_decided_as_brute_force_has_it() {
    for counts in [
        [0.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 1.0, 0.0],
        [1.0, 0.0, 1.0, 1.0],
        [2.0, 1.0, 2.0, 1.0],
        [1000.0, 7.0, 1000.0, 0.0],
        [1000.0, 0.0, 1000.0, 7.0],
        [1000.0, 100.0, 0.0, 0.0],
        [500.0, 500.0, 500.0, 500.0],
        [1000.0, 10.0, 1000.0, 300.0],
        [1e5, 1e3, 1e5, 2e3],
        [45_000.0, 8500.0, 45_500.0, 8300.0],
        [1e5, 1e4, 1e3, 110.0],
        [1e9, 0.0, 1e9, 0.0],
        [1e9, 0.0, 1e9, 30.0],
        [1e9, 1e9, 1e9, 1e9],
        [1e9, 1e8, 1e9, 1e8],
        [1e9, 1e8, 1e9, 1e8 + 1e4],
        [1e9, 1e8, 1e9, 1e8 + 1e5],
        [1e9, 5e8, 1e9, 5e8 - 2e5],
        [1e12, 5e11, 1e12, 5e11 + 3e6],
    ] {
        check_brute(counts);
    }
}

/// A variant without conversions in `sessions` has the density `(sessions + 1)(1 − r)^sessions`: its chance is a product,
/// and so is what choosing the other one loses. That holds for arms of any sizes, which no grid has.
#[test]
fn contests_with_an_arm_without_conversions_have_closed_forms() {
    for sessions in [0.0, 1.0, 2.0, 17.0, 400.0] {
        for (other, converted) in [
            (0.0, 0.0),
            (1.0, 0.0),
            (1.0, 1.0),
            (1e9, 0.0),
            (1e9, 1.0),
            (1e9, 12.0),
            (1e9, 1e6),
            (1e9, 5e8),
            (1e9, 1e9),
            (1e12, 3e11),
        ] {
            let [a, b] = [converted + 1.0, other - converted + 1.0];
            let (mut chance, mut index) = (1.0, 0.0);
            while index <= sessions {
                chance *= (b + index) / (a + b + index);
                index += 1.0;
            }
            let gain = chance * (b + index) / (a + b + index) / (sessions + 2.0);
            let what = format!("0 of {sessions} and {converted} of {other}");
            let actual = contest([other, converted, sessions, 0.0]).chance_to_win;
            check(actual, chance.max(f64::MIN_POSITIVE), &what);
            check(contest([sessions, 0.0, other, converted]).expected_loss, gain, &what);
        }
    }
}

#[test]
fn what_is_too_small_for_a_number_is_not_zero() {
    // 501! 501! / 1002!, by a library of arbitrary precision; so is the loss.
    check(contest([500.0, 500.0, 500.0, 0.0]).chance_to_win, 9.258_625_139_384_75e-301, "all or none of 500");
    check(contest([153.0, 0.0, 1551.0, 1527.0]).expected_loss, 1.588_406_231_030_96e-197, "a loss in the far tail");
    check(
        contest([180.0, 0.0, 139.0, 136.0]).expected_loss,
        2.323_547_744_665_3e-91,
        "a loss that a coarse grid misses",
    );
    let lost = contest([1e9, 1e9, 1e9, 0.0]);
    check(lost.chance_to_win, f64::MIN_POSITIVE, "no chance");
    check(lost.expected_loss, 1.0 - 2.0 / (1e9 + 2.0), "all is lost");
    let won = contest([1e9, 0.0, 1e9, 1e9]);
    check(won.chance_to_win, 1.0, "all is won");
    check(won.expected_loss, 0.0, "nothing is lost");
    let small = contest([1e6, 1e5, 1e6, 1.162e5]).expected_loss;
    assert!(small > 0.0 && small < 1e-290, "{small:e}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_contest_is_decided_as_brute_force_has_it(
        a in 0_u32..3000, b in 0_u32..3000, rates in [0.0..=1.0_f64, 0.0..=1.0_f64],
    ) {
        let (a, b) = (f64::from(a), f64::from(b));
        let counts = [a, (a * rates[0]).round(), b, (b * rates[1]).round()];
        let [chance, loss] = brute(counts);
        let actual = contest(counts);
        if chance > 1e-280 {
            prop_assert!((actual.chance_to_win / chance - 1.0).abs() < 1e-6, "{counts:?}: {actual:?} {chance:e}");
        }
        if loss > 1e-280 {
            prop_assert!((actual.expected_loss / loss - 1.0).abs() < 1e-6, "{counts:?}: {actual:?} {loss:e}");
        }
    }

    #[test]
    fn a_conversion_more_is_never_worse(sessions in 1_u32..100_000, share in 0.0..1.0_f64, other in 0_u32..100_000) {
        let (sessions, other) = (f64::from(sessions), f64::from(other));
        let conversions = ((sessions - 1.0) * share).floor();
        let baseline = [other, (other * 0.3).floor()];
        let [before, after] = [0.0, 1.0].map(|more| contest([baseline[0], baseline[1], sessions, conversions + more]));
        prop_assert!(after.chance_to_win >= before.chance_to_win - 1e-12);
        prop_assert!(after.expected_loss <= before.expected_loss + 1e-12);
    }
}
