//! The figures of an experiment: intervals, tests and chances, each by its published formula.
//!
//! Everything is a few sums and integrals over `f64`, right from one session to 10^12, and far into the tails: a
//! probability that is too small for an `f64` is given as the smallest normal one, 2.2e-308, and never as 0.

pub mod beta;
mod complex;
pub mod difference;
mod gamma;
pub mod holm;
pub mod normal;
pub mod proportion;
mod quadrature;
pub mod sample;
pub mod sample_ratio;
pub mod sequential;
pub mod student;

/// The share of wrong alarms that all intervals and tests allow: intervals hold 95 %.
pub const ALPHA: f64 = 0.05;

/// A count, up to 2^53, to calculate with.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "no bound on a count is above 2^53")]
pub fn count(count: u64) -> f64 {
    count as f64
}

/// `ln(1 + x)` with all digits, for `x` above −1: the library's has five times the code. What `1 + x` lost is in both
/// parts of the quotient (Kahan).
fn ln_1p(x: f64) -> f64 {
    let sum = 1.0 + x;
    let kept = sum - 1.0;
    if kept.abs() > 0.0 { sum.ln() * (x / kept) } else { x }
}

/// A probability as it is told: above 0, and at most 1.
fn probability(computed: f64) -> f64 {
    computed.clamp(f64::MIN_POSITIVE, 1.0)
}
