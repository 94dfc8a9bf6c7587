//! What the database knows of a prompt's stats.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::rows::read_all;
use super::usage::sums;
use super::{run, statement, text};
use crate::usage::totals::Totals;

/// How often the templates of a prompt are liked, and its uses.
pub(in crate::edge) async fn find(database: &D1Database, prompt_id: Uuid) -> Result<(u64, Totals)> {
    let sql = "select (select coalesce(sum(likes_count), 0) from prompt_templates where prompt_id = ?1), last_used_at, \
            coalesce(uses, 0), coalesce(successes, 0), coalesce(generation_time_count, 0), \
            coalesce(generation_time_sum_ms, 0) \
        from (select 1) left join prompt_usage_totals on prompt_id = ?1";
    let found = run(statement(database, sql, &[text(&prompt_id.to_string())])?).await?;
    let stats = read_all(&found, |columns| {
        let (likes, last_used_at) = (columns.integer()?.unsigned_abs(), columns.optional_text()?);
        Some((likes, Totals { sums: sums(columns)?, last_used_at }))
    })?;
    Ok(stats.into_iter().next().unwrap_or_default())
}
