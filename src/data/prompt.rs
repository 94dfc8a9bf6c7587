//! A prompt: its row, and what of it decides who may see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::http::fields::Field;
use crate::http::problem::{Code, Problem};
use crate::limits::{KEY_CHARS, STORED_VALUE_BYTES};
use crate::time::parse_timestamp;

/// What of a prompt decides who may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptAccess {
    /// Its id.
    pub id: Uuid,
    /// The user it belongs to.
    pub owner: Uuid,
    /// Whether others may see it.
    pub is_public: bool,
    /// Whether it is in use.
    pub is_active: bool,
}

/// A row of `prompts`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptRow {
    /// The id.
    pub id: Uuid,
    /// A readable name, unique.
    pub slug: Option<String>,
    /// The user it belongs to.
    pub user_id: Uuid,
    /// The title.
    pub title: String,
    /// What it is for.
    pub goal: Option<String>,
    /// The text, kept byte for byte.
    pub template: String,
    /// Its variables, as JSON text.
    pub variables: Option<String>,
    /// What a generated image should not show.
    pub negative_prompt: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// The tags, as the JSON text of an array.
    pub tags: Option<String>,
    /// Whether others may see it; not unless the row says so.
    pub is_public: bool,
    /// Whether it is in use; unless the row says otherwise.
    pub is_active: bool,
    /// The prompt it was made from.
    pub forked_from: Option<Uuid>,
    /// When it was made, as stored; `None` where the row does not say.
    pub created_at: Option<String>,
    /// When it was changed, as stored; `None` where the row does not say.
    pub updated_at: Option<String>,
}

/// The columns of `prompts` that a row may name.
pub const COLUMNS: &[&str] = &[
    "id",
    "slug",
    "user_id",
    "title",
    "goal",
    "template",
    "variables",
    "negative_prompt",
    "category",
    "tags",
    "is_public",
    "is_active",
    "forked_from",
    "created_at",
    "updated_at",
];

impl PromptRow {
    /// Checks a row given as JSON fields.
    ///
    /// # Errors
    /// What is wrong with the first bad field.
    pub fn read(fields: &BTreeMap<String, &RawValue>) -> Result<Self, Problem> {
        refuse_unknown(fields, COLUMNS)?;
        let field = |name| field_of(fields, name);
        let (id, user_id, title, template) = (field("id"), field("user_id"), field("title"), field("template"));
        Ok(Self {
            id: id.required(id.uuid()?)?,
            slug: field("slug").key(KEY_CHARS)?,
            user_id: user_id.required(user_id.uuid()?)?,
            title: title.required(stored_text(&title)?)?,
            goal: stored_text(&field("goal"))?,
            template: template.required(stored_text(&template)?)?,
            variables: stored_json(&field("variables"))?,
            negative_prompt: stored_text(&field("negative_prompt"))?,
            category: field("category").key(KEY_CHARS)?,
            tags: tags(&field("tags"))?,
            is_public: field("is_public").boolean()?.unwrap_or(false),
            is_active: field("is_active").boolean()?.unwrap_or(true),
            forked_from: field("forked_from").uuid()?,
            created_at: timestamp(&field("created_at"))?,
            updated_at: timestamp(&field("updated_at"))?,
        })
    }
}

/// The field `name` of a row; a JSON null counts as missing.
#[must_use]
pub fn field_of<'a>(fields: &BTreeMap<String, &'a RawValue>, name: &'a str) -> Field<'a> {
    Field { name, json: fields.get(name).copied().filter(|json| json.get() != "null") }
}

/// Refuses a row that names a column it does not have.
///
/// # Errors
/// [`Code::UnknownColumn`].
pub fn refuse_unknown(fields: &BTreeMap<String, &RawValue>, columns: &[&str]) -> Result<(), Problem> {
    match fields.keys().find(|name| !columns.contains(&name.as_str())) {
        Some(name) => {
            let detail = format!("There is no such column. The columns are {}.", columns.join(", "));
            Err(Field { name, json: None }.problem(Code::UnknownColumn, detail))
        }
        None => Ok(()),
    }
}

/// A timestamp, as stored.
///
/// # Errors
/// [`Code::InvalidType`], [`Code::InvalidTimestamp`].
pub fn timestamp(field: &Field<'_>) -> Result<Option<String>, Problem> {
    let read = |text: String| {
        let detail = "Write it as 2024-03-05T12:34:56.789Z or 2024-03-05 12:34:56.789+00.";
        parse_timestamp(&text).ok_or_else(|| field.problem(Code::InvalidTimestamp, detail))
    };
    field.text()?.map(read).transpose()
}

fn stored_text(field: &Field<'_>) -> Result<Option<String>, Problem> {
    storable(field, field.text()?)
}

fn stored_json(field: &Field<'_>) -> Result<Option<String>, Problem> {
    storable(field, field.any()?)
}

fn tags(field: &Field<'_>) -> Result<Option<String>, Problem> {
    let Some(json) = stored_json(field)? else { return Ok(None) };
    serde_json::from_str::<Vec<String>>(&json)
        .map_err(|_| field.problem(Code::InvalidType, "tags must be an array of texts."))?;
    Ok(Some(json))
}

fn storable(field: &Field<'_>, value: Option<String>) -> Result<Option<String>, Problem> {
    if value.as_ref().is_some_and(|value| value.len() > STORED_VALUE_BYTES) {
        let detail = format!("{} has at most {STORED_VALUE_BYTES} bytes.", field.name);
        return Err(field.problem(Code::TooLarge, detail));
    }
    Ok(value)
}
