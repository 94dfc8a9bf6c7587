//! `GET /v1/admin/verify`.

use futures_util::StreamExt;
use futures_util::stream;
use worker::Result;

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, d1};
use crate::counting::protocol::{Command, Reply};
use crate::http::paging;
use crate::http::problem::Problem;
use crate::verification::answer::Verification;
use crate::verification::counters::compare;
use crate::verification::page::Page;

/// Counters that are asked at the same time.
const AT_ONCE: usize = 16;

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
    let mut audits = stream::iter(stored)
        .map(|(counts, usage)| async move {
            let reply = counters::ask(&call.env, counts.prompt_id, &Command::Audit).await;
            (counts, usage, reply)
        })
        .buffered(AT_ONCE);
    while let Some((counts, usage, reply)) = audits.next().await {
        match reply? {
            Reply::Audited(audit) => {
                verification.add(&audit.tally, usage, compare(&counts, &audit, call.now_ms));
            }
            other => return Err(counters::unexpected(&other)),
        }
    }
    verification.differences.extend(d1::verification::differences(&database, &ids).await?);
    Ok(verification)
}
