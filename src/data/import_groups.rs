//! Which rows of an import are stored together: those of one kind that come one after another, for a prompt must stand before
//! its events.

use std::mem::take;

use super::import::{ImportRow, ImportedEvent};
use super::prompt::PromptRow;
use crate::moving::counter_lines::CounterLine;
use crate::moving::row::MovedRow;

/// Prompts stored at once.
pub const PROMPTS: usize = 50;
/// Rows of other tables stored at once.
pub const ROWS: usize = 100;
/// Parts of counters stored at once.
pub const PARTS: usize = 2000;
/// Events stored at once: the more, the fewer calls of counters. About 4 MB.
pub const EVENTS: usize = 20_000;
/// Bytes of lines that are stored at once, unless the last of them is large; events are few bytes each.
pub const BYTES: usize = 1024 * 1024;

/// Rows of one kind, each with the number of its line, in the order in which they came.
#[derive(Debug, PartialEq, Eq)]
pub enum ImportGroup {
    /// Prompts.
    Prompts(Vec<(u64, PromptRow)>),
    /// Events of another system's log.
    Events(Vec<(u64, ImportedEvent)>),
    /// Rows of other tables.
    Rows(Vec<(u64, MovedRow)>),
    /// Parts of counters.
    Parts(Vec<(u64, CounterLine)>),
}

/// Collects rows until a group of them is complete.
#[derive(Debug, Default)]
pub struct ImportGroups {
    waiting: Option<ImportGroup>,
    /// Bytes of the lines that wait.
    bytes: usize,
}

impl ImportGroups {
    /// Has a row wait for others of its kind, with the number of its line and the line's bytes; gives the group that is to be
    /// stored before it.
    pub fn push(&mut self, line: u64, bytes: usize, row: ImportRow) -> Option<ImportGroup> {
        let complete = if self.has_room(&row) { None } else { self.take() };
        self.bytes += bytes;
        match (&mut self.waiting, row) {
            (Some(ImportGroup::Prompts(group)), ImportRow::Prompt(row)) => group.push((line, *row)),
            (Some(ImportGroup::Events(group)), ImportRow::Event(row)) => group.push((line, row)),
            (Some(ImportGroup::Rows(group)), ImportRow::Row(row)) => group.push((line, row)),
            (Some(ImportGroup::Parts(group)), ImportRow::Counter(row)) => group.push((line, row)),
            (waiting, row) => *waiting = Some(ImportGroup::of(line, row)),
        }
        complete
    }

    /// What waits, complete or not.
    pub fn take(&mut self) -> Option<ImportGroup> {
        self.bytes = 0;
        take(&mut self.waiting)
    }

    fn has_room(&self, row: &ImportRow) -> bool {
        let is_light = self.bytes < BYTES;
        match (&self.waiting, row) {
            (None, _) => true,
            (Some(ImportGroup::Prompts(group)), ImportRow::Prompt(_)) => group.len() < PROMPTS && is_light,
            (Some(ImportGroup::Events(group)), ImportRow::Event(_)) => group.len() < EVENTS,
            (Some(ImportGroup::Rows(group)), ImportRow::Row(_)) => group.len() < ROWS && is_light,
            (Some(ImportGroup::Parts(group)), ImportRow::Counter(_)) => group.len() < PARTS && is_light,
            _ => false,
        }
    }
}

impl ImportGroup {
    fn of(line: u64, row: ImportRow) -> Self {
        match row {
            ImportRow::Prompt(row) => Self::Prompts(vec![(line, *row)]),
            ImportRow::Event(row) => Self::Events(vec![(line, row)]),
            ImportRow::Row(row) => Self::Rows(vec![(line, row)]),
            ImportRow::Counter(row) => Self::Parts(vec![(line, row)]),
        }
    }
}
