//! `GET /v1/admin/verify`.

use std::collections::HashMap;

use worker::Result;

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, d1, settings};
use crate::counting::protocol::{Audit, Command, Reply};
use crate::http::paging;
use crate::http::problem::Problem;
use crate::verification::answer::Verification;
use crate::verification::counters::{StoredCounts, compare, told_since_ms};
use crate::verification::page::Page;

/// Verifies a page of prompts.
pub(super) async fn get_verification(call: &Call) -> std::result::Result<Answer, Problem> {
    let page = Page::parse(&call.query())?;
    let verification = verify(call, &page).await.map_err(|error| storage_failure("verification", &error))?;
    Answer::ok(&verification)
}

async fn verify(call: &Call, page: &Page) -> Result<Verification> {
    let database = d1::database(&call.env)?;
    let mut stored = d1::verification::counts(&database, page).await?;
    let mut verification = Verification {
        next_cursor: paging::cut(&mut stored, page.limit, |(counts, _)| counts.prompt_id),
        ..Verification::default()
    };
    let ids: Vec<_> = stored.iter().map(|(counts, _)| counts.prompt_id).collect();
    let mut audits = Vec::with_capacity(ids.len());
    for reply in counters::ask_each(&call.env, &ids, &Command::Audit).await {
        let Reply::Audited(audit) = reply? else { return Err(counters::unexpected()) };
        audits.push(audit);
    }
    let is_doubtful =
        |((counts, _), audit): (&(StoredCounts, u64), &Audit)| compare(counts, audit, call.now_ms).doubts_rows();
    if stored.iter().zip(&audits).any(is_doubtful) {
        let later = d1::verification::counts(&database, page).await?;
        let later: HashMap<_, _> = later.iter().map(|(counts, _)| (counts.prompt_id, counts)).collect();
        for (counts, _) in &mut stored {
            if let Some(later) = later.get(&counts.prompt_id) {
                counts.note_added(later);
            }
        }
    }
    for ((counts, usage), audit) in stored.into_iter().zip(audits) {
        verification.add(&audit.tally, usage, compare(&counts, &audit, call.now_ms));
    }
    let told_since_ms = told_since_ms(call.now_ms, settings::ranking_interval_ms(&call.env));
    let found = d1::verification::differences(&database, (&ids, told_since_ms), page.after.is_nil()).await?;
    verification.differences.extend(found.0);
    verification.rankings_pending = found.1;
    Ok(verification)
}
