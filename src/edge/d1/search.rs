//! The search for templates.

use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{prepared, run};
use crate::http::identity::Identity;
use crate::search::answer::TemplateRow;
use crate::search::page;
use crate::search::request::{Breadth, Search};

/// The templates of a page, and one more where there are more, as the first attempt gives them that gives any.
pub(in crate::edge) async fn templates(
    database: &D1Database,
    search: &Search,
    identity: &Identity,
) -> Result<(Breadth, Vec<TemplateRow>)> {
    for attempt in search.attempts() {
        let found = run(prepared(database, &page::statement(search, &attempt, identity))?).await?;
        let found = read_all(&found, template)?;
        if !found.is_empty() {
            return Ok((attempt.breadth, found));
        }
    }
    Ok((Breadth::All, Vec::new()))
}

fn template(columns: &mut Columns) -> Option<TemplateRow> {
    Some(TemplateRow {
        id: columns.uuid()?,
        prompt_id: columns.uuid()?,
        title: columns.text()?,
        goal: columns.optional_text()?,
        category: columns.optional_text()?,
        tags: columns.optional_text()?,
        likes_count: columns.integer()?,
        uses_count: columns.integer()?,
        created_at: columns.text()?,
        title_text: columns.text()?,
        goal_text: columns.optional_text()?,
        template_text: columns.text()?,
    })
}
