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

/// Counts by their names as a JSON object. Names are of letters, digits and signs that JSON takes as they are.
#[must_use]
pub fn json_object(counts: &[(String, u64)]) -> String {
    let mut object = "{".to_owned();
    for (place, (name, count)) in counts.iter().enumerate() {
        for part in [if place == 0 { "\"" } else { ",\"" }, name, "\":", &count.to_string()] {
            object.push_str(part);
        }
    }
    object.push('}');
    object
}
