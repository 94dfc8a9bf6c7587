//! From the rows of statements to the text of an answer.

use std::collections::HashMap;

use super::error::{DataError, ErrorCode};
use super::preference::Format;
use crate::data::schema::Kind;
use crate::json::{json_text, number_text};
use crate::limits::{ANSWER_BYTES, WRITTEN_BYTES};

/// A value of a row, as the database gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Null.
    Null,
    /// A number; whole ones are exact within ±2^53.
    Number(f64),
    /// A text.
    Text(String),
}

/// A row, as the database gives it.
pub type Row = Vec<Cell>;

/// Where the fields of an answer's rows stand among the cells of a statement's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The fields, by their names, in their order.
    pub fields: Vec<(String, Slot)>,
    /// Where large texts are bounded.
    pub bytes: Option<BytesSlot>,
}

/// The cell that tells how many bytes the large texts have, of the rows up to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BytesSlot {
    /// Its place.
    pub place: usize,
    /// The most that they may have.
    pub most: i64,
}

/// Where a field stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A cell.
    Cell(usize, Kind),
    /// An embedded row, which is there when this cell is not null.
    One(usize, Shape),
    /// The embedded rows that another statement gives, of which the first cell is this cell.
    Many(usize, usize),
}

/// Refuses rows whose texts are too large together.
///
/// # Errors
/// [`ErrorCode::TooLarge`].
pub fn check_bytes(shape: &Shape, rows: &[Row]) -> Result<(), DataError> {
    let Some(BytesSlot { place, most }) = shape.bytes else { return Ok(()) };
    match rows.last().and_then(|row| row.get(place)) {
        #[expect(clippy::cast_precision_loss, reason = "a bound far below 2^53")]
        Some(Cell::Number(bytes)) if *bytes > most as f64 => Err(too_many_bytes()),
        _ => Ok(()),
    }
}

/// The error of texts that are too large together.
#[must_use]
pub fn too_many_bytes() -> DataError {
    let message = format!("the texts of these rows have more than {ANSWER_BYTES} bytes together");
    DataError::new(ErrorCode::TooLarge, message).hint("Select fewer columns, or fewer rows.")
}

/// The rows of a statement that gives embedded rows, by their first cells.
#[derive(Debug, Default)]
pub struct Children {
    shape: Shape,
    rows: HashMap<String, Vec<Row>>,
}

impl Children {
    /// Sorts the rows of a statement by their first cells, keeping their order.
    #[must_use]
    pub fn of(shape: Shape, rows: Vec<Row>) -> Self {
        let mut children = Self { shape, rows: HashMap::new() };
        for row in rows {
            if let Some(Cell::Text(key)) = row.first() {
                children.rows.entry(key.clone()).or_default().push(row);
            }
        }
        children
    }
}

/// The text of an answer.
///
/// # Errors
/// [`ErrorCode::NotOneRow`] where one was asked for, [`ErrorCode::TooLarge`].
pub fn write(format: Format, shape: &Shape, rows: &[Row], children: &[Children]) -> Result<String, DataError> {
    let mut out = Text::of_at_most(WRITTEN_BYTES);
    match (format, rows) {
        (Format::Array, _) => write_array(&mut out, shape, rows, children),
        (Format::Object, [row]) => write_object(&mut out, shape, row, children),
        (Format::Object, _) => return Err(not_one_row(rows.len())),
        (Format::Csv, _) => write_csv(&mut out, shape, rows, children),
    }
    if out.is_cut { Err(too_many_bytes()) } else { Ok(out.written) }
}

/// One row as a JSON object.
#[must_use]
pub fn object_text(shape: &Shape, row: &[Cell]) -> String {
    let mut out = Text::of_at_most(usize::MAX);
    write_object(&mut out, shape, row, &[]);
    out.written
}

/// A text that ends where it would be too long. What a column or an embedded row is told as may be more than what the database
/// gave of it: under several names, in several rows, with escapes.
struct Text {
    written: String,
    most: usize,
    is_cut: bool,
}

impl Text {
    fn of_at_most(most: usize) -> Self {
        Self { written: String::new(), most, is_cut: false }
    }

    fn push_str(&mut self, more: &str) {
        self.is_cut |= more.len() > self.most - self.written.len();
        if !self.is_cut {
            self.written.push_str(more);
        }
    }
}

/// The error of another number of rows than one.
#[must_use]
pub fn not_one_row(rows: usize) -> DataError {
    DataError::new(ErrorCode::NotOneRow, "Cannot coerce the result to a single JSON object")
        .details(format!("The result contains {rows} rows"))
}

fn write_array(out: &mut Text, shape: &Shape, rows: &[Row], children: &[Children]) {
    out.push_str("[");
    for (index, row) in rows.iter().enumerate() {
        if out.is_cut {
            return;
        }
        out.push_str(if index > 0 { "," } else { "" });
        write_object(out, shape, row, children);
    }
    out.push_str("]");
}

fn write_object(out: &mut Text, shape: &Shape, row: &[Cell], children: &[Children]) {
    out.push_str("{");
    for (index, (name, slot)) in shape.fields.iter().enumerate() {
        if index > 0 {
            out.push_str(",");
        }
        write_text(out, name);
        out.push_str(":");
        write_slot(out, slot, row, children);
    }
    out.push_str("}");
}

fn write_slot(out: &mut Text, slot: &Slot, row: &[Cell], children: &[Children]) {
    match slot {
        Slot::Cell(place, kind) => write_cell(out, *kind, row.get(*place)),
        Slot::One(place, shape) => match row.get(*place) {
            None | Some(Cell::Null) => out.push_str("null"),
            Some(_) => write_object(out, shape, row, children),
        },
        Slot::Many(place, child) => {
            let (Some(child), Some(Cell::Text(key))) = (children.get(*child), row.get(*place)) else {
                return out.push_str("[]");
            };
            write_array(out, &child.shape, child.rows.get(key).map_or(&[], Vec::as_slice), children);
        }
    }
}

fn write_cell(out: &mut Text, kind: Kind, cell: Option<&Cell>) {
    match (cell, kind) {
        (None | Some(Cell::Null), _) => out.push_str("null"),
        (Some(Cell::Number(number)), Kind::Boolean) => out.push_str(if *number == 0.0 { "false" } else { "true" }),
        (Some(Cell::Number(number)), _) => out.push_str(&number_text(*number)),
        (Some(Cell::Text(text)), Kind::Json | Kind::TextArray) => out.push_str(text),
        (Some(Cell::Text(text)), _) => write_text(out, text),
    }
}

fn write_text(out: &mut Text, text: &str) {
    out.push_str(&json_text(text));
}

fn write_csv(out: &mut Text, shape: &Shape, rows: &[Row], children: &[Children]) {
    let names = shape.fields.iter().map(|(name, _)| Some(name.clone()));
    write_csv_line(out, names);
    for row in rows {
        if out.is_cut {
            return;
        }
        out.push_str("\n");
        let values: Vec<_> = shape.fields.iter().map(|(_, slot)| csv_value(out, slot, row, children)).collect();
        write_csv_line(out, values.into_iter());
    }
}

/// A value as PostgreSQL writes it as text; `None` for null, and for what is too long for `out`, which is cut then.
fn csv_value(out: &mut Text, slot: &Slot, row: &[Cell], children: &[Children]) -> Option<String> {
    match slot {
        Slot::Cell(place, kind) => match (row.get(*place), kind) {
            (None | Some(Cell::Null), _) => None,
            (Some(Cell::Number(number)), Kind::Boolean) => Some(if *number == 0.0 { "f" } else { "t" }.to_owned()),
            (Some(Cell::Number(number)), _) => Some(number_text(*number)),
            (Some(Cell::Text(text)), Kind::TextArray) => Some(array_text(text)),
            (Some(Cell::Text(text)), _) => Some(text.clone()),
        },
        Slot::One(..) | Slot::Many(..) => {
            let mut json = Text::of_at_most(out.most - out.written.len());
            write_slot(&mut json, slot, row, children);
            out.is_cut |= json.is_cut;
            Some(json.written).filter(|_| !json.is_cut)
        }
    }
}

/// An array of texts as PostgreSQL writes it: what has a meaning there stands in quotes, with backslashes before quotes and backslashes.
fn array_text(json: &str) -> String {
    let elements: Vec<Option<String>> = serde_json::from_str(json).unwrap_or_default();
    let has_meaning = |sign: char| sign.is_ascii_whitespace() || matches!(sign, ',' | '"' | '\\' | '{' | '}' | '\u{B}');
    let written = elements.into_iter().map(|element| match element {
        None => "NULL".to_owned(),
        Some(text) if text.is_empty() || text.eq_ignore_ascii_case("null") || text.contains(has_meaning) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Some(text) => text,
    });
    format!("{{{}}}", written.collect::<Vec<_>>().join(","))
}

/// Writes a line as PostgREST does, which is how PostgreSQL writes a row: what is empty or holds a blank or a sign with
/// a meaning stands in quotes, in which quotes and backslashes are doubled; nothing stands for null.
fn write_csv_line(out: &mut Text, values: impl Iterator<Item = Option<String>>) {
    for (index, value) in values.enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        let Some(value) = value else { continue };
        let has_meaning =
            |sign: char| sign.is_ascii_whitespace() || matches!(sign, ',' | '"' | '\\' | '(' | ')' | '\u{B}');
        if value.is_empty() || value.contains(has_meaning) {
            out.push_str("\"");
            out.push_str(&value.replace('\\', "\\\\").replace('"', "\"\""));
            out.push_str("\"");
        } else {
            out.push_str(&value);
        }
    }
}
