//! The prompts that were most often in the same comparison as another. How pairs are counted stands in
//! `migrations/0010_comparisons.sql`.

use serde::Serialize;
use uuid::Uuid;

use crate::data::policy::Action;
use crate::data::tables::PROMPTS;
use crate::http::identity::Identity;
use crate::http::paging;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::limits::{COMPARED_PAIRS, LIST_CHARS};
use crate::sql::predicate::allowed;
use crate::sql::statement::{Statement, Value};

/// Prompts that are told, unless the caller says how many.
pub const DEFAULT_LIMIT: i64 = 10;

/// The answer.
#[derive(Debug, Serialize)]
pub struct ComparedAnswer {
    /// The prompt.
    #[serde(rename = "promptId")]
    pub prompt_id: Uuid,
    /// Those that were compared with it, most often first.
    pub prompts: Vec<Compared>,
}

/// A prompt that was compared with another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Its id.
    pub id: Uuid,
    /// Its slug.
    pub slug: Option<String>,
    /// Its title, cut at [`LIST_CHARS`].
    pub title: String,
    /// Comparisons that both were in.
    pub comparisons: i64,
}

/// Reads `limit`.
///
/// # Errors
/// [`Code::InvalidValue`](crate::http::problem::Code::InvalidValue).
pub fn limit(query: &Query) -> Result<i64, Problem> {
    paging::limit(query, DEFAULT_LIMIT)
}

/// Reads the columns of [`Compared`]: of the [`COMPARED_PAIRS`] strongest pairs of a prompt those whose other prompt the
/// caller may see, unless the caller may not see the prompt itself.
#[must_use]
pub fn statement(prompt_id: Uuid, limit: i64, identity: &Identity) -> Statement {
    let seen = allowed(&PROMPTS, Action::Select, identity);
    let mut statement = Statement::new("select p.id, p.slug, substr(p.title, 1, ");
    statement.push(&LIST_CHARS.to_string()).push(
        "), c.comparisons from prompts one cross join ( \
            select prompt_id, other_id, comparisons from prompt_comparisons where prompt_id = ",
    );
    let prompt_id = prompt_id.to_string();
    statement.bind_text(&prompt_id).push(" order by comparisons desc, other_id limit ");
    statement.push(&COMPARED_PAIRS.to_string()).push(") c cross join prompts p on p.id = c.other_id and ");
    seen.push_on(&mut statement, "p");
    seen.push_on(statement.push(" where one.id = ").bind_text(prompt_id).push(" and "), "one");
    statement.push(" order by c.comparisons desc, c.other_id limit ").bind(Value::Integer(limit));
    statement
}
