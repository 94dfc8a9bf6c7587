//! Stores what an import brings of an export: rows, and the parts of counters.

use std::collections::{HashMap, HashSet};
use worker::{Env, Result};

use super::{counters, d1, prompt_lookup};
use crate::counting::carried::Taken;
use crate::counting::protocol::{Command, Reply};
use crate::data::import_report::ImportReport;
use crate::data::policy::unknown_prompt;
use crate::data::prompt::{PromptName, endless_line, is_endless_line};
use crate::events::batch::by_prompt;
use crate::http::identity::Identity;
use crate::http::problem::{Code, Problem};
use crate::moving::counter_lines::CounterLine;
use crate::moving::restore_sql::Moment;
use crate::moving::row::MovedRow;
use crate::moving::tables::Way;
use crate::rest::error::{DataError, ErrorCode};
use crate::time::MINUTE_MS;

/// How long the cron leaves an instance alone after a request that restores, in milliseconds.
const LEASE_MS: i64 = 10 * MINUTE_MS;

/// What one request restores.
pub(super) struct Restoring<'a> {
    env: &'a Env,
    identity: &'a Identity,
    moment: Moment,
    /// Whether the cron was told to leave the instance alone.
    holds: bool,
    /// Whether the watermark was refused: what was rolled up to there would be added to what the instance has rolled up itself.
    is_foreign: bool,
}

impl<'a> Restoring<'a> {
    /// Nothing yet.
    pub(super) fn new(env: &'a Env, identity: &'a Identity, moment: Moment) -> Self {
        Self { env, identity, moment, holds: false, is_foreign: false }
    }

    /// Stores rows together; where one cannot be stored, one by one.
    pub(super) async fn store_rows(&mut self, rows: &[(u64, MovedRow)], report: &mut ImportReport) -> Result<()> {
        self.hold().await?;
        let database = d1::database(self.env)?;
        let (follow, rows): (Vec<_>, Vec<_>) =
            rows.iter().partition(|(_, row)| self.is_foreign && row.moved.way == Way::Rolled);
        for (line, _) in follow {
            report.refuse(*line, other_row());
        }
        let all: Vec<&MovedRow> = rows.iter().map(|(_, row)| row).collect();
        let stored = d1::moving::store(&database, &all, self.moment).await;
        prompt_lookup::forget();
        let Err(error) = note(stored, &all, report) else { return Ok(()) };
        if let [(line, row)] = rows.as_slice() {
            let problem = refusal(&error.to_string(), row.moved.table.name).ok_or(error)?;
            self.is_foreign |= row.moved.way == Way::Watermark;
            report.refuse(*line, problem);
            return Ok(());
        }
        for row in rows {
            Box::pin(self.store_rows(std::slice::from_ref(row), report)).await?;
        }
        Ok(())
    }

    /// Has the cron leave the instance alone.
    async fn hold(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.holds, true) {
            d1::moving::hold(&d1::database(self.env)?, self.moment.now_ms + LEASE_MS).await?;
        }
        Ok(())
    }

    /// The last line came: nothing is half there any more.
    pub(super) async fn end(&mut self) -> Result<()> {
        self.holds = false;
        d1::moving::release(&d1::database(self.env)?).await
    }

    /// Has counters take their parts. Those of prompts that are not there have no counter.
    pub(super) async fn store_counters(
        &mut self,
        lines: Vec<(u64, CounterLine)>,
        report: &mut ImportReport,
    ) -> Result<()> {
        self.hold().await?;
        let names: HashSet<PromptName> = lines.iter().map(|(_, line)| PromptName::Id(line.prompt_id)).collect();
        let mut known = HashMap::new();
        prompt_lookup::find(self.env, self.identity, names, &mut known).await?;
        let (known, unknown): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|(_, line)| known.contains_key(&PromptName::Id(line.prompt_id)));
        for (line, _) in unknown {
            report.refuse(line, unknown_prompt());
        }
        let parts = by_prompt(known.into_iter().map(|(line, part)| (part.prompt_id, (line, part))));
        let (mut sent, mut asked) = (Vec::new(), Vec::new());
        for (prompt_id, parts) in parts {
            sent.push((prompt_id, parts.iter().map(|(line, part)| (*line, part.table())).collect::<Vec<_>>()));
            let pieces = parts.into_iter().map(|(_, part)| (part.version, part.piece)).collect();
            asked.push((prompt_id, Command::Take { prompt_id, pieces }));
        }
        // What some have taken is told, whatever becomes of the others: their alarms would tell it as counted just now.
        let (mut told, mut outcome) = (Vec::new(), Ok(()));
        for ((prompt_id, lines), reply) in sent.into_iter().zip(counters::ask_all(self.env, asked).await) {
            match reply {
                Ok(Reply::Taken { taken, told: counts }) => {
                    note_taken(report, &lines, &taken);
                    told.extend(counts.map(|counts| (prompt_id, counts)));
                }
                Ok(_) => outcome = Err(counters::unexpected()),
                Err(error) => outcome = Err(error),
            }
        }
        if !told.is_empty() {
            d1::moving::tell(&d1::database(self.env)?, &told, self.moment.now_ms).await?;
        }
        outcome
    }
}

fn note_taken(report: &mut ImportReport, lines: &[(u64, &'static str)], taken: &[Taken]) {
    for ((line, table), taken) in lines.iter().zip(taken) {
        match taken {
            Taken::Stored => report.imported.add(table),
            Taken::Repeated => report.repeated.add(table),
            Taken::Refused => report.refuse(*line, counted_already()),
            Taken::Incomplete => report.refuse(*line, incomplete()),
        }
    }
}

fn note(stored: Result<Vec<bool>>, rows: &[&MovedRow], report: &mut ImportReport) -> Result<()> {
    for (was_there, row) in stored?.into_iter().zip(rows) {
        let counts = if was_there { &mut report.repeated } else { &mut report.imported };
        counts.add(row.moved.table.name);
    }
    Ok(())
}

/// What is wrong with a row that storage refused, if it is the row's fault.
fn refusal(failure: &str, table: &str) -> Option<Problem> {
    if is_endless_line(failure) {
        return Some(endless_line("/row/forked_from"));
    }
    if failure.contains("datatype mismatch") {
        return Some(other_row());
    }
    let error = DataError::of_failure(failure, table)?;
    Some(match error.code {
        ErrorCode::Unique | ErrorCode::NotNull => other_row(),
        ErrorCode::ForeignKey => {
            Problem::at(Code::UnknownReference, "/row", "What it refers to is not there; that has to stand before it.")
        }
        ErrorCode::TooLarge => Problem::at(Code::TooLarge, "/row", "A row has at most 2 MB."),
        _ => Problem::at(Code::InvalidValue, "/row", error.message),
    })
}

fn other_row() -> Problem {
    Problem::at(Code::Conflict, "/row", "Another row is there, which is not replaced.")
}

fn counted_already() -> Problem {
    Problem::at(Code::Conflict, "/row/prompt_id", "The counter has counted already, and keeps what it has.")
}

fn incomplete() -> Problem {
    Problem::at(Code::MissingField, "/row", "Lines of this counter's days, ids or imports are missing before this one.")
}
