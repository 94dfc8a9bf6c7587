//! The headers `Prefer`, `Accept`, `Range` and the profile headers.

use super::error::{DataError, ErrorCode};

/// The headers of a request that the dialect reads.
#[derive(Clone, Debug, Default)]
pub struct RequestHeaders {
    /// `Accept`.
    pub accept: Option<String>,
    /// `Prefer`.
    pub prefer: Option<String>,
    /// `Range`.
    pub range: Option<String>,
    /// `Accept-Profile` or `Content-Profile`.
    pub profile: Option<String>,
}

/// What a request prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Whether rows that are written are told.
    pub returns_rows: bool,
    /// Whether the rows are counted.
    pub counts: bool,
    /// What becomes of a row to insert whose key is taken.
    pub resolution: Option<Resolution>,
    /// Whether a column that a row does not name gets its default, and not null.
    pub missing_is_default: bool,
}

/// What becomes of a row to insert whose key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It is written over the one that is there.
    Merge,
    /// It is left out.
    Ignore,
}

impl Preferences {
    /// Reads the header `Prefer`.
    ///
    /// # Errors
    /// [`ErrorCode::UnsupportedPreference`] for one that would change what happens and is not supported.
    pub fn read(header: Option<&str>) -> Result<Self, DataError> {
        let mut preferences = Self::default();
        for preference in header.unwrap_or_default().split(',').map(str::trim) {
            match preference {
                "return=representation" => preferences.returns_rows = true,
                "count=exact" | "count=planned" | "count=estimated" => preferences.counts = true,
                "resolution=merge-duplicates" => preferences.resolution = Some(Resolution::Merge),
                "resolution=ignore-duplicates" => preferences.resolution = Some(Resolution::Ignore),
                "missing=default" => preferences.missing_is_default = true,
                "" | "return=minimal" | "missing=null" | "handling=strict" | "handling=lenient" | "tx=commit" => {}
                other => {
                    let message = format!("The preference \"{other}\" is not supported");
                    return Err(DataError::new(ErrorCode::UnsupportedPreference, message));
                }
            }
        }
        Ok(preferences)
    }
}

/// How the answer's rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON array.
    Array,
    /// The one row there is, as a JSON object.
    Object,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

impl Format {
    /// Reads the header `Accept`: the first format that is available.
    ///
    /// # Errors
    /// [`ErrorCode::NotAcceptable`].
    pub fn read(accept: Option<&str>) -> Result<Self, DataError> {
        let accept = accept.filter(|accept| !accept.trim().is_empty()).unwrap_or("*/*");
        let formats = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
            let media_type = parts.next().unwrap_or_default();
            let strips_nulls = parts.any(|parameter| parameter == "nulls=stripped");
            match media_type.as_str() {
                _ if strips_nulls => None,
                "application/json"
                | "application/vnd.pgrst.array+json"
                | "application/vnd.pgrst.array"
                | "application/*"
                | "*/*" => Some(Self::Array),
                "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => Some(Self::Object),
                "text/csv" => Some(Self::Csv),
                _ => None,
            }
        });
        let message =
            || format!("None of these media types are available: {}", accept.chars().take(200).collect::<String>());
        formats.into_iter().next().ok_or_else(|| DataError::new(ErrorCode::NotAcceptable, message()))
    }

    /// The media type of the answer.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Array => "application/json; charset=utf-8",
            Self::Object => "application/vnd.pgrst.object+json; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// Checks the schema that is asked for: there is `public`.
///
/// # Errors
/// [`ErrorCode::UnknownSchema`].
pub fn check_profile(profile: Option<&str>) -> Result<(), DataError> {
    match profile {
        None | Some("public") => Ok(()),
        Some(_) => Err(DataError::new(ErrorCode::UnknownSchema, "The schema must be one of the following: public")),
    }
}

/// Reads the header `Range`, in rows (`0-9`, `10-`): the first, and how many.
///
/// # Errors
/// [`ErrorCode::InvalidRange`].
pub fn read_range(header: Option<&str>) -> Result<Option<(i64, Option<i64>)>, DataError> {
    let Some(range) = header else { return Ok(None) };
    let invalid = || DataError::new(ErrorCode::InvalidRange, "Requested range not satisfiable");
    let range = range.trim().trim_start_matches("items=");
    let (first, last) = range.split_once('-').ok_or_else(invalid)?;
    let first: u32 = first.parse().map_err(|_| invalid())?;
    if last.is_empty() {
        return Ok(Some((first.into(), None)));
    }
    let last: u32 = last.parse().map_err(|_| invalid())?;
    let rows = last.checked_sub(first).ok_or_else(invalid)?;
    Ok(Some((first.into(), Some(i64::from(rows) + 1))))
}
