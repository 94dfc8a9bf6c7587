//! Lines of an import: newline-delimited JSON, one row a line.

use uuid::Uuid;

use super::prompt::{PromptRow, timestamp};
use super::tables::PROMPTS;
use crate::counting::id_digest::digest_key;
use crate::counting::protocol::ImportedRow;
use crate::counting::tally::Metric;
use crate::events::event::PromptEventKind;
use crate::events::lineage::LineageEvent;
use crate::http::body;
use crate::http::field::Field;
use crate::http::fields::Fields;
use crate::http::identity::User;
use crate::http::problem::{Code, Problem};
use crate::limits::{EVENT_ID_CHARS, IMPORT_LINE_BYTES, NESTING_LEVELS};
use crate::moving::counter_lines::CounterLine;
use crate::moving::ending::Ending;
use crate::moving::row::MovedRow;
use crate::moving::tables::moved;
use crate::time::timestamp_to_ms;

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportLine {
    /// A row to import.
    Row(ImportRow),
    /// What an export says of its lines.
    End(Ending),
}

/// One row to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportRow {
    /// A prompt.
    Prompt(Box<PromptRow>),
    /// An event of another system's log.
    Event(ImportedEvent),
    /// A row of another table.
    Row(MovedRow),
    /// A part of a counter.
    Counter(CounterLine),
}

/// A row of another system's `prompt_events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedEvent {
    /// The row's id, by which a repeated import knows it.
    pub id: String,
    /// The prompt.
    pub prompt_id: Uuid,
    /// The user, where one is known.
    pub user_id: Option<Uuid>,
    /// What happened.
    pub metric: Metric,
    /// When, as stored.
    pub created_at: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Levels that a line has around what a body may have brought.
const LINE_LEVELS: usize = 2;

const EVENT_COLUMNS: &[&str] = &["id", "prompt_id", "user_id", "event_type", "created_at"];

/// Reads one line, without its line feed.
///
/// # Errors
/// What is wrong with the line.
pub fn read_line(line: &[u8]) -> Result<ImportLine, Problem> {
    if line.len() > IMPORT_LINE_BYTES {
        return Err(Problem::new(Code::TooLarge, format!("A line has at most {IMPORT_LINE_BYTES} bytes.")));
    }
    let line = Fields::read(body::text_within(line, NESTING_LEVELS + LINE_LEVELS)?, "A line")?;
    if let Some(end) = line.get("end") {
        let read = Fields::read(end.get(), "end").and_then(|fields| Ending::read(&fields));
        return read.map(ImportLine::End).map_err(|problem| problem.below("/end"));
    }
    let (table, row) = (line.field("table"), line.field("row"));
    let name = table.required(table.text()?)?;
    let fields = Fields::read(row.required(row.json)?.get(), "row").map_err(|problem| problem.below("/row"))?;
    let read = match name.as_str() {
        // A row that tells every column is stored as it stands.
        "prompts" if !PROMPTS.column_names().all(|name| fields.get(name).is_some()) => {
            PromptRow::read(&fields).map(|row| ImportRow::Prompt(Box::new(row)))
        }
        // A log of another system does not say whether its rows are counted.
        "prompt_events" if fields.get("is_counted").is_none() => read_event(&fields).map(ImportRow::Event),
        other => match (moved(other), CounterLine::read(other, &fields)) {
            (Some(moved), _) => MovedRow::read(moved, &fields).map(ImportRow::Row),
            (None, Some(read)) => read.map(ImportRow::Counter),
            (None, None) => {
                return Err(table.problem(Code::UnknownTable, "The tables are those that GET /v1/export tells."));
            }
        },
    };
    read.map(ImportLine::Row).map_err(|problem| problem.below("/row"))
}

impl ImportedEvent {
    /// What an event is that is a row of `prompt_events` here, too; `None` of one that is only counted.
    #[must_use]
    pub fn lineage_kind(&self) -> Option<PromptEventKind> {
        match self.metric {
            Metric::Fork => Some(PromptEventKind::Fork { child_prompt_id: None }),
            Metric::Compare => Some(PromptEventKind::CompareAdd { comparison_id: None }),
            _ => None,
        }
    }

    /// The row of `prompt_events` that it becomes.
    #[must_use]
    pub fn into_lineage(self, kind: PromptEventKind) -> LineageEvent {
        let Self { id, prompt_id, user_id, created_at, .. } = self;
        LineageEvent { id, prompt_id, user: user_id.map(|id| User { id, email: None }), kind, created_at }
    }

    /// What its counter is told of one that is only counted.
    #[must_use]
    pub fn counted(&self) -> ImportedRow {
        ImportedRow { key: digest_key(&self.id), metric: self.metric, at_ms: self.at_ms }
    }

    /// Checks that its row is kept, of rows that are not from before `kept_ms`, in milliseconds since 1970. It would be removed at
    /// once, and who repeats an import could not be told that it is counted.
    ///
    /// # Errors
    /// [`Code::TimestampOutOfRange`].
    pub fn check_kept(&self, kept_ms: i64) -> Result<(), Problem> {
        if self.lineage_kind().is_none() || self.at_ms >= kept_ms {
            return Ok(());
        }
        let detail =
            "Rows of forks and comparisons are not kept that long. Import them while EVENT_RETENTION_DAYS is not set.";
        Err(Problem::at(Code::TimestampOutOfRange, "/row/created_at", detail))
    }
}

fn read_event(fields: &Fields<'_>) -> Result<ImportedEvent, Problem> {
    fields.refuse_unknown(EVENT_COLUMNS)?;
    let field = |name| fields.field(name);
    let (id, prompt_id, kind, created_at) = (field("id"), field("prompt_id"), field("event_type"), field("created_at"));
    let instant = created_at.required(timestamp(&created_at)?)?;
    Ok(ImportedEvent {
        id: id.required(row_id(&id)?)?,
        prompt_id: prompt_id.required(prompt_id.uuid()?)?,
        user_id: field("user_id").uuid()?,
        metric: metric(&kind)?,
        at_ms: timestamp_to_ms(&instant).unwrap_or_default(),
        created_at: instant,
    })
}

/// A row's id: a text, or the whole number of a serial column.
fn row_id(id: &Field<'_>) -> Result<Option<String>, Problem> {
    match id.integer() {
        Ok(number) => Ok(number.map(|number| number.to_string())),
        Err(_) => id.key(EVENT_ID_CHARS),
    }
}

fn metric(kind: &Field<'_>) -> Result<Metric, Problem> {
    match kind.required(kind.text()?)?.as_str() {
        "view" => Ok(Metric::View),
        "copy" => Ok(Metric::Copy),
        "fork" => Ok(Metric::Fork),
        "compare_add" => Ok(Metric::Compare),
        _ => Err(kind.problem(Code::InvalidValue, "event_type is view, copy, fork or compare_add.")),
    }
}
