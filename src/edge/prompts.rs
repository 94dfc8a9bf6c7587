//! `POST /v1/prompts` and `POST /v1/prompts/{id}/fork`: prompts that are made, once under an `Idempotency-Key`.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::answer::{Answer, JSON, Refusal};
use super::call::{Call, storage_failure};
use super::d1::Prepared;
use super::runtime::new_uuid;
use super::{d1, ingestion, prompt_lookup, rest, senders};
use crate::data::creation::{Creation, CreationKey};
use crate::data::policy::{require_user, unknown_prompt};
use crate::data::prompt::{endless_line, is_endless_line};
use crate::data::tables::PROMPTS;
use crate::events::parse::parse_idempotency_key;
use crate::http::body;
use crate::http::identity::{Identity, User};
use crate::http::problem::{Code, Problem};
use crate::limits::{CREATION_KEY_MS, LINEAGE_PROMPTS};
use crate::rest::error::{DataError, ErrorCode};
use crate::rest::keys::by_keys;
use crate::rest::order::read_order;
use crate::rest::query::{Part, Query};
use crate::rest::select::read_select;
use crate::sql::fork::{Fork, fork};
use crate::sql::statement::Value;
use crate::time::timestamp_from_ms;

/// Makes a prompt with its answers.
pub(super) async fn post_prompt(mut call: Call) -> std::result::Result<Answer, Refusal> {
    let key = parse_idempotency_key(call.header("Idempotency-Key").as_deref())?;
    body::check_type(call.header("Content-Type").as_deref(), &["application/json"])?;
    let bytes = call.body().await?;
    let text = body::text(&bytes)?;
    let now_ms = call.now_ms;
    let creation = Creation::read(text, &call.identity, || new_uuid(now_ms))?;
    let (id, owner) = (creation.prompt.id, creation.prompt.user_id);
    let key = key.map(|key| CreationKey::new(key, "prompt", text));
    if let Some(made) = made_before(&call, owner, key.as_ref()).await? {
        return created(&call, made, owner).await;
    }
    let attempt = async {
        let database = d1::database(&call.env)?;
        let mut batch = vec![make_owner(&database, &call, owner)?];
        batch.push(d1::prompts::make(&database, &creation.prompt, now_ms)?);
        batch.push(d1::prompts::make_answers(&database, id, &creation.answers, now_ms)?);
        batch.extend(note(&database, &call, owner, key.as_ref(), id)?);
        d1::transact(&database, batch).await.map(drop)
    };
    if let Err(error) = attempt.await {
        // The same request may have come twice at once: then the other one has made it.
        return match made_before(&call, owner, key.as_ref()).await? {
            Some(made) => created(&call, made, owner).await,
            None => Err(refused(&error.to_string()).unwrap_or_else(|| storage_failure("prompts", &error)).into()),
        };
    }
    created(&call, id, owner).await
}

/// Copies a prompt under a new owner.
pub(super) async fn post_fork(mut call: Call) -> std::result::Result<Answer, Refusal> {
    let key = parse_idempotency_key(call.header("Idempotency-Key").as_deref())?;
    let user = require_user(&call.identity)?.clone();
    senders::let_in(&call, 1, false).await?;
    let bytes = call.body().await?;
    if !matches!(body::text(&bytes)?.trim(), "" | "{}") {
        return Err(Problem::new(Code::InvalidValue, "A fork is a copy: it takes no body.").into());
    }
    let key = key.map(|key| CreationKey::new(key, "fork", &call.id));
    if let Some(made) = made_before(&call, user.id, key.as_ref()).await? {
        return created(&call, made, user.id).await;
    }
    let parent = prompt_lookup::visible(&call).await?;
    if !parent.is_active {
        return Err(Problem::new(Code::Conflict, "The prompt is not active.").into());
    }
    let child = new_uuid(call.now_ms);
    match store_fork(&call, parent.id, child, &user, key.as_ref()).await {
        Ok(true) => created(&call, child, user.id).await,
        Ok(false) => Err(unknown_prompt().into()),
        Err(error) => match made_before(&call, user.id, key.as_ref()).await? {
            Some(made) => created(&call, made, user.id).await,
            None if is_endless_line(&error.to_string()) => {
                let detail =
                    format!("The prompt is the last of {LINEAGE_PROMPTS} in a line of forks. Fork one above it.");
                Err(Problem::new(Code::Conflict, detail).into())
            }
            None => Err(storage_failure("fork", &error).into()),
        },
    }
}

/// Stores a copy and its event in one transaction, and counts it; whether there was something to copy.
async fn store_fork(call: &Call, parent: Uuid, child: Uuid, user: &User, key: Option<&CreationKey>) -> Result<bool> {
    let now = timestamp_from_ms(call.now_ms).unwrap_or_default();
    let [copy, event] = fork(&Fork { parent, child, owner: user.id, now: &now }, &call.identity);
    let database = d1::database(&call.env)?;
    let mut batch = vec![d1::users::make(&database, &[user], call.now_ms)?];
    batch.push(d1::prepared(&database, &copy)?);
    batch.extend(note(&database, call, user.id, key, child)?);
    batch.push(d1::prepared(&database, &event)?);
    let is_stored = d1::rows::run(&database, batch).await?.last().is_some_and(|rows| !rows.is_empty());
    if is_stored {
        ingestion::count_stored_rows(&call.env, &[(parent, child.to_string())]).await;
    }
    Ok(is_stored)
}

fn make_owner(database: &D1Database, call: &Call, owner: Uuid) -> Result<Prepared> {
    let email = call.identity.user().filter(|user| user.id == owner).and_then(|user| user.email.clone());
    d1::users::make(database, &[&User { id: owner, email }], call.now_ms)
}

fn note(
    database: &D1Database,
    call: &Call,
    user: Uuid,
    key: Option<&CreationKey>,
    prompt_id: Uuid,
) -> Result<Vec<Prepared>> {
    let Some(key) = key else { return Ok(Vec::new()) };
    let instants = (call.now_ms, call.now_ms - CREATION_KEY_MS);
    d1::creations::note(database, user, key, prompt_id, instants).map(Vec::from)
}

/// The prompt that this user made under this key before.
async fn made_before(call: &Call, user: Uuid, key: Option<&CreationKey>) -> std::result::Result<Option<Uuid>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let attempt =
        async { d1::creations::find(&d1::database(&call.env)?, user, key, call.now_ms - CREATION_KEY_MS).await };
    match attempt.await.map_err(|error| storage_failure("creations", &error))? {
        Some(made) if made.request_digest == key.request_digest => Ok(Some(made.prompt_id)),
        Some(_) => {
            let detail = "This key was used for another request. Give each request a key of its own.";
            Err(Problem::new(Code::IdempotencyKeyReused, detail))
        }
        None => Ok(None),
    }
}

/// The answer: the prompt with its answers, as the data dialect tells them.
async fn created(call: &Call, id: Uuid, owner: Uuid) -> std::result::Result<Answer, Refusal> {
    let query = with_answers(id)?;
    // As its owner sees it, also where the service made it.
    let owner = Identity::User(User { id: owner, email: None });
    let body = rest::object(&call.env, &owner, &query).await.map_err(|error| match error.code {
        ErrorCode::NotOneRow => Refusal::from(unknown_prompt()),
        _ => Problem::storage().into(),
    })?;
    Ok(Answer::text(201, body, JSON).header("Location", format!("/rest/v1/prompts?id=eq.{id}")))
}

fn with_answers(id: Uuid) -> std::result::Result<Query, DataError> {
    let mut query = Query::of(&PROMPTS);
    read_select(&mut query, Some("*,answers:prompt_answers(*)"))?;
    for field in &mut query.fields {
        if let Part::Embed(embed) = &mut field.part {
            embed.query.order = read_order(&embed.query, "order", "position,id")?;
        }
    }
    Ok(by_keys(&query, &PROMPTS, &[vec![Value::Text(id.to_string())]]))
}

/// The problem of an id or a slug that is taken, or of a parent that cannot be one.
fn refused(error: &str) -> Option<Problem> {
    const UNIQUE: [(&str, &str); 3] =
        [("prompts.id", "/id"), ("prompts.slug", "/slug"), ("prompt_answers.id", "/answers")];
    if is_endless_line(error) {
        return Some(endless_line("/forked_from"));
    }
    let (_, pointer) =
        UNIQUE.into_iter().find(|(column, _)| error.contains(&format!("UNIQUE constraint failed: {column}")))?;
    Some(Problem::at(Code::Conflict, pointer, "This is taken already. Choose another, or leave it out."))
}
