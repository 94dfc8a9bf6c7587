//! Statements about templates.

use serde::Deserialize;
use uuid::Uuid;
use worker::{D1Database, Result};

use super::{rows, statement, text};

#[derive(Deserialize)]
struct Likes {
    likes: u64,
}

/// How often the templates of a prompt are liked.
pub(in crate::edge) async fn likes(database: &D1Database, prompt_id: Uuid) -> Result<u64> {
    let sql = "select coalesce(sum(likes_count), 0) as likes from prompt_templates where prompt_id = ?1";
    let found: Vec<Likes> = rows(statement(database, sql, &[text(&prompt_id.to_string())])?).await?;
    Ok(found.first().map_or(0, |found| found.likes))
}
