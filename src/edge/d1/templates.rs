//! Statements about templates.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{run, statement, text};

/// How often the templates of a prompt are liked.
pub(in crate::edge) async fn likes(database: &D1Database, prompt_id: Uuid) -> Result<u64> {
    let sql = "select coalesce(sum(likes_count), 0) from prompt_templates where prompt_id = ?1";
    let found = run(statement(database, sql, &[text(&prompt_id.to_string())])?).await?;
    let likes = read_all(&found, Columns::integer)?;
    Ok(likes.first().map_or(0, |likes| likes.unsigned_abs()))
}
