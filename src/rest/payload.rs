//! The body of a write: the rows to store, each value checked against its column.

use std::collections::HashSet;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::error::{DataError, ErrorCode};
use super::literal;
use super::scan::Scanner;
use crate::data::schema::{Column, Default, Table};
use crate::http::body;
use crate::http::fields::Fields;
use crate::limits::WRITTEN_ROWS;

/// Rows to store.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The columns that the caller sets.
    pub columns: Vec<&'static Column>,
    /// The columns that get their defaults, for a row that is made.
    pub defaults: Vec<&'static Column>,
    /// The rows: for each, its columns' JSON texts, those of `columns` and then those of `defaults`.
    pub rows: Vec<Vec<String>>,
    /// Whether one object was sent, and not an array.
    pub is_single: bool,
}

/// What defaults are made of.
pub struct Origin<'a> {
    /// The time of the request, as stored.
    pub now: &'a str,
    /// The user who asks.
    pub caller: Option<Uuid>,
    /// Makes new ids.
    pub new_id: &'a mut dyn FnMut() -> Uuid,
}

impl Payload {
    /// Reads the rows to insert.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidBody`], [`ErrorCode::UnknownPayloadColumn`], [`ErrorCode::TooLarge`], and what is wrong with a
    /// value.
    pub fn read_new(
        table: &'static Table,
        bytes: &[u8],
        columns: Option<&str>,
        missing_is_default: bool,
        origin: &mut Origin<'_>,
    ) -> Result<Self, DataError> {
        let (objects, is_single) = read_objects(bytes)?;
        let columns = columns_of(table, &objects, columns)?;
        let is_set = |column: &Column| columns.iter().any(|set| set.name == column.name);
        let mut defaults: Vec<&Column> =
            table.columns.iter().filter(|column| column.default != Default::Null && !is_set(column)).collect();
        if columns.is_empty() && defaults.is_empty() {
            // An insert names a column, if only to be refused for want of a value.
            defaults.extend(table.columns.first());
        }
        let mut rows = Vec::with_capacity(objects.len());
        for object in &objects {
            let mut row = Vec::with_capacity(columns.len() + defaults.len());
            for column in &columns {
                row.push(match object.get(column.name) {
                    Some(json) => literal::of_json(table.name, column, json)?,
                    None if missing_is_default => default_json(column, origin),
                    None => "null".to_owned(),
                });
            }
            row.extend(defaults.iter().map(|column| default_json(column, origin)));
            rows.push(row);
        }
        Ok(Self { columns, defaults, rows, is_single })
    }

    /// Reads the values to set in rows that are there. `updated_at` is set, where there is one.
    ///
    /// # Errors
    /// As [`Self::read_new`].
    pub fn read_changes(
        table: &'static Table,
        bytes: &[u8],
        columns: Option<&str>,
        now: &str,
    ) -> Result<Self, DataError> {
        let (objects, is_single) = read_objects(bytes)?;
        let [object] = objects.as_slice() else {
            return Err(DataError::new(ErrorCode::InvalidBody, "The body of an update is one JSON object"));
        };
        let columns = columns_of(table, &objects, columns)?;
        let mut row = Vec::new();
        for column in &columns {
            row.push(match object.get(column.name) {
                Some(json) => literal::of_json(table.name, column, json)?,
                None => "null".to_owned(),
            });
        }
        let touched = table.column("updated_at").filter(|_| !columns.is_empty());
        let defaults: Vec<_> =
            touched.filter(|touched| !columns.iter().any(|set| set.name == touched.name)).into_iter().collect();
        row.extend(defaults.iter().map(|_| format!("\"{now}\"")));
        Ok(Self { columns, defaults, rows: vec![row], is_single })
    }

    /// The columns that the rows have, in the order of their values.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static Column> + '_ {
        self.columns.iter().chain(&self.defaults).copied()
    }

    /// The JSON text of one row's column.
    #[must_use]
    pub fn value<'a>(&'a self, row: &'a [String], name: &str) -> Option<&'a str> {
        self.all_columns().zip(row).find(|(column, _)| column.name == name).map(|(_, json)| json.as_str())
    }

    /// The rows as the JSON text of an array of objects.
    #[must_use]
    pub fn json(&self) -> String {
        let mut json = String::from("[");
        for (index, row) in self.rows.iter().enumerate() {
            json.push_str(if index == 0 { "{" } else { ",{" });
            for (place, (column, value)) in self.all_columns().zip(row).enumerate() {
                json.push_str(if place == 0 { "\"" } else { ",\"" });
                json.push_str(column.name);
                json.push_str("\":");
                json.push_str(value);
            }
            json.push('}');
        }
        json.push(']');
        json
    }

    /// Whether two rows have the same values in these columns.
    #[must_use]
    pub fn repeats(&self, key: &[&str]) -> bool {
        let mut seen = HashSet::new();
        self.rows.iter().any(|row| {
            let values: Vec<Option<&str>> = key.iter().map(|name| self.value(row, name)).collect();
            !values.contains(&Some("null")) && !seen.insert(values)
        })
    }
}

fn read_objects(bytes: &[u8]) -> Result<(Vec<Fields<'_>>, bool), DataError> {
    let text = body::text(bytes)?.trim();
    if !text.starts_with('[') {
        return Ok((vec![Fields::read(text, "The body")?], true));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| body::unreadable(&error))?;
    if elements.len() > WRITTEN_ROWS {
        return Err(DataError::new(ErrorCode::TooLarge, format!("a request writes at most {WRITTEN_ROWS} rows")));
    }
    let objects = elements.into_iter().map(|element| Fields::read(element.get(), "A row"));
    Ok((objects.collect::<Result<_, _>>()?, false))
}

/// The columns that rows set: those of the parameter `columns`, or else those that every row has.
fn columns_of(
    table: &'static Table,
    objects: &[Fields<'_>],
    parameter: Option<&str>,
) -> Result<Vec<&'static Column>, DataError> {
    let mut names: Vec<String> = Vec::new();
    if let Some(parameter) = parameter {
        let mut scanner = Scanner::new("columns", parameter);
        loop {
            names.push(scanner.name()?);
            if !scanner.eat(",") {
                break;
            }
        }
        if !scanner.is_done() {
            return Err(scanner.unexpected("\",\" or the end"));
        }
        names.sort();
        names.dedup();
    } else if let Some((first, others)) = objects.split_first() {
        names = first.names().map(str::to_owned).collect();
        let is_alike = |other: &Fields<'_>| {
            other.names().count() == names.len() && other.names().all(|name| names.iter().any(|known| known == name))
        };
        if !others.iter().all(is_alike) {
            return Err(DataError::new(ErrorCode::InvalidBody, "All object keys must match"));
        }
    }
    let column = |name: String| {
        let message = format!("Could not find the '{name}' column of '{}' in the schema cache", table.name);
        table.column(&name).ok_or_else(|| DataError::new(ErrorCode::UnknownPayloadColumn, message))
    };
    names.into_iter().map(column).collect()
}

fn default_json(column: &Column, origin: &mut Origin<'_>) -> String {
    match column.default {
        Default::NewId => format!("\"{}\"", (origin.new_id)()),
        Default::Now => format!("\"{}\"", origin.now),
        Default::Caller => origin.caller.map_or_else(|| "null".to_owned(), |caller| format!("\"{caller}\"")),
        Default::Null => "null".to_owned(),
        Default::False | Default::Zero => "0".to_owned(),
        Default::True => "1".to_owned(),
    }
}
