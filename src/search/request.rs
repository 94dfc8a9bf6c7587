//! What is asked for in a search for templates, and where the next page starts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::http::base64_json;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::limits::{KEY_CHARS, PAGE_ROWS, SEARCH_CHARS};

/// Templates of a page, unless the caller says how many.
pub const DEFAULT_LIMIT: i64 = 20;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The text to look for; without one all templates are listed.
    pub text: Option<String>,
    /// The category, as it is spelt.
    pub category: Option<String>,
    /// A tag, as it is spelt.
    pub tag: Option<String>,
    /// Templates of the page, 1 to [`PAGE_ROWS`].
    pub limit: i64,
    /// Where the page starts, unless it is the first.
    pub after: Option<Place>,
}

/// How much of the text a template must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Breadth {
    /// All of it.
    #[serde(rename = "all")]
    All,
    /// Some of it.
    #[serde(rename = "any")]
    Any,
}

/// The end of a page. It names a template and not its rank: from a rank one could tell how many prompts that one may not
/// see hold a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// How the pages before were found.
    pub breadth: Breadth,
    /// The last template.
    pub last: Uuid,
    /// Templates up to there, to go by where the last one is gone.
    pub seen: i64,
}

impl Search {
    /// Reads `q`, `category`, `tag`, `limit` and `cursor`; one that is blank is as good as none.
    ///
    /// # Errors
    /// [`Code::InvalidLength`] and [`Code::InvalidValue`].
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let limit = query.integer("limit", 1..=PAGE_ROWS)?.unwrap_or(DEFAULT_LIMIT);
        let search = Self {
            text: text(query, "q", SEARCH_CHARS)?,
            category: text(query, "category", KEY_CHARS)?,
            tag: text(query, "tag", KEY_CHARS)?,
            limit,
            after: None,
        };
        let after = query.get("cursor").map(|cursor| search.decode(cursor)).transpose()?;
        Ok(Self { after, ..search })
    }

    /// The cursor of the page after `place`.
    #[must_use]
    pub fn encode(&self, place: &Place) -> String {
        base64_json::encode(&(self.digest(), place))
    }

    fn decode(&self, cursor: &str) -> Result<Place, Problem> {
        base64_json::decode::<(String, Place)>(cursor)
            .filter(|(digest, place)| *digest == self.digest() && place.seen > 0)
            .map(|(_, place)| place)
            .ok_or_else(|| Problem::new(Code::InvalidValue, "cursor is not one that a page of this search ended with."))
    }

    /// What tells this search from others.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.text, &self.category, &self.tag] {
            hash.update(part.as_deref().unwrap_or_default());
            hash.update([0xFF]); // no byte of UTF-8
        }
        URL_SAFE_NO_PAD.encode(hash.finalize().get(..8).unwrap_or_default())
    }
}

fn text(query: &Query, name: &str, longest: usize) -> Result<Option<String>, Problem> {
    let text = query.get(name).filter(|text| !text.trim().is_empty());
    if text.is_some_and(|text| text.chars().count() > longest) {
        return Err(Problem::new(Code::InvalidLength, format!("{name} has at most {longest} characters.")));
    }
    Ok(text.map(str::to_owned))
}
