//! Statements about the rankings.

use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{prepared, run, transact};
use crate::rankings::answer::RankedPrompt;
use crate::rankings::leaving::Leaving;
use crate::rankings::page::Page;

/// The prompts of a page, and one more where there are more.
pub(in crate::edge) async fn page(database: &D1Database, page: &Page, now_ms: i64) -> Result<Vec<RankedPrompt>> {
    let has_beside = page.list.names().beside.is_some();
    read_all(&run(prepared(database, &page.statement(now_ms))?).await?, |columns| ranked_prompt(columns, has_beside))
}

fn ranked_prompt(columns: &mut Columns, has_beside: bool) -> Option<RankedPrompt> {
    Some(RankedPrompt {
        id: columns.uuid()?,
        slug: columns.optional_text()?,
        title: columns.text()?,
        category: columns.optional_text()?,
        created_at: columns.text()?,
        value: columns.integer()?,
        count: columns.integer()?,
        beside: if has_beside { columns.integer()? } else { 0 },
    })
}

/// Takes a slice of what has become too old out of its window; whether that was all.
pub(in crate::edge) async fn leave(database: &D1Database, leaving: &Leaving) -> Result<bool> {
    let bound = run(prepared(database, &leaving.bound())?).await?;
    let bound = read_all(&bound, |columns| Some((columns.optional_text()?, columns.optional_text()?)))?.pop();
    let (like, used) = bound.unwrap_or_default();
    let (slice, is_last) = leaving.clone().slice(like, used);
    let [subtract, note] = slice.leave();
    transact(database, vec![prepared(database, &subtract)?, prepared(database, &note)?]).await?;
    Ok(is_last)
}
