//! A page of a list, as it is told.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::list::{Beside, List};
use super::page::{Page, Place};
use crate::counting::windows::score;
use crate::http::paging;
use crate::usage::totals::Sums;

/// A prompt in a list, as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedPrompt {
    /// Its id.
    pub id: Uuid,
    /// Its slug.
    pub slug: Option<String>,
    /// Its title, cut at [`crate::limits::LIST_CHARS`].
    pub title: String,
    /// Its category.
    pub category: Option<String>,
    /// When it was made, as stored.
    pub created_at: String,
    /// What it is ranked by: how often, or its trend.
    pub value: i64,
    /// How often what the list is of was counted, over the list's time.
    pub count: i64,
    /// What is told beside that; 0 where nothing is.
    pub beside: i64,
}

/// A page, as it is told.
#[derive(Debug, Serialize)]
pub struct PageAnswer<'a> {
    list: &'static str,
    window: &'static str,
    prompts: Vec<Entry<'a>>,
    next_cursor: Option<String>,
}

#[derive(Debug)]
struct Entry<'a> {
    list: List,
    now_ms: i64,
    prompt: &'a RankedPrompt,
}

impl<'a> PageAnswer<'a> {
    /// The answer to a page at an instant; `found` may have a prompt more than the page.
    #[must_use]
    pub fn of(page: &Page, found: &'a mut Vec<RankedPrompt>, now_ms: i64) -> Self {
        let next_cursor = paging::cut(found, page.limit, |last| Place(last.value, last.id.to_string()));
        Self {
            list: page.list.names().name,
            window: page.span.name(),
            prompts: found.iter().map(|prompt| Entry { list: page.list, now_ms, prompt }).collect(),
            next_cursor,
        }
    }
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let RankedPrompt { id, slug, title, category, created_at, value, count, beside } = self.prompt;
        let mut entry = serializer.serialize_map(None)?;
        entry.serialize_entry("id", id)?;
        entry.serialize_entry("slug", slug)?;
        entry.serialize_entry("title", title)?;
        entry.serialize_entry("category", category)?;
        entry.serialize_entry("created_at", created_at)?;
        if self.list == List::Trending {
            entry.serialize_entry("score", &in_thousandths(score(*value, self.now_ms)))?;
        }
        let names = self.list.names();
        entry.serialize_entry(names.count, count)?;
        if let Some(Beside { count: name, .. }) = names.beside {
            entry.serialize_entry(name, beside)?;
        }
        if self.list == List::Used {
            let sums = Sums { uses: count.unsigned_abs(), successes: beside.unsigned_abs(), ..Sums::default() };
            entry.serialize_entry("success_rate", &sums.success_rate())?;
        }
        entry.end()
    }
}

/// A number cut to what a trend, which is kept in millionths, can tell.
fn in_thousandths(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
