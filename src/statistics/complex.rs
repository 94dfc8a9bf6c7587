//! Complex numbers, as far as a contour integral needs them.

use std::f64::consts::TAU;
use std::ops::{Add, Mul};

use super::ln_1p;

/// A complex number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Complex {
    /// The real part.
    pub(super) re: f64,
    /// The imaginary part.
    pub(super) im: f64,
}

impl Complex {
    pub(super) fn real(re: f64) -> Self {
        Self { re, im: 0.0 }
    }

    /// The number of size 1 in this direction: a Taylor series for a sixteenth of the angle, squared four times. That is a
    /// tenth of the code of sine and cosine.
    pub(super) fn unit(angle: f64) -> Self {
        let sixteenth = (angle - TAU * (angle / TAU).round()) / 16.0;
        let mut unit = Self::real(1.0);
        for power in (1..=12).rev() {
            unit = Self::real(1.0) + Self { re: -unit.im, im: unit.re }.scale(sixteenth / f64::from(power));
        }
        for _ in 0..4 {
            unit = unit * unit;
        }
        unit
    }

    pub(super) fn scale(self, by: f64) -> Self {
        Self { re: self.re * by, im: self.im * by }
    }

    pub(super) fn recip(self) -> Self {
        let square = self.re * self.re + self.im * self.im;
        Self { re: self.re / square, im: -self.im / square }
    }

    /// The logarithm of 1 plus this number.
    pub(super) fn ln_1p(self) -> Self {
        let Self { re, im } = self;
        let above = re * (2.0 + re) + im * im;
        let re_of_ln = if above > -0.5 { ln_1p(above) } else { ((1.0 + re) * (1.0 + re) + im * im).ln() };
        Self { re: re_of_ln / 2.0, im: angle(1.0 + re, im) }
    }
}

/// The angle of a number that is not 0 and not negative: its tangent's series for a sixteenth, four times halved by the
/// bisector with 1.
fn angle(re: f64, im: f64) -> f64 {
    let (mut re, mut im) = (re, im);
    for _ in 0..4 {
        let size = (re * re + im * im).sqrt();
        (re, im) = (re / size + 1.0, im / size);
    }
    let (tangent, mut sum) = (im / re, 0.0);
    for odd in [17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0_f64] {
        sum = odd.recip() - tangent * tangent * sum;
    }
    16.0 * tangent * sum
}

impl Add for Complex {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Mul for Complex {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}
