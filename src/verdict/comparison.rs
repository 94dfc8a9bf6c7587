//! A variant beside its baseline.

use serde::Serialize;

use super::arm::Measured;
use crate::statistics::beta::Contest;
use crate::statistics::difference::Difference;
use crate::statistics::holm::holm;
use crate::statistics::sample::Lack;
use crate::statistics::sequential;
use crate::statistics::student::StudentT;

const TOO_FEW_VALUES: &str = "The sequential figures wait for 30 sessions with a value in each variant.";

/// A difference and what is known of it. The intervals hold 95 %, each for itself; the p-values are adjusted by Holm over
/// all variants.
#[derive(Clone, Debug, Serialize)]
pub struct Effect {
    estimate: Option<f64>,
    interval: Option<[f64; 2]>,
    p_value: Option<f64>,
    sequential_interval: Option<[f64; 2]>,
    sequential_p_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// A variant beside its baseline.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison<'a> {
    baseline: &'a str,
    variant: &'a str,
    absolute: Effect,
    relative: Effect,
    chance_to_win: Option<f64>,
    expected_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The comparisons of a baseline with each of the `variants`, in their order.
#[must_use]
pub fn compare<'a>(baseline: &Measured<'a>, variants: &[Measured<'a>]) -> Vec<Comparison<'a>> {
    let mut comparisons = Vec::with_capacity(variants.len());
    for variant in variants {
        comparisons.push(one(baseline, variant));
    }
    for place in 0..4 {
        let mut p_values = Vec::with_capacity(comparisons.len());
        for comparison in &mut comparisons {
            p_values.push(comparison.p_value(place).map_or(1.0, |p_value| *p_value));
        }
        for (comparison, adjusted) in comparisons.iter_mut().zip(holm(&p_values)) {
            if let Some(p_value) = comparison.p_value(place) {
                *p_value = adjusted;
            }
        }
    }
    comparisons
}

impl Comparison<'_> {
    /// One of the p-values, if it has a value; it is adjusted with those in the same place of the other comparisons.
    fn p_value(&mut self, place: usize) -> Option<&mut f64> {
        let Self { absolute, relative, .. } = self;
        let p_value = match place {
            0 => &mut absolute.p_value,
            1 => &mut absolute.sequential_p_value,
            2 => &mut relative.p_value,
            _ => &mut relative.sequential_p_value,
        };
        p_value.as_mut()
    }
}

fn one<'a>(baseline: &Measured<'a>, variant: &Measured<'a>) -> Comparison<'a> {
    let absolute = Difference::absolute(&baseline.sample, &variant.sample);
    let relative = Difference::relative(&baseline.sample, &variant.sample);
    let student = absolute.spread.ok().map(|spread| StudentT::new(spread.degrees_of_freedom));
    let student = student.map(|student| (student, student.critical_value()));
    // A rate is told as it is, whoever looks at it so early; the verdict waits for ten of each.
    let is_enough = baseline.rate.is_some() || (baseline.is_enough && variant.is_enough);
    let contest = baseline.rate.zip(variant.rate).map(|(baseline, variant)| Contest::between(baseline, variant));
    Comparison {
        baseline: baseline.key,
        variant: variant.key,
        absolute: Effect::of(&absolute, student, is_enough),
        relative: Effect::of(&relative, student, is_enough),
        chance_to_win: contest.map(|contest| contest.chance_to_win),
        expected_loss: contest.map(|contest| contest.expected_loss),
        reason: contest.is_none().then_some("Only rates have a Beta distribution."),
    }
}

impl Effect {
    /// What is known of a difference; with it come its t distribution and the critical value of that, and whether there is enough
    /// for figures that hold whenever they are looked at.
    fn of(difference: &Difference, student: Option<(StudentT, f64)>, is_enough: bool) -> Self {
        let mut effect = Self {
            estimate: difference.estimate,
            interval: None,
            p_value: None,
            sequential_interval: None,
            sequential_p_value: None,
            reason: difference.spread.err().map(Lack::reason),
        };
        if let (Some(estimate), Ok(spread), Some((student, critical_value))) =
            (difference.estimate, difference.spread, student)
        {
            let around = |half: f64| Some([estimate - half, estimate + half]);
            effect.interval = around(spread.standard_error * critical_value);
            effect.p_value = Some(student.two_sided_p_value(estimate / spread.standard_error));
            if is_enough {
                effect.sequential_interval = around(sequential::half_width(&spread));
                effect.sequential_p_value = Some(sequential::p_value(estimate, &spread));
            } else {
                effect.reason = Some(TOO_FEW_VALUES);
            }
        }
        effect
    }
}
