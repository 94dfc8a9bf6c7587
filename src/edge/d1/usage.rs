//! Statements about uses of prompts, and their totals.

use serde::Serialize;
use uuid::Uuid;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{array, arrays, integer, statement, text, transact, users};
use crate::http::identity::User;
use crate::usage::event::Usage;
use crate::usage::histogram::Histogram;
use crate::usage::row::{Found, Stored, UsageRow};
use crate::usage::scenes::{Page, SceneRow};
use crate::usage::totals::Sums;

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    user_id: Option<Uuid>,
    created_at: &'a str,
    payload_digest: &'a str,
    usage: &'a Usage,
}

impl<'a> Row<'a> {
    fn of(row: &'a UsageRow) -> Self {
        Self {
            id: &row.id,
            user_id: row.user.as_ref().map(|user| user.id),
            created_at: &row.created_at,
            payload_digest: &row.payload_digest,
            usage: &row.usage,
        }
    }
}

const INSERT: &str = "insert into prompt_usage (prompt_id, id, user_id, created_at, payload_digest, post_id, \
        character_id, job_id, scene, environment, outfit, prompt, negative_prompt, success, generation_time_ms, \
        error_message) \
    select u ->> 'prompt_id', id, user_id, created_at, payload_digest, u ->> 'post_id', u ->> 'character_id', \
        u ->> 'job_id', u ->> 'scene', u ->> 'environment', u ->> 'outfit', u ->> 'prompt', u ->> 'negative_prompt', \
        u ->> 'success', u ->> 'generation_time_ms', u ->> 'error_message' \
    from (select value ->> 'id' as id, value ->> 'user_id' as user_id, value ->> 'created_at' as created_at, \
        value ->> 'payload_digest' as payload_digest, value -> 'usage' as u from json_each(?1)) \
    where exists (select 1 from prompts where prompts.id = u ->> 'prompt_id') \
    on conflict (prompt_id, id) do nothing returning prompt_id, id";

const FIND: &str = "select u.id is not null, u.payload_digest from json_each(?1) k left join prompt_usage u \
    on u.prompt_id = k.value ->> 0 and u.id = k.value ->> 1 order by k.key";

/// Stores these rows, and their users, where they are not there yet; tells which are new, and what stands under the ids of
/// all. No row is made for a prompt that is gone.
pub(in crate::edge) async fn store(database: &D1Database, rows: &[&UsageRow], now_ms: i64) -> Result<Stored> {
    let users: Vec<&User> = rows.iter().filter_map(|row| row.user.as_ref()).collect();
    let keys: Vec<(Uuid, &str)> = rows.iter().map(|row| (row.usage.prompt_id, row.id.as_str())).collect();
    let mut batch = vec![users::make(database, &users, now_ms)?];
    for part in arrays(rows.iter().map(|row| Row::of(row)))? {
        batch.push(statement(database, INSERT, &[part])?);
    }
    batch.push(statement(database, FIND, &[array(&keys)?])?);
    let mut results = transact(database, batch).await?;
    let found = results.pop().map(|found| read_all(&found, found_row)).transpose()?;
    let mut stored = Stored { new: Vec::new(), found: found.unwrap_or_default() };
    for inserted in results.iter().skip(1) {
        stored.new.extend(read_all(inserted, |columns| Some((columns.uuid()?, columns.text()?)))?);
    }
    Ok(stored)
}

#[expect(clippy::option_option, reason = "a row that is not there is a row of the statement")]
fn found_row(columns: &mut Columns) -> Option<Option<Found>> {
    let (is_there, payload_digest) = (columns.boolean()?, columns.optional_text()?);
    Some(is_there.then_some(Found { payload_digest }))
}

/// The uses of a prompt, its generation times, and its scenes from the page's first on: one more than the page has, where
/// there are more.
pub(in crate::edge) async fn scenes(
    database: &D1Database,
    prompt_id: Uuid,
    page: &Page,
) -> Result<(u64, Histogram, Vec<SceneRow>)> {
    let prompt = text(&prompt_id.to_string());
    let totals = "select uses, generation_times from prompt_usage_totals where prompt_id = ?1";
    let scenes = "select scene, uses, successes, generation_time_count, generation_time_sum_ms \
        from prompt_usage_scenes where prompt_id = ?1 and scene >= ?2 order by scene limit ?3";
    let batch = vec![
        statement(database, totals, std::slice::from_ref(&prompt))?,
        statement(database, scenes, &[prompt, text(&page.from), integer(page.limit + 1)])?,
    ];
    let results = transact(database, batch).await?;
    let (mut totals, mut scenes) = (Vec::new(), Vec::new());
    if let [first, second] = results.as_slice() {
        totals = read_all(first, |columns| Some((columns.count()?, Histogram::parse(&columns.text()?)?)))?;
        scenes = read_all(second, |columns| Some(SceneRow { scene: columns.text()?, sums: sums(columns)? }))?;
    }
    let (uses, times) = totals.into_iter().next().unwrap_or_default();
    Ok((uses, times, scenes))
}

/// Reads `uses, successes, generation_time_count, generation_time_sum_ms`.
pub(super) fn sums(columns: &mut Columns) -> Option<Sums> {
    Some(Sums {
        uses: columns.count()?,
        successes: columns.count()?,
        generation_time_count: columns.count()?,
        generation_time_sum_ms: columns.count()?,
    })
}
