//! What the database knows of the stats of prompts.

use uuid::Uuid;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::usage::sums;
use super::{prepared, run, statement, text};
use crate::counting::stats::{Counts, Stats};
use crate::counting::stats_page::StatsPage;
use crate::data::prompt::PromptName;
use crate::http::identity::Identity;
use crate::usage::totals::Totals;

/// How often the templates of a prompt are liked, and its uses.
pub(in crate::edge) async fn find(database: &D1Database, prompt_id: Uuid) -> Result<(u64, Totals)> {
    let sql = "select (select coalesce(sum(likes_count), 0) from prompt_templates where prompt_id = ?1), last_used_at, \
            coalesce(uses, 0), coalesce(successes, 0), coalesce(generation_time_count, 0), \
            coalesce(generation_time_sum_ms, 0) \
        from (select 1) left join prompt_usage_totals on prompt_id = ?1";
    let found = run(statement(database, sql, &[text(&prompt_id.to_string())])?).await?;
    Ok(read_all(&found, likes_and_uses)?.pop().unwrap_or_default())
}

/// The stats of prompts that the caller may see, from snapshots, with their names.
pub(in crate::edge) async fn page(
    database: &D1Database,
    page: &StatsPage,
    identity: &Identity,
) -> Result<Vec<(PromptName, Option<PromptName>, Stats)>> {
    let found = run(prepared(database, &page.statement(identity))?).await?;
    read_all(&found, |columns| {
        let (id, slug) = (columns.uuid()?, columns.optional_text()?);
        let counts = Counts::of(id, &columns.tally_with_visits()?);
        let visitors = columns.count()?;
        let (likes, usage) = likes_and_uses(columns)?;
        Some((PromptName::Id(id), slug.map(PromptName::Slug), Stats::of(counts, visitors, likes, usage)))
    })
}

fn likes_and_uses(columns: &mut Columns) -> Option<(u64, Totals)> {
    let (likes, last_used_at) = (columns.count()?, columns.optional_text()?);
    Some((likes, Totals { sums: sums(columns)?, last_used_at }))
}
