//! A row that comes in: its values, each checked against its column.

use uuid::Uuid;

use super::row_content;
use super::tables::Moved;
use crate::data::prompt::timestamp;
use crate::data::schema::{Check, Column, Default, Kind};
use crate::http::field::{Field, uuid_of};
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::limits::TAGS_BYTES;
use crate::rest::rows::Cell;
use crate::sql::hex::unhex;

/// Numbers are exact up to here, in either direction.
const EXACT: i64 = 1 << 53;

/// A row that is to be stored.
#[derive(Clone, Debug)]
pub struct MovedRow {
    /// Its table.
    pub moved: &'static Moved,
    /// The values that it tells.
    pub told: Vec<(&'static Column, Cell)>,
    /// Values of columns that it does not tell, for a row that is new.
    pub defaults: Vec<(&'static Column, Cell)>,
}

impl PartialEq for MovedRow {
    fn eq(&self, other: &Self) -> bool {
        let names = |row: &Self| row.told.iter().map(|(column, cell)| (column.name, cell.clone())).collect::<Vec<_>>();
        self.moved.table.name == other.moved.table.name && names(self) == names(other)
    }
}

impl Eq for MovedRow {}

impl MovedRow {
    /// Reads a row. Instants that are needed and not told are to be the one at which it is stored, and null here.
    ///
    /// # Errors
    /// What is wrong with the first bad field.
    pub fn read(moved: &'static Moved, fields: &Fields<'_>) -> Result<Self, Problem> {
        fields.refuse_unknown(&moved.columns().map(|column| column.name).collect::<Vec<_>>())?;
        let (mut told, mut defaults) = (Vec::new(), Vec::new());
        for column in moved.columns() {
            let field = fields.field(column.name);
            match value(moved, column, &field)? {
                Some(cell) => told.push((column, cell)),
                None if column.nullable && fields.get(column.name).is_some() => told.push((column, Cell::Null)),
                None if column.nullable => {}
                None => defaults.push((column, default(moved, column, &field)?)),
            }
        }
        let row = Self { moved, told, defaults };
        row_content::check(&row)?;
        Ok(row)
    }

    /// The users that it names.
    pub fn users(&self) -> impl Iterator<Item = Uuid> + '_ {
        let user = |(column, cell): &(&Column, Cell)| match cell {
            Cell::Text(id) if column.references == Some("users") => Uuid::try_parse(id).ok(),
            _ => None,
        };
        self.told.iter().filter_map(user)
    }

    /// What it tells of a column.
    #[must_use]
    pub fn get(&self, name: &str) -> Cell {
        let all = self.told.iter().chain(&self.defaults);
        all.into_iter().find(|(column, _)| column.name == name).map_or(Cell::Null, |(_, cell)| cell.clone())
    }
}

fn value(moved: &Moved, column: &Column, field: &Field<'_>) -> Result<Option<Cell>, Problem> {
    if moved.is_blob(column.name) {
        let digits = field.text()?;
        if digits.as_deref().is_some_and(|digits| unhex(digits).is_none()) {
            return Err(field.problem(Code::InvalidValue, format!("{} are hexadecimal digits.", column.name)));
        }
        return Ok(digits.map(Cell::Text));
    }
    if moved.is_real(column.name) {
        return Ok(field.number()?.map(Cell::Number));
    }
    let text = match column.kind {
        Kind::Uuid => field.uuid()?.map(|id| id.to_string()),
        Kind::Text => checked(column, field)?,
        Kind::Timestamp => timestamp(field)?,
        Kind::Json => field.any()?,
        Kind::TextArray => texts(field)?,
        Kind::Boolean => return Ok(field.boolean()?.map(|value| Cell::Number(u8::from(value).into()))),
        Kind::Integer => return integer(field),
    };
    Ok(text.map(Cell::Text))
}

/// Texts, or nulls among them.
fn texts(field: &Field<'_>) -> Result<Option<String>, Problem> {
    let json = field.any()?;
    let is_right =
        |json: &String| json.len() <= TAGS_BYTES && serde_json::from_str::<Vec<Option<String>>>(json).is_ok();
    match json {
        Some(json) if !is_right(&json) => {
            let detail = format!("{} is an array of texts, of at most {TAGS_BYTES} bytes.", field.name);
            Err(field.problem(Code::InvalidType, detail))
        }
        json => Ok(json),
    }
}

fn checked(column: &Column, field: &Field<'_>) -> Result<Option<String>, Problem> {
    let text = field.text()?;
    if let (Some(text), Check::Characters(longest) | Check::NoUuid(longest) | Check::Key(longest)) =
        (&text, column.check)
        && text.chars().count() > longest
    {
        return Err(field.problem(Code::InvalidLength, format!("{} has at most {longest} characters.", column.name)));
    }
    if matches!(column.check, Check::NoUuid(_)) && text.as_deref().and_then(uuid_of).is_some() {
        return Err(field.problem(Code::InvalidValue, format!("{} must not be a UUID.", column.name)));
    }
    Ok(text)
}

#[expect(clippy::cast_precision_loss, reason = "within 2^53")]
fn integer(field: &Field<'_>) -> Result<Option<Cell>, Problem> {
    let Some(number) = field.integer()? else { return Ok(None) };
    if !(-EXACT..=EXACT).contains(&number) {
        return Err(field.problem(Code::InvalidValue, format!("{} is within 2^53.", field.name)));
    }
    Ok(Some(Cell::Number(number as f64)))
}

/// What a new row has that does not tell a column; keys and owners are told.
fn default(moved: &Moved, column: &Column, field: &Field<'_>) -> Result<Cell, Problem> {
    match column.default {
        Default::Now => Ok(Cell::Null),
        Default::False | Default::Zero => Ok(Cell::Number(0.0)),
        Default::True if !moved.table.key.contains(&column.name) => Ok(Cell::Number(1.0)),
        _ => field.required(None),
    }
}
