//! Parts of the units: experiments whose parts of the same namespace do not overlap never share a unit.

use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::value::RawValue;

use super::assignment::{HashVersion, bucket};
use crate::http::field::Field;
use crate::http::problem::{Code, Problem};
use crate::limits::KEY_CHARS;

/// A part of the units.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespace {
    /// The namespace's name.
    pub id: String,
    /// Where the part starts, from 0.
    pub start: f64,
    /// Where it ends, up to 1; the end is not in it.
    pub end: f64,
}

impl Namespace {
    /// Whether a unit is in this part, as GrowthBook's SDKs have it.
    #[must_use]
    pub fn includes(&self, unit: &str) -> bool {
        let place = bucket(&format!("__{}", self.id), unit, HashVersion::One);
        (self.start..self.end).contains(&place)
    }
}

/// A namespace as it is stored and told: `["name", 0.0, 0.5]`.
impl Serialize for Namespace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_tuple(3)?;
        parts.serialize_element(&self.id)?;
        parts.serialize_element(&self.start)?;
        parts.serialize_element(&self.end)?;
        parts.end()
    }
}

/// Reads a namespace: its name, for all of it, or `["name", start, end]`.
///
/// # Errors
/// What is wrong with it; the pointer starts at `/namespace`.
pub fn read_namespace(json: &RawValue) -> Result<Namespace, Problem> {
    read(json).map_err(|problem| problem.below("/namespace"))
}

fn read(json: &RawValue) -> Result<Namespace, Problem> {
    if json.get().starts_with('"') {
        let id = Field { name: "namespace", json: Some(json) }.key(KEY_CHARS);
        // The name has no place of its own.
        let id = id.map_err(|problem| Problem { pointer: None, ..problem })?.unwrap_or_default();
        return Ok(Namespace { id, start: 0.0, end: 1.0 });
    }
    let parts: Vec<&RawValue> = serde_json::from_str(json.get()).unwrap_or_default();
    let shape = || Problem::new(Code::InvalidType, "namespace must be a text, or a text and two numbers in an array.");
    let &[id, start, end] = parts.as_slice() else { return Err(shape()) };
    let part = |name, json| Field { name, json: Some(json) };
    let id = part("0", id).key(KEY_CHARS)?;
    let (start, end) = (part("1", start).fraction()?, part("2", end).fraction()?);
    let (Some(id), Some(start), Some(end)) = (id, start, end) else { return Err(shape()) };
    if start >= end {
        return Err(Problem::new(Code::InvalidValue, "namespace must start before it ends."));
    }
    Ok(Namespace { id, start, end })
}
