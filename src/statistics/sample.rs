//! What a sample is known by: its size, its mean, and how much its values vary.

use super::student::StudentT;

/// Why a figure has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// A sample is empty.
    Sessions,
    /// All values of a sample are the same, or there is one: nothing tells how far off its mean may be.
    Variance,
    /// The mean that another one is told relative to is not above 0.
    PositiveBaseline,
}

impl Lack {
    /// The reason, in words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Sessions => "There are no sessions.",
            Self::Variance => "All sessions of a variant have the same value.",
            Self::PositiveBaseline => "The baseline's mean is not above 0.",
        }
    }
}

/// What is left of a sum of squares when all that it has in common is taken out, and it is rounding alone.
const ROUNDING: f64 = 1e-12;

/// A sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many values it has, up to 10^12.
    pub size: f64,
    /// Their mean; 0 without values.
    pub mean: f64,
    /// Their variance, at least 0.
    pub variance: f64,
}

impl Sample {
    /// The sample in which `conversions` of `size` values are 1 and the others 0. As everywhere with rates, its variance
    /// is `p (1 − p)`.
    #[must_use]
    pub fn of_rate(size: f64, conversions: f64) -> Self {
        let mean = if size > 0.0 { conversions / size } else { 0.0 };
        Self { size, mean, variance: mean * (1.0 - mean) }
    }

    /// The sample of `size` values with this sum and this sum of squares.
    #[must_use]
    pub fn of_values(size: f64, sum: f64, sum_of_squares: f64) -> Self {
        let mean = if size > 0.0 { sum / size } else { 0.0 };
        let squares_around_mean = sum_of_squares - sum * mean;
        let varies = size > 1.0 && squares_around_mean > ROUNDING * sum_of_squares;
        Self { size, mean, variance: if varies { squares_around_mean / (size - 1.0) } else { 0.0 } }
    }

    /// What the mean's own variance is.
    ///
    /// # Errors
    /// What the sample lacks to have one.
    pub fn variance_of_mean(&self) -> Result<f64, Lack> {
        if self.size <= 0.0 {
            return Err(Lack::Sessions);
        }
        let variance = self.variance / self.size;
        if variance > 0.0 && variance.is_finite() { Ok(variance) } else { Err(Lack::Variance) }
    }

    /// The interval of the mean by Student's t, at 95 %.
    ///
    /// # Errors
    /// What the sample lacks to have one.
    pub fn interval(&self) -> Result<[f64; 2], Lack> {
        let half = self.variance_of_mean()?.sqrt() * StudentT::new(self.size - 1.0).critical_value();
        Ok([self.mean - half, self.mean + half])
    }
}
