//! Everything that can be wrong with a request, and how it is told (RFC 9457).

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::remote_keys::RETRY_MS;
use crate::time::SECOND_MS;

/// A stable name for what went wrong, with the HTTP status it is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The JSON cannot be read.
    InvalidJson,
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// Arrays and objects are nested too deeply.
    NestingTooDeep,
    /// A value has another type than it must have.
    InvalidType,
    /// A value has the right type and is none of those allowed.
    InvalidValue,
    /// A text is empty or too long.
    InvalidLength,
    /// A text is no UUID.
    InvalidUuid,
    /// A text is no instant.
    InvalidTimestamp,
    /// An event's type is not known.
    UnknownType,
    /// A field is missing.
    MissingField,
    /// A table is not known.
    UnknownTable,
    /// A row refers to one that is not there.
    UnknownReference,
    /// A column is not known.
    UnknownColumn,
    /// An event names a variant that its experiment does not have.
    UnknownVariant,
    /// An event names one variant more than its experiment may have.
    TooManyVariants,
    /// An event names one metric more than its experiment may have.
    TooManyMetrics,
    /// An event is too old, or from the future.
    TimestampOutOfRange,
    /// The credential is missing.
    CredentialRequired,
    /// The credential is not valid.
    InvalidCredential,
    /// Only a user may do this.
    UserRequired,
    /// Only the service may do this.
    ServiceRequired,
    /// There is no such route.
    UnknownRoute,
    /// There is no such prompt, or it may not be seen.
    UnknownPrompt,
    /// There is no such experiment.
    UnknownExperiment,
    /// The route has no such method.
    MethodNotAllowed,
    /// The experiment takes no events any more.
    ExperimentOver,
    /// What is stored does not allow it, as where another row has a value that must be unique.
    Conflict,
    /// What decides who is assigned to what cannot change while the experiment runs.
    ExperimentRunning,
    /// The status of an experiment cannot change so.
    InvalidTransition,
    /// The body or a value in it is too large.
    TooLarge,
    /// There are too many events in one request.
    TooManyEvents,
    /// The body has a type that is not read here.
    UnsupportedMediaType,
    /// Lines are not those of which a digest was told.
    DigestMismatch,
    /// The id was used before, for another event.
    IdempotencyKeyReused,
    /// There are too many events from one address.
    RateLimited,
    /// As many listen to a prompt as may.
    TooManyListeners,
    /// Too much is in hand already.
    Overloaded,
    /// Storage could not be reached or could not write.
    StorageUnavailable,
    /// The keys that tokens are verified with could not be fetched.
    KeysUnavailable,
}

impl Code {
    /// The name that callers can rely on, the status, and a title for people.
    #[must_use]
    pub fn describe(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::InvalidJson => ("invalid_json", 400, "The JSON cannot be read"),
            Self::InvalidUtf8 => ("invalid_utf8", 400, "The body is not UTF-8"),
            Self::NestingTooDeep => ("nesting_too_deep", 400, "The JSON is nested too deeply"),
            Self::InvalidType => ("invalid_type", 400, "A value has the wrong type"),
            Self::InvalidValue => ("invalid_value", 400, "A value is not allowed"),
            Self::InvalidLength => ("invalid_length", 400, "A text has the wrong length"),
            Self::InvalidUuid => ("invalid_uuid", 400, "A text is no UUID"),
            Self::InvalidTimestamp => ("invalid_timestamp", 400, "A text is no timestamp"),
            Self::UnknownType => ("unknown_type", 400, "The event type is not known"),
            Self::MissingField => ("missing_field", 400, "A field is missing"),
            Self::UnknownTable => ("unknown_table", 400, "The table is not known"),
            Self::UnknownReference => ("unknown_reference", 400, "What a row refers to is not there"),
            Self::UnknownColumn => ("unknown_column", 400, "The column is not known"),
            Self::UnknownVariant => ("unknown_variant", 400, "The experiment has no such variant"),
            Self::TooManyVariants => ("too_many_variants", 400, "The experiment has too many variants"),
            Self::TooManyMetrics => ("too_many_metrics", 400, "The experiment has too many metrics"),
            Self::TimestampOutOfRange => ("timestamp_out_of_range", 400, "The timestamp is out of range"),
            Self::CredentialRequired => ("credential_required", 401, "A credential is required"),
            Self::InvalidCredential => ("invalid_credential", 401, "The credential is not valid"),
            Self::UserRequired => ("user_required", 401, "A user's token is required"),
            Self::ServiceRequired => ("service_required", 403, "The service key is required"),
            Self::UnknownRoute => ("unknown_route", 404, "There is no such route"),
            Self::UnknownPrompt => ("unknown_prompt", 404, "There is no such prompt"),
            Self::UnknownExperiment => ("unknown_experiment", 404, "There is no such experiment"),
            Self::MethodNotAllowed => ("method_not_allowed", 405, "The method is not allowed"),
            Self::ExperimentOver => ("experiment_over", 409, "The experiment is over"),
            Self::Conflict => ("conflict", 409, "It conflicts with what is stored"),
            Self::ExperimentRunning => ("experiment_running", 409, "The experiment is running"),
            Self::InvalidTransition => ("invalid_transition", 409, "The status cannot change so"),
            Self::TooLarge => ("too_large", 413, "Too large"),
            Self::TooManyEvents => ("too_many_events", 413, "Too many events"),
            Self::UnsupportedMediaType => ("unsupported_media_type", 415, "The media type is not supported"),
            Self::DigestMismatch => ("digest_mismatch", 422, "The digest is another"),
            Self::IdempotencyKeyReused => ("idempotency_key_reused", 422, "The id was used for something else"),
            Self::RateLimited => ("rate_limited", 429, "Too many events from this address"),
            Self::TooManyListeners => ("too_many_listeners", 503, "Too many listen"),
            Self::Overloaded => ("overloaded", 503, "Too much is under way"),
            Self::StorageUnavailable => ("storage_unavailable", 503, "Storage is unavailable"),
            Self::KeysUnavailable => ("keys_unavailable", 503, "Tokens cannot be verified now"),
        }
    }

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.describe().0
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        self.describe().1
    }
}

/// Something wrong with a request, in the words in which the caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// What is wrong here and what to do about it; never a secret, never SQL.
    pub detail: String,
    /// Where in the body it is (RFC 6901), for a bad field.
    pub pointer: Option<String>,
    /// The methods that the route has, for [`Code::MethodNotAllowed`].
    pub allow: Option<String>,
    /// After how many seconds to ask again, for [`Code::RateLimited`].
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem with the request as a whole.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), pointer: None, allow: None, retry_after_s: None }
    }

    /// A problem with one field; `pointer` starts with a slash.
    pub fn at(code: Code, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..Self::new(code, detail) }
    }

    /// The same problem, with its field found below `prefix`.
    #[must_use]
    pub fn below(mut self, prefix: &str) -> Self {
        self.pointer = self.pointer.map(|pointer| format!("{prefix}{pointer}")).or_else(|| Some(prefix.to_owned()));
        self
    }

    /// Storage failed; nothing that was asked for can be relied on, and asking again is safe.
    #[must_use]
    pub fn storage() -> Self {
        Self::new(Code::StorageUnavailable, "Nothing was acknowledged. Send the same request again, with the same ids.")
    }

    /// Too many events came from one address; after so many seconds they are taken.
    #[must_use]
    pub fn rate_limited(detail: String, retry_after_s: u64) -> Self {
        Self { retry_after_s: Some(retry_after_s), ..Self::new(Code::RateLimited, detail) }
    }

    /// More is in hand than can be answered soon; nothing was done, and asking again is safe.
    #[must_use]
    pub fn overloaded() -> Self {
        Self::new(
            Code::Overloaded,
            "More comes than can be answered. Nothing was done: send the same request again, later.",
        )
    }

    /// A token may be valid or not.
    #[must_use]
    pub fn keys() -> Self {
        Self::new(Code::KeysUnavailable, "The keys that tokens are verified with cannot be fetched. Try again later.")
    }

    /// The headers that the answer carries beside its type.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        match (self.code, self.code.status()) {
            (_, 401) => headers.push(("WWW-Authenticate", "Bearer".to_owned())),
            (Code::KeysUnavailable, _) => headers.push(("Retry-After", (RETRY_MS / SECOND_MS).to_string())),
            (Code::TooManyListeners, _) => headers.push(("Retry-After", "30".to_owned())),
            (_, 503) => headers.push(("Retry-After", "1".to_owned())),
            _ => {}
        }
        if let Some(seconds) = self.retry_after_s {
            headers.push(("Retry-After", seconds.to_string()));
        }
        if let Some(allow) = &self.allow {
            headers.push(("Allow", allow.clone()));
        }
        headers
    }
}

/// The body of the answer (`application/problem+json`).
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, status, title) = self.code.describe();
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("type", &format_args!("urn:promptmeter:problem:{name}"))?;
        body.serialize_entry("title", title)?;
        body.serialize_entry("status", &status)?;
        body.serialize_entry("detail", &self.detail)?;
        body.serialize_entry("code", name)?;
        if let Some(pointer) = &self.pointer {
            body.serialize_entry("pointer", pointer)?;
        }
        body.end()
    }
}
