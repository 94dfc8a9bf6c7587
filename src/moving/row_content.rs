//! What rows of experiments hold that no column tells: one that the rollup cannot read would stop it for all experiments.

use super::row::MovedRow;
use crate::counting::segment::ENTRY_BYTES;
use crate::experiments::session_state;
use crate::http::problem::{Code, Problem};
use crate::recording::event_row::EventRow;
use crate::rest::rows::Cell;
use crate::sql::hex::unhex;

/// Numbers that are counted on are exact far beyond what comes.
#[expect(clippy::cast_precision_loss, reason = "a power of two")]
const MOST_COUNTED: f64 = (1_i64 << 52) as f64;
/// Bytes of a session's digest.
const SESSION_BYTES: usize = 16;

/// Refuses a row that no instance stores.
///
/// # Errors
/// [`Code::InvalidValue`], at the column that is wrong.
pub(super) fn check(row: &MovedRow) -> Result<(), Problem> {
    let wrong = match row.moved.table.name {
        "experiment_batches" => wrong_in_batch(row),
        "session_states" => wrong_in_session(row),
        "rollup_watermark" => ["seq", "version"].into_iter().find(|name| !is_counted_on(&row.get(name))),
        _ => None,
    };
    let refused = |name| Problem::at(Code::InvalidValue, format!("/{name}"), "No instance stores such a row.");
    wrong.map_or(Ok(()), |name| Err(refused(name)))
}

fn wrong_in_batch(row: &MovedRow) -> Option<&'static str> {
    let events = text(row, "events").and_then(|events| serde_json::from_str::<Vec<EventRow>>(&events).ok());
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let count = events.map(|events| Cell::Number(events.len() as f64));
    match count {
        None => Some("events"),
        Some(count) if row.get("event_count") != count => Some("event_count"),
        Some(_) if !is_counted_on(&row.get("seq")) => Some("seq"),
        Some(_) => bytes(row, "ids").is_none_or(|ids| ids.len() % ENTRY_BYTES != 0).then_some("ids"),
    }
}

fn wrong_in_session(row: &MovedRow) -> Option<&'static str> {
    let is_session = bytes(row, "session").is_some_and(|session| session.len() == SESSION_BYTES);
    let activity = bytes(row, "activity");
    let is_read = activity.is_some_and(|activity| session_state::unpack(&activity, None, false).is_some());
    if is_session { (!is_read).then_some("activity") } else { Some("session") }
}

fn is_counted_on(cell: &Cell) -> bool {
    matches!(cell, Cell::Number(number) if (0.0..MOST_COUNTED).contains(number))
}

fn text(row: &MovedRow, name: &str) -> Option<String> {
    if let Cell::Text(text) = row.get(name) { Some(text) } else { None }
}

fn bytes(row: &MovedRow, name: &str) -> Option<Vec<u8>> {
    unhex(&text(row, name)?)
}
