//! Statements about prompts and their users.

use uuid::Uuid;
use wasm_bindgen::JsValue;
use worker::{D1Database, Result};

use super::rows::read_all;
use super::{Prepared, array, boolean, optional_text, run, statement, text};
use crate::data::creation::AnswerRow;
use crate::data::prompt::PromptName;
use crate::data::prompt::{PromptAccess, PromptRow};
use crate::time::timestamp_from_ms;

/// The prompts of these names, those that exist.
pub(in crate::edge) async fn find(
    database: &D1Database,
    names: &[PromptName],
) -> Result<Vec<(PromptName, PromptAccess)>> {
    let (mut ids, mut slugs) = (Vec::new(), Vec::new());
    for name in names {
        match name {
            PromptName::Id(id) => ids.push(id.to_string()),
            PromptName::Slug(slug) => slugs.push(slug.as_str()),
        }
    }
    let sql = "select id, slug, user_id, is_public, is_active from prompts \
        where id in (select value from json_each(?1)) or slug in (select value from json_each(?2))";
    let found = run(statement(database, sql, &[array(&ids)?, array(&slugs)?])?).await?;
    let found = read_all(&found, |columns| {
        let (id, slug, owner) = (columns.uuid()?, columns.optional_text()?, columns.uuid()?);
        let (is_public, is_active) = (columns.boolean()?, columns.boolean()?);
        Some((slug, PromptAccess { id, owner, is_public, is_active }))
    })?;
    let pairs = found.into_iter().flat_map(|(slug, prompt)| {
        let by_slug = slug.map(|slug| (PromptName::Slug(slug), prompt.clone()));
        [Some((PromptName::Id(prompt.id), prompt)), by_slug].into_iter().flatten()
    });
    Ok(pairs.filter(|(name, _)| names.contains(name)).collect())
}

const INSERT: &str = "insert into prompts (id, slug, user_id, title, goal, template, variables, negative_prompt, \
        category, tags, is_public, is_active, forked_from, created_at, updated_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, coalesce(?14, ?16), coalesce(?15, ?14, ?16))";

/// Stores a prompt whose id is new.
pub(in crate::edge) fn make(database: &D1Database, prompt: &PromptRow, now_ms: i64) -> Result<Prepared> {
    statement(database, INSERT, &parameters(prompt, now_ms))
}

/// Stores an imported prompt, over the one that has its id. A time that it does not tell stays as it is, or is now.
pub(in crate::edge) fn import(database: &D1Database, prompt: &PromptRow, now_ms: i64) -> Result<Prepared> {
    let sql = format!(
        "{INSERT} on conflict (id) do update set slug = excluded.slug, user_id = excluded.user_id, \
            title = excluded.title, goal = excluded.goal, template = excluded.template, \
            variables = excluded.variables, negative_prompt = excluded.negative_prompt, \
            category = excluded.category, tags = excluded.tags, is_public = excluded.is_public, \
            is_active = excluded.is_active, forked_from = excluded.forked_from, \
            created_at = coalesce(?14, created_at), updated_at = coalesce(?15, updated_at)"
    );
    statement(database, &sql, &parameters(prompt, now_ms))
}

fn parameters(prompt: &PromptRow, now_ms: i64) -> [JsValue; 16] {
    [
        text(&prompt.id.to_string()),
        optional_text(prompt.slug.as_deref()),
        text(&prompt.user_id.to_string()),
        text(&prompt.title),
        optional_text(prompt.goal.as_deref()),
        text(&prompt.template),
        optional_text(prompt.variables.as_deref()),
        optional_text(prompt.negative_prompt.as_deref()),
        optional_text(prompt.category.as_deref()),
        optional_text(prompt.tags.as_deref()),
        boolean(prompt.is_public),
        boolean(prompt.is_active),
        optional_text(prompt.forked_from.map(|id| id.to_string()).as_deref()),
        optional_text(prompt.created_at.as_deref()),
        optional_text(prompt.updated_at.as_deref()),
        optional_text(timestamp_from_ms(now_ms).as_deref()),
    ]
}

/// Stores the answers of a new prompt.
pub(in crate::edge) fn make_answers(
    database: &D1Database,
    prompt_id: Uuid,
    answers: &[AnswerRow],
    now_ms: i64,
) -> Result<Prepared> {
    let sql = "insert into prompt_answers (id, prompt_id, question, answer, position, created_at, updated_at) \
        select value ->> 'id', ?2, value ->> 'question', value ->> 'answer', value ->> 'position', ?3, ?3 \
        from json_each(?1)";
    let now = optional_text(timestamp_from_ms(now_ms).as_deref());
    statement(database, sql, &[array(answers)?, text(&prompt_id.to_string()), now])
}
