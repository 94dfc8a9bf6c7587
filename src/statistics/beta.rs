//! Which of two rates is higher, where each is known by a Beta distribution.
//!
//! The log-odds of a rate with the distribution `Beta(a, b)` have the moment generating function
//! `Γ(a + s) Γ(b − s) / Γ(a) Γ(b)`, so that of the difference `D` between two log-odds, `M(s)`, is a product of such. From
//! it come, as integrals along any upright line right of 0 and left of the first pole,
//!
//! - the chance that `D` is above 0: `1/2πi ∫ M(s)/s ds`,
//! - its density at 0: `1/2πi ∫ M(s) ds`.
//!
//! The line goes through the point where `M(s)/s` is least: there nothing cancels, however small the chance. Sums over
//! equal steps are exact but for what they take from the far ends of `D`'s distribution, which decides the step.

use std::f64::consts::PI;

use super::complex::Complex;
use super::gamma::{SERIES_START, stirling_remainder};
use super::probability;

/// How many e-folds what comes from the far ends is below `M(s)` where that is least; the integral is some five below it.
const FOLDS: f64 = 33.0;
/// How near the line may come to a pole, which is at least 1 away from 0.
const POLE_DISTANCE: f64 = 0.4;
/// Where the gain is a smaller part of its terms than this, they cancel too far: a normal distribution leaves less only
/// where its tail is below 1e-200.
const CANCELLATION: f64 = 1e-3;
/// Nodes of a sum, at most; the arms of the benchmark need some hundreds.
const NODES: i32 = 2000;
/// The golden section.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// A rate, known by a Beta distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beta {
    /// One more than the conversions.
    a: f64,
    /// One more than the sessions without.
    b: f64,
}

/// Two rates, compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contest {
    /// The chance that the variant's rate is above the baseline's.
    pub chance_to_win: f64,
    /// How much lower the variant's rate is to be expected, counting as 0 where it is higher: what choosing it costs.
    pub expected_loss: f64,
}

impl Beta {
    /// What is known of a rate that could have been any, `Beta(1, 1)`, after `conversions` of `sessions`.
    #[must_use]
    pub fn posterior(sessions: f64, conversions: f64) -> Self {
        Self { a: conversions + 1.0, b: sessions - conversions + 1.0 }
    }

    fn with_conversion(self) -> Self {
        Self { a: self.a + 1.0, b: self.b }
    }

    fn mirrored(self) -> Self {
        Self { a: self.b, b: self.a }
    }

    fn mean(self) -> f64 {
        self.a / (self.a + self.b)
    }
}

impl Contest {
    /// Compares a variant with its baseline.
    #[must_use]
    pub fn between(baseline: Beta, variant: Beta) -> Self {
        let difference = variant.mean() - baseline.mean();
        if difference > 0.0 {
            let [chance, gain] = Upset { lower: baseline, higher: variant }.chance_and_gain();
            Self { chance_to_win: 1.0 - chance, expected_loss: gain }
        } else {
            let [chance, gain] = Upset { lower: variant, higher: baseline }.chance_and_gain();
            Self { chance_to_win: probability(chance), expected_loss: gain - difference }
        }
    }
}

/// That the rate with the lower mean is the higher one.
struct Upset {
    lower: Beta,
    higher: Beta,
}

impl Upset {
    /// The chance, and how much higher it is to be expected, counting as 0 where it is lower.
    fn chance_and_gain(&self) -> [f64; 2] {
        let [chance, density] = self.chance_and_density();
        let Self { mut lower, mut higher } = *self;
        if lower.mean() + higher.mean() > 1.0 {
            // The same is to be gained in sessions without a conversion, and the digits are in what is rarer.
            (lower, higher) = (higher.mirrored(), lower.mirrored());
        }
        let spread = ((lower.a + lower.b).recip() + (higher.a + higher.b).recip()) * density;
        let gain = (lower.mean() - higher.mean()) * chance + spread;
        if gain > spread * CANCELLATION {
            return [chance, gain];
        }
        // Each mean, where the lower rate is the higher one: a conversion more.
        let [of_lower, _] = Self { lower: lower.with_conversion(), higher }.chance_and_density();
        let [of_higher, _] = Self { lower, higher: higher.with_conversion() }.chance_and_density();
        [chance, (lower.mean() * of_lower - higher.mean() * of_higher).max(0.0)]
    }

    /// The chance, and the density of `D` at 0.
    fn chance_and_density(&self) -> [f64; 2] {
        let saddle = self.saddle();
        let least = self.ln_moment(Complex::real(saddle)).re;
        if least < -750.0 {
            return [0.0, 0.0];
        }
        let line = saddle.min(self.pole() - POLE_DISTANCE);
        let at_line = self.ln_moment(Complex::real(line)).re;
        let step = 2.0 * PI / self.reach(line, least);
        let (mut chance, mut density) = (0.5 / line, 0.5);
        for node in 1..NODES {
            let s = Complex { re: line, im: f64::from(node) * step };
            let ln = self.ln_moment(s);
            let size = (ln.re - at_line).exp();
            let moment = Complex::unit(ln.im).scale(size);
            density += moment.re;
            chance += (moment * s.recip()).re;
            if size < 1e-16 {
                break;
            }
        }
        let unit = step / PI * at_line.exp();
        [unit * chance, unit * density]
    }

    /// Where `M(s)/s` is least: a convex function, searched between 0 and its pole by the golden section.
    fn saddle(&self) -> f64 {
        let pole = self.pole();
        let at = |logit: f64| pole / (1.0 + (-logit).exp());
        let height = |logit: f64| self.ln_moment(Complex::real(at(logit))).re - at(logit).ln();
        let (mut low, mut high) = (-30.0, 10.0);
        let (mut left, mut right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        let (mut at_left, mut at_right) = (height(left), height(right));
        for _ in 0..20 {
            if at_left < at_right {
                (high, right, at_right) = (right, left, at_left);
                left = high - GOLDEN * (high - low);
                at_left = height(left);
            } else {
                (low, left, at_left) = (left, right, at_right);
                right = low + GOLDEN * (high - low);
                at_right = height(right);
            }
        }
        at(f64::midpoint(low, high))
    }

    /// How far from 0 the distribution of `D` has to be left alone, by Chernoff's bound to either side.
    fn reach(&self, line: f64, least: f64) -> f64 {
        let further = line.min(0.8 * (self.pole() - line));
        let above = (self.ln_moment(Complex::real(line + further)).re - least + FOLDS) / further;
        let below = (FOLDS - least) / line;
        above.max(below)
    }

    fn pole(&self) -> f64 {
        self.lower.b.min(self.higher.a)
    }

    fn ln_moment(&self, s: Complex) -> Complex {
        let minus = s.scale(-1.0);
        ln_gamma_ratio(self.lower.a, s)
            + ln_gamma_ratio(self.lower.b, minus)
            + ln_gamma_ratio(self.higher.a, minus)
            + ln_gamma_ratio(self.higher.b, s)
    }
}

/// `ln Γ(a + s)/Γ(a)`, up to whole turns, for `a` and the real part of `a + s` above 0: by Stirling's formula, without the
/// terms that both have.
fn ln_gamma_ratio(a: f64, s: Complex) -> Complex {
    let (mut a, mut shift) = (a, Complex::real(1.0));
    while a + s.re.min(0.0) < SERIES_START {
        shift = shift * (Complex::real(1.0) + s.scale(a.recip()));
        a += 1.0;
    }
    let shift = (shift + Complex::real(-1.0)).ln_1p().scale(-1.0);
    let sum = Complex::real(a) + s;
    let ln = s.scale(a.recip()).ln_1p();
    let large = (sum + Complex::real(-0.5)) * ln + s.scale(a.ln() - 1.0);
    shift + large + remainder(sum) + Complex::real(-stirling_remainder(a))
}

/// The series of [`stirling_remainder`], for a real part of at least [`SERIES_START`].
fn remainder(z: Complex) -> Complex {
    let inverse = z.recip();
    let square = inverse * inverse;
    let mut sum = Complex::real(1.0 / 1188.0);
    for term in [-1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0] {
        sum = sum * square + Complex::real(term);
    }
    sum * inverse
}
