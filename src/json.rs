//! JSON as text.

use serde::Serialize;

/// A value as JSON, for values of which none fails to be written.
#[must_use]
pub fn json_text<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
