//! Reads the small languages of the dialect's parameters, from left to right.

use super::error::{DataError, ErrorCode};

/// A text, and how far it is read.
#[derive(Clone, Copy, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    /// The parameter that it is the value of.
    parameter: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// The value of a parameter, from its beginning.
    #[must_use]
    pub fn new(parameter: &'a str, text: &'a str) -> Self {
        Self { text, parameter, at: 0 }
    }

    /// What is not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Whether everything is read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.rest().is_empty()
    }

    /// Reads this, if it comes next.
    pub fn eat(&mut self, expected: &str) -> bool {
        let comes = self.rest().starts_with(expected);
        if comes {
            self.at += expected.len();
        }
        comes
    }

    /// Reads this, which must come next.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`].
    pub fn expect(&mut self, expected: &str) -> Result<(), DataError> {
        if self.eat(expected) { Ok(()) } else { Err(self.unexpected(&format!("\"{expected}\""))) }
    }

    /// Reads blanks.
    pub fn skip_blanks(&mut self) {
        self.take_while(|character| character == ' ');
    }

    /// Reads as long as the characters are such.
    pub fn take_while(&mut self, mut is_such: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !is_such(character)).unwrap_or(rest.len());
        self.take(end)
    }

    /// Reads so many bytes.
    pub fn take(&mut self, bytes: usize) -> &'a str {
        let taken = self.rest().get(..bytes).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    /// Reads a name: letters, digits and underscores, or anything in double quotes.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] when none comes next.
    pub fn name(&mut self) -> Result<String, DataError> {
        self.skip_blanks();
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let name = self.take_while(is_name_character);
        if name.is_empty() { Err(self.unexpected("a name")) } else { Ok(name.to_owned()) }
    }

    /// Reads a text in double quotes, in which a backslash takes the meaning from the character that follows it.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] when the quotes do not close.
    pub fn quoted(&mut self) -> Result<String, DataError> {
        self.expect("\"")?;
        let mut text = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += place + 1;
                    return Ok(text);
                }
                '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
                other => text.push(other),
            }
        }
        Err(self.unexpected("closing quotes"))
    }

    /// The error of something else coming next than should.
    #[must_use]
    pub fn unexpected(&self, expected: &str) -> DataError {
        let found: String = self.rest().chars().take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("\"{found}\"") };
        let message = format!("failed to parse \"{}\" (character {})", self.parameter, self.characters_read() + 1);
        DataError::new(ErrorCode::Unsupported, message).details(format!("expecting {expected}, found {found}"))
    }

    fn characters_read(&self) -> usize {
        self.text.get(..self.at).map_or(0, |read| read.chars().count())
    }
}

/// Whether a name may have this character without quotes.
#[must_use]
pub fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}
