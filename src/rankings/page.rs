//! Pages of a list: what is asked for, and the statement that finds it.

use serde::{Deserialize, Serialize};

use super::list::{Beside, List, ListNames, Span};
use crate::counting::windows::{trend_since, window_start};
use crate::data::policy::Action;
use crate::data::tables::PROMPTS;
use crate::http::identity::Identity;
use crate::http::paging;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::limits::LIST_CHARS;
use crate::sql::predicate::allowed;
use crate::sql::statement::{Statement, Value};

/// Prompts of a page, unless the caller says how many.
pub const DEFAULT_LIMIT: i64 = 10;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The list.
    pub list: List,
    /// The time that it looks back on.
    pub span: Span,
    /// Prompts of the page.
    pub limit: i64,
    after: Option<Place>,
}

/// The place of a prompt in a list: its count or trend, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place(pub i64, pub String);

impl Page {
    /// Reads `limit`, `window` and `cursor`.
    ///
    /// # Errors
    /// `UnknownRoute` for an unknown list, `InvalidValue`.
    pub fn parse(list: &str, query: &Query) -> Result<Self, Problem> {
        Ok(Self {
            list: List::of_name(list)?,
            span: Span::of_name(query.get("window"))?,
            limit: paging::limit(query, DEFAULT_LIMIT)?,
            after: paging::cursor(query)?,
        })
    }

    /// The prompts of the page and one more, as they come in the list: id, slug, title, category, when it was made, what
    /// it is ranked by, how often what is counted was, and what is told beside that. A walk along an index that holds what
    /// anyone may see.
    #[must_use]
    pub fn statement(&self, now_ms: i64) -> Statement {
        let (column, counted, least) = match (self.list, self.span) {
            (List::Trending, Span::All) => ("trend", "is not null", None),
            // Whoever was visited since then is worth as much as a visit at that time, at the least.
            (List::Trending, Span::Window(place)) => {
                ("trend", "is not null", Some(trend_since(window_start(place, now_ms))))
            }
            _ => (self.span.column(), "> 0", None),
        };
        let ListNames { metric, beside, .. } = self.list.names();
        let mut statement = Statement::new("select p.id, p.slug, substr(p.title, 1, ");
        statement.bind(Value::Integer(LIST_CHARS)).push("), p.category, p.created_at, r.").push(column);
        // Cells come by the names of their columns.
        statement.push(" as value, r.").push(self.span.column()).push(" as count");
        if beside.is_some() {
            statement.push(", coalesce(s.").push(self.span.column()).push(", 0) as beside");
        }
        statement.push(" from prompt_rankings r cross join prompts p on p.id = r.prompt_id");
        if let Some(Beside { metric, .. }) = beside {
            statement
                .push(" left join prompt_rankings s on s.prompt_id = r.prompt_id and s.metric = ")
                .bind_text(metric);
        }
        statement.push(" where r.is_listed = 1 and r.metric = ").bind_text(metric);
        statement.push(" and r.").push(column).push(" ").push(counted);
        if let Some(least) = least {
            statement.push(" and r.trend >= cast(").bind(Value::Integer(least)).push(" as integer)");
        }
        if let Some(Place(value, id)) = &self.after {
            statement.push(" and (r.").push(column).push(", r.prompt_id) < (cast(").bind(Value::Integer(*value));
            statement.push(" as integer), ").bind_text(id).push(")");
        }
        statement.push(" and ");
        allowed(&PROMPTS, Action::Select, &Identity::Anonymous).push_on(&mut statement, "p");
        statement.push(" order by r.").push(column).push(" desc, r.prompt_id desc limit ");
        statement.bind(Value::Integer(self.limit + 1));
        statement
    }
}
