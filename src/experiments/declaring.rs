//! The body of `PUT /v1/experiments/{id}`, read strictly: what is missing has its default, what is unknown is refused.

use super::assignment::HashVersion;
use super::declaration::{Declaration, Status};
use super::namespace::read_namespace;
use super::session::{MultiVariant, Rules};
use super::variants::read_variants;
use crate::http::field::{Field, check_key};
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::limits::{CONVERSION_WINDOW_HOURS, EXPERIMENT_NAME_CHARS, HYPOTHESIS_CHARS, KEY_CHARS};

const FIELDS: &[&str] = &[
    "project_id",
    "name",
    "hypothesis",
    "variants",
    "coverage",
    "seed",
    "hash_version",
    "namespace",
    "status",
    "conversion_window_hours",
    "multi_variant",
];

/// Checks the id of an experiment to declare: a key, as events name it.
///
/// # Errors
/// [`Code::InvalidLength`], [`Code::InvalidValue`].
pub fn check_id(id: &str) -> Result<(), Problem> {
    check("The id of an experiment", id)
}

/// Reads the unit that an assignment is asked for: the parameter `unit`, a key.
///
/// # Errors
/// [`Code::MissingField`], [`Code::InvalidLength`], [`Code::InvalidValue`].
pub fn read_unit(unit: Option<&str>) -> Result<&str, Problem> {
    let unit = unit.ok_or_else(|| Problem::new(Code::MissingField, "The parameter unit is missing."))?;
    check("unit", unit).map(|()| unit)
}

fn check(what: &str, key: &str) -> Result<(), Problem> {
    check_key(key, KEY_CHARS).map_err(|(code, detail)| Problem::new(code, format!("{what} {detail}")))
}

impl Declaration {
    /// Reads the declaration of the experiment `id`, which is also its name and its seed unless the body says otherwise;
    /// its status is `status` unless the body says otherwise.
    ///
    /// # Errors
    /// What is wrong with the first bad field.
    pub fn read(body: &str, id: &str, status: Status) -> Result<Self, Problem> {
        let fields = Fields::read(body, "The body")?;
        fields.refuse_unknown(FIELDS)?;
        let variants = fields.field("variants");
        variants.required(variants.json)?;
        Self::of_fields(&fields, id, status)
    }

    /// The same from the fields of a request or of what is stored, where `variants` may be missing.
    ///
    /// # Errors
    /// What is wrong with the first bad field.
    pub fn of_fields(fields: &Fields<'_>, id: &str, status: Status) -> Result<Self, Problem> {
        let field = |name| fields.field(name);
        Ok(Self {
            coverage: field("coverage").fraction()?.unwrap_or(1.0),
            hash_version: whole(&field("hash_version"), 2)?
                .and_then(HashVersion::of_number)
                .unwrap_or(HashVersion::Two),
            status: read_status(&field("status"))?.unwrap_or(status),
            rules: Rules {
                multi_variant: MultiVariant::of_name(one_of(&field("multi_variant"), &["exclude", "first"])?)
                    .unwrap_or_default(),
                conversion_window_hours: whole(&field("conversion_window_hours"), CONVERSION_WINDOW_HOURS)?,
            },
            namespace: field("namespace").json.map(read_namespace).transpose()?,
            variants: field("variants").json.map(read_variants).transpose()?.unwrap_or_default(),
            project_id: bounded(&field("project_id"), KEY_CHARS)?,
            name: bounded(&field("name"), EXPERIMENT_NAME_CHARS)?.unwrap_or_else(|| id.to_owned()),
            hypothesis: bounded(&field("hypothesis"), HYPOTHESIS_CHARS)?,
            seed: field("seed").key(KEY_CHARS)?.unwrap_or_else(|| id.to_owned()),
        })
    }
}

/// A text for people: of 1 to `longest` characters, none of them U+0000, which ends a text in SQL.
fn bounded(field: &Field<'_>, longest: usize) -> Result<Option<String>, Problem> {
    let Some(text) = field.text()? else { return Ok(None) };
    if text.is_empty() || text.chars().count() > longest {
        return Err(field.problem(Code::InvalidLength, format!("{} has 1 to {longest} characters.", field.name)));
    }
    if text.contains('\0') {
        return Err(field.problem(Code::InvalidValue, format!("{} has the character U+0000.", field.name)));
    }
    Ok(Some(text))
}

/// A whole number from 1 to `most`.
fn whole(field: &Field<'_>, most: i64) -> Result<Option<i64>, Problem> {
    let number = field.integer()?;
    if number.is_some_and(|number| !(1..=most).contains(&number)) {
        return Err(field.problem(Code::InvalidValue, format!("{} must be from 1 to {most}.", field.name)));
    }
    Ok(number)
}

fn read_status(field: &Field<'_>) -> Result<Option<Status>, Problem> {
    let name = field.json.map(|_| one_of(field, &["draft", "running", "stopped"])).transpose()?;
    Ok(name.and_then(Status::of_name))
}

/// One of these names; the first, where the field is missing.
fn one_of<'a>(field: &Field<'_>, names: &[&'a str]) -> Result<&'a str, Problem> {
    let sent = field.text()?;
    let found = names.iter().find(|name| sent.as_ref().is_none_or(|sent| sent == *name));
    found.copied().ok_or_else(|| {
        field.problem(Code::InvalidValue, format!("{} must be one of {}.", field.name, names.join(", ")))
    })
}
