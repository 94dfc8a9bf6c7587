//! JSON as text.

use serde::Serialize;

/// A value as JSON, for values of which none fails to be written.
#[must_use]
pub fn json_text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A number as JSON writes it; whole ones without a fraction.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "whole numbers within 2^53 fit")]
pub fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        return (number as i64).to_string();
    }
    json_text(&number)
}
