//! What a search is told.

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::request::{Breadth, Place, Search};

/// A template, as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRow {
    /// Its id.
    pub id: Uuid,
    /// The prompt that is offered.
    pub prompt_id: Uuid,
    /// The prompt's title.
    pub title: String,
    /// The prompt's goal.
    pub goal: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Its tags, as the JSON text of an array.
    pub tags: Option<String>,
    /// Users who like it.
    pub likes_count: i64,
    /// How often it was used.
    pub uses_count: i64,
    /// When it was offered.
    pub created_at: String,
    /// The title, with U+0002 and U+0003 around what was found.
    pub title_text: String,
    /// The goal, likewise.
    pub goal_text: Option<String>,
    /// A part of the template, likewise.
    pub template_text: String,
}

/// A page, as it is told.
#[derive(Debug, Serialize)]
pub struct SearchAnswer {
    /// The templates.
    pub templates: Vec<Template>,
    /// What to ask for as `cursor` to get the templates after these; null at the end.
    pub next_cursor: Option<String>,
}

/// A template, as it is told.
#[derive(Debug, Serialize)]
pub struct Template {
    id: Uuid,
    prompt_id: Uuid,
    title: String,
    goal: Option<String>,
    category: Option<String>,
    tags: Box<RawValue>,
    likes_count: i64,
    uses_count: i64,
    created_at: String,
    highlights: Highlights,
}

/// Texts as HTML: everything is escaped, and what was found is in `<mark>`.
#[derive(Debug, Serialize)]
struct Highlights {
    title: String,
    goal: Option<String>,
    template: String,
}

impl SearchAnswer {
    /// The answer to a search that found these rows, one more than the page has where there are more.
    #[must_use]
    pub fn of(search: &Search, breadth: Breadth, mut rows: Vec<TemplateRow>) -> Self {
        let limit = usize::try_from(search.limit).unwrap_or_default();
        let is_last = rows.len() <= limit;
        rows.truncate(limit);
        let seen = search.after.as_ref().map_or(0, |place| place.seen) + search.limit;
        let last = rows.last().filter(|_| !is_last);
        let next_cursor = last.map(|row| search.encode(&Place { breadth, last: row.id, seen }));
        Self { templates: rows.into_iter().map(Template::of).collect(), next_cursor }
    }
}

impl Template {
    fn of(row: TemplateRow) -> Self {
        let tags = row.tags.and_then(|tags| RawValue::from_string(tags).ok());
        Self {
            id: row.id,
            prompt_id: row.prompt_id,
            title: row.title,
            goal: row.goal,
            category: row.category,
            tags: tags.unwrap_or_else(|| RawValue::NULL.to_owned()),
            likes_count: row.likes_count,
            uses_count: row.uses_count,
            created_at: row.created_at,
            highlights: Highlights {
                title: html(&row.title_text),
                goal: row.goal_text.as_deref().map(html),
                template: html(&row.template_text),
            },
        }
    }
}

/// A text as HTML, `<mark>` from U+0002 to U+0003. U+200B, which sets characters apart for the index, is left out.
#[must_use]
pub fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut is_marked = false;
    for character in text.chars() {
        match character {
            '\u{2}' | '\u{3}' => {
                let begins = character == '\u{2}';
                if begins != is_marked {
                    html.push_str(if begins { "<mark>" } else { "</mark>" });
                    is_marked = begins;
                }
            }
            '\u{200B}' => {}
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(character),
        }
    }
    if is_marked {
        html.push_str("</mark>");
    }
    html
}
