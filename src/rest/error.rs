//! Errors of the data dialect, as PostgREST and PostgreSQL name them: one table of codes.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::http::identity::Identity;
use crate::http::problem::{Code, Problem};

/// What went wrong, with the code and the HTTP status it is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The query cannot be read, or asks for something that is not supported.
    Unsupported,
    /// The body cannot be used.
    InvalidBody,
    /// The page begins behind the last row.
    InvalidRange,
    /// Another schema than `public` is asked for.
    UnknownSchema,
    /// None of the media types that are accepted is available.
    NotAcceptable,
    /// The body's media type is not supported.
    UnsupportedMediaType,
    /// A condition names a table that is not embedded.
    NotEmbedded,
    /// One row was asked for, and there is none or there are more.
    NotOneRow,
    /// The method is not allowed.
    MethodNotAllowed,
    /// A preference is not supported.
    UnsupportedPreference,
    /// There is no such path.
    UnknownPath,
    /// Two tables have nothing to do with each other.
    NoRelation,
    /// There is no such function, or not with these arguments.
    UnknownFunction,
    /// A row to store has a column that its table has not.
    UnknownPayloadColumn,
    /// There is no such table.
    UnknownTable,
    /// The credential is not valid.
    InvalidCredential,
    /// A credential is needed.
    CredentialRequired,
    /// The database does not answer.
    Unavailable,
    /// A statement touches a row twice, or all rows for want of a condition.
    Cardinality,
    /// There are too many events from one address.
    RateLimited,
    /// A text is longer than its column.
    TooLong,
    /// A number is outside of its range.
    OutOfRange,
    /// A text is no instant.
    InvalidDatetime,
    /// A pattern ends in an escape character.
    InvalidEscape,
    /// A text does not say what its column holds.
    InvalidText,
    /// A text has the character U+0000.
    InvalidCharacter,
    /// A column must not be null.
    NotNull,
    /// A row that is referred to is not there, or is referred to.
    ForeignKey,
    /// A value is taken.
    Unique,
    /// A value is not allowed.
    Check,
    /// A function writes where only reading is allowed.
    ReadOnly,
    /// The caller may not do this.
    Forbidden,
    /// The words to search for cannot be read.
    InvalidSearch,
    /// There is no such column.
    UnknownColumn,
    /// Nothing makes these columns unique.
    InvalidConflictTarget,
    /// A row, an answer or a body is too large.
    TooLarge,
}

impl ErrorCode {
    const fn describe(self) -> (&'static str, u16) {
        match self {
            Self::Unsupported => ("PGRST100", 400),
            Self::InvalidBody => ("PGRST102", 400),
            Self::InvalidRange => ("PGRST103", 416),
            Self::UnknownSchema => ("PGRST106", 406),
            Self::NotAcceptable => ("PGRST107", 406),
            Self::UnsupportedMediaType => ("PGRST107", 415),
            Self::NotEmbedded => ("PGRST108", 400),
            Self::NotOneRow => ("PGRST116", 406),
            Self::MethodNotAllowed => ("PGRST117", 405),
            Self::UnsupportedPreference => ("PGRST122", 400),
            Self::UnknownPath => ("PGRST125", 404),
            Self::NoRelation => ("PGRST200", 400),
            Self::UnknownFunction => ("PGRST202", 404),
            Self::UnknownPayloadColumn => ("PGRST204", 400),
            Self::UnknownTable => ("PGRST205", 404),
            Self::InvalidCredential => ("PGRST301", 401),
            Self::CredentialRequired => ("PGRST302", 401),
            Self::Unavailable => ("PGRST001", 503),
            Self::Cardinality => ("21000", 400),
            Self::TooLong => ("22001", 400),
            Self::OutOfRange => ("22003", 400),
            Self::InvalidDatetime => ("22007", 400),
            Self::InvalidEscape => ("22025", 400),
            Self::InvalidText => ("22P02", 400),
            Self::InvalidCharacter => ("22P05", 400),
            Self::NotNull => ("23502", 400),
            Self::ForeignKey => ("23503", 409),
            Self::Unique => ("23505", 409),
            Self::Check => ("23514", 400),
            Self::ReadOnly => ("25006", 405),
            Self::Forbidden => ("42501", 403),
            Self::InvalidSearch => ("42601", 400),
            Self::UnknownColumn => ("42703", 400),
            Self::InvalidConflictTarget => ("42P10", 400),
            Self::RateLimited => ("53400", 429),
            Self::TooLarge => ("54000", 413),
        }
    }

    /// The HTTP status that it is usually answered with.
    #[must_use]
    pub fn status(self) -> u16 {
        self.describe().1
    }

    /// The code as PostgREST or PostgreSQL names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.describe().0
    }
}

/// An error of the data dialect: `{code, message, details, hint}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// What it is.
    pub code: ErrorCode,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong; never SQL, never a secret.
    pub message: String,
    /// More about it.
    pub details: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// Headers that the answer carries.
    pub headers: Vec<(&'static str, String)>,
}

impl DataError {
    /// An error.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = code.status();
        Self { code, status, message: message.into(), details: None, hint: None, headers: Vec::new() }
    }

    /// Something that the dialect has and that is not supported here, or that cannot be read.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::Unsupported, format!("{what} is not supported"))
    }

    /// The same, with more about it.
    #[must_use]
    pub fn details(self, details: impl Into<String>) -> Self {
        Self { details: Some(details.into()), ..self }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// A write that the policy table does not allow: who brings no credential is asked for one.
    #[must_use]
    pub fn forbidden(identity: &Identity, message: impl Into<String>) -> Self {
        let error = Self::new(ErrorCode::Forbidden, message);
        match identity {
            Identity::Anonymous => Self { status: 401, headers: vec![("WWW-Authenticate", "Bearer".into())], ..error },
            Identity::User(_) | Identity::Service(_) => error,
        }
    }

    /// A row that may not be stored.
    #[must_use]
    pub fn forbidden_row(identity: &Identity, table: &str) -> Self {
        Self::forbidden(identity, format!("new row violates row-level security policy for table \"{table}\""))
    }

    /// The error that a failed constraint of storage comes down to; `None` when the failure is another.
    #[must_use]
    pub fn of_failure(failure: &str, table: &str) -> Option<Self> {
        let after =
            |marker: &str| failure.split_once(marker).map(|(_, rest)| rest.split(": SQLITE").next().unwrap_or(rest));
        if let Some(columns) = after("UNIQUE constraint failed: ") {
            let columns: Vec<&str> = columns.split(", ").filter_map(|name| name.rsplit('.').next()).collect();
            let message = "duplicate key value violates a unique constraint";
            return Some(
                Self::new(ErrorCode::Unique, message).details(format!("Key ({}) already exists.", columns.join(", "))),
            );
        }
        if let Some(column) = after("NOT NULL constraint failed: ") {
            let column = column.rsplit('.').next().unwrap_or(column);
            let message =
                format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint");
            return Some(Self::new(ErrorCode::NotNull, message));
        }
        if failure.contains("FOREIGN KEY constraint failed") {
            return Some(Self::new(
                ErrorCode::ForeignKey,
                format!("a row of \"{table}\" violates a foreign key constraint"),
            ));
        }
        if let Some(constraint) = after("CHECK constraint failed: ") {
            let column = constraint
                .split(|sign: char| !sign.is_alphanumeric() && sign != '_')
                .find(|word| crate::data::tables::table(table).is_some_and(|table| table.column(word).is_some()));
            return Some(Self::check(table, column.unwrap_or("row")));
        }
        if failure.contains("Expression tree is too large") {
            return Some(Self::too_complex());
        }
        if failure.contains("too big") {
            return Some(Self::new(ErrorCode::TooLarge, "a row has at most 2 MB"));
        }
        None
    }

    /// A statement that is more than the database takes.
    #[must_use]
    pub fn too_complex() -> Self {
        let hint = "Ask with fewer conditions, or in several requests.";
        Self::new(ErrorCode::TooLarge, "the statement is too complex").hint(hint)
    }

    /// A value that its column does not allow.
    #[must_use]
    pub fn check(table: &str, column: &str) -> Self {
        let constraint = format!("{table}_{column}_check");
        let message = format!("new row for relation \"{table}\" violates check constraint \"{constraint}\"");
        Self::new(ErrorCode::Check, message)
    }
}

impl From<Problem> for DataError {
    fn from(problem: Problem) -> Self {
        let code = match problem.code {
            Code::UnknownRoute => ErrorCode::UnknownPath,
            Code::MethodNotAllowed => ErrorCode::MethodNotAllowed,
            Code::TooLarge | Code::TooManyEvents => ErrorCode::TooLarge,
            Code::UnsupportedMediaType => ErrorCode::UnsupportedMediaType,
            Code::InvalidCredential => ErrorCode::InvalidCredential,
            Code::CredentialRequired | Code::UserRequired => ErrorCode::CredentialRequired,
            Code::RateLimited => ErrorCode::RateLimited,
            Code::ServiceRequired => ErrorCode::Forbidden,
            Code::Overloaded | Code::StorageUnavailable | Code::KeysUnavailable => ErrorCode::Unavailable,
            _ => ErrorCode::InvalidBody,
        };
        Self { status: problem.code.status(), headers: problem.headers(), ..Self::new(code, problem.detail) }
    }
}

/// The body of the answer.
impl Serialize for DataError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(Some(4))?;
        body.serialize_entry("code", self.code.name())?;
        body.serialize_entry("message", &self.message)?;
        body.serialize_entry("details", &self.details)?;
        body.serialize_entry("hint", &self.hint)?;
        body.end()
    }
}
