//! A prompt: its row, and what of it decides who may see it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tables::PROMPTS;
use crate::http::field::{Field, uuid_of};
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::limits::{KEY_CHARS, LINEAGE_PROMPTS, STORED_ROW_BYTES, TAGS_BYTES};
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

/// How a path names a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PromptName {
    /// By its id.
    Id(Uuid),
    /// By its slug.
    Slug(String),
}

impl PromptName {
    /// Reads the segment that stands for `{id}`.
    ///
    /// # Errors
    /// [`Code::UnknownPrompt`] when it is longer than any slug.
    pub fn parse(segment: &str) -> Result<Self, Problem> {
        if let Some(id) = uuid_of(segment) {
            return Ok(Self::Id(id));
        }
        if segment.chars().count() > KEY_CHARS {
            return Err(Problem::new(Code::UnknownPrompt, "A prompt is named by its id or its slug."));
        }
        Ok(Self::Slug(segment.to_owned()))
    }
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

impl PromptRow {
    /// Checks a row given as JSON fields, which tells its id and its owner.
    ///
    /// # Errors
    /// What is wrong with the first bad field.
    pub fn read(fields: &Fields<'_>) -> Result<Self, Problem> {
        fields.refuse_unknown(&PROMPTS.column_names().collect::<Vec<_>>())?;
        let (id, user_id) = (fields.field("id"), fields.field("user_id"));
        Self::read_as(fields, id.required(id.uuid()?)?, user_id.required(user_id.uuid()?)?)
    }

    /// Checks a row given as JSON fields, under this id and of this owner.
    ///
    /// # Errors
    /// What is wrong with the first bad field.
    pub fn read_as(fields: &Fields<'_>, id: Uuid, user_id: Uuid) -> Result<Self, Problem> {
        let field = |name| fields.field(name);
        let (title, template) = (field("title"), field("template"));
        let row = Self {
            id,
            slug: slug(&field("slug"))?,
            user_id,
            title: title.required(title.text()?)?,
            goal: field("goal").text()?,
            template: template.required(template.text()?)?,
            variables: field("variables").any()?,
            negative_prompt: field("negative_prompt").text()?,
            category: field("category").key(KEY_CHARS)?,
            tags: tags(&field("tags"))?,
            is_public: field("is_public").boolean()?.unwrap_or(false),
            is_active: field("is_active").boolean()?.unwrap_or(true),
            forked_from: field("forked_from").uuid()?,
            created_at: timestamp(&field("created_at"))?,
            updated_at: timestamp(&field("updated_at"))?,
        };
        if row.bytes() > STORED_ROW_BYTES {
            let detail = format!("A prompt has at most {STORED_ROW_BYTES} bytes.");
            return Err(Problem::at(Code::TooLarge, "", detail));
        }
        Ok(row)
    }

    /// The bytes of its texts that have no bound of their own.
    fn bytes(&self) -> usize {
        let optional = [&self.goal, &self.variables, &self.negative_prompt, &self.tags];
        let lengths = optional.into_iter().flatten().map(String::len);
        self.title.len() + self.template.len() + lengths.sum::<usize>()
    }
}

/// The problem of a prompt whose line of forks would have no end, or too many prompts; `pointer` is where it says what it
/// comes from.
#[must_use]
pub fn endless_line(pointer: &str) -> Problem {
    let detail =
        format!("A prompt cannot come from itself, and a line of forks has at most {LINEAGE_PROMPTS} prompts.");
    Problem::at(Code::InvalidValue, pointer, detail)
}

/// Whether storage refused a prompt for [`endless_line`].
#[must_use]
pub fn is_endless_line(failure: &str) -> bool {
    failure.contains("CHECK constraint failed: forked_from")
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

/// A slug that looks like an id would never be found: paths name prompts by both.
fn slug(field: &Field<'_>) -> Result<Option<String>, Problem> {
    let slug = field.key(KEY_CHARS)?;
    if slug.as_deref().is_some_and(|slug| uuid_of(slug).is_some()) {
        return Err(field.problem(Code::InvalidValue, "slug must not be a UUID."));
    }
    Ok(slug)
}

fn tags(field: &Field<'_>) -> Result<Option<String>, Problem> {
    let Some(json) = field.any()? else { return Ok(None) };
    serde_json::from_str::<Vec<String>>(&json)
        .map_err(|_| field.problem(Code::InvalidType, "tags must be an array of texts."))?;
    if json.len() > TAGS_BYTES {
        return Err(field.problem(Code::TooLarge, format!("tags have at most {TAGS_BYTES} bytes.")));
    }
    Ok(Some(json))
}
