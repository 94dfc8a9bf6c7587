//! Values as texts of a query and as JSON of a body, checked against their column.

use serde_json::value::RawValue;
use uuid::Uuid;

use super::error::{DataError, ErrorCode};
use crate::data::schema::{Check, Column, Kind};
use crate::http::field::{check_key, uuid_of};
use crate::json::json_text;
use crate::limits::TAGS_BYTES;
use crate::sql::statement::Value;
use crate::time::parse_timestamp;

/// Numbers are exact up to here, in either direction.
const EXACT: i64 = 1 << 53;

/// The value that a text stands for, to compare a column with.
///
/// # Errors
/// [`ErrorCode::InvalidText`], [`ErrorCode::InvalidDatetime`], [`ErrorCode::OutOfRange`],
/// [`ErrorCode::InvalidCharacter`].
pub fn of_text(column: &Column, text: &str) -> Result<Value, DataError> {
    refuse_nul(text)?;
    let malformed = || malformed(column.kind, text);
    Ok(match column.kind {
        Kind::Uuid => Value::Text(uuid(text.trim()).ok_or_else(malformed)?.to_string()),
        Kind::Text | Kind::Json | Kind::TextArray => Value::Text(text.to_owned()),
        Kind::Integer => Value::Integer(integer(text)?),
        Kind::Boolean => Value::Integer(i64::from(boolean(text).ok_or_else(malformed)?)),
        Kind::Timestamp => Value::Text(instant(text.trim()).ok_or_else(malformed)?),
    })
}

/// The JSON in which a value of a row is stored, from the JSON in which it was sent; null stays null.
///
/// # Errors
/// As [`of_text`], and [`ErrorCode::TooLong`] and [`ErrorCode::Check`] for what its column does not take.
pub fn of_json(table: &str, column: &Column, json: &RawValue) -> Result<String, DataError> {
    let json = json.get();
    if json == "null" {
        return Ok(json.to_owned());
    }
    let text = || scalar(json);
    match column.kind {
        Kind::Json => {
            refuse_nul(json)?;
            serde_json::from_str::<serde_json::Value>(json).map_err(|error| invalid_body(&error))?;
            if json.contains("\\u0000") { Err(nul()) } else { Ok(json.to_owned()) }
        }
        Kind::TextArray => {
            let elements: Vec<serde_json::Value> =
                serde_json::from_str(json).map_err(|_| malformed(column.kind, json))?;
            let texts = elements.into_iter().map(|element| element_text(column, element));
            let tags = to_json(&texts.collect::<Result<Vec<_>, _>>()?)?;
            if tags.len() > TAGS_BYTES {
                let message = format!("value too long for column \"{}\": at most {TAGS_BYTES} bytes", column.name);
                return Err(DataError::new(ErrorCode::TooLong, message));
            }
            Ok(tags)
        }
        Kind::Text => {
            let text = text()?;
            refuse_nul(&text)?;
            check_text(table, column, &text)?;
            to_json(&text)
        }
        Kind::Boolean | Kind::Integer | Kind::Uuid | Kind::Timestamp => match of_text(column, &text()?)? {
            Value::Integer(number) => Ok(number.to_string()),
            Value::Text(text) => to_json(&text),
            Value::Null => Ok("null".to_owned()),
        },
    }
}

/// The text of a JSON value, as PostgreSQL takes it in: a text's characters, anything else as it is written.
fn scalar(json: &str) -> Result<String, DataError> {
    if json.starts_with('"') {
        serde_json::from_str(json).map_err(|error| invalid_body(&error))
    } else {
        Ok(json.to_owned())
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String, DataError> {
    serde_json::to_string(value).map_err(|error| invalid_body(&error))
}

fn invalid_body(error: &serde_json::Error) -> DataError {
    DataError::new(ErrorCode::InvalidBody, format!("The JSON cannot be read: {error}"))
}

/// An element of an array of texts: what is no text is taken as it is written.
fn element_text(column: &Column, element: serde_json::Value) -> Result<Option<String>, DataError> {
    match element {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => refuse_nul(&text).map(|()| Some(text)),
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => Ok(Some(json_text(&element))),
        other => Err(malformed(column.kind, &json_text(&other))),
    }
}

/// A UUID as PostgreSQL reads one: also without hyphens, or in braces.
fn uuid(text: &str) -> Option<Uuid> {
    if text.starts_with("urn:") { None } else { Uuid::try_parse(text).ok() }
}

/// An instant as stored; a date is its first.
fn instant(text: &str) -> Option<String> {
    const DATE_BYTES: usize = "2026-11-20".len();
    if text.len() == DATE_BYTES { parse_timestamp(&format!("{text}T00:00:00Z")) } else { parse_timestamp(text) }
}

/// A whole number as PostgreSQL reads one.
///
/// # Errors
/// [`ErrorCode::InvalidText`], [`ErrorCode::OutOfRange`].
pub fn integer(text: &str) -> Result<i64, DataError> {
    let digits = text.trim();
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed(Kind::Integer, text));
    }
    let number = digits.parse().ok().filter(|number| (-EXACT..=EXACT).contains(number));
    number.ok_or_else(|| DataError::new(ErrorCode::OutOfRange, format!("value \"{}\" is out of range", cut(text))))
}

/// True or false as PostgreSQL reads it: also a beginning of true, false, yes and no, and on, off, 1 and 0.
fn boolean(text: &str) -> Option<bool> {
    let text = text.trim().to_ascii_lowercase();
    let begins = |word: &str| !text.is_empty() && word.starts_with(&text);
    match text.as_str() {
        "1" | "on" => Some(true),
        "0" | "of" | "off" => Some(false),
        _ if begins("true") || begins("yes") => Some(true),
        _ if begins("false") || begins("no") => Some(false),
        _ => None,
    }
}

fn check_text(table: &str, column: &Column, text: &str) -> Result<(), DataError> {
    let (Check::Characters(longest) | Check::NoUuid(longest) | Check::Key(longest)) = column.check else {
        return Ok(());
    };
    if text.chars().count() > longest {
        let message = format!("value too long for column \"{}\": at most {longest} characters", column.name);
        return Err(DataError::new(ErrorCode::TooLong, message));
    }
    if matches!(column.check, Check::NoUuid(_)) && uuid_of(text).is_some() {
        return Err(DataError::check(table, column.name).hint(format!("{} must not be a UUID", column.name)));
    }
    if matches!(column.check, Check::Key(_))
        && let Err((_, detail)) = check_key(text, longest)
    {
        return Err(DataError::check(table, column.name).hint(format!("{} {detail}", column.name)));
    }
    Ok(())
}

fn refuse_nul(text: &str) -> Result<(), DataError> {
    if text.contains('\0') { Err(nul()) } else { Ok(()) }
}

fn nul() -> DataError {
    DataError::new(ErrorCode::InvalidCharacter, "a text must not have the character U+0000")
}

fn malformed(kind: Kind, text: &str) -> DataError {
    let code = if kind == Kind::Timestamp { ErrorCode::InvalidDatetime } else { ErrorCode::InvalidText };
    DataError::new(code, format!("invalid input syntax for type {}: \"{}\"", type_name(kind), cut(text)))
}

/// The name of a kind among PostgreSQL's types.
fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Uuid => "uuid",
        Kind::Text => "text",
        Kind::Integer => "bigint",
        Kind::Boolean => "boolean",
        Kind::Timestamp => "timestamp with time zone",
        Kind::Json => "jsonb",
        Kind::TextArray => "text[]",
    }
}

/// Enough of a text to recognise it.
fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}
