//! Holm's adjustment (1979) of p-values that are looked at together.

/// The adjusted p-values, in the order of the given ones: rejecting those below a level makes any wrong rejection at most
/// as likely, whichever of the hypotheses are true. What cannot be rejected is given as 1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "there are at most as many as variants")]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut steps = Vec::with_capacity(p_values.len());
    for p_value in p_values {
        let smaller = p_values.iter().filter(|other| *other < p_value).count();
        steps.push((p_value * (p_values.len() - smaller) as f64).min(1.0));
    }
    let mut adjusted = Vec::with_capacity(p_values.len());
    for p_value in p_values {
        let mut largest = *p_value;
        for (other, step) in p_values.iter().zip(&steps) {
            if other <= p_value {
                largest = step.max(largest);
            }
        }
        adjusted.push(largest);
    }
    adjusted
}
