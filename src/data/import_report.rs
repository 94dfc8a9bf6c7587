//! What an import is told.

use serde::Serialize;

use crate::http::problem::Problem;
use crate::limits::IMPORT_REFUSALS_LISTED;

/// What became of the lines of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Lines that are stored now, by table.
    pub imported: RowCounts,
    /// Events that an earlier import had brought, by table.
    pub repeated: RowCounts,
    /// Lines that are not stored.
    pub refused_count: u64,
    /// The first of them, at most [`IMPORT_REFUSALS_LISTED`].
    pub refused: Vec<Refusal>,
}

/// Rows by table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Of `prompts`.
    pub prompts: u64,
    /// Of `prompt_events`.
    pub prompt_events: u64,
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
