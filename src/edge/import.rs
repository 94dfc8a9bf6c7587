//! `POST /v1/import`: newline-delimited JSON, as long as it likes, in bounded memory.
//!
//! Lines are stored in groups, in their order: a prompt must stand before its events. Everything an import does can be
//! done again without harm, so after a failure the whole is sent again.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;
use worker::{D1Database, Error, Result};

use super::answer::Answer;
use super::body::Chunks;
use super::call::{Call, storage_failure};
use super::{counters, d1, ingestion, prompt_lookup, restoring, settings};
use crate::counting::ledger::digest_key;
use crate::counting::protocol::{Command, ImportedRow, Reply};
use crate::counting::tally::Metric;
use crate::data::import::{ImportRow, ImportedEvent, read_line};
use crate::data::import_report::ImportReport;
use crate::data::lines::{Line, Lines};
use crate::data::policy::unknown_prompt;
use crate::data::prompt::PromptName;
use crate::data::prompt::{PromptAccess, PromptRow, endless_line, is_endless_line};
use crate::events::batch::by_prompt;
use crate::events::event::PromptEventKind;
use crate::events::fate::Fate;
use crate::events::lineage::LineageEvent;
use crate::http::body::check_type;
use crate::http::identity::User;
use crate::http::problem::{Code, Problem};
use crate::limits::IMPORT_LINE_BYTES;
use crate::moving::counter_lines::CounterLine;
use crate::moving::ending::Digest;
use crate::moving::row::MovedRow;
use crate::time::DAY_MS;

/// Prompts stored at once.
const PROMPTS: usize = 50;
/// Rows of other tables stored at once.
const ROWS: usize = 100;
/// Parts of counters stored at once.
const PARTS: usize = 2000;
/// Bytes of lines of all these that are stored at once, unless one alone is larger.
const BYTES: usize = 1024 * 1024;
/// Events stored at once: the more, the fewer calls of counters. About 4 MB.
const EVENTS: usize = 20_000;
/// Forks and comparisons stored at once.
const LINEAGE_EVENTS: usize = 1000;

/// Stores what the lines hold and tells what became of them.
pub(super) async fn post_import(mut call: Call) -> std::result::Result<Answer, Problem> {
    let content_type = call.header("Content-Type");
    check_type(
        content_type.as_deref(),
        &["application/x-ndjson", "application/jsonl", "application/json", "text/plain"],
    )?;
    let mut chunks = call.chunks();
    let mut import = Import::new(&call);
    if let Err(problem) = import.take_all(&mut chunks).await {
        chunks.discard().await;
        return Err(problem);
    }
    Answer::ok(&import.report)
}

/// What waits to be stored together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Prompts,
    Events,
    Rows,
    Parts,
}

struct Import<'a> {
    call: &'a Call,
    report: ImportReport,
    prompts: Vec<(u64, PromptRow)>,
    events: Vec<(u64, ImportedEvent)>,
    rows: Vec<(u64, MovedRow)>,
    parts: Vec<(u64, CounterLine)>,
    /// Bytes of the lines of prompts, rows and parts that wait.
    bytes: usize,
    digest: Digest,
    /// Rows of forks and comparisons from before this instant are not kept, in milliseconds since 1970.
    kept_ms: i64,
}

impl<'a> Import<'a> {
    fn new(call: &'a Call) -> Self {
        let kept_ms = settings::event_retention_days(&call.env).map_or(i64::MIN, |days| call.now_ms - days * DAY_MS);
        Self {
            call,
            report: ImportReport::default(),
            prompts: Vec::new(),
            events: Vec::new(),
            rows: Vec::new(),
            parts: Vec::new(),
            bytes: 0,
            digest: Digest::default(),
            kept_ms,
        }
    }

    async fn take_all(&mut self, chunks: &mut Chunks) -> std::result::Result<(), Problem> {
        let mut lines = Lines::new(IMPORT_LINE_BYTES);
        while let Some(chunk) = chunks.next().await? {
            for line in lines.push(&chunk) {
                self.take(line).await.map_err(|error| storage_failure("import", &error))?;
            }
        }
        self.finish(lines.finish()).await.map_err(|error| storage_failure("import", &error))
    }

    async fn take(&mut self, line: Line) -> Result<()> {
        let read = read_line(&line.bytes);
        if let Ok(ImportRow::End(ending)) = read {
            self.store_all().await?;
            match ending.check(&mut self.digest) {
                Ok(lines) => *self.report.verified_lines.get_or_insert_default() += lines,
                Err(problem) => self.report.refuse(line.number, problem),
            }
            return Ok(());
        }
        self.digest.add(&line.bytes);
        match read {
            Err(problem) => self.report.refuse(line.number, problem),
            Ok(row) => self.take_row(line, row).await?,
        }
        Ok(())
    }

    /// Has a row wait for others of its kind; they are stored in the order in which they came.
    async fn take_row(&mut self, line: Line, row: ImportRow) -> Result<()> {
        match row {
            ImportRow::Prompt(prompt) => {
                self.store_unless(Kind::Prompts).await?;
                self.prompts.push((line.number, *prompt));
            }
            ImportRow::Row(row) => {
                self.store_unless(Kind::Rows).await?;
                self.rows.push((line.number, row));
            }
            ImportRow::Counter(part) => {
                self.store_unless(Kind::Parts).await?;
                self.parts.push((line.number, part));
            }
            ImportRow::End(_) => {}
            ImportRow::Event(event) if lineage_kind(event.metric).is_some() && event.at_ms < self.kept_ms => {
                self.report.refuse(line.number, too_old());
            }
            ImportRow::Event(event) => {
                self.store_unless(Kind::Events).await?;
                self.events.push((line.number, event));
            }
        }
        self.bytes += if self.events.is_empty() { line.bytes.len() } else { 0 };
        let is_full = self.prompts.len() >= PROMPTS
            || self.rows.len() >= ROWS
            || self.parts.len() >= PARTS
            || self.events.len() >= EVENTS;
        if is_full || self.bytes >= BYTES { self.store_all().await } else { Ok(()) }
    }

    async fn store_unless(&mut self, kind: Kind) -> Result<()> {
        let is_waiting = [
            (Kind::Prompts, !self.prompts.is_empty()),
            (Kind::Events, !self.events.is_empty()),
            (Kind::Rows, !self.rows.is_empty()),
            (Kind::Parts, !self.parts.is_empty()),
        ];
        let others_wait = is_waiting.into_iter().any(|(waiting, is_waiting)| is_waiting && waiting != kind);
        if others_wait { self.store_all().await } else { Ok(()) }
    }

    /// Stores what waits, which is of one kind.
    async fn store_all(&mut self) -> Result<()> {
        self.bytes = 0;
        self.store_prompts().await?;
        self.store_events().await?;
        let (to, rows) = ((&self.call.env, self.call.now_ms), std::mem::take(&mut self.rows));
        if !rows.is_empty() {
            restoring::store_rows(to, &rows, &mut self.report).await?;
        }
        let parts = std::mem::take(&mut self.parts);
        let by = (to.0, &self.call.identity, to.1);
        if parts.is_empty() { Ok(()) } else { restoring::store_counters(by, parts, &mut self.report).await }
    }

    async fn finish(&mut self, last: Option<Line>) -> Result<()> {
        if let Some(last) = last {
            self.take(last).await?;
        }
        self.store_all().await
    }

    async fn store_prompts(&mut self) -> Result<()> {
        let prompts = std::mem::take(&mut self.prompts);
        let database = d1::database(&self.call.env)?;
        if prompts.is_empty() || self.store_together(&database, &prompts).await.is_ok() {
            self.report.imported.prompts += prompts.len() as u64;
            return Ok(());
        }
        for (line, prompt) in prompts {
            match self.store_together(&database, &[(line, prompt)]).await {
                Ok(()) => self.report.imported.prompts += 1,
                Err(error) => match refusal(&error.to_string()) {
                    Some(problem) => self.report.refuse(line, problem),
                    None => return Err(error),
                },
            }
        }
        Ok(())
    }

    async fn store_together(&self, database: &D1Database, prompts: &[(u64, PromptRow)]) -> Result<()> {
        let users: Vec<User> = prompts.iter().map(|(_, prompt)| User { id: prompt.user_id, email: None }).collect();
        let users: Vec<&User> = users.iter().collect();
        let mut batch = vec![d1::users::make(database, &users, self.call.now_ms)?];
        for (_, prompt) in prompts {
            batch.push(d1::prompts::import(database, prompt, self.call.now_ms)?);
        }
        let stored = d1::transact(database, batch).await.map(drop);
        prompt_lookup::forget();
        stored
    }

    async fn store_events(&mut self) -> Result<()> {
        let events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(());
        }
        let known = self.known_prompts(&events).await?;
        let (mut counted, mut lineage) = (Vec::new(), Vec::new());
        for (line, event) in events {
            if !known.contains_key(&PromptName::Id(event.prompt_id)) {
                self.report.refuse(line, unknown_prompt());
                continue;
            }
            match lineage_kind(event.metric) {
                Some(kind) => lineage.push((line, lineage_event(event, kind))),
                None => counted.push((event.prompt_id, imported_row(&event))),
            }
        }
        self.count(counted).await?;
        self.store_lineage(lineage).await
    }

    async fn known_prompts(&self, events: &[(u64, ImportedEvent)]) -> Result<HashMap<PromptName, PromptAccess>> {
        let names: HashSet<PromptName> = events.iter().map(|(_, event)| PromptName::Id(event.prompt_id)).collect();
        let mut found = HashMap::new();
        prompt_lookup::find(&self.call.env, &self.call.identity, names, &mut found).await?;
        Ok(found)
    }

    async fn count(&mut self, counted: Vec<(Uuid, ImportedRow)>) -> Result<()> {
        let counted = by_prompt(counted);
        let sent: Vec<u64> = counted.iter().map(|(_, rows)| rows.len() as u64).collect();
        let asked = counted.into_iter().map(|(prompt_id, rows)| (prompt_id, Command::Import { prompt_id, rows }));
        let replies = counters::ask_all(&self.call.env, asked.collect()).await;
        for (sent, reply) in sent.into_iter().zip(replies) {
            match reply? {
                Reply::Imported { counted } => {
                    self.report.imported.prompt_events += counted;
                    self.report.repeated.prompt_events += sent.saturating_sub(counted);
                }
                _ => return Err(counters::unexpected()),
            }
        }
        Ok(())
    }

    async fn store_lineage(&mut self, events: Vec<(u64, LineageEvent)>) -> Result<()> {
        let (lines, mut events): (Vec<u64>, Vec<LineageEvent>) = events.into_iter().unzip();
        let mut fates = Vec::new();
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(LINEAGE_EVENTS));
            fates.extend(ingestion::store_lineage(&self.call.env, events).await);
            events = rest;
        }
        for (line, fate) in lines.into_iter().zip(fates) {
            match fate {
                Fate::Accepted => self.report.imported.prompt_events += 1,
                Fate::Duplicate => self.report.repeated.prompt_events += 1,
                Fate::Rejected(problem) if problem.code != Code::StorageUnavailable => {
                    self.report.refuse(line, problem);
                }
                Fate::Rejected(_) | Fate::Unrecorded | Fate::Dropped(_) => {
                    return Err(Error::from("an imported event was not stored"));
                }
            }
        }
        Ok(())
    }
}

fn imported_row(event: &ImportedEvent) -> ImportedRow {
    ImportedRow { key: digest_key(&event.id), metric: event.metric, at_ms: event.at_ms }
}

fn lineage_kind(metric: Metric) -> Option<PromptEventKind> {
    match metric {
        Metric::Fork => Some(PromptEventKind::Fork { child_prompt_id: None }),
        Metric::Compare => Some(PromptEventKind::CompareAdd { comparison_id: None }),
        _ => None,
    }
}

fn lineage_event(event: ImportedEvent, kind: PromptEventKind) -> LineageEvent {
    let ImportedEvent { id, prompt_id, user_id, created_at, .. } = event;
    LineageEvent { id, prompt_id, user: user_id.map(|id| User { id, email: None }), kind, created_at }
}

/// What is wrong with a prompt that storage refused, if it is the prompt's fault.
fn refusal(error: &str) -> Option<Problem> {
    if is_endless_line(error) {
        return Some(endless_line("/row/forked_from"));
    }
    let taken = || Problem::at(Code::Conflict, "/row/slug", "Another prompt has this slug.");
    error.contains("prompts.slug").then(taken)
}

/// Its row would be removed at once, and who repeats an import could not be told that it is counted.
fn too_old() -> Problem {
    let detail =
        "Rows of forks and comparisons are not kept that long. Import them while EVENT_RETENTION_DAYS is not set.";
    Problem::at(Code::TimestampOutOfRange, "/row/created_at", detail)
}
