//! From the bytes of a body to JSON text that is safe to parse.

use std::str::Bytes;

use super::problem::{Code, Problem};
use crate::limits::{BODY_BYTES, NESTING_LEVELS};

/// Checks that a body may be read here: its type is one of `accepted`, given in lower case without parameters.
///
/// # Errors
/// [`Code::UnsupportedMediaType`].
pub fn check_type(content_type: Option<&str>, accepted: &[&str]) -> Result<(), Problem> {
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if accepted.contains(&essence.as_str()) {
        return Ok(());
    }
    let detail = format!("Send the body with Content-Type {}.", accepted.join(" or "));
    Err(Problem::new(Code::UnsupportedMediaType, detail))
}

/// The problem of a body that is larger than it may be.
#[must_use]
pub fn too_large() -> Problem {
    Problem::new(Code::TooLarge, format!("A body has at most {BODY_BYTES} bytes. Send it in parts."))
}

/// Reads a body as text and checks that parsing it cannot go too deep.
///
/// # Errors
/// [`Code::InvalidUtf8`], [`Code::NestingTooDeep`].
pub fn text(bytes: &[u8]) -> Result<&str, Problem> {
    text_within(bytes, NESTING_LEVELS)
}

/// The same, of as many levels.
///
/// # Errors
/// [`Code::InvalidUtf8`], [`Code::NestingTooDeep`].
pub fn text_within(bytes: &[u8], levels: usize) -> Result<&str, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(Code::InvalidUtf8, format!("The bytes after the first {} are not UTF-8.", error.valid_up_to()))
    })?;
    if nesting_levels(text) > levels {
        let detail = format!("JSON may be nested {levels} levels deep.");
        return Err(Problem::new(Code::NestingTooDeep, detail));
    }
    Ok(text)
}

/// Tells where JSON could not be read.
#[must_use]
pub fn unreadable(error: &serde_json::Error) -> Problem {
    Problem::new(Code::InvalidJson, format!("The JSON cannot be read: {error}."))
}

/// How deep the arrays and objects of a JSON text go, whether it is otherwise well formed or not.
fn nesting_levels(text: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}
