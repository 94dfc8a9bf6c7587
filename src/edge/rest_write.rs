//! Writes of the data dialect.

use uuid::Uuid;

use super::answer::Answer;
use super::call::Call;
use super::rest::{content_range, failure, fetch, first_number, run};
use super::runtime::new_uuid;
use super::{d1, ingestion, prompt_lookup, senders, settings};
use crate::data::policy::policy_of;
use crate::data::tables::{PROMPT_EVENTS, PROMPTS};
use crate::limits::{ANSWER_BYTES, CHANGED_BYTES};
use crate::rest::error::{DataError, ErrorCode};
use crate::rest::payload::{Origin, Payload};
use crate::rest::preference::Resolution;
use crate::rest::request::Request;
use crate::rest::rows::{self, Cell, Row, Shape};
use crate::rest::write_sql::{self, Demand, Write};
use crate::rest::{insert_sql, keys, read_sql};
use crate::time::timestamp_from_ms;

/// Answers a request that inserts rows.
pub(super) async fn insert(call: &mut Call, request: &Request) -> Result<Answer, DataError> {
    check_body_type(call)?;
    let bytes = call.body().await?;
    let now = timestamp_from_ms(call.now_ms).unwrap_or_default();
    let now_ms = call.now_ms;
    let caller = call.identity.user().map(|user| user.id);
    let mut origin = Origin { now: &now, caller, new_id: &mut || new_uuid(now_ms) };
    let (table, preferences) = (request.query.table, request.preferences);
    let payload =
        Payload::read_new(table, &bytes, request.columns.as_deref(), preferences.missing_is_default, &mut origin)?;
    write_sql::refuse_columns(table, &payload, &call.identity)?;
    let kept_ms = settings::events_kept_ms(&call.env, now_ms).unwrap_or(i64::MIN);
    write_sql::refuse_untimely(table, &payload, &call.identity, (kept_ms, now_ms))?;
    if policy_of(table).is_some_and(|policy| policy.happened.is_some()) {
        senders::let_in(call, payload.rows.len(), false).await?;
    }
    let conflict = request.conflict(&payload)?;
    if payload.rows.is_empty() {
        return written(call, request, (201, 201), Performed::default(), &Shape::default()).await;
    }
    request.refuse_amount(&payload)?;
    let demand = Demand::of(request, &call.identity);
    let write = insert_sql::insert(table, &payload, conflict, demand);
    let performed = perform(call, request, &write).await?;
    if table.name == PROMPT_EVENTS.name {
        count_events(call, &performed.rows).await?;
    }
    let is_update = preferences.resolution == Some(Resolution::Merge) && performed.taken == payload.rows.len();
    let status = if is_update { 200 } else { 201 };
    written(call, request, (status, status), performed, &write.shape).await
}

/// Answers a request that updates rows.
pub(super) async fn update(call: &mut Call, request: &Request) -> Result<Answer, DataError> {
    check_body_type(call)?;
    let bytes = call.body().await?;
    let table = request.query.table;
    let conditions = request.written_conditions("UPDATE")?;
    let now = timestamp_from_ms(call.now_ms).unwrap_or_default();
    let payload = Payload::read_changes(table, &bytes, request.columns.as_deref(), &now)?;
    write_sql::refuse_columns(table, &payload, &call.identity)?;
    if payload.columns.is_empty() {
        return written(call, request, (200, 204), Performed::default(), &Shape::default()).await;
    }
    let demand = Demand::of(request, &call.identity);
    let write = write_sql::update(table, &payload, conditions, demand);
    let performed = perform(call, request, &write).await?;
    written(call, request, (200, 204), performed, &write.shape).await
}

/// Answers a request that deletes rows.
pub(super) async fn delete(call: &Call, request: &Request) -> Result<Answer, DataError> {
    let conditions = request.written_conditions("DELETE")?;
    // What is gone cannot be read anew.
    if request.preferences.returns_rows && request.needs_reading() {
        return Err(DataError::unsupported("embedding or order in the answer to a DELETE"));
    }
    let demand = Demand::of(request, &call.identity);
    let write = write_sql::delete(request.query.table, conditions, demand);
    let performed = perform(call, request, &write).await?;
    written(call, request, (200, 204), performed, &write.shape).await
}

fn check_body_type(call: &Call) -> Result<(), DataError> {
    Ok(crate::http::body::check_type(call.header("Content-Type").as_deref(), &["application/json"])?)
}

/// What a write did.
#[derive(Default)]
struct Performed {
    /// The written rows, where they are given.
    rows: Vec<Row>,
    /// How many they are.
    count: usize,
    /// How many of them were there before.
    taken: usize,
}

/// Does a write, unless something stands in its way.
async fn perform(call: &Call, request: &Request, write: &Write) -> Result<Performed, DataError> {
    let table = request.query.table;
    if request.preferences.returns_rows && request.needs_reading() {
        // What cannot be told is refused before anything is written.
        if request.query.embeds().any(|(_, embed)| embed.is_inner) {
            return Err(DataError::unsupported("\"!inner\" in the answer to a write"));
        }
        read_sql::read(&keys::written(&request.query, &[]), &call.identity, false)?;
    }
    let mut before = Vec::new();
    if let Some(user) = call.identity.user() {
        let database = d1::database(&call.env).map_err(|error| failure(&error, table))?;
        before.push(d1::users::make(&database, &[user], call.now_ms).map_err(|error| failure(&error, table))?);
    }
    let users = before.len();
    let results = run(&call.env, table, [&write.check, &write.write], before).await;
    if table.name == PROMPTS.name {
        prompt_lookup::forget();
    }
    let mut results = results?.into_iter().skip(users);
    let check = results.next().unwrap_or_default();
    if first_number(&check, 0) > 0 {
        return Err(DataError::forbidden_row(&call.identity, table.name));
    }
    let rows = results.next().unwrap_or_default();
    if first_number(&check, 3) > ANSWER_BYTES {
        return Err(rows::too_many_bytes());
    }
    if first_number(&check, 4) > CHANGED_BYTES {
        let message = format!("these changes have more than {CHANGED_BYTES} bytes in all rows together");
        return Err(DataError::new(ErrorCode::TooLarge, message).hint("Change fewer rows, or less of each."));
    }
    let [asked, taken] = [1, 2].map(|place| usize::try_from(first_number(&check, place)).unwrap_or_default());
    if request.is_one() && rows.len() != 1 {
        // Of one row that was asked for none is written where it is left out; of several none is.
        return Err(rows::not_one_row(if asked == 1 { rows.len() } else { asked }));
    }
    Ok(Performed { count: if write.gives_rows { rows.len() } else { asked }, rows, taken })
}

/// The answer to a write.
async fn written(
    call: &Call,
    request: &Request,
    (status, status_without_rows): (u16, u16),
    Performed { rows, count, .. }: Performed,
    shape: &Shape,
) -> Result<Answer, DataError> {
    let count = request.preferences.counts.then_some(i64::try_from(count).unwrap_or(i64::MAX));
    let range = content_range(0, count.unwrap_or_default(), count);
    let answer = if request.preferences.returns_rows {
        let body = told(call, request, &rows, shape).await;
        let written = "The rows are written, but not told. Read them, in smaller parts.";
        Answer::text(status, body.map_err(|error| error.details(written))?, request.format.media_type())
    } else {
        Answer::empty(status_without_rows)
    };
    Ok(answer.header("Content-Range", range))
}

/// The text of written rows.
async fn told(call: &Call, request: &Request, rows: &[Row], shape: &Shape) -> Result<String, DataError> {
    if !request.needs_reading() || rows.is_empty() {
        return rows::write(request.format, shape, rows, &[]);
    }
    let (query, keys) = (&request.query, keys::keys_of(request.query.table, rows));
    let mut found = fetch(&call.env, &call.identity, &keys::written(query, &keys), false).await?;
    keys::in_order(query, &keys, &mut found.shape, &mut found.rows);
    rows::write(request.format, &found.shape, &found.rows, &found.children)
}

/// Counts forks and comparisons whose rows are stored. What fails here the cron makes good.
async fn count_events(call: &Call, rows: &[Row]) -> Result<(), DataError> {
    let keys: Vec<(Uuid, String)> = rows
        .iter()
        .filter_map(|row| match row.as_slice() {
            [Cell::Text(prompt_id), Cell::Text(id), ..] => Some((Uuid::try_parse(prompt_id).ok()?, id.clone())),
            _ => None,
        })
        .collect();
    if ingestion::count_stored_rows(&call.env, &keys).await {
        let message = "the id of an event was counted for another event";
        let details = "Events of the same request whose ids are their own are stored and counted.";
        let error = DataError::new(ErrorCode::Unique, message).details(details);
        return Err(error.hint("Give each event an id of its own."));
    }
    Ok(())
}
