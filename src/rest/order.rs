//! The parameter `order`.

use super::condition::{not_embedded, refuse_json_path};
use super::error::DataError;
use super::query::{Order, Query};
use super::scan::Scanner;
use super::select::column_of;
use crate::limits::ORDER_COLUMNS;

/// Reads by what the rows of `query` are ordered: `column.desc.nullslast,table(column)`.
///
/// # Errors
/// [`super::error::ErrorCode::Unsupported`], [`super::error::ErrorCode::UnknownColumn`],
/// [`super::error::ErrorCode::NotEmbedded`].
pub fn read_order(query: &Query, name: &str, text: &str) -> Result<Vec<Order>, DataError> {
    let mut scanner = Scanner::new(name, text);
    let mut order = Vec::new();
    loop {
        order.push(read_one(&mut scanner, query)?);
        if order.len() > ORDER_COLUMNS {
            return Err(DataError::unsupported(format!("an order by more than {ORDER_COLUMNS} columns")));
        }
        if !scanner.eat(",") {
            break;
        }
    }
    if scanner.is_done() { Ok(order) } else { Err(scanner.unexpected("\",\" or the end")) }
}

fn read_one(scanner: &mut Scanner<'_>, query: &Query) -> Result<Order, DataError> {
    let name = scanner.name()?;
    refuse_json_path(scanner)?;
    let (embed, column) = if scanner.eat("(") {
        let place = query.embed_named(&name).ok_or_else(|| not_embedded(&name))?;
        let embed = query.embed(place).filter(|embed| embed.is_one);
        let embed = embed
            .ok_or_else(|| DataError::unsupported(format!("an order by '{name}', of which a row may have many")))?;
        let column = column_of(embed.query.table, &scanner.name()?)?;
        scanner.expect(")")?;
        (Some(place), column)
    } else {
        (None, column_of(query.table, &name)?)
    };
    let is_descending = scanner.eat(".desc") || {
        scanner.eat(".asc");
        false
    };
    let nulls_first = if scanner.eat(".nullsfirst") { true } else { !scanner.eat(".nullslast") && is_descending };
    Ok(Order { embed, column, is_descending, nulls_first })
}
