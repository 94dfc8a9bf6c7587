//! Student's t distribution, with any number of degrees of freedom from 1 on.
//!
//! With `t = √ν sinh v` its density is a power of `1 / cosh v`, which falls exponentially: an integral that is as easy for
//! 10^12 degrees of freedom as for 1.

use std::f64::consts::LN_2;

use super::ALPHA;
use super::normal::Z_975;
use super::quadrature::half_line;
use super::{ln_1p, probability};

/// A t distribution.
#[derive(Clone, Copy, Debug)]
pub struct StudentT {
    degrees_of_freedom: f64,
    /// The integral of `cosh^-ν` from 0 on.
    half: f64,
}

impl StudentT {
    /// The distribution with `degrees_of_freedom`, at least 1.
    #[must_use]
    pub fn new(degrees_of_freedom: f64) -> Self {
        Self { degrees_of_freedom, half: scaled_tail(degrees_of_freedom, 0.0) }
    }

    /// The chance of a value at least as far from 0 as `t`.
    #[must_use]
    pub fn two_sided_p_value(&self, t: f64) -> f64 {
        probability(self.tails(self.angle(t)))
    }

    /// The value that is exceeded, to either side, with the chance [`ALPHA`].
    #[must_use]
    pub fn critical_value(&self) -> f64 {
        // Of the expansion around the normal's, all terms are above 0, so that the first two are below the value. The tail
        // is convex: Newton's steps come nearer from its left, and never pass.
        let start = Z_975 + (Z_975 * Z_975 * Z_975 + Z_975) / (4.0 * self.degrees_of_freedom);
        let mut v = self.angle(start);
        for _ in 0..50 {
            let step = (self.tails(v) - ALPHA) * self.half / self.density(v);
            v += step;
            if step < 1e-15 * v {
                break;
            }
        }
        self.degrees_of_freedom.sqrt() * sinh(v)
    }

    /// The `v` of a `t`.
    fn angle(&self, t: f64) -> f64 {
        let sinh = (t.abs() / self.degrees_of_freedom.sqrt()).min(1e150);
        ln_1p(sinh + sinh * sinh / (1.0 + (1.0 + sinh * sinh).sqrt()))
    }

    fn density(&self, v: f64) -> f64 {
        (-self.degrees_of_freedom * ln_cosh(v)).exp()
    }

    fn tails(&self, v: f64) -> f64 {
        self.density(v) * scaled_tail(self.degrees_of_freedom, v) / self.half
    }
}

/// The integral of `cosh^-ν` from `v` on, times `cosh^ν v`.
fn scaled_tail(degrees_of_freedom: f64, v: f64) -> f64 {
    let start = ln_cosh(v);
    let steepest = v.min(1.0);
    let slope = degrees_of_freedom * sinh(steepest) / ln_cosh(steepest).exp();
    let scale = (slope + degrees_of_freedom.sqrt()).recip();
    half_line(scale, &|beyond| (degrees_of_freedom * (start - ln_cosh(v + beyond))).exp())
}

fn sinh(v: f64) -> f64 {
    if v > 1.0 {
        return (v.exp() - (-v).exp()) / 2.0;
    }
    let mut sum = 1.0;
    for odd in [17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = 1.0 + sum * v * v / (odd * (odd - 1.0));
    }
    v * sum
}

/// `ln cosh v`, with all digits where it is near 0 and where `cosh v` is beyond all numbers.
fn ln_cosh(v: f64) -> f64 {
    if v > 1.0 {
        return v - LN_2 + ln_1p((-2.0 * v).exp());
    }
    let sinh = sinh(v);
    ln_1p(sinh * sinh) / 2.0
}
