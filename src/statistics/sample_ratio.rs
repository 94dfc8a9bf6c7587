//! Whether sessions come to the variants in the shares they should.

use super::gamma::stirling_remainder;
use super::normal::scaled_tails;
use super::{ln_1p, probability};

/// How firmly the sequential test holds the shares before the first look, in sessions.
const CONCENTRATION: f64 = 10_000.0;

/// Tests of the shares, over looks that follow each other.
///
/// The sequential one is the Bayes factor of Lindon and Malek, "Anytime-valid inference for multinomial count data"
/// (2022): shares that a Dirichlet distribution around the weights gives, against the weights.
#[derive(Clone, Debug)]
pub struct SampleRatio {
    shares: Vec<Share>,
    /// The sessions of all variants.
    all: f64,
    sequential_p_value: f64,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    /// What share of the sessions should come.
    weight: f64,
    /// The sessions that came.
    sessions: f64,
}

impl SampleRatio {
    /// Before the first look. The weights are above 0; they stand for shares of their sum.
    #[must_use]
    pub fn new(weights: &[f64]) -> Self {
        let sum: f64 = weights.iter().sum();
        let mut shares = Vec::with_capacity(weights.len());
        for weight in weights {
            shares.push(Share { weight: weight / sum, sessions: 0.0 });
        }
        Self { shares, all: 0.0, sequential_p_value: 1.0 }
    }

    /// Looks, after `new_sessions` have come to the variants, in the order of the weights.
    pub fn look(&mut self, new_sessions: &[f64]) {
        for (share, new) in self.shares.iter_mut().zip(new_sessions) {
            share.sessions += new;
            self.all += new;
        }
        let p_value = probability((-self.ln_bayes_factor()).exp());
        self.sequential_p_value = self.sequential_p_value.min(p_value);
    }

    /// The chance of such shares at any look so far: the least p-value of all looks.
    #[must_use]
    pub fn sequential_p_value(&self) -> f64 {
        self.sequential_p_value
    }

    /// The chance of such shares by the chi-square test, looking once; 1 without sessions.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        if self.all <= 0.0 {
            return 1.0;
        }
        let mut chi_square = 0.0;
        for Share { weight, sessions } in &self.shares {
            let expected = self.all * weight;
            chi_square += (sessions - expected) * (sessions - expected) / expected;
        }
        chi_square_p_value(chi_square, self.shares.len().saturating_sub(1))
    }

    /// With `α = 10,000 w` and `z = α + n` it is `ln Π Γ(z)/Γ(α) − ln Γ(Σz)/Γ(Σα) − Σ n ln w`; of its large terms remain
    /// those of a relative entropy, none of which is negative.
    fn ln_bayes_factor(&self) -> f64 {
        let mut sum = remainder(CONCENTRATION) - remainder(CONCENTRATION + self.all);
        for Share { weight, sessions } in &self.shares {
            let before = CONCENTRATION * weight;
            let expected = before + self.all * weight;
            let off = (sessions - self.all * weight) / expected;
            sum += expected * ((1.0 + off) * ln_1p(off) - off) + remainder(before + sessions) - remainder(before);
        }
        sum
    }
}

/// What is left of `ln Γ(z)` without its `z ln z − z`.
fn remainder(z: f64) -> f64 {
    stirling_remainder(z) - z.ln() / 2.0
}

/// The chance of a chi-square at least this large. Its tail is one of degree 1 or 2, and terms that are all positive.
#[expect(clippy::cast_precision_loss, reason = "there are at most as many as variants")]
fn chi_square_p_value(chi_square: f64, degrees_of_freedom: usize) -> f64 {
    let half = chi_square / 2.0;
    // The terms of many variants could be beyond all numbers.
    if half > 1e5 {
        return f64::MIN_POSITIVE;
    }
    let (mut sum, mut term, mut degree) = if degrees_of_freedom % 2 == 1 {
        (scaled_tails(chi_square.sqrt()), 2.0 * (half / std::f64::consts::PI).sqrt(), 1)
    } else {
        (1.0, half, 2)
    };
    while degree < degrees_of_freedom {
        sum += term;
        degree += 2;
        term *= chi_square / degree as f64;
    }
    probability((sum.ln() - half).exp())
}
