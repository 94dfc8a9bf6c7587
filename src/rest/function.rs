//! The functions that applications call: `/rest/v1/rpc/{function}`.

use serde_json::value::RawValue;
use uuid::Uuid;

use super::error::{DataError, ErrorCode};
use super::literal;
use crate::data::schema::{Column, Kind};
use crate::http::body;
use crate::http::fields::Fields;
use crate::http::query::Query as Parameters;
use crate::limits::PAGE_ROWS;
use crate::sql::statement::Value;

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Function {
    /// `increment_prompt_views(prompt_id)`
    IncrementPromptViews(Uuid),
    /// `increment_prompt_copies(prompt_id)`
    IncrementPromptCopies(Uuid),
    /// `increment_fork_count(prompt_id)`
    IncrementForkCount(Uuid),
    /// `increment_likes_count(template_id)`
    IncrementLikesCount(Uuid),
    /// `increment_uses_count(template_id)`
    IncrementUsesCount(Uuid),
    /// `get_popular_templates(limit_count = 10, category_filter = null)`
    GetPopularTemplates {
        /// How many at the most, from 0 to 100.
        limit: i64,
        /// Of this category; of all without it.
        category: Option<String>,
    },
}

/// The functions, and the arguments that they take.
pub const SIGNATURES: &[(&str, &[&str])] = &[
    ("increment_prompt_views", &["prompt_id"]),
    ("increment_prompt_copies", &["prompt_id"]),
    ("increment_fork_count", &["prompt_id"]),
    ("increment_likes_count", &["template_id"]),
    ("increment_uses_count", &["template_id"]),
    ("get_popular_templates", &["limit_count", "category_filter"]),
];

/// The arguments of a call, by name, as JSON.
#[derive(Debug, Default)]
pub struct Arguments(Vec<(String, Box<RawValue>)>);

impl Arguments {
    /// Reads the body of a call; an empty one has no arguments.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidBody`].
    pub fn of_body(bytes: &[u8]) -> Result<Self, DataError> {
        let text = body::text(bytes)?;
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let fields = Fields::read(text, "The body")?;
        let arguments = fields.names().filter_map(|name| Some((name.to_owned(), fields.get(name)?.to_owned())));
        Ok(Self(arguments.collect()))
    }

    /// Reads the parameters of a call that only reads.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidBody`] never happens for a text.
    pub fn of_parameters(parameters: &Parameters) -> Result<Self, DataError> {
        let json = |(name, value): (&str, &str)| {
            let text = serde_json::to_string(value).and_then(RawValue::from_string);
            Ok((name.to_owned(), text.map_err(|error| body::unreadable(&error))?))
        };
        parameters.pairs().map(json).collect::<Result<_, DataError>>().map(Self)
    }

    fn value(&self, name: &str, kind: Kind) -> Result<Option<Value>, DataError> {
        let Some((_, json)) = self.0.iter().find(|(known, _)| known == name) else { return Ok(None) };
        let json = literal::of_json("", &Column::new("argument", kind), json)?;
        let text = match serde_json::from_str(&json) {
            Ok(serde_json::Value::String(text)) => text,
            Ok(serde_json::Value::Null) | Err(_) => return Ok(None),
            Ok(other) => other.to_string(),
        };
        literal::of_text(&Column::new("argument", kind), &text).map(Some)
    }

    fn text(&self, name: &str) -> Result<Option<String>, DataError> {
        Ok(match self.value(name, Kind::Text)? {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        })
    }

    fn uuid(&self, name: &str) -> Result<Uuid, DataError> {
        let value = match self.value(name, Kind::Uuid)? {
            Some(Value::Text(text)) => Uuid::try_parse(&text).ok(),
            _ => None,
        };
        value.ok_or_else(|| DataError::new(ErrorCode::NotNull, format!("the argument {name} must not be null")))
    }
}

impl Function {
    /// The function of this name, called with these arguments.
    ///
    /// # Errors
    /// [`ErrorCode::UnknownFunction`], and what is wrong with an argument.
    pub fn read(name: &str, arguments: &Arguments) -> Result<Self, DataError> {
        let given: Vec<&str> = arguments.0.iter().map(|(name, _)| name.as_str()).collect();
        let has_defaults = name == "get_popular_templates";
        let signature = SIGNATURES.iter().find(|(known, parameters)| {
            *known == name
                && given.iter().all(|argument| parameters.contains(argument))
                && (has_defaults || parameters.iter().all(|parameter| given.contains(parameter)))
        });
        if signature.is_none() {
            return Err(unknown(name, &given));
        }
        Ok(match name {
            "increment_prompt_views" => Self::IncrementPromptViews(arguments.uuid("prompt_id")?),
            "increment_prompt_copies" => Self::IncrementPromptCopies(arguments.uuid("prompt_id")?),
            "increment_fork_count" => Self::IncrementForkCount(arguments.uuid("prompt_id")?),
            "increment_likes_count" => Self::IncrementLikesCount(arguments.uuid("template_id")?),
            "increment_uses_count" => Self::IncrementUsesCount(arguments.uuid("template_id")?),
            _ => {
                let limit = match arguments.value("limit_count", Kind::Integer)? {
                    Some(Value::Integer(limit)) => limit.clamp(0, PAGE_ROWS),
                    _ => 10,
                };
                Self::GetPopularTemplates { limit, category: arguments.text("category_filter")? }
            }
        })
    }

    /// Whether it only reads.
    #[must_use]
    pub fn is_reading(&self) -> bool {
        matches!(self, Self::GetPopularTemplates { .. })
    }
}

fn unknown(name: &str, given: &[&str]) -> DataError {
    let call = format!("{name}({})", given.join(", "));
    let known: Vec<String> =
        SIGNATURES.iter().map(|(name, parameters)| format!("{name}({})", parameters.join(", "))).collect();
    let message = format!("Could not find the function public.{call} in the schema cache");
    DataError::new(ErrorCode::UnknownFunction, message).hint(format!("The functions are {}.", known.join(", ")))
}
