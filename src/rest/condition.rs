//! Conditions: `column=op.value`, `or=(…)`, and what stands in them.

use super::error::{DataError, ErrorCode};
use super::operator::{comparable, list, read_configuration, search, single};
use super::query::{Condition, Query, Test};
use super::scan::{Scanner, is_name_character};
use super::select::column_of;
use crate::data::schema::{Column, Kind};
use crate::limits::{CONDITION_NESTING, CONDITIONS};

/// The operators, and those that PostgREST has besides, which are refused by name.
pub const OPERATORS: &[&str] =
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
