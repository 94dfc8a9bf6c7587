//! `POST /v1/admin/retract`.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;
use worker::{Error, Result};

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::{counters, d1, prompt_lookup, salts};
use crate::counting::protocol::{Command, Reply};
use crate::data::prompt::PromptName;
use crate::http::problem::{Code, Problem};
use crate::http::{body, paging};
use crate::limits::EVENT_PAST_MS;
use crate::retraction::{self, DEFAULT_LIMIT, Flagged, Request, Taken};

/// Takes back what a source added, of the prompts that are named or of a page of those that were counted lately. Asking
/// again is safe and tells what was left to take back: after a failure, less than there was.
pub(super) async fn post_retraction(mut call: Call) -> std::result::Result<Answer, Problem> {
    body::check_type(call.header("Content-Type").as_deref(), &["application/json"])?;
    let query = call.query();
    let (after, limit) = (paging::cursor(&query)?, paging::limit(&query, DEFAULT_LIMIT)?);
    let bytes = call.body().await?;
    let request = Request::read(body::text(&bytes)?)?;
    let failure = |error: &worker::Error| storage_failure("retraction", error);
    let (prompts, next_cursor) = match &request.prompts {
        Some(names) => (named(&call, names).await?, None),
        None => counted_lately(&call, after.unwrap_or_default(), limit).await.map_err(|error| failure(&error))?,
    };
    let mut answer = retraction::Answer { next_cursor, ..retraction::Answer::default() };
    retract(&call, &request.flagged, prompts, &mut answer).await.map_err(|error| failure(&error))?;
    Answer::ok(&answer)
}

async fn retract(call: &Call, flagged: &Flagged, prompts: Vec<Uuid>, answer: &mut retraction::Answer) -> Result<()> {
    let salts = salts::at(&call.env, call.now_ms).await.ok_or_else(|| Error::from("the salts cannot be read"))?;
    let command = Command::Retract { sources: flagged.sources(salts).to_vec() };
    let replies = counters::ask_each(&call.env, &prompts, &command).await;
    for (id, reply) in prompts.into_iter().zip(replies) {
        match reply? {
            Reply::Retracted { tally, unique_visitors } => answer.add(id, Taken::of(&tally, unique_visitors)),
            _ => return Err(counters::unexpected()),
        }
    }
    Ok(())
}

/// The ids of prompts, each once.
async fn named(call: &Call, names: &[PromptName]) -> std::result::Result<Vec<Uuid>, Problem> {
    let mut found = HashMap::new();
    let read = prompt_lookup::find(&call.env, &call.identity, names.iter().cloned().collect(), &mut found).await;
    read.map_err(|error| storage_failure("prompts", &error))?;
    let unknown = |place| Problem::at(Code::UnknownPrompt, format!("/prompt_ids/{place}"), "There is no such prompt.");
    let mut seen = HashSet::new();
    let mut ids = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let id = found.get(name).ok_or_else(|| unknown(place))?.id;
        if seen.insert(id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

async fn counted_lately(call: &Call, after: Uuid, limit: i64) -> Result<(Vec<Uuid>, Option<String>)> {
    let database = d1::database(&call.env)?;
    let mut ids = d1::snapshots::written_since(&database, call.now_ms - EVENT_PAST_MS, (after, limit + 1)).await?;
    let next_cursor = paging::cut(&mut ids, limit, |id| *id);
    Ok((ids, next_cursor))
}
