//! The confidence sequence: an interval that may be looked at as often as one likes, and stopped at at any look.
//!
//! Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence sequences" (2021), with the tuning
//! of `GrowthBook`: sharpest at some 5,000 sessions.

use super::difference::Spread;
use super::{ALPHA, ln_1p, probability};

/// How many sessions the sequence is sharpest at.
const TUNING: f64 = 5000.0;

/// `n ρ²` of the sequence.
fn information(size: f64) -> f64 {
    let bound = -2.0 * ALPHA.ln();
    size * (bound + (bound + 1.0).ln()) / TUNING
}

/// Half the width of the interval around an estimate.
#[must_use]
pub fn half_width(spread: &Spread) -> f64 {
    let information = information(spread.size);
    let bound = (information + 1.0).sqrt() / ALPHA;
    spread.standard_error * (2.0 * (information + 1.0) / information * bound.ln()).sqrt()
}

/// The chance of such an estimate, at this or any earlier look, where there is no difference.
#[must_use]
pub fn p_value(estimate: f64, spread: &Spread) -> f64 {
    let information = information(spread.size);
    let t = estimate / spread.standard_error;
    let exponent = t * t / 2.0 * information / (information + 1.0);
    probability((ln_1p(information) / 2.0 - exponent).exp())
}
