//! The operators of conditions, and the tests that they lead to.

use super::error::{DataError, ErrorCode};
use super::literal;
use super::query::{Comparison, Test};
use super::scan::{Scanner, is_name_character};
use crate::data::schema::{Column, Kind};
use crate::limits::LISTED_VALUES;
use crate::search::text_query::{self, TextQuery};
use crate::sql::pattern::{Pattern, PatternError};
use crate::sql::statement::Value;

/// The test of an operator that takes one value.
///
/// # Errors
/// [`ErrorCode::Unsupported`] for an operator that the column's kind has not, and what is wrong with the value.
pub(super) fn single(column: &'static Column, operator: &str, text: &str) -> Result<Test, DataError> {
    let comparison = match operator {
        "is" => return is(column, text),
        "like" | "ilike" => return like(column, operator, text),
        "eq" => Comparison::Equal,
        "neq" => Comparison::NotEqual,
        "gt" => Comparison::Greater,
        "gte" => Comparison::GreaterOrEqual,
        "lt" => Comparison::Less,
        _ => Comparison::LessOrEqual,
    };
    comparable(column, operator)?;
    Ok(Test::Compare(comparison, literal::of_text(column, text)?))
}

/// Refuses an operator on a column whose values are not compared.
///
/// # Errors
/// [`ErrorCode::Unsupported`].
pub(super) fn comparable(column: &Column, operator: &str) -> Result<(), DataError> {
    match column.kind {
        Kind::Json | Kind::TextArray => Err(unsupported_on(column, operator)),
        _ => Ok(()),
    }
}

fn unsupported_on(column: &Column, operator: &str) -> DataError {
    DataError::unsupported(format!("the operator \"{operator}\" on the column \"{}\"", column.name))
}

fn is(column: &Column, text: &str) -> Result<Test, DataError> {
    let is_boolean = column.kind == Kind::Boolean;
    match text.to_ascii_lowercase().as_str() {
        "null" => Ok(Test::IsNull),
        "unknown" if is_boolean => Ok(Test::IsNull),
        "true" if is_boolean => Ok(Test::Is(true)),
        "false" if is_boolean => Ok(Test::Is(false)),
        "true" | "false" | "unknown" => Err(unsupported_on(column, "is")),
        _ => Err(DataError::unsupported(format!("\"is.{}\"", text.chars().take(40).collect::<String>()))),
    }
}

fn like(column: &Column, operator: &str, text: &str) -> Result<Test, DataError> {
    if column.kind != Kind::Text {
        return Err(unsupported_on(column, operator));
    }
    literal::of_text(column, text)?;
    Pattern::read(&text.replace('*', "%"), operator == "ilike").map(Test::Like).map_err(|error| match error {
        PatternError::OpenEscape => {
            DataError::new(ErrorCode::InvalidEscape, "LIKE pattern must not end with escape character")
        }
        PatternError::TooManyLetters => DataError::unsupported("a pattern with so many different letters"),
        PatternError::TooManyWildcards => DataError::unsupported("a pattern with so many wildcards"),
    })
}

/// Reads the name of a text search configuration, in parentheses. The index has the words of English.
pub(super) fn read_configuration(scanner: &mut Scanner<'_>) -> Result<(), DataError> {
    if scanner.eat("(") {
        let name = scanner.take_while(is_name_character);
        if name != "english" {
            return Err(DataError::unsupported(format!("the text search configuration \"{name}\"")));
        }
        scanner.expect(")")?;
    }
    Ok(())
}

/// What is searched for in a column.
///
/// # Errors
/// [`ErrorCode::Unsupported`] for a column without an index, [`ErrorCode::InvalidSearch`].
pub(super) fn search(column: &Column, operator: &str, text: &str) -> Result<TextQuery, DataError> {
    if !column.searchable {
        return Err(unsupported_on(column, operator));
    }
    literal::of_text(column, text)?;
    Ok(match operator {
        "plfts" => text_query::plain(text),
        "phfts" => text_query::phrase(text),
        "wfts" => text_query::web(text),
        _ => text_query::raw(text).map_err(|error| DataError::new(ErrorCode::InvalidSearch, error))?,
    })
}

/// Reads `(value,value,…)`.
pub(super) fn list(scanner: &mut Scanner<'_>, column: &Column) -> Result<Vec<Value>, DataError> {
    scanner.expect("(")?;
    let mut values = Vec::new();
    if scanner.eat(")") {
        return Ok(values);
    }
    loop {
        let text = if scanner.rest().starts_with('"') {
            scanner.quoted()?
        } else {
            scanner.take_while(|character| !matches!(character, ',' | ')')).to_owned()
        };
        values.push(literal::of_text(column, &text)?);
        if values.len() > LISTED_VALUES {
            return Err(DataError::unsupported(format!("a list of more than {LISTED_VALUES} values")));
        }
        if !scanner.eat(",") {
            break;
        }
    }
    scanner.expect(")")?;
    Ok(values)
}
