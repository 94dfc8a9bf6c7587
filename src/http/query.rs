//! The parameters of a query string.

use super::problem::{Code, Problem};

/// The parameters of one request, decoded.
#[derive(Clone, Debug, Default)]
pub struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads the part of a URL after the question mark.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self { parameters: form_urlencoded::parse(query.as_bytes()).into_owned().collect() }
    }

    /// The first parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The parameters, as names and values, in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A whole number.
    ///
    /// # Errors
    /// [`Code::InvalidValue`] when it is none, or outside `allowed`.
    pub fn integer(&self, name: &str, allowed: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        let detail = || format!("{name} is a whole number from {} to {}.", allowed.start(), allowed.end());
        number.map(Some).ok_or_else(|| Problem::new(Code::InvalidValue, detail()))
    }
}

/// Whether the caller does not want to wait: `?ack=async`, or `Prefer: respond-async` (RFC 7240).
///
/// # Errors
/// [`Code::InvalidValue`] for another `ack`.
pub fn wants_async(query: &Query, prefer: Option<&str>) -> Result<bool, Problem> {
    let preferred = prefer.unwrap_or_default().split(',').any(|one| one.trim().eq_ignore_ascii_case("respond-async"));
    match query.get("ack") {
        None => Ok(preferred),
        Some("async") => Ok(true),
        Some("durable") => Ok(false),
        Some(_) => Err(Problem::new(Code::InvalidValue, "ack is durable or async.")),
    }
}
