//! Conditions: `column=op.value`, `or=(…)`, and what stands in them.

use super::error::{DataError, ErrorCode};
use super::literal;
use super::query::{Comparison, Condition, Query, Test};
use super::scan::{Scanner, is_name_character};
use super::select::column_of;
use crate::data::schema::{Column, Kind};
use crate::limits::{CONDITION_NESTING, CONDITIONS, LISTED_VALUES};
use crate::search::text_query::{self, TextQuery};
use crate::sql::pattern::{Pattern, PatternError};
use crate::sql::statement::Value;

/// The operators, and those that PostgREST has besides, which are refused by name.
const OPERATORS: &[&str] =
    &["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "is", "in", "not", "fts", "plfts", "phfts", "wfts"];
const OTHER_OPERATORS: &[&str] =
    &["match", "imatch", "isdistinct", "cs", "cd", "ov", "sl", "sr", "nxl", "nxr", "adj", "any", "all"];

/// Reads conditions and counts them.
#[derive(Debug, Default)]
pub struct ConditionReader {
    read: usize,
}

impl ConditionReader {
    /// Reads the condition that a parameter puts on a column: `column=op.value`.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`], and what is wrong with the value.
    pub fn on_column(&mut self, column: &'static Column, name: &str, value: &str) -> Result<Condition, DataError> {
        let mut scanner = Scanner::new(name, value);
        let condition =
            self.test(&mut scanner, None, column, &mut |scanner| Ok(scanner.take(scanner.rest().len()).to_owned()))?;
        if scanner.is_done() { Ok(condition) } else { Err(scanner.unexpected("the end")) }
    }

    /// Reads a parameter `and`, `or`, `not.and` or `not.or`: `(condition,condition,…)`.
    ///
    /// # Errors
    /// As [`Self::on_column`].
    pub fn group(&mut self, query: &Query, name: &str, value: &str) -> Result<Condition, DataError> {
        let mut scanner = Scanner::new(name, value.trim());
        let (operator, is_negated) = name.strip_prefix("not.").map_or((name, false), |operator| (operator, true));
        let condition = self.conditions(&mut scanner, query, operator, 1)?;
        if !scanner.is_done() {
            return Err(scanner.unexpected("the end"));
        }
        Ok(if is_negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn conditions(
        &mut self,
        scanner: &mut Scanner<'_>,
        query: &Query,
        operator: &str,
        level: usize,
    ) -> Result<Condition, DataError> {
        if level > CONDITION_NESTING {
            return Err(DataError::unsupported(format!("nesting conditions more than {CONDITION_NESTING} deep")));
        }
        scanner.expect("(")?;
        let mut conditions = Vec::new();
        loop {
            conditions.push(self.condition(scanner, query, level)?);
            scanner.skip_blanks();
            if !scanner.eat(",") {
                break;
            }
        }
        scanner.expect(")")?;
        Ok(if operator == "or" { Condition::Any(conditions) } else { Condition::All(conditions) })
    }

    fn condition(&mut self, scanner: &mut Scanner<'_>, query: &Query, level: usize) -> Result<Condition, DataError> {
        scanner.skip_blanks();
        for (start, operator, is_negated) in
            [("and(", "and", false), ("or(", "or", false), ("not.and(", "and", true), ("not.or(", "or", true)]
        {
            if scanner.rest().starts_with(start) {
                scanner.take(start.len() - 1);
                let group = self.conditions(scanner, query, operator, level + 1)?;
                return Ok(if is_negated { Condition::Not(Box::new(group)) } else { group });
            }
        }
        let name = scanner.name()?;
        refuse_json_path(scanner)?;
        scanner.expect(".")?;
        let embed = query.embed_named(&name).filter(|_| query.table.column(&name).is_none());
        let (table, name) = match embed.and_then(|place| query.embed(place)) {
            Some(embed) => {
                let name = scanner.name()?;
                refuse_json_path(scanner)?;
                scanner.expect(".")?;
                (embed.query.table, name)
            }
            None if query.table.column(&name).is_none() && !begins_with_operator(scanner.rest()) => {
                return Err(not_embedded(&name));
            }
            None => (query.table, name),
        };
        let column = column_of(table, &name)?;
        self.test(scanner, embed, column, &mut |scanner| value_in_group(scanner, query, level, column))
    }

    /// Reads `op.value`; `value` reads what stands for a single value.
    fn test(
        &mut self,
        scanner: &mut Scanner<'_>,
        embed: Option<usize>,
        column: &'static Column,
        value: &mut dyn FnMut(&mut Scanner<'_>) -> Result<String, DataError>,
    ) -> Result<Condition, DataError> {
        self.read += 1;
        if self.read > CONDITIONS {
            return Err(DataError::unsupported(format!("a query with more than {CONDITIONS} conditions")));
        }
        let is_negated = scanner.eat("not.");
        let operator = scanner.take_while(is_name_character);
        let test = match operator {
            "in" => {
                scanner.expect(".")?;
                comparable(column, operator)?;
                Test::In(list(scanner, column)?)
            }
            "fts" | "plfts" | "phfts" | "wfts" => {
                read_configuration(scanner)?;
                scanner.expect(".")?;
                Test::Search(search(column, operator, &value(scanner)?)?)
            }
            known if OPERATORS.contains(&known) && known != "not" => {
                if scanner.rest().starts_with('(') {
                    return Err(DataError::unsupported(format!("the modifier of the operator \"{known}\"")));
                }
                scanner.expect(".")?;
                single(column, known, &value(scanner)?)?
            }
            other if OTHER_OPERATORS.contains(&other) => {
                return Err(DataError::unsupported(format!("the operator \"{other}\"")));
            }
            _ => return Err(scanner.unexpected("an operator: eq, neq, gt, gte, lt, lte, like, ilike, is, in, fts, plfts, phfts, wfts, or not before one of them")),
        };
        let condition = Condition::Test(embed, column, test);
        Ok(if is_negated { Condition::Not(Box::new(condition)) } else { condition })
    }
}

/// The error of a condition on something that `select` does not embed.
#[must_use]
pub fn not_embedded(name: &str) -> DataError {
    let message = format!("'{name}' is not an embedded resource in this request");
    let hint = format!("Verify that '{name}' is included in the 'select' query parameter.");
    DataError::new(ErrorCode::NotEmbedded, message).hint(hint)
}

/// Refuses `column->key`.
///
/// # Errors
/// [`ErrorCode::Unsupported`].
pub fn refuse_json_path(scanner: &Scanner<'_>) -> Result<(), DataError> {
    if scanner.rest().starts_with("->") {
        return Err(DataError::unsupported("the JSON operator \"->\" in a condition or an order"));
    }
    Ok(())
}

fn single(column: &'static Column, operator: &str, text: &str) -> Result<Test, DataError> {
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

fn comparable(column: &Column, operator: &str) -> Result<(), DataError> {
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
fn read_configuration(scanner: &mut Scanner<'_>) -> Result<(), DataError> {
    if scanner.eat("(") {
        let name = scanner.take_while(is_name_character);
        if name != "english" {
            return Err(DataError::unsupported(format!("the text search configuration \"{name}\"")));
        }
        scanner.expect(")")?;
    }
    Ok(())
}

fn search(column: &Column, operator: &str, text: &str) -> Result<TextQuery, DataError> {
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
fn list(scanner: &mut Scanner<'_>, column: &Column) -> Result<Vec<Value>, DataError> {
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

/// Reads one value in a group of conditions: in quotes, or up to what separates it from the next.
///
/// A pattern and words to search for may have commas and parentheses without quotes, as applications put in what their
/// users type: what ends such a value is the start of another condition, or the end of the group.
fn value_in_group(
    scanner: &mut Scanner<'_>,
    query: &Query,
    level: usize,
    column: &Column,
) -> Result<String, DataError> {
    if scanner.rest().starts_with('"') {
        let mut ahead = *scanner;
        let quoted = ahead.quoted();
        if quoted.is_ok() && (ahead.rest().starts_with([',', ')'])) {
            *scanner = ahead;
            return quoted;
        }
    }
    let rest = scanner.rest();
    let is_free = column.kind == Kind::Text;
    let ends = |(place, sign): (usize, char)| {
        let after = rest.get(place + 1..).unwrap_or_default();
        match sign {
            ',' => !is_free || begins_condition(after, query),
            ')' if !is_free => true,
            ')' if level == 1 => after.is_empty(),
            ')' => {
                after.starts_with(')') || after.strip_prefix(',').is_some_and(|after| begins_condition(after, query))
            }
            _ => false,
        }
    };
    let end = rest.char_indices().find(|found| ends(*found)).map_or(rest.len(), |(place, _)| place);
    Ok(scanner.take(end).to_owned())
}

/// Whether a text begins as a condition does.
fn begins_condition(text: &str, query: &Query) -> bool {
    let text = text.trim_start_matches(' ');
    let text = text.strip_prefix("not.").unwrap_or(text);
    if text.starts_with("and(") || text.starts_with("or(") {
        return true;
    }
    let mut scanner = Scanner::new("", text);
    let name = scanner.take_while(is_name_character);
    if name.is_empty() || !(scanner.eat(".") || scanner.rest().starts_with("->")) {
        return false;
    }
    query.table.column(name).is_some() || query.embed_named(name).is_some() || begins_with_operator(scanner.rest())
}

fn begins_with_operator(text: &str) -> bool {
    let end = text.find(|character| !is_name_character(character)).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or_default();
    (OPERATORS.contains(&word) || OTHER_OPERATORS.contains(&word)) && rest.starts_with(['.', '('])
}
