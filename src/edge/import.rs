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
use super::restoring::Restoring;
use super::{counters, d1, ingestion, prompt_lookup, settings};
use crate::counting::protocol::{Command, ImportedRow, Reply};
use crate::data::import::{ImportLine, ImportRow, ImportedEvent, read_line};
use crate::data::import_groups::{ImportGroup, ImportGroups};
use crate::data::import_report::ImportReport;
use crate::data::lines::{Line, Lines};
use crate::data::policy::unknown_prompt;
use crate::data::prompt::{PromptAccess, PromptName, PromptRow, endless_line, is_endless_line};
use crate::events::batch::by_prompt;
use crate::events::fate::Fate;
use crate::events::lineage::LineageEvent;
use crate::http::body::check_type;
use crate::http::identity::User;
use crate::http::problem::{Code, Problem};
use crate::limits::IMPORT_LINE_BYTES;
use crate::moving::ending::{Digest, Ending};
use crate::moving::restore_sql::Moment;

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

struct Import<'a> {
    call: &'a Call,
    report: ImportReport,
    groups: ImportGroups,
    digest: Digest,
    moment: Moment,
    restoring: Restoring<'a>,
}

impl<'a> Import<'a> {
    fn new(call: &'a Call) -> Self {
        let kept_ms = settings::events_kept_ms(&call.env, call.now_ms).unwrap_or(i64::MIN);
        let moment = Moment { now_ms: call.now_ms, kept_ms };
        let (report, groups, digest) = Default::default();
        let restoring = Restoring::new(&call.env, &call.identity, moment);
        Self { call, report, groups, digest, moment, restoring }
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

    async fn finish(&mut self, last: Option<Line>) -> Result<()> {
        if let Some(last) = last {
            self.take(last).await?;
        }
        self.store_rest().await
    }

    async fn take(&mut self, line: Line) -> Result<()> {
        match read_line(&line.bytes) {
            Ok(ImportLine::End(ending)) => self.take_ending(line.number, &ending).await,
            Ok(ImportLine::Row(row)) => {
                self.digest.add(&line.bytes);
                self.take_row(&line, row).await
            }
            Err(problem) => {
                self.digest.add(&line.bytes);
                self.report.refuse(line.number, problem);
                Ok(())
            }
        }
    }

    async fn take_ending(&mut self, line: u64, ending: &Ending) -> Result<()> {
        self.store_rest().await?;
        match ending.check(&mut self.digest) {
            Ok(lines) => {
                *self.report.verified_lines.get_or_insert_default() += lines;
                if ending.next.is_none() {
                    self.restoring.end().await?;
                }
            }
            Err(problem) => self.report.refuse(line, problem),
        }
        Ok(())
    }

    async fn take_row(&mut self, line: &Line, row: ImportRow) -> Result<()> {
        if let ImportRow::Event(event) = &row
            && let Err(problem) = event.check_kept(self.moment.kept_ms)
        {
            self.report.refuse(line.number, problem);
            return Ok(());
        }
        match self.groups.push(line.number, line.bytes.len(), row) {
            Some(group) => self.store(group).await,
            None => Ok(()),
        }
    }

    async fn store_rest(&mut self) -> Result<()> {
        match self.groups.take() {
            Some(group) => self.store(group).await,
            None => Ok(()),
        }
    }

    async fn store(&mut self, group: ImportGroup) -> Result<()> {
        match group {
            ImportGroup::Prompts(prompts) => self.store_prompts(prompts).await,
            ImportGroup::Events(events) => self.store_events(events).await,
            ImportGroup::Rows(rows) => self.restoring.store_rows(&rows, &mut self.report).await,
            ImportGroup::Parts(parts) => self.restoring.store_counters(parts, &mut self.report).await,
        }
    }

    async fn store_prompts(&mut self, prompts: Vec<(u64, PromptRow)>) -> Result<()> {
        let database = d1::database(&self.call.env)?;
        if self.store_together(&database, &prompts).await.is_ok() {
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

    async fn store_events(&mut self, events: Vec<(u64, ImportedEvent)>) -> Result<()> {
        let known = self.known_prompts(&events).await?;
        let (mut counted, mut lineage) = (Vec::new(), Vec::new());
        for (line, event) in events {
            if !known.contains_key(&PromptName::Id(event.prompt_id)) {
                self.report.refuse(line, unknown_prompt());
                continue;
            }
            match event.lineage_kind() {
                Some(kind) => lineage.push((line, event.into_lineage(kind))),
                None => counted.push((event.prompt_id, event.counted())),
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

/// What is wrong with a prompt that storage refused, if it is the prompt's fault.
fn refusal(error: &str) -> Option<Problem> {
    if is_endless_line(error) {
        return Some(endless_line("/row/forked_from"));
    }
    let taken = || Problem::at(Code::Conflict, "/row/slug", "Another prompt has this slug.");
    error.contains("prompts.slug").then(taken)
}
