//! The judgement on an experiment, and on each of its metrics.

use serde::Serialize;

use super::arm::{Arm, MeanFigures, Measured, RateFigures, ValueArm};
use super::comparison::{Comparison, compare};
use super::sentence::Verdict;
use crate::statistics::sample_ratio::SampleRatio;

/// Below this the sequential sample-ratio p-value is a mismatch. It is met at any look in at most one of a thousand sound
/// experiments, so that a verdict withheld is nearly always one of a broken experiment.
const MISMATCH: f64 = 0.001;

/// Whether sessions come to the variants in the shares they should.
#[derive(Clone, Debug, Serialize)]
pub struct SampleRatioFigures {
    p_value: Option<f64>,
    sequential_p_value: Option<f64>,
    mismatch: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl SampleRatioFigures {
    fn of(sample_ratio: Option<&SampleRatio>) -> Self {
        Self {
            p_value: sample_ratio.map(SampleRatio::p_value),
            sequential_p_value: sample_ratio.map(SampleRatio::sequential_p_value),
            mismatch: mismatch(sample_ratio),
            reason: sample_ratio.is_none().then_some("It is not declared which share of the sessions a variant gets."),
        }
    }
}

fn mismatch(sample_ratio: Option<&SampleRatio>) -> bool {
    sample_ratio.is_some_and(|sample_ratio| sample_ratio.sequential_p_value() < MISMATCH)
}

/// The judgement on an experiment.
#[derive(Clone, Debug, Serialize)]
pub struct Judgement<'a> {
    /// What it comes down to.
    pub verdict: Verdict<'a>,
    /// The figures of the variants, the baseline among them, in their order.
    pub variants: Vec<RateFigures<'a>>,
    /// Each other variant that is compared, beside the baseline.
    pub comparisons: Vec<Comparison<'a>>,
    /// Whether the figures can be trusted.
    pub sample_ratio: SampleRatioFigures,
    /// How many sessions a variant needs, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions_per_variant: Option<Needed>,
    /// Why that number has no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// A number of sessions, null where it has no value.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Needed(pub Option<u64>);

/// The figures of one metric, `F` for each variant.
#[derive(Clone, Debug, Serialize)]
pub struct Metric<'a, F> {
    /// The figures of the variants, the baseline among them, in their order.
    pub variants: Vec<F>,
    /// Each other variant that is compared, beside the baseline.
    pub comparisons: Vec<Comparison<'a>>,
}

/// Judges an experiment by its conversions. `baseline` is the place of the baseline among the `arms`, and `sample_ratio`
/// has looked at the sessions of those arms that have a weight; without a baseline there is nothing to compare.
#[must_use]
pub fn judge<'a>(arms: &'a [Arm], baseline: usize, sample_ratio: Option<&SampleRatio>) -> Judgement<'a> {
    let Metric { variants, comparisons } = rates(arms, baseline);
    Judgement {
        verdict: verdict(arms, baseline, sample_ratio),
        variants,
        comparisons,
        sample_ratio: SampleRatioFigures::of(sample_ratio),
        sessions_per_variant: None,
        reason: None,
    }
}

/// The verdict of [`judge`] alone, which takes a few microseconds.
#[must_use]
pub fn verdict<'a>(arms: &'a [Arm], baseline: usize, sample_ratio: Option<&SampleRatio>) -> Verdict<'a> {
    let (baseline, others) = split(arms.iter().map(Arm::measured), baseline);
    let mismatch = mismatch(sample_ratio);
    baseline.map_or(Verdict::NotEnoughData, |baseline| Verdict::of(&baseline, &others, mismatch))
}

/// The figures of a metric that occurs in a session or does not.
#[must_use]
pub fn rates(arms: &[Arm], baseline: usize) -> Metric<'_, RateFigures<'_>> {
    let (baseline, others) = split(arms.iter().map(Arm::measured), baseline);
    Metric {
        variants: arms.iter().map(Arm::figures).collect(),
        comparisons: baseline.map_or_else(Vec::new, |baseline| compare(&baseline, &others)),
    }
}

/// The figures of a metric that has a value in each session.
#[must_use]
pub fn means(arms: &[ValueArm], baseline: usize) -> Metric<'_, MeanFigures<'_>> {
    let (baseline, others) = split(arms.iter().map(ValueArm::measured), baseline);
    Metric {
        variants: arms.iter().map(ValueArm::figures).collect(),
        comparisons: baseline.map_or_else(Vec::new, |baseline| compare(&baseline, &others)),
    }
}

/// The baseline, and the others that are compared with it, in their order.
fn split<'a>(arms: impl Iterator<Item = Measured<'a>>, baseline: usize) -> (Option<Measured<'a>>, Vec<Measured<'a>>) {
    let mut all: Vec<Measured<'a>> = arms.collect();
    let baseline = (baseline < all.len()).then(|| all.remove(baseline));
    all.retain(|arm| arm.is_compared);
    (baseline, all)
}
