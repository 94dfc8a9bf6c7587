//! What an import is told.

use serde::{Serialize, Serializer};

use crate::http::problem::Problem;
use crate::limits::IMPORT_REFUSALS_LISTED;

/// What became of the lines of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Lines that are stored now, by table.
    pub imported: RowCounts,
    /// Events that an earlier import had brought, by table.
    pub repeated: RowCounts,
    /// Lines that were compared with the digest behind them, and were those that were exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_lines: Option<u64>,
    /// Lines that are not stored.
    pub refused_count: u64,
    /// The first of them, at most [`IMPORT_REFUSALS_LISTED`].
    pub refused: Vec<Refusal>,
}

/// Rows by table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Of `prompts`.
    pub prompts: u64,
    /// Of `prompt_events`.
    pub prompt_events: u64,
    /// Of other tables, those of which there were any, in the order in which they came.
    pub others: Vec<(&'static str, u64)>,
}

/// A line that is not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Its number, from 1.
    pub line: u64,
    /// The code of what is wrong.
    pub code: &'static str,
    /// What is wrong.
    pub detail: String,
    /// Where in the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

impl RowCounts {
    /// Counts a row of a table.
    pub fn add(&mut self, table: &'static str) {
        match table {
            "prompts" => self.prompts += 1,
            "prompt_events" => self.prompt_events += 1,
            _ => match self.others.iter_mut().find(|(known, _)| *known == table) {
                Some((_, count)) => *count += 1,
                None => self.others.push((table, 1)),
            },
        }
    }
}

impl Serialize for RowCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let always = [("prompts", self.prompts), ("prompt_events", self.prompt_events)];
        serializer.collect_map(always.into_iter().chain(self.others.iter().copied()))
    }
}

impl ImportReport {
    /// Notes that a line is not stored.
    pub fn refuse(&mut self, line: u64, problem: Problem) {
        self.refused_count += 1;
        if self.refused.len() < IMPORT_REFUSALS_LISTED {
            let Problem { code, detail, pointer, .. } = problem;
            self.refused.push(Refusal { line, code: code.name(), detail, pointer });
        }
    }
}
