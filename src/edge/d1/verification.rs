//! Statements that verify.

use uuid::Uuid;
use worker::{D1Database, Error, Result};

use super::rows::{Columns, read_all};
use super::{integer, prepared, run, statement, text, transact};
use crate::verification::checks;
use crate::verification::counters::StoredCounts;
use crate::verification::page::{Difference, Page};

/// Rows of one type of a prompt, those that were removed for their age among them, and those that are marked as not counted.
const COUNTS: &str = "select p.id, coalesce(s.view_count, 0), coalesce(s.copy_count, 0), coalesce(s.fork_count, 0), \
        coalesce(s.compare_count, 0), coalesce(s.visit_count, 0), coalesce(s.unique_visitors, 0), \
        coalesce(s.version, 0), \
        (select count(*) from prompt_events e where e.prompt_id = p.id and event_type = 'fork') \
            + coalesce(r.forks, 0), \
        (select count(*) from prompt_events e where e.prompt_id = p.id and event_type = 'compare_add') \
            + coalesce(r.compares, 0), \
        (select count(uncounted_since_ms) from prompt_events e where e.prompt_id = p.id and event_type = 'fork'), \
        (select count(uncounted_since_ms) from prompt_events e where e.prompt_id = p.id and event_type = 'compare_add'), \
        (select count(*) from prompt_usage u where u.prompt_id = p.id) \
    from prompts p left join prompt_stats s on s.prompt_id = p.id \
        left join removed_prompt_events r on r.prompt_id = p.id where p.id > ?1 order by p.id limit ?2";

/// What is stored of the counts of the prompts of a page, and of one more where there are more; with how often each was
/// used.
pub(in crate::edge) async fn counts(database: &D1Database, page: &Page) -> Result<Vec<(StoredCounts, u64)>> {
    let parameters = [text(&page.after.to_string()), integer(page.limit + 1)];
    let found = run(statement(database, COUNTS, &parameters)?).await?;
    read_all(&found, |columns| {
        let counts = StoredCounts {
            prompt_id: columns.uuid()?,
            snapshot: columns.tally_with_visits()?,
            unique_visitors: columns.count()?,
            version: columns.count()?,
            forks: columns.count()?,
            compares: columns.count()?,
            uncounted_forks: columns.count()?,
            uncounted_compares: columns.count()?,
            ..StoredCounts::default()
        };
        Some((counts, columns.count()?))
    })
}

/// What the database finds to differ of these prompts; on the `first` page, of all of them together as well. And of how many
/// of them the rankings are still to be told something, by snapshots that told it last since an instant.
pub(in crate::edge) async fn differences(
    database: &D1Database,
    (prompts, told_since_ms): (&[Uuid], i64),
    first: bool,
) -> Result<(Vec<Difference>, u64)> {
    let mut statements = checks::statements(prompts, told_since_ms);
    statements.extend(first.then(checks::of_all));
    statements.push(checks::awaited(prompts, told_since_ms));
    let batch = statements.iter().map(|statement| prepared(database, statement)).collect::<Result<Vec<_>>>()?;
    let mut results = transact(database, batch).await?;
    let awaited = results.pop().ok_or_else(|| Error::from("no result"))?;
    let mut differences = Vec::new();
    for found in results {
        differences.extend(read_all(&found, difference)?);
    }
    Ok((differences, read_all(&awaited, Columns::count)?.into_iter().sum()))
}

fn difference(columns: &mut Columns) -> Option<Difference> {
    Some(Difference {
        prompt_id: columns.optional_uuid()?,
        check: columns.text()?,
        expected: columns.integer()?,
        found: columns.integer()?,
    })
}
