//! The schemas of what stands in requests and answers (JSON Schema 2020-12).

use serde_json::{Map, Value, json};

use crate::limits::PAGE_ROWS;
use crate::time::RANGE_MS;

/// No control character, as [`crate::http::field::check_key`] has it.
const KEY_PATTERN: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";
const UUID_PATTERN: &str = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";

/// A text.
pub(super) fn text() -> Value {
    json!({"type": "string"})
}

/// A text that names something: 1 to `longest` characters, none of them a control character.
pub(super) fn key(longest: usize) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": longest, "pattern": KEY_PATTERN})
}

/// A UUID.
pub(super) fn uuid() -> Value {
    json!({"type": "string", "format": "uuid", "pattern": UUID_PATTERN})
}

/// An instant as it is told.
pub(super) fn timestamp() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// True or false.
pub(super) fn flag() -> Value {
    json!({"type": "boolean"})
}

/// A whole number of 64 bits.
pub(super) fn integer() -> Value {
    json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX})
}

/// A whole number from `least` to `most`.
pub(super) fn whole(least: i64, most: i64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

/// How often something was counted.
pub(super) fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// Any number.
pub(super) fn number() -> Value {
    json!({"type": "number"})
}

/// A number from 0 to 1.
pub(super) fn fraction() -> Value {
    json!({"type": "number", "minimum": 0, "maximum": 1})
}

/// Both ends of an interval.
pub(super) fn interval() -> Value {
    json!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})
}

/// Milliseconds since 1970.
pub(super) fn instant_ms() -> Value {
    whole(*RANGE_MS.start(), *RANGE_MS.end())
}

/// How many rows a page has.
pub(super) fn limit(default: i64) -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": PAGE_ROWS, "default": default})
}

/// One of these texts.
pub(super) fn one_of<T: Into<Value>>(names: impl IntoIterator<Item = T>) -> Value {
    json!({"type": "string", "enum": names.into_iter().map(Into::into).collect::<Vec<Value>>()})
}

/// What `schema` describes, or null.
pub(super) fn nullable(mut schema: Value) -> Value {
    match schema.get_mut("type") {
        Some(Value::String(kind)) => {
            let kind = std::mem::take(kind);
            if let Some(Value::Array(names)) = schema.get_mut("enum") {
                names.push(Value::Null);
            }
            with(schema, "type", json!([kind, "null"]))
        }
        _ => json!({"anyOf": [schema, {"type": "null"}]}),
    }
}

/// A list.
pub(super) fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// The same, with `value` under `name`.
pub(super) fn with(mut schema: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Value::Object(fields) = &mut schema {
        fields.insert(name.to_owned(), value.into());
    }
    schema
}

/// The same, with this said of it.
pub(super) fn described(schema: Value, description: impl Into<String>) -> Value {
    with(schema, "description", description.into())
}

/// An object that an answer holds: all of these fields.
pub(super) fn told<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "required": required, "properties": properties(fields)})
}

/// The same, with fields that may be missing.
pub(super) fn told_with<const N: usize, const M: usize>(
    fields: [(&str, Value); N],
    optional: [(&str, Value); M],
) -> Value {
    let mut schema = told(fields);
    if let Some(Value::Object(known)) = schema.get_mut("properties") {
        known.extend(properties(optional));
    }
    schema
}

/// An object that a request brings: these fields, of which the `required` must be there.
pub(super) fn asked<const N: usize>(required: &[&str], fields: [(&str, Value); N]) -> Value {
    json!({"type": "object", "required": required, "properties": properties(fields)})
}

/// The same, that may have no other fields.
pub(super) fn closed(schema: Value) -> Value {
    with(schema, "additionalProperties", false)
}

/// Named schemas.
pub(super) fn properties<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// A schema of the components.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Adds a field that is always there to an object.
pub(super) fn add_told(schema: &mut Value, name: &str, field: Value) {
    schema["properties"][name] = field;
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.push(name.into());
    }
}
