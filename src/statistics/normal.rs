//! The standard normal distribution.

use std::f64::consts::{FRAC_2_PI, TAU};

use super::probability;
use super::quadrature::half_line;

/// The quantile of 0.975: what two-sided intervals of 95 % reach to.
pub const Z_975: f64 = 1.959_963_984_540_054;

/// The chance of a value at least as far from 0 as `z`.
#[must_use]
pub fn two_sided_p_value(z: f64) -> f64 {
    probability((-z * z / 2.0).exp() * scaled_tails(z.abs()))
}

/// Both tails beyond `z`, at least 0, times `exp(z²/2)`: it does not vanish where they do.
pub(super) fn scaled_tails(z: f64) -> f64 {
    FRAC_2_PI.sqrt() * half_line((1.0 + z).recip(), &|beyond| (-beyond * (z + beyond / 2.0)).exp())
}

/// The value that is exceeded with the chance `tail`, above 0 and below 1.
#[must_use]
pub fn upper_quantile(tail: f64) -> f64 {
    if tail > 0.5 {
        return -upper_quantile(1.0 - tail);
    }
    // The tail is convex: Newton's steps come nearer from its left, and never pass.
    let mut z = 0.0_f64;
    for _ in 0..100 {
        let step = (scaled_tails(z) / 2.0 - tail * (z * z / 2.0).exp()) * TAU.sqrt();
        z += step;
        if step < 1e-14 {
            break;
        }
    }
    z
}
