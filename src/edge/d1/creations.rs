//! Statements about the keys under which prompts were made.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::retention::removed;
use super::rows::{Columns, read_all};
use super::{Prepared, integer, run, statement, text};
use crate::data::creation::CreationKey;

/// What was made under a key.
pub(in crate::edge) struct Made {
    /// See [`CreationKey`].
    pub(in crate::edge) request_digest: String,
    /// The prompt.
    pub(in crate::edge) prompt_id: Uuid,
}

/// What this user made under this key since `since_ms`.
pub(in crate::edge) async fn find(
    database: &D1Database,
    user: Uuid,
    key: &CreationKey,
    since_ms: i64,
) -> Result<Option<Made>> {
    let sql = "select request_digest, prompt_id from prompt_creations \
        where user_id = ?1 and idempotency_key = ?2 and created_ms >= ?3";
    let parameters = [text(&user.to_string()), text(&key.key), integer(since_ms)];
    let found = run(statement(database, sql, &parameters)?).await?;
    let made = |columns: &mut Columns| Some(Made { request_digest: columns.text()?, prompt_id: columns.uuid()? });
    Ok(read_all(&found, made)?.pop())
}

/// Notes that a prompt was made under a key, if it is there; fails where one was made under it since `since_ms`.
pub(in crate::edge) fn note(
    database: &D1Database,
    user: Uuid,
    key: &CreationKey,
    prompt_id: Uuid,
    (now_ms, since_ms): (i64, i64),
) -> Result<[Prepared; 2]> {
    let forget = "delete from prompt_creations where user_id = ?1 and idempotency_key = ?2 and created_ms < ?3";
    let note = "insert into prompt_creations (user_id, idempotency_key, request_digest, prompt_id, created_ms) \
        select ?1, ?2, ?3, id, ?5 from prompts where id = ?4";
    let (user, name) = (text(&user.to_string()), text(&key.key));
    let digest = text(&key.request_digest);
    Ok([
        statement(database, forget, &[user.clone(), name.clone(), integer(since_ms)])?,
        statement(database, note, &[user, name, digest, text(&prompt_id.to_string()), integer(now_ms)])?,
    ])
}

/// Forgets up to `limit` keys from before `since_ms`; gives how many.
pub(in crate::edge) async fn forget_old(database: &D1Database, since_ms: i64, limit: i64) -> Result<i64> {
    let sql = "delete from prompt_creations where (user_id, idempotency_key) in \
        (select user_id, idempotency_key from prompt_creations where created_ms < ?1 order by created_ms limit ?2) returning 1";
    removed(&run(statement(database, sql, &[integer(since_ms), integer(limit)])?).await?)
}
