//! The verdict: what an experiment says by now, in a sentence.

use std::fmt;

use serde::{Serialize, Serializer};

use super::arm::Measured;
use crate::statistics::difference::Difference;
use crate::statistics::holm::holm;
use crate::statistics::{ALPHA, sequential};

/// What an experiment says by now.
///
/// It rests on the sequential numbers alone, so that it may be read every hour: where there is no difference, it says that
/// there is one in at most 5 % of the experiments, over all looks and all variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Sessions do not come to the variants in the shares they should: something is broken, and it may be anything.
    SampleRatio,
    /// No variant has enough sessions, nor has the baseline.
    NotEnoughData,
    /// Nothing is known to be better.
    NoDifference,
    /// This one is better: the best of the variants that are better than the baseline, or a baseline that is better than
    /// every variant.
    Better(&'a str),
}

impl<'a> Verdict<'a> {
    /// The verdict on `variants`, each beside the `baseline`.
    #[must_use]
    pub fn of(baseline: &Measured<'a>, variants: &[Measured<'a>], sample_ratio_mismatch: bool) -> Self {
        if sample_ratio_mismatch {
            return Self::SampleRatio;
        }
        let (mut estimates, mut p_values) = (Vec::with_capacity(variants.len()), Vec::with_capacity(variants.len()));
        for variant in variants {
            let (estimate, p_value) = judged(baseline, variant).unwrap_or((f64::NAN, 1.0));
            estimates.push(estimate);
            p_values.push(p_value);
        }
        let (mut judged, mut worse, mut best) = (false, 0, None);
        for ((variant, estimate), p_value) in variants.iter().zip(estimates).zip(holm(&p_values)) {
            judged |= !estimate.is_nan();
            if p_value < ALPHA && estimate < 0.0 {
                worse += 1;
            } else if p_value < ALPHA && best.is_none_or(|(least, _)| estimate > least) {
                best = Some((estimate, variant.key));
            }
        }
        match best {
            Some((_, key)) => Self::Better(key),
            None if !judged => Self::NotEnoughData,
            None if worse == variants.len() => Self::Better(baseline.key),
            None => Self::NoDifference,
        }
    }
}

/// The absolute difference and its sequential p-value, if there is enough to judge it.
fn judged(baseline: &Measured<'_>, variant: &Measured<'_>) -> Option<(f64, f64)> {
    let difference = Difference::absolute(&baseline.sample, &variant.sample);
    let known = difference.estimate.zip(difference.spread.ok()).filter(|_| baseline.is_enough && variant.is_enough);
    known.map(|(estimate, spread)| (estimate, sequential::p_value(estimate, &spread)))
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleRatio => formatter.write_str("do not trust: sample ratio"),
            Self::NotEnoughData => formatter.write_str("not enough data"),
            Self::NoDifference => formatter.write_str("no difference yet"),
            Self::Better(key) => write!(formatter, "{key} is better"),
        }
    }
}

impl Serialize for Verdict<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}
