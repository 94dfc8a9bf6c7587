//! `/rest/v1/rpc/{function}`: the functions that applications call.

use uuid::Uuid;

use super::answer::Answer;
use super::call::{Call, storage_failure};
use super::d1::Prepared;
use super::rest::{content_range, run};
use super::runtime::new_uuid;
use super::senders::{self, tell_dropped};
use super::{d1, ingestion};
use crate::counting::merging::Pace;
use crate::data::policy::require_user;
use crate::data::tables::{PROMPT_EVENTS, PROMPT_TEMPLATES, TEMPLATE_LIKES};
use crate::events::batch::Batch;
use crate::events::event::{Event, PromptEvent, PromptEventKind, Subject};
use crate::events::fate::{Fate, dropped_header};
use crate::events::parse::parse_idempotency_key;
use crate::http::body;
use crate::http::identity::Identity;
use crate::http::problem::Code;
use crate::rest::error::{DataError, ErrorCode};
use crate::rest::function::{Arguments, Function};
use crate::rest::function_sql::{self, Caller, ForkCall};
use crate::rest::preference::{Format, Preferences, check_profile};
use crate::rest::rows::{self, Cell};
use crate::time::timestamp_from_ms;
use crate::traffic::attribution::Attribution;

/// Calls a function. Those that count answer with nothing, also when there is no such row: it changes none.
pub(super) async fn answer(mut call: Call) -> Result<Answer, DataError> {
    let is_get = matches!(call.head.method(), "GET" | "HEAD");
    check_profile(call.header(if is_get { "Accept-Profile" } else { "Content-Profile" }).as_deref())?;
    let preferences = Preferences::read(call.header("Prefer").as_deref())?;
    let arguments = if is_get {
        Arguments::of_parameters(&call.query())?
    } else {
        if let Some((name, _)) = call.query().pairs().next() {
            return Err(DataError::unsupported(format!("the parameter \"{name}\" of a function's call")));
        }
        let bytes = call.body().await?;
        if !bytes.is_empty() {
            body::check_type(call.header("Content-Type").as_deref(), &["application/json"])?;
        }
        Arguments::of_body(&bytes)?
    };
    let function = Function::read(&call.id, &arguments)?;
    if is_get && !function.is_reading() {
        let message = format!("cannot execute {} in a read-only transaction", call.id);
        let error = DataError::new(ErrorCode::ReadOnly, message).hint("Call it with POST.");
        return Err(DataError { headers: vec![("Allow", "POST, OPTIONS".to_owned())], ..error });
    }
    let events = usize::from(!function.is_reading());
    let has_counted = matches!(function, Function::IncrementPromptViews(_) | Function::IncrementPromptCopies(_));
    let attribution = senders::let_in(&call, events, has_counted).await?;
    match function {
        Function::IncrementPromptViews(prompt_id) => {
            return count(&call, &attribution, prompt_id, PromptEventKind::View { visitor: None }).await;
        }
        Function::IncrementPromptCopies(prompt_id) => {
            return count(&call, &attribution, prompt_id, PromptEventKind::Copy { visitor: None }).await;
        }
        Function::IncrementForkCount(prompt_id) => count_fork(&call, prompt_id).await?,
        Function::IncrementLikesCount(template_id) => like(&call, template_id).await?,
        Function::IncrementUsesCount(template_id) => {
            if call.header("Idempotency-Key").is_some() {
                return Err(DataError::unsupported("an Idempotency-Key of increment_uses_count"));
            }
            let statement = function_sql::count_use(template_id, &call.identity);
            run(&call.env, &PROMPT_TEMPLATES, [&statement], Vec::new()).await?;
        }
        Function::GetPopularTemplates { limit, category } => {
            return popular_templates(&call, limit, category.as_deref(), preferences.counts).await;
        }
    }
    Ok(Answer::empty(204))
}

async fn count(
    call: &Call,
    attribution: &Attribution,
    prompt_id: Uuid,
    kind: PromptEventKind,
) -> Result<Answer, DataError> {
    let id = parse_idempotency_key(call.header("Idempotency-Key").as_deref())?;
    let subject = Subject::Prompt(PromptEvent { prompt_id, kind, is_steered: false });
    let events = vec![Ok(Event { id, at_ms: None, subject })];
    let batch = Batch::admit(events, &call.identity, attribution, call.now_ms, || new_uuid(call.now_ms));
    let (mut fates, _) = ingestion::store(&call.way(), &call.identity, batch, Pace::AtOnce).await;
    let dropped = dropped_header(&fates);
    match fates.pop() {
        Some(Fate::Rejected(problem)) if problem.code != Code::UnknownPrompt => Err(problem.into()),
        _ => Ok(tell_dropped(Answer::empty(204), dropped)),
    }
}

async fn count_fork(call: &Call, prompt_id: Uuid) -> Result<(), DataError> {
    require_caller(call)?;
    let event_id = new_uuid(call.now_ms);
    let key = parse_idempotency_key(call.header("Idempotency-Key").as_deref())?;
    let user = call.identity.user();
    let owner = user.map_or_else(String::new, |user| user.id.to_string());
    let key = key.map_or_else(|| event_id.to_string(), |key| format!("{owner} {key}"));
    let fork = ForkCall { prompt_id, user: user.map(|user| user.id), key, event_id };
    let now = timestamp_from_ms(call.now_ms).unwrap_or_default();
    let statements = function_sql::count_fork(&fork, Caller { identity: &call.identity, now: &now });
    let before = make_user(call)?;
    let made = run(&call.env, &PROMPT_EVENTS, &statements, before).await?;
    if let Some([Cell::Text(id), ..]) = made.last().and_then(|rows| rows.first()).map(Vec::as_slice) {
        ingestion::count_stored_rows(&call.env, &[(prompt_id, id.clone())]).await;
    }
    Ok(())
}

async fn like(call: &Call, template_id: Uuid) -> Result<(), DataError> {
    require_caller(call)?;
    let Some(user) = call.identity.user() else {
        require_user(&call.identity)?;
        return Ok(());
    };
    let now = timestamp_from_ms(call.now_ms).unwrap_or_default();
    let statement = function_sql::like(template_id, user.id, Caller { identity: &call.identity, now: &now });
    let before = make_user(call)?;
    run(&call.env, &TEMPLATE_LIKES, [&statement], before).await.map(drop)
}

fn require_caller(call: &Call) -> Result<(), DataError> {
    match call.identity {
        Identity::Anonymous => {
            Err(DataError::forbidden(&call.identity, format!("permission denied for function {}", call.id)))
        }
        Identity::User(_) | Identity::Service(_) => Ok(()),
    }
}

fn make_user(call: &Call) -> Result<Vec<Prepared>, DataError> {
    let Some(user) = call.identity.user() else { return Ok(Vec::new()) };
    let statement = d1::database(&call.env).and_then(|database| d1::users::make(&database, &[user], call.now_ms));
    Ok(vec![statement.map_err(|error| storage_failure("functions", &error))?])
}

async fn popular_templates(call: &Call, limit: i64, category: Option<&str>, counts: bool) -> Result<Answer, DataError> {
    let format = Format::read(call.header("Accept").as_deref())?;
    let (statement, shape) = function_sql::popular_templates(limit, category, &call.identity);
    let found = run(&call.env, &PROMPT_TEMPLATES, [&statement], Vec::new()).await?.pop().unwrap_or_default();
    rows::check_bytes(&shape, &found)?;
    let given = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let answer = Answer::text(200, rows::write(format, &shape, &found, &[])?, format.media_type());
    Ok(answer.header("Content-Range", content_range(0, given, counts.then_some(given))))
}
