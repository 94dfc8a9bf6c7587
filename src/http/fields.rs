//! The fields of a JSON object, each name once.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::body::unreadable;
use super::field::Field;
use super::problem::{Code, Problem};
use crate::limits::OBJECT_FIELDS;

/// The fields of a JSON object, as their names and their JSON texts. A name that stands twice makes it unreadable.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'a> Fields<'a> {
    /// Reads an object, which `what` names at the start of a sentence.
    ///
    /// # Errors
    /// [`Code::InvalidType`] for other JSON, [`Code::InvalidJson`] for a name that stands twice.
    pub fn read(json: &'a str, what: &str) -> Result<Self, Problem> {
        serde_json::from_str(json).map_err(|error| {
            let is_other_json = !json.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(json).is_ok();
            if is_other_json {
                Problem::new(Code::InvalidType, format!("{what} is an object."))
            } else {
                unreadable(&error)
            }
        })
    }

    /// The field of this name; a null counts as missing.
    #[must_use]
    pub fn field(&self, name: &'a str) -> Field<'a> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        Field { name, json: found.map(|(_, json)| *json).filter(|json| json.get() != "null") }
    }

    /// The JSON text of the field of this name, also when it is null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, json)| *json)
    }

    /// The names of the fields, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_ref())
    }

    /// Refuses an object that has other fields than the `known`.
    ///
    /// # Errors
    /// [`Code::UnknownColumn`].
    pub fn refuse_unknown(&self, known: &[&str]) -> Result<(), Problem> {
        match self.fields.iter().find(|(name, _)| !known.contains(&name.as_ref())) {
            Some((name, _)) => {
                let detail = format!("There is no such column. The columns are {}.", known.join(", "));
                Err(Field { name, json: None }.problem(Code::UnknownColumn, detail))
            }
            None => Ok(()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format_args!("the field {name:?} stands twice")));
            }
            if fields.len() == OBJECT_FIELDS {
                return Err(A::Error::custom(format_args!("an object here has at most {OBJECT_FIELDS} fields")));
            }
            fields.push((name, map.next_value()?));
        }
        Ok(Fields { fields })
    }
}

/// A field's name: borrowed, unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
