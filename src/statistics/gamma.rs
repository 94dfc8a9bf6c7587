//! The gamma function, as what Stirling's formula leaves of its logarithm.

use super::ln_1p;

/// From here on the series below is exact to 1e-12.
pub(super) const SERIES_START: f64 = 7.0;

/// `ln Γ(z) − ((z − ½) ln z − z + ½ ln 2π)` for positive `z`.
///
/// The large terms of Stirling's formula cancel in every quotient of gamma functions that is needed here. Whoever takes
/// them out first keeps all digits, where the difference of two logarithms would lose them.
pub(super) fn stirling_remainder(z: f64) -> f64 {
    let (mut z, mut shifted) = (z, 0.0);
    while z < SERIES_START {
        shifted += (z + 0.5) * ln_1p(z.recip()) - 1.0;
        z += 1.0;
    }
    let square = (z * z).recip();
    let series =
        1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0)));
    shifted + series / z
}
