//! The parts of a counter as rows of tables that only exports have.

use uuid::Uuid;

use super::page_sql;
use super::row::MovedRow;
use super::tables::{Moved, Way};
use crate::counting::carried::{Piece, Whole};
use crate::counting::day::Day;
use crate::counting::tally::{Metric, Tally};
use crate::counting::visitors::Visitors;
use crate::data::schema::{Column, Kind, Table};
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::rest::rows::{Cell, Row};
use crate::sql::hex::{hex, unhex};

const PROMPT: Column = Column::new("prompt_id", Kind::Uuid).required();
/// The counter's version: parts of the same one belong together.
const VERSION: Column = number("version");

const fn number(name: &'static str) -> Column {
    Column::new(name, Kind::Integer).required()
}

const fn bytes(name: &'static str) -> Column {
    Column::new(name, Kind::Text).required()
}

const DAYS: Table = table("counter_days", &[PROMPT, VERSION, number("day"), bytes("counts")]);
const IDS: Table = table("counter_ids", &[PROMPT, VERSION, number("number"), number("newest_ms"), bytes("entries")]);
const IMPORTS: Table = table("counter_imports", &[PROMPT, VERSION, bytes("keys")]);
const COUNTERS: Table = table(
    "counters",
    &[
        PROMPT,
        VERSION,
        number("views"),
        number("copies"),
        number("forks"),
        number("compares"),
        number("visits"),
        number("bots"),
        number("headless"),
        number("prefetches"),
        number("retracted_visitors"),
        number("days"),
        number("ids"),
        number("imports"),
        bytes("visitors"),
    ],
);

const fn table(name: &'static str, columns: &'static [Column]) -> Table {
    Table { name, columns, key: &["prompt_id"], unique: &[], unlisted: &[] }
}

const fn moved(table: &'static Table, blobs: &'static [&'static str]) -> Moved {
    Moved { table, own: &[], source: None, blobs, reals: &[], way: Way::Once }
}

/// The tables of an export that hold the parts of counters; the whole of one stands behind its other parts.
pub const TABLES: [Moved; 4] =
    [moved(&DAYS, &["counts"]), moved(&IDS, &["entries"]), moved(&IMPORTS, &["keys"]), moved(&COUNTERS, &["visitors"])];

static PARTS: [Moved; 4] = TABLES;

/// A part of a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterLine {
    /// The prompt.
    pub prompt_id: Uuid,
    /// The counter's version.
    pub version: u64,
    /// The part.
    pub piece: Piece,
}

impl CounterLine {
    fn moved(&self) -> &'static Moved {
        let [days, ids, imports, counters] = &PARTS;
        match self.piece {
            Piece::Day { .. } => days,
            Piece::Ids { .. } => ids,
            Piece::Imported(_) => imports,
            Piece::Whole(_) => counters,
        }
    }

    /// The table that it is a row of.
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.moved().table.name
    }

    /// Its line, without a line feed.
    #[must_use]
    pub fn line(&self) -> String {
        let mut row: Row = vec![Cell::Text(self.prompt_id.to_string())];
        let mut numbers = vec![self.version];
        let packed = match &self.piece {
            Piece::Day { number, counts } => {
                numbers.push(number.cast_unsigned());
                counts
            }
            Piece::Ids { number, newest_ms, entries } => {
                numbers.extend([*number, newest_ms.cast_unsigned()]);
                entries
            }
            Piece::Imported(keys) => keys,
            Piece::Whole(Whole { tally, visitors, retracted_visitors, days, ids, imported }) => {
                numbers.extend(Metric::ALL.map(|metric| tally.count(metric)));
                numbers.extend([*retracted_visitors, *days, *ids, *imported]);
                visitors
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "counts and instants stay within 2^53")]
        row.extend(numbers.into_iter().map(|number| Cell::Number(number.cast_signed() as f64)));
        row.push(Cell::Text(hex(packed)));
        page_sql::line(self.moved(), &row)
    }

    /// Reads the row of a line of one of [`TABLES`]; `None` for another.
    ///
    /// # Errors
    /// What is wrong with the first bad field; [`Code::InvalidValue`] for bytes that no counter writes.
    #[must_use]
    pub fn read(table: &str, fields: &Fields<'_>) -> Option<Result<Self, Problem>> {
        let (place, moved) = PARTS.iter().enumerate().find(|(_, part)| part.table.name == table)?;
        let unknown = || Problem::new(Code::InvalidValue, "No counter writes such a row.");
        Some(MovedRow::read(moved, fields).and_then(|row| Self::of(place, &row).ok_or_else(unknown)))
    }

    /// What a row says, in the order of its columns.
    fn of(place: usize, row: &MovedRow) -> Option<Self> {
        let mut numbers = Vec::new();
        let mut texts = Vec::new();
        for (_, cell) in &row.told {
            match cell {
                #[expect(clippy::cast_possible_truncation, reason = "read as a whole number")]
                Cell::Number(number) => numbers.push(*number as i64),
                Cell::Text(text) => texts.push(text.as_str()),
                Cell::Null => return None,
            }
        }
        let [prompt_id, packed] = texts.as_slice() else { return None };
        let (prompt_id, packed) = (Uuid::try_parse(prompt_id).ok()?, unhex(packed)?);
        let mut numbers = numbers.into_iter();
        let mut count = || u64::try_from(numbers.next()?).ok();
        let version = count().filter(|version| *version > 0)?;
        let is_right = match place {
            0 => Day::unpack(&packed).is_some(),
            1 => packed.len() % 12 == 0,
            2 => packed.len() % 8 == 0,
            _ => Visitors::unpack(&packed).is_some(),
        };
        let piece = match place {
            _ if !is_right => return None,
            0 => Piece::Day { number: numbers.next()?, counts: packed },
            1 => Piece::Ids { number: count()?, newest_ms: numbers.next()?, entries: packed },
            2 => Piece::Imported(packed),
            _ => {
                let mut tally = Tally::default();
                for metric in Metric::ALL {
                    tally.add(metric, count()?);
                }
                Piece::Whole(Whole {
                    tally,
                    visitors: packed,
                    retracted_visitors: count()?,
                    days: count()?,
                    ids: count()?,
                    imported: count()?,
                })
            }
        };
        Some(Self { prompt_id, version, piece })
    }
}
