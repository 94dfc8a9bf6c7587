//! JSON in base64url: the parts of tokens, and cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::json_text;

/// Writes a value.
#[must_use]
pub fn encode(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(json_text(value))
}

/// Reads a value; `None` for what is not one of its type.
#[must_use]
pub fn decode<T: DeserializeOwned>(text: &str) -> Option<T> {
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    serde_json::from_str(&json).ok()
}
