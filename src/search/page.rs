//! The statement that reads a page of templates.

use super::matching::Attempt;
use super::request::Search;
use crate::data::policy::Action;
use crate::data::tables::{PROMPT_TEMPLATES, PROMPTS};
use crate::http::identity::Identity;
use crate::sql::predicate::allowed;
use crate::sql::statement::{Statement, Value};

/// How templates are read in an order.
struct Reading {
    /// The texts that are shown of a template.
    texts: &'static str,
    /// The tables, the one that gives the order first.
    rows: &'static str,
    /// The tables, for one template.
    one: &'static str,
    /// A template's place in the order.
    place: &'static str,
    /// The place before all templates.
    start: &'static str,
    /// What the templates after the place `last` satisfy.
    after: &'static str,
    /// The order.
    order: &'static str,
}

const BY_PROMPT: &str = "prompt_search cross join prompts p on p.rowid = prompt_search.rowid \
    cross join prompt_templates t on t.prompt_id = p.id";
const BY_TEMPLATE: &str = "prompt_templates t cross join prompts p on p.id = t.prompt_id";

/// By rank. FTS5 sorts inside and gives its rows best first, those of equal rank by rowid. Reading ends with the page, and
/// what comes after it is neither joined nor judged, unless something here makes SQLite sort once more.
///
/// U+0002 and U+0003 are around what was found: no document holds them. A snippet has up to 40 words. To find it FTS5 compares
/// each word that it found with all others, of all columns, which a document of one word over and over makes last for hours: what
/// has more than 4,000 bytes is shown around the first word that is found, and a text of more than 20,000 from its beginning.
const RANKED: Reading = Reading {
    texts: "iif(octet_length(p.title) > 4000, substr(p.title, 1, 1000) || '…', \
            highlight(prompt_search, 0, char(2), char(3))) as title_text, \
        iif(octet_length(p.goal) > 4000, substr(p.goal, 1, 1000) || '…', \
            highlight(prompt_search, 1, char(2), char(3))) as goal_text, \
        case \
            when octet_length(p.title) + coalesce(octet_length(p.goal), 0) + octet_length(p.template) \
                + coalesce(octet_length(p.tags), 0) + coalesce(octet_length(p.template_tags), 0) \
                + coalesce(octet_length(p.template_marks), 0) <= 4000 \
                then snippet(prompt_search, 2, char(2), char(3), '…', 40) \
            when octet_length(p.template) > 20000 then substr(p.template, 1, 300) || '…' \
            else '…' || substr(highlight(prompt_search, 2, char(2), char(3)), \
                max(1, instr(highlight(prompt_search, 2, char(2), char(3)), char(2)) - 100), 400) || '…' \
        end as template_text",
    rows: BY_PROMPT,
    one: "prompt_templates t cross join prompts p on p.id = t.prompt_id \
        cross join prompt_search on prompt_search.rowid = p.rowid",
    place: "prompt_search.rank, p.rowid, t.rowid",
    start: "-1e999, 0, 0",
    after: "prompt_search.rank >= (select major from last) \
        and (prompt_search.rank, p.rowid, t.rowid) > (select major, middle, minor from last)",
    order: "prompt_search.rank",
};

/// By likes, then by uses, then the newest first, as two indexes have them.
const LISTED: Reading = Reading {
    texts: "substr(p.title, 1, 1000) as title_text, substr(p.goal, 1, 1000) as goal_text, \
        substr(p.template, 1, 200) || iif(length(p.template) > 200, '…', '') as template_text",
    rows: BY_TEMPLATE,
    one: BY_TEMPLATE,
    place: "t.likes_count, t.uses_count, t.rowid",
    start: "9e999, 0, 0",
    after: "(t.likes_count, t.uses_count, t.rowid) < (select major, middle, minor from last)",
    order: "t.likes_count desc, t.uses_count desc, t.rowid desc",
};

/// What a word counts, by column: title, goal, template, tags, and the marks, which only filter.
const RANK: &str = "bm25(10.0, 4.0, 1.0, 6.0, 0.0)";

/// Reads a page, and one template more where there are more.
#[must_use]
pub fn statement(search: &Search, attempt: &Attempt, identity: &Identity) -> Statement {
    let is_ranked = search.text.is_some();
    let reading = if is_ranked { RANKED } else { LISTED };
    let filters = |statement: &mut Statement, is_matched: bool| {
        for (table, alias) in [(&PROMPTS, "p"), (&PROMPT_TEMPLATES, "t")] {
            allowed(table, Action::Select, identity).push_on(statement.push(" and "), alias);
        }
        if let Some(category) = &search.category {
            statement.push(" and t.category = ").bind_text(category);
        }
        if let Some(tag) = &search.tag {
            statement.push(" and exists (select 1 from json_each(t.tags) where value = ").bind_text(tag).push(")");
        }
        if let (Some(expression), true) = (&attempt.expression, is_matched) {
            statement.push(" and prompt_search match ").bind_text(expression);
        }
        if is_ranked {
            statement.push(" and prompt_search.rank match ").bind_text(RANK);
        }
    };
    let mut statement = Statement::default();
    if let Some(place) = &search.after {
        // The place itself is judged like any other row: that it is there must not tell of one that is hidden.
        statement.push("with last (major, middle, minor, skipped) as materialized (select ").push(reading.place);
        statement.push(", 0 from ").push(reading.one).push(" where t.id = ").bind_text(place.last.to_string());
        filters(&mut statement, is_ranked);
        statement.push(" union all select ").push(reading.start).push(", ").bind(Value::Integer(place.seen));
        statement.push(" limit 1) ");
    }
    let rows = if attempt.expression.is_some() { BY_PROMPT } else { reading.rows };
    statement.push(
        "select t.id, t.prompt_id, substr(p.title, 1, 1000) as title, substr(p.goal, 1, 1000) as goal, t.category, t.tags, t.likes_count, t.uses_count, t.created_at, ",
    );
    statement.push(reading.texts).push(" from ").push(rows).push(" where 1");
    filters(&mut statement, true);
    if search.after.is_some() {
        statement.push(" and ").push(reading.after);
    }
    statement.push(" order by ").push(reading.order).push(" limit ").bind(Value::Integer(search.limit + 1));
    if search.after.is_some() {
        statement.push(" offset (select cast(skipped as integer) from last)");
    }
    statement
}
