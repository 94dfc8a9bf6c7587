//! Statements about alerts.

use worker::{D1Database, Result};

use super::rows::read_all;
use super::{boolean, integer, optional_integer, optional_text, run, statement, text};
use crate::alerts::decision::{Message, Standing};
use crate::alerts::kind::Kind;

/// What is noted of each kind, by its name.
pub(in crate::edge) async fn standings(database: &D1Database) -> Result<Vec<(String, Standing)>> {
    let sql = "select kind, is_firing, message_id, body, claimed_ms, told_ms from alerts";
    read_all(&run(statement(database, sql, &[])?).await?, |columns| {
        let (kind, is_firing) = (columns.text()?, columns.boolean()?);
        let waiting = columns.optional_text()?.zip(columns.optional_text()?).map(|(id, body)| Message { id, body });
        Some((
            kind,
            Standing { is_firing, waiting, claimed_ms: columns.integer()?, told_ms: columns.optional_integer()? },
        ))
    })
}

/// Notes what is decided of a kind, if nothing was since a run claimed it at `before_ms`, or ever; whether it is noted.
pub(in crate::edge) async fn claim(
    database: &D1Database,
    kind: Kind,
    before_ms: Option<i64>,
    standing: &Standing,
) -> Result<bool> {
    let sql = "insert into alerts (kind, is_firing, message_id, body, claimed_ms, told_ms) values (?1, ?2, ?3, ?4, ?5, ?6) \
        on conflict (kind) do update set is_firing = excluded.is_firing, message_id = excluded.message_id, \
            body = excluded.body, claimed_ms = excluded.claimed_ms \
        where claimed_ms = cast(?7 as integer) returning 1";
    let Standing { is_firing, waiting, claimed_ms, told_ms } = standing;
    let parameters = [
        text(kind.name()),
        boolean(*is_firing),
        optional_text(waiting.as_ref().map(|message| message.id.as_str())),
        optional_text(waiting.as_ref().map(|message| message.body.as_str())),
        integer(*claimed_ms),
        optional_integer(*told_ms),
        optional_integer(before_ms),
    ];
    let noted = run(statement(database, sql, &parameters)?).await?;
    Ok(!read_all(&noted, super::rows::Columns::integer)?.is_empty())
}

/// Notes that a message was delivered.
pub(in crate::edge) async fn delivered(database: &D1Database, message: &Message, now_ms: i64) -> Result<()> {
    let sql = "update alerts set told_ms = ?2, message_id = null, body = null where message_id = ?1";
    run(statement(database, sql, &[text(&message.id), integer(now_ms)])?).await.map(drop)
}
