//! Statements about forks and comparisons.

use serde::Serialize;
use uuid::Uuid;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{array, integer, run, statement, transact, users};
use crate::events::event::PromptEventKind;
use crate::events::lineage::{LineageEvent, StoredLineage};
use crate::http::identity::User;

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    prompt_id: Uuid,
    user_id: Option<Uuid>,
    event_type: &'static str,
    child_prompt_id: Option<Uuid>,
    comparison_id: Option<&'a str>,
    created_at: &'a str,
}

impl<'a> Row<'a> {
    fn of(event: &'a LineageEvent) -> Self {
        let (event_type, child_prompt_id, comparison_id) = match &event.kind {
            PromptEventKind::Fork { child_prompt_id } => ("fork", *child_prompt_id, None),
            PromptEventKind::CompareAdd { comparison_id } => ("compare_add", None, comparison_id.as_deref()),
            PromptEventKind::View { .. } => ("view", None, None),
            PromptEventKind::Copy { .. } => ("copy", None, None),
        };
        Self {
            id: &event.id,
            prompt_id: event.prompt_id,
            user_id: event.user.as_ref().map(|user| user.id),
            event_type,
            child_prompt_id,
            comparison_id,
            created_at: &event.created_at,
        }
    }
}

#[derive(Serialize)]
struct Key<'a> {
    prompt_id: Uuid,
    id: &'a str,
}

fn keys<'a>(events: &[&'a LineageEvent]) -> Vec<Key<'a>> {
    events.iter().map(|event| Key { prompt_id: event.prompt_id, id: &event.id }).collect()
}

const COLUMNS: &str = "e.id, e.prompt_id, e.user_id, e.event_type, e.child_prompt_id, e.comparison_id, e.created_at, \
    e.uncounted_since_ms";

fn stored_lineage(columns: &mut Columns) -> Option<StoredLineage> {
    Some(StoredLineage {
        id: columns.text()?,
        prompt_id: columns.uuid()?,
        user_id: columns.optional_uuid()?,
        event_type: columns.text()?,
        child_prompt_id: columns.optional_uuid()?,
        comparison_id: columns.optional_text()?,
        created_at: columns.text()?,
        uncounted_since_ms: columns.optional_integer()?,
    })
}

fn find_sql() -> String {
    format!(
        "select {COLUMNS} from json_each(?1) join prompt_events e \
            on e.prompt_id = value ->> 'prompt_id' and e.id = value ->> 'id'"
    )
}

/// Stores these events, marked as not counted, and their users, where they are not there yet; gives the rows that then
/// stand under their ids. No row is made for a prompt that is gone.
pub(in crate::edge) async fn store(
    database: &D1Database,
    events: &[&LineageEvent],
    now_ms: i64,
) -> Result<Vec<StoredLineage>> {
    let rows: Vec<Row<'_>> = events.iter().map(|event| Row::of(event)).collect();
    let users: Vec<&User> = events.iter().filter_map(|event| event.user.as_ref()).collect();
    let events_sql = "insert into prompt_events (id, prompt_id, user_id, event_type, child_prompt_id, comparison_id, \
            created_at, uncounted_since_ms) \
        select value ->> 'id', value ->> 'prompt_id', value ->> 'user_id', value ->> 'event_type', \
            value ->> 'child_prompt_id', value ->> 'comparison_id', value ->> 'created_at', ?2 \
        from json_each(?1) where exists (select 1 from prompts where prompts.id = value ->> 'prompt_id') \
        on conflict (prompt_id, id) do nothing";
    let batch = vec![
        users::make(database, &users, now_ms)?,
        statement(database, events_sql, &[array(&rows)?, integer(now_ms)])?,
        statement(database, &find_sql(), &[array(&keys(events))?])?,
    ];
    let mut results = transact(database, batch).await?;
    results.pop().map_or_else(|| Ok(Vec::new()), |stored| read_all(&stored, stored_lineage))
}

/// The events of these keys.
pub(in crate::edge) async fn find(database: &D1Database, keys: &[(Uuid, String)]) -> Result<Vec<StoredLineage>> {
    let keys: Vec<Key<'_>> = keys.iter().map(|(prompt_id, id)| Key { prompt_id: *prompt_id, id }).collect();
    read_all(&run(statement(database, &find_sql(), &[array(&keys)?])?).await?, stored_lineage)
}

/// Takes the mark off events that are counted, and removes those whose id their counter knows for another event.
pub(in crate::edge) async fn settle(
    database: &D1Database,
    counted: &[&LineageEvent],
    refused: &[&LineageEvent],
) -> Result<()> {
    let counted_sql = "update prompt_events set uncounted_since_ms = null where uncounted_since_ms is not null \
        and (prompt_id, id) in (select value ->> 'prompt_id', value ->> 'id' from json_each(?1))";
    let refused_sql = "delete from prompt_events where uncounted_since_ms is not null \
        and (prompt_id, id) in (select value ->> 'prompt_id', value ->> 'id' from json_each(?1))";
    let batch = vec![
        statement(database, counted_sql, &[array(&keys(counted))?])?,
        statement(database, refused_sql, &[array(&keys(refused))?])?,
    ];
    transact(database, batch).await.map(drop)
}

/// Up to `limit` events that were stored before `before_ms` and are not counted, the oldest first.
pub(in crate::edge) async fn uncounted(
    database: &D1Database,
    before_ms: i64,
    limit: i64,
) -> Result<Vec<StoredLineage>> {
    let sql = format!(
        "select {COLUMNS} from prompt_events e where e.uncounted_since_ms < ?1 order by e.uncounted_since_ms limit ?2"
    );
    read_all(&run(statement(database, &sql, &[integer(before_ms), integer(limit)])?).await?, stored_lineage)
}
