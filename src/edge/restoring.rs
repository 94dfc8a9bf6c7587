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
use crate::moving::row::MovedRow;
use crate::rest::error::{DataError, ErrorCode};

/// Stores rows together; where one cannot be stored, one by one.
pub(super) async fn store_rows(
    (env, now_ms): (&Env, i64),
    rows: &[(u64, MovedRow)],
    report: &mut ImportReport,
) -> Result<()> {
    let database = d1::database(env)?;
    let all: Vec<&MovedRow> = rows.iter().map(|(_, row)| row).collect();
    let stored = d1::moving::store(&database, &all, now_ms).await;
    prompt_lookup::forget();
    let Err(error) = note(stored, &all, report) else { return Ok(()) };
    if let [(line, row)] = rows {
        let problem = refusal(&error.to_string(), row.moved.table.name).ok_or(error)?;
        report.refuse(*line, problem);
        return Ok(());
    }
    for row in rows {
        Box::pin(store_rows((env, now_ms), std::slice::from_ref(row), report)).await?;
    }
    Ok(())
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

/// Has counters take their parts. Those of prompts that are not there have no counter.
pub(super) async fn store_counters(
    (env, identity, now_ms): (&Env, &Identity, i64),
    lines: Vec<(u64, CounterLine)>,
    report: &mut ImportReport,
) -> Result<()> {
    let names: HashSet<PromptName> = lines.iter().map(|(_, line)| PromptName::Id(line.prompt_id)).collect();
    let mut known = HashMap::new();
    prompt_lookup::find(env, identity, names, &mut known).await?;
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
    for ((prompt_id, lines), reply) in sent.into_iter().zip(counters::ask_all(env, asked).await) {
        let (taken, counts) = match reply {
            Ok(Reply::Taken { taken, told }) => (taken, told),
            Ok(_) => {
                outcome = Err(counters::unexpected());
                continue;
            }
            Err(error) => {
                outcome = Err(error);
                continue;
            }
        };
        for ((line, table), taken) in lines.into_iter().zip(taken) {
            match taken {
                Taken::Stored => report.imported.add(table),
                Taken::Repeated => report.repeated.add(table),
                Taken::Refused => report.refuse(line, counted_already()),
                Taken::Incomplete => report.refuse(line, incomplete()),
            }
        }
        told.extend(counts.map(|counts| (prompt_id, counts)));
    }
    if !told.is_empty() {
        d1::moving::tell(&d1::database(env)?, &told, now_ms).await?;
    }
    outcome
}

fn counted_already() -> Problem {
    Problem::at(Code::Conflict, "/row/prompt_id", "The counter has counted already, and keeps what it has.")
}

fn incomplete() -> Problem {
    Problem::at(Code::MissingField, "/row", "Lines of this counter's days, ids or imports are missing before this one.")
}
