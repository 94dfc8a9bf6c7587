//! Statements about users.

use serde::Serialize;
use uuid::Uuid;
use worker::{D1Database, Result};

use super::{Prepared, array, optional_text, statement};
use crate::http::identity::User;
use crate::time::timestamp_from_ms;

#[derive(PartialEq, Serialize)]
struct Row<'a> {
    id: Uuid,
    email: Option<&'a str>,
}

/// Makes the rows of users who are seen for the first time, and notes the e-mail of those who had none.
pub(in crate::edge) fn make(database: &D1Database, users: &[&User], now_ms: i64) -> Result<Prepared> {
    let sql = "insert into users (id, email, created_at) \
        select value ->> 'id', value ->> 'email', ?2 from json_each(?1) where true \
        on conflict (id) do update set email = excluded.email where email is null and excluded.email is not null";
    let mut rows: Vec<Row<'_>> = users.iter().map(|user| Row { id: user.id, email: user.email.as_deref() }).collect();
    // Most batches are one user's. A user who comes again after others is no new row to the statement.
    rows.dedup();
    statement(database, sql, &[array(&rows)?, optional_text(timestamp_from_ms(now_ms).as_deref())])
}
