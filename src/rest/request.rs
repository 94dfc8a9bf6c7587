//! A request to the rows of a table, from its parts to the closed form.

use super::condition::{ConditionReader, not_embedded};
use super::error::{DataError, ErrorCode};
use super::order::read_order;
use super::preference::{Format, Preferences, RequestHeaders, check_profile, read_range};
use super::query::{Part, Query};
use super::scan::Scanner;
use super::select::{column_of, read_select};
use crate::data::schema::Table;
use crate::data::tables;
use crate::http::query::Query as Parameters;
use crate::limits::READ_ROWS;

/// A request to the rows of a table.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which rows, and what is told of them.
    pub query: Query,
    /// What is preferred.
    pub preferences: Preferences,
    /// How the answer is written.
    pub format: Format,
    /// Whether the query has a condition of its own.
    pub has_condition: bool,
    /// The parameter `columns`.
    pub columns: Option<String>,
    /// The parameter `on_conflict`.
    pub on_conflict: Option<Vec<String>>,
    /// Whether the parameters `limit` or `offset` are there.
    pub is_paged: bool,
}

/// The table of this name.
///
/// # Errors
/// [`ErrorCode::UnknownTable`].
pub fn table_named(name: &str) -> Result<&'static Table, DataError> {
    let message = || format!("Could not find the table 'public.{name}' in the schema cache");
    tables::table(name).ok_or_else(|| DataError::new(ErrorCode::UnknownTable, message()))
}

impl Request {
    /// Reads a request from the name of its table, its parameters and its headers.
    ///
    /// # Errors
    /// What is wrong with it, or not supported.
    pub fn read(table: &str, parameters: &Parameters, headers: &RequestHeaders) -> Result<Self, DataError> {
        check_profile(headers.profile.as_deref())?;
        let mut query = Query::of(table_named(table)?);
        read_select(&mut query, parameters.get("select"))?;
        let mut reader = ConditionReader::default();
        let mut request = Self {
            query,
            preferences: Preferences::read(headers.prefer.as_deref())?,
            format: Format::read(headers.accept.as_deref())?,
            has_condition: false,
            columns: None,
            on_conflict: None,
            is_paged: false,
        };
        for (name, value) in parameters.pairs() {
            if is_single(name) && parameters.pairs().filter(|(other, _)| *other == name).count() > 1 {
                return Err(DataError::unsupported(format!("the parameter \"{name}\" more than once")));
            }
            match name {
                "select" => {}
                "columns" => request.columns = Some(value.to_owned()).filter(|columns| !columns.is_empty()),
                "on_conflict" => request.on_conflict = Some(names(value)?),
                _ => request.read_parameter(&mut reader, name, value)?,
            }
        }
        if let Some((first, rows)) = read_range(headers.range.as_deref())?.filter(|_| !request.is_paged) {
            request.query.offset = first;
            request.query.limit = rows;
        }
        request.query.limit = Some(request.query.limit.map_or(READ_ROWS, |limit| limit.min(READ_ROWS)));
        Ok(request)
    }

    /// Reads a parameter whose name may be led by the names of embedded tables: `prompts.title`.
    fn read_parameter(&mut self, reader: &mut ConditionReader, name: &str, value: &str) -> Result<(), DataError> {
        let mut query = &mut self.query;
        let mut rest = name;
        while let Some((table, after)) = rest.split_once('.').filter(|(first, _)| *first != "not") {
            let place = query.embed_named(table).ok_or_else(|| not_embedded(table))?;
            match query.fields.get_mut(place).map(|field| &mut field.part) {
                Some(Part::Embed(embed)) => query = &mut embed.query,
                _ => return Err(not_embedded(table)),
            }
            rest = after;
        }
        let is_root = rest.len() == name.len();
        match rest {
            "order" => query.order = read_order(query, name, value)?,
            "limit" => query.limit = Some(whole(name, value)?),
            "offset" => query.offset = whole(name, value)?,
            "and" | "or" | "not.and" | "not.or" => {
                let condition = reader.group(query, rest, value)?;
                query.conditions.push(condition);
            }
            _ => {
                let column = column_name(name, rest)?;
                if query.table.column(&column).is_none() && query.embed_named(&column).is_some() {
                    let what = format!("a condition on the embedded table \"{column}\" itself");
                    return Err(DataError::unsupported(what).hint("Embed it with !inner, or name one of its columns."));
                }
                let column = column_of(query.table, &column)?;
                let condition = reader.on_column(column, name, value)?;
                query.conditions.push(condition);
            }
        }
        self.is_paged |= is_root && matches!(rest, "limit" | "offset");
        self.has_condition |= is_root && !matches!(rest, "order" | "limit" | "offset");
        Ok(())
    }

    /// Refuses parameters that this method has no use for.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`].
    pub fn refuse_unused(&self, method: &str) -> Result<(), DataError> {
        let refused = |name: &str| DataError::unsupported(format!("the parameter \"{name}\" of a {method}"));
        if self.columns.is_some() && !matches!(method, "POST" | "PATCH") {
            return Err(refused("columns"));
        }
        if self.on_conflict.is_some() && method != "POST" {
            return Err(refused("on_conflict"));
        }
        if method == "POST" && (self.has_condition || self.is_paged) {
            return Err(DataError::unsupported("a condition or a page of a POST"));
        }
        Ok(())
    }
}

/// Whether a parameter stands once; conditions may stand several times.
fn is_single(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(last, "select" | "order" | "limit" | "offset" | "columns" | "on_conflict")
}

fn column_name(parameter: &str, rest: &str) -> Result<String, DataError> {
    let mut scanner = Scanner::new(parameter, rest);
    let name = scanner.name()?;
    super::condition::refuse_json_path(&scanner)?;
    if scanner.is_done() { Ok(name) } else { Err(scanner.unexpected("the end of the column's name")) }
}

fn names(value: &str) -> Result<Vec<String>, DataError> {
    let mut scanner = Scanner::new("on_conflict", value);
    let mut names = Vec::new();
    loop {
        names.push(scanner.name()?);
        scanner.skip_blanks();
        if !scanner.eat(",") {
            break;
        }
    }
    if scanner.is_done() { Ok(names) } else { Err(scanner.unexpected("\",\" or the end")) }
}

fn whole(name: &str, value: &str) -> Result<i64, DataError> {
    let number = value.parse::<u32>().map(i64::from);
    let message =
        || format!("failed to parse \"{name}\": \"{}\" is no whole number", value.chars().take(20).collect::<String>());
    number.map_err(|_| DataError::new(ErrorCode::Unsupported, message()))
}
