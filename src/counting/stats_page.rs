//! The stats of many prompts in one answer, from snapshots.

use serde::Serialize;

use super::stats::Stats;
use crate::data::policy::Action;
use crate::data::prompt::PromptName;
use crate::data::tables::PROMPTS;
use crate::http::identity::Identity;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::json::json_text;
use crate::limits::STATS_PROMPTS;
use crate::sql::predicate::allowed;
use crate::sql::statement::Statement;

/// The prompts that are asked for, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsPage(Vec<PromptName>);

/// The answer: prompts that the caller may not see are left out.
#[derive(Debug, Serialize)]
pub struct StatsPageAnswer {
    stats: Vec<Stats>,
}

impl StatsPage {
    /// One prompt.
    #[must_use]
    pub fn of(name: PromptName) -> Self {
        Self(vec![name])
    }

    /// Reads `ids`: ids and slugs with commas between them.
    ///
    /// # Errors
    /// [`Code::InvalidValue`] without any, or with too many.
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let mut names = Vec::new();
        for name in query.get("ids").unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
            // What cannot be a prompt's name is one that nobody has.
            if let Ok(name) = PromptName::parse(name)
                && !names.contains(&name)
            {
                if names.len() == STATS_PROMPTS {
                    let detail =
                        format!("ids are those of at most {STATS_PROMPTS} prompts. Ask for the others on their own.");
                    return Err(Problem::new(Code::InvalidValue, detail));
                }
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err(Problem::new(Code::InvalidValue, "ids are ids or slugs of prompts, with commas between them."));
        }
        Ok(Self(names))
    }

    /// Finds the stats: a prompt's id and slug; views, copies, forks, comparisons, visits; visitors, likes; when it was
    /// last used, and what
    /// its uses add up to: uses, successes, generation times and their sum.
    #[must_use]
    pub fn statement(&self, identity: &Identity) -> Statement {
        let (mut ids, mut slugs) = (Vec::new(), Vec::new());
        for name in &self.0 {
            match name {
                PromptName::Id(id) => ids.push(id.to_string()),
                PromptName::Slug(slug) => slugs.push(slug.as_str()),
            }
        }
        // From the names to the prompts, whatever else SQLite could find them by.
        let mut statement = Statement::new(
            "select p.id, p.slug, coalesce(s.view_count, 0), coalesce(s.copy_count, 0), coalesce(s.fork_count, 0), \
                coalesce(s.compare_count, 0), coalesce(s.visit_count, 0), coalesce(s.unique_visitors, 0), \
                (select coalesce(sum(likes_count), 0) from prompt_templates t where t.prompt_id = p.id), \
                u.last_used_at, coalesce(u.uses, 0), coalesce(u.successes, 0), \
                coalesce(u.generation_time_count, 0), coalesce(u.generation_time_sum_ms, 0) \
            from (select value as id from json_each(",
        );
        statement.bind_text(json_text(&ids)).push(") union select id from prompts where slug in ");
        statement.push("(select value from json_each(").bind_text(json_text(&slugs)).push("))) asked ");
        statement.push(
            "cross join prompts p on p.id = asked.id left join prompt_stats s on s.prompt_id = p.id \
                left join prompt_usage_totals u on u.prompt_id = p.id where ",
        );
        allowed(&PROMPTS, Action::Select, identity).push_on(&mut statement, "p");
        statement
    }

    /// The answer, in the order in which the prompts were asked for, of the stats that were found under a prompt's id and
    /// its slug.
    #[must_use]
    pub fn answer(&self, mut found: Vec<(PromptName, Option<PromptName>, Stats)>) -> StatsPageAnswer {
        let place = |id: &PromptName, slug: &Option<PromptName>| {
            self.0.iter().position(|name| name == id || Some(name) == slug.as_ref()).unwrap_or(usize::MAX)
        };
        found.sort_by_key(|(id, slug, _)| place(id, slug));
        StatsPageAnswer { stats: found.into_iter().map(|(.., stats)| stats).collect() }
    }
}
