//! The difference between the means of two samples, and how far off it may be.

use super::sample::{Lack, Sample};

/// How far off a difference may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Its standard error, above 0.
    pub standard_error: f64,
    /// Its degrees of freedom (Welch, Satterthwaite).
    pub degrees_of_freedom: f64,
    /// The size of both samples together.
    pub size: f64,
}

/// A difference between two means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference itself, if it has a value.
    pub estimate: Option<f64>,
    /// How far off it may be, or what is lacking to tell.
    pub spread: Result<Spread, Lack>,
}

impl Difference {
    /// The mean of `variant` less that of `baseline`.
    #[must_use]
    pub fn absolute(baseline: &Sample, variant: &Sample) -> Self {
        let have_sessions = baseline.size > 0.0 && variant.size > 0.0;
        Self {
            estimate: have_sessions.then_some(variant.mean - baseline.mean),
            spread: Spread::of(baseline, variant, [1.0, 1.0]),
        }
    }

    /// The same as a share of the baseline's mean, by the delta method, as `GrowthBook` has it.
    #[must_use]
    pub fn relative(baseline: &Sample, variant: &Sample) -> Self {
        let absolute = Self::absolute(baseline, variant);
        if absolute.estimate.is_none() || baseline.mean > 0.0 {
            let by_variant = baseline.mean.recip();
            let by_baseline = variant.mean / baseline.mean * by_variant;
            return Self {
                estimate: absolute.estimate.map(|estimate| estimate / baseline.mean),
                spread: Spread::of(baseline, variant, [by_baseline, by_variant]),
            };
        }
        Self { estimate: None, spread: Err(Lack::PositiveBaseline) }
    }
}

impl Spread {
    /// The spread of a function of two means, with these derivatives by them. The degrees of freedom are those of the
    /// absolute difference, for a relative one too.
    fn of(baseline: &Sample, variant: &Sample, [by_baseline, by_variant]: [f64; 2]) -> Result<Self, Lack> {
        let (a, b) = (baseline.variance_of_mean()?, variant.variance_of_mean()?);
        let standard_error = (a * by_baseline * by_baseline + b * by_variant * by_variant).sqrt();
        // By the larger of both, so that no square leaves the range of numbers.
        let (a, b) = (a / a.max(b), b / a.max(b));
        let degrees_of_freedom = (a + b) * (a + b) / (a * a / (baseline.size - 1.0) + b * b / (variant.size - 1.0));
        if standard_error > 0.0 && standard_error.is_finite() {
            Ok(Self { standard_error, degrees_of_freedom, size: baseline.size + variant.size })
        } else {
            Err(Lack::Variance)
        }
    }
}
