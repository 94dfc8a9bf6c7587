//! A statement under construction: its text, and the values that are bound to it.

use std::fmt::Write;

use crate::json::json_text;

/// Parameters that are bound one by one; D1 takes 100 in all, and the last carries the rest as a JSON array.
const SINGLE_PARAMETERS: usize = 99;

/// A value that is bound to a statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Null.
    Null,
    /// A whole number within ±2^53.
    Integer(i64),
    /// A text.
    Text(String),
}

impl Value {
    /// The value as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Integer(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

/// A statement that callers' values reach as parameters only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    text: String,
    values: Vec<Value>,
    tables: usize,
}

impl Statement {
    /// A statement that begins with `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Adds text of this program.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value, as a parameter; one that is bound already is bound once.
    pub fn bind(&mut self, value: Value) -> &mut Self {
        let known = self.values.iter().position(|bound| *bound == value);
        let place = known.unwrap_or(self.values.len());
        if known.is_none() {
            self.values.push(value);
        }
        // Writing to a String does not fail.
        let _ = if place < SINGLE_PARAMETERS {
            write!(self.text, "?{}", place + 1)
        } else {
            write!(self.text, "(?{} ->> {})", SINGLE_PARAMETERS + 1, place - SINGLE_PARAMETERS)
        };
        self
    }

    /// Adds a text, as a parameter.
    pub fn bind_text(&mut self, text: impl Into<String>) -> &mut Self {
        self.bind(Value::Text(text.into()))
    }

    /// Puts text of this program around what is there.
    pub fn wrap(&mut self, before: &str, after: &str) -> &mut Self {
        self.text.insert_str(0, before);
        self.push(after)
    }

    /// A name for one more table of the statement: `t0`, `t1`, …
    pub fn alias(&mut self) -> String {
        let alias = format!("t{}", self.tables);
        self.tables += 1;
        alias
    }

    /// Adds parts with a separator between them, nested in halves: D1 lets expressions nest 100 deep, and a chain of
    /// operators nests as deep as it is long.
    pub fn push_balanced<T>(&mut self, parts: &[T], separator: &str, push: &mut impl FnMut(&mut Self, &T)) {
        match parts {
            [] => {}
            [only] => push(self, only),
            _ => {
                let (left, right) = parts.split_at(parts.len() / 2);
                self.push("(");
                self.push_balanced(left, separator, push);
                self.push(separator);
                self.push_balanced(right, separator, push);
                self.push(")");
            }
        }
    }

    /// The statement's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values to bind, in the order of their parameters: at most 100.
    #[must_use]
    pub fn parameters(&self) -> Vec<Value> {
        let mut parameters: Vec<Value> = self.values.iter().take(SINGLE_PARAMETERS).cloned().collect();
        let rest: Vec<serde_json::Value> = self.values.iter().skip(SINGLE_PARAMETERS).map(Value::json).collect();
        if !rest.is_empty() {
            parameters.push(Value::Text(json_text(&rest)));
        }
        parameters
    }
}
