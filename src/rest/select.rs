//! The parameter `select`: which columns are told, and which rows of other tables beside them.

use super::error::{DataError, ErrorCode};
use super::query::{Embed, Field, Part, Query};
use super::scan::Scanner;
use crate::data::schema::{Column, Table};
use crate::data::tables::{TABLES, table};
use crate::limits::{EMBED_NESTING, EMBEDDED_TABLES, INNER_NESTING, SELECTED_FIELDS};

/// Reads what is told of the rows of `query`; without a parameter, all columns.
///
/// # Errors
/// [`ErrorCode::Unsupported`], [`ErrorCode::UnknownColumn`], [`ErrorCode::NoRelation`].
pub fn read_select(query: &mut Query, parameter: Option<&str>) -> Result<(), DataError> {
    let text = parameter.filter(|text| !text.trim().is_empty()).unwrap_or("*");
    let mut scanner = Scanner::new("select", text);
    let mut reader = Reader { embeds: 0, fields: 0 };
    query.fields = reader.fields(&mut scanner, query.table, 0)?;
    if scanner.is_done() { Ok(()) } else { Err(scanner.unexpected("\",\" or the end")) }
}

struct Reader {
    embeds: usize,
    fields: usize,
}

impl Reader {
    fn fields(
        &mut self,
        scanner: &mut Scanner<'_>,
        table: &'static Table,
        level: usize,
    ) -> Result<Vec<Field>, DataError> {
        let mut fields = Vec::new();
        if scanner.rest().starts_with(')') {
            return Ok(fields);
        }
        loop {
            scanner.skip_blanks();
            if scanner.eat("*") {
                fields.extend(table.columns.iter().map(|column| column_field(column.name.to_owned(), column)));
            } else {
                let field = self.field(scanner, table, level)?;
                if matches!(field.part, Part::Embed(_)) && fields.iter().any(|other: &Field| other.name == field.name) {
                    return Err(DataError::unsupported(format!("embedding two tables as \"{}\"", field.name)));
                }
                fields.push(field);
            }
            self.fields += 1;
            if fields.len() > SELECTED_FIELDS || self.fields > SELECTED_FIELDS {
                return Err(DataError::unsupported(format!("select with more than {SELECTED_FIELDS} fields")));
            }
            scanner.skip_blanks();
            if !scanner.eat(",") {
                return Ok(fields);
            }
        }
    }

    fn field(&mut self, scanner: &mut Scanner<'_>, table: &'static Table, level: usize) -> Result<Field, DataError> {
        if scanner.rest().starts_with("...") {
            return Err(DataError::unsupported("spreading an embedded resource (\"...\") in select"));
        }
        let mut name = scanner.name()?;
        let mut alias = None;
        if !scanner.rest().starts_with("::") && scanner.eat(":") {
            alias = Some(std::mem::replace(&mut name, scanner.name()?));
        }
        refuse_operators(scanner)?;
        if name == "count" && table.column(&name).is_none() {
            return Err(DataError::unsupported("the aggregate function \"count\" in select")
                .hint("Prefer: count=exact tells how many rows there are."));
        }
        let (mut hint, mut is_inner) = (None, false);
        while scanner.eat("!") {
            match scanner.name()?.as_str() {
                "inner" => is_inner = true,
                "left" => is_inner = false,
                other => hint = Some(other.to_owned()),
            }
        }
        if !scanner.eat("(") {
            if let Some(hint) = hint {
                return Err(scanner.unexpected(&format!("\"(\" after \"!{hint}\"")));
            }
            let column = column_of(table, &name)?;
            return Ok(column_field(alias.unwrap_or(name), column));
        }
        self.embeds += 1;
        if self.embeds > EMBEDDED_TABLES {
            return Err(DataError::unsupported(format!("embedding more than {EMBEDDED_TABLES} tables")));
        }
        if level >= EMBED_NESTING {
            return Err(DataError::unsupported(format!("embedding more than {EMBED_NESTING} levels deep")));
        }
        let relation = relation(table, &name, hint.as_deref())?;
        let query = Query { fields: self.fields(scanner, relation.table, level + 1)?, ..Query::of(relation.table) };
        scanner.expect(")")?;
        refuse_operators(scanner)?;
        if is_inner && inner_levels(&query) >= INNER_NESTING {
            return Err(DataError::unsupported(format!("\"!inner\" more than {INNER_NESTING} levels deep")));
        }
        let Relation { ours, theirs, is_one, .. } = relation;
        let part = Part::Embed(Embed { ours, theirs, is_one, is_inner, query });
        Ok(Field { name: alias.unwrap_or(name), part })
    }
}

/// How many levels of embedded tables are `!inner`, one within the other.
fn inner_levels(query: &Query) -> usize {
    let levels = |embed: &Embed| if embed.is_inner { 1 + inner_levels(&embed.query) } else { 0 };
    query.embeds().map(|(_, embed)| levels(embed)).max().unwrap_or_default()
}

fn column_field(name: String, column: &'static Column) -> Field {
    Field { name, part: Part::Column(column) }
}

/// Names what PostgREST has and this does not.
fn refuse_operators(scanner: &Scanner<'_>) -> Result<(), DataError> {
    let rest = scanner.rest();
    if rest.starts_with("->") {
        return Err(DataError::unsupported("the JSON operator \"->\" in select"));
    }
    if rest.starts_with("::") {
        return Err(DataError::unsupported("a cast (\"::\") in select"));
    }
    if rest.starts_with('.') {
        return Err(DataError::unsupported("an aggregate function in select"));
    }
    Ok(())
}

/// The column of this name.
///
/// # Errors
/// [`ErrorCode::UnknownColumn`].
pub fn column_of(table: &'static Table, name: &str) -> Result<&'static Column, DataError> {
    let unknown = || DataError::new(ErrorCode::UnknownColumn, format!("column {}.{name} does not exist", table.name));
    table.column(name).ok_or_else(unknown)
}

struct Relation {
    table: &'static Table,
    ours: &'static str,
    theirs: &'static str,
    is_one: bool,
}

/// How `other` belongs to `table`: by the one column that refers from the one to the other.
fn relation(of: &'static Table, other: &str, hint: Option<&str>) -> Result<Relation, DataError> {
    let is_meant = |owner: &Table, column: &Column| {
        hint.is_none_or(|hint| hint == column.name || hint == format!("{}_{}_fkey", owner.name, column.name))
    };
    let message = || format!("Could not find a relationship between '{}' and '{other}' in the schema cache", of.name);
    let none = || {
        let related: Vec<&str> = TABLES
            .iter()
            .filter(|table| table.reference_to(of).is_some() || of.reference_to(table).is_some())
            .map(|table| table.name)
            .collect();
        let hint = format!("Tables that belong to '{}': {}.", of.name, related.join(", "));
        DataError::new(ErrorCode::NoRelation, message()).hint(hint)
    };
    let table = table(other).ok_or_else(none)?;
    if let Some(column) = of.reference_to(table).filter(|column| is_meant(of, column)) {
        return Ok(Relation { table, ours: column.name, theirs: "id", is_one: true });
    }
    let column = table.reference_to(of).filter(|column| is_meant(table, column)).ok_or_else(none)?;
    Ok(Relation { table, ours: "id", theirs: column.name, is_one: table.key == [column.name] })
}
