//! Reads one field of a JSON object strictly: it has one type, and what is wrong is told with a pointer.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::body::unreadable;
use super::problem::{Code, Problem};

/// A field of a JSON object, as its name and its JSON text; without text it is missing or null.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The field's name.
    pub name: &'a str,
    /// Its JSON text.
    pub json: Option<&'a RawValue>,
}

impl<'a> Field<'a> {
    /// The problem with this field.
    #[must_use]
    pub fn problem(&self, code: Code, detail: impl Into<String>) -> Problem {
        Problem::at(code, format!("/{}", self.name.replace('~', "~0").replace('/', "~1")), detail)
    }

    /// The value, which must be there.
    ///
    /// # Errors
    /// [`Code::MissingField`].
    pub fn required<T>(&self, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| self.problem(Code::MissingField, format!("The field {} is missing.", self.name)))
    }

    /// A text of any length.
    ///
    /// # Errors
    /// [`Code::InvalidType`], [`Code::InvalidJson`] for a lone surrogate.
    pub fn text(&self) -> Result<Option<String>, Problem> {
        Ok(self.borrowed_text()?.map(Cow::into_owned))
    }

    /// The same, borrowed unless it has escapes.
    ///
    /// # Errors
    /// Those of [`Self::text`].
    pub fn borrowed_text(&self) -> Result<Option<Cow<'a, str>>, Problem> {
        // JSON without a backslash between its quotes says what it is.
        let quoted = self.json.and_then(|json| json.get().strip_prefix('"')?.strip_suffix('"'));
        match quoted.filter(|text| !text.contains('\\')) {
            Some(text) => Ok(Some(Cow::Borrowed(text))),
            None => Ok(self.parse('"', "a text")?.map(Cow::Owned)),
        }
    }

    /// A text that names something: 1 to `longest` characters, none of them a control character.
    ///
    /// # Errors
    /// [`Code::InvalidType`], [`Code::InvalidLength`], [`Code::InvalidValue`].
    pub fn key(&self, longest: usize) -> Result<Option<String>, Problem> {
        let Some(text) = self.borrowed_text()? else { return Ok(None) };
        check_key(&text, longest).map_err(|(code, detail)| self.problem(code, format!("{} {detail}", self.name)))?;
        Ok(Some(text.into_owned()))
    }

    /// A UUID.
    ///
    /// # Errors
    /// [`Code::InvalidType`], [`Code::InvalidUuid`].
    pub fn uuid(&self) -> Result<Option<Uuid>, Problem> {
        let read =
            |text: Cow<'_, str>| uuid_of(&text).ok_or_else(|| self.problem(Code::InvalidUuid, self.must_be("a UUID")));
        self.borrowed_text()?.map(read).transpose()
    }

    /// A whole number of JSON.
    ///
    /// # Errors
    /// [`Code::InvalidType`], also for a number with a fraction or beyond 64 bits.
    pub fn integer(&self) -> Result<Option<i64>, Problem> {
        let read = |json: &RawValue| json.get().parse().map_err(|_| self.wrong_type("a whole number"));
        self.json.map(read).transpose()
    }

    /// A number of JSON, within the range of 64-bit floating point.
    ///
    /// # Errors
    /// [`Code::InvalidType`].
    pub fn number(&self) -> Result<Option<f64>, Problem> {
        let read = |json: &RawValue| serde_json::from_str(json.get()).map_err(|_| self.wrong_type("a number"));
        self.json.map(read).transpose()
    }

    /// A number from 0 to 1, to the last bit.
    ///
    /// # Errors
    /// [`Code::InvalidType`], [`Code::InvalidValue`] for another number.
    pub fn fraction(&self) -> Result<Option<f64>, Problem> {
        let number = self.number()?;
        if number.is_some_and(|number| !(0.0..=1.0).contains(&number)) {
            return Err(self.problem(Code::InvalidValue, self.must_be("a number from 0 to 1")));
        }
        Ok(number.map(f64::abs)) // there is a 0 below 0
    }

    /// True or false.
    ///
    /// # Errors
    /// [`Code::InvalidType`].
    pub fn boolean(&self) -> Result<Option<bool>, Problem> {
        let read = |json: &RawValue| json.get().parse().map_err(|_| self.wrong_type("true or false"));
        self.json.map(read).transpose()
    }

    /// An object, as the caller wrote it.
    ///
    /// # Errors
    /// [`Code::InvalidType`], [`Code::InvalidJson`], [`Code::TooLarge`] beyond `largest` bytes.
    pub fn object(&self, largest: usize) -> Result<Option<String>, Problem> {
        let Some(json) = self.json else { return Ok(None) };
        if json.get().len() > largest {
            return Err(self.problem(Code::TooLarge, format!("{} has at most {largest} bytes.", self.name)));
        }
        self.parse::<serde_json::Map<String, serde_json::Value>>('{', "an object")?;
        Ok(Some(json.get().to_owned()))
    }

    /// Any JSON, as the caller wrote it.
    ///
    /// # Errors
    /// [`Code::InvalidJson`] for a lone surrogate.
    pub fn any(&self) -> Result<Option<String>, Problem> {
        let Some(json) = self.json else { return Ok(None) };
        serde_json::from_str::<serde_json::Value>(json.get()).map_err(|error| self.unreadable(&error))?;
        Ok(Some(json.get().to_owned()))
    }

    fn parse<T: DeserializeOwned>(&self, start: char, what: &str) -> Result<Option<T>, Problem> {
        let Some(json) = self.json else { return Ok(None) };
        if !json.get().starts_with(start) {
            return Err(self.wrong_type(what));
        }
        serde_json::from_str(json.get()).map(Some).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &serde_json::Error) -> Problem {
        self.problem(Code::InvalidJson, unreadable(error).detail)
    }

    fn wrong_type(&self, what: &str) -> Problem {
        self.problem(Code::InvalidType, self.must_be(what))
    }

    fn must_be(&self, what: &str) -> String {
        format!("{} must be {what}.", self.name)
    }
}

/// Checks a text that names something: 1 to `longest` characters, none of them a control character.
///
/// # Errors
/// The code, and the rest of a sentence that starts with the field's name.
pub fn check_key(text: &str, longest: usize) -> Result<(), (Code, String)> {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
    if (1..=longest).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(());
    }
    let characters = text.chars().count();
    if characters == 0 || characters > longest {
        return Err((Code::InvalidLength, format!("has 1 to {longest} characters.")));
    }
    if text.chars().any(char::is_control) {
        return Err((Code::InvalidValue, "has a control character.".to_owned()));
    }
    Ok(())
}

/// A UUID in its hyphenated form, in either case; `None` for any other text.
#[must_use]
pub fn uuid_of(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok()).flatten()
}
