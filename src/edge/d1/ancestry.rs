//! Reads of lineages, and of what is compared together.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{prepared, run, transact};
use crate::ancestry::read_sql;
use crate::ancestry::request::Ask;
use crate::ancestry::tree::{Row, Seen};
use crate::compared::{self, Compared};
use crate::http::identity::Identity;

/// The line of a prompt, and the forks below it, as they are at one instant.
pub(in crate::edge) async fn line_and_tree(
    database: &D1Database,
    prompt_id: Uuid,
    ask: &Ask,
    identity: &Identity,
) -> Result<(Vec<Row>, Vec<Row>)> {
    let statements = [read_sql::line(prompt_id, identity), read_sql::tree(prompt_id, ask, identity)];
    let batch = statements.iter().map(|statement| prepared(database, statement)).collect::<Result<_>>()?;
    let mut results = transact(database, batch).await?.into_iter();
    let mut next = || results.next().map_or_else(|| Ok(Vec::new()), |result| read_all(&result, row));
    Ok((next()?, next()?))
}

/// The forks that a cursor asks for.
pub(in crate::edge) async fn tree(
    database: &D1Database,
    prompt_id: Uuid,
    ask: &Ask,
    identity: &Identity,
) -> Result<Vec<Row>> {
    read_all(&run(prepared(database, &read_sql::tree(prompt_id, ask, identity))?).await?, row)
}

/// The prompts that are most often compared with one.
pub(in crate::edge) async fn compared(
    database: &D1Database,
    prompt_id: Uuid,
    limit: i64,
    identity: &Identity,
) -> Result<Vec<Compared>> {
    read_all(&run(prepared(database, &compared::statement(prompt_id, limit, identity))?).await?, |columns| {
        Some(Compared {
            id: columns.uuid()?,
            slug: columns.optional_text()?,
            title: columns.text()?,
            comparisons: columns.integer()?,
        })
    })
}

fn row(columns: &mut Columns) -> Option<Row> {
    let (parent, place) = (columns.optional_text()?, columns.optional_text()?);
    let has_forks = columns.boolean()?;
    let (id, slug, title) = (columns.optional_uuid()?, columns.optional_text()?, columns.optional_text()?);
    let (counts, credited) = (columns.tally()?, columns.tally()?);
    let (children, private_children, descendants) = (columns.integer()?, columns.integer()?, columns.integer()?);
    let prompt = id.zip(title);
    let prompt =
        prompt.map(|(id, title)| Seen { id, slug, title, counts, credited, children, private_children, descendants });
    Some(Row { parent, place, has_forks, prompt })
}
