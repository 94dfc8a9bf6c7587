//! The interval of one rate, and how many sessions two rates need.

use super::ALPHA;
use super::normal::{Z_975, upper_quantile};

/// Wilson's interval of a rate (1927), at 95 %; `sessions` is above 0.
#[must_use]
pub fn wilson_interval(sessions: f64, conversions: f64) -> [f64; 2] {
    let lower = |conversions: f64| {
        let (rate, square) = (conversions / sessions, Z_975 * Z_975 / sessions);
        let centre = rate + square / 2.0;
        let half = (square * (rate * (1.0 - rate) + square / 4.0)).sqrt();
        // Both bounds are roots of one quadratic equation: by their product, nothing cancels.
        rate * rate / (centre + half)
    };
    [lower(conversions), 1.0 - lower(sessions - conversions)]
}

/// How many sessions each of two variants needs, so that a look at their end finds a difference with the chance `power`:
/// two-sided at 5 %, `(z_α + z_β)² (p₁ q₁ + p₂ q₂) / (p₂ − p₁)²`. Rates and power are above 0 and below 1.
#[must_use]
pub fn sessions_per_variant(rates: [f64; 2], power: f64) -> f64 {
    let variance: f64 = rates.iter().map(|rate| rate * (1.0 - rate)).sum();
    let [first, second] = rates;
    let quantiles = upper_quantile(ALPHA / 2.0) + upper_quantile(1.0 - power);
    let ratio = quantiles / (second - first);
    (ratio * ratio * variance).ceil()
}
