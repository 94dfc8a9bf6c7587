//! What is asked for of a prompt's lineage, and where the next forks of a place start.

use serde::{Deserialize, Serialize};

use crate::http::base64_json;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::limits::{LINEAGE_BREADTH, LINEAGE_DEPTH};

/// Levels of forks below the prompt, unless the caller says how many.
const DEFAULT_DEPTH: i64 = 2;
/// Forks of each prompt, unless the caller says how many.
const DEFAULT_BREADTH: i64 = 20;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Levels of forks to tell, 1 to [`LINEAGE_DEPTH`].
    pub depth: usize,
    /// Forks of each prompt to tell, 1 to [`LINEAGE_BREADTH`].
    pub breadth: usize,
    /// The forks to go on with, instead of the prompt with its ancestors and its first forks.
    pub cursor: Option<Cursor>,
}

/// Forks of a place that are told next. Places are random numbers of 64 bits, as text, which tell nothing of a prompt;
/// whether the caller may see them is decided anew whenever they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The place whose forks are told.
    #[serde(rename = "p")]
    pub parent: String,
    /// The fork after which they begin, unless with the first.
    #[serde(rename = "a")]
    pub after: Option<String>,
}

impl Ask {
    /// Reads `depth`, `breadth` and `cursor`.
    ///
    /// # Errors
    /// [`Code::InvalidValue`].
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let whole = |name, longest, default| {
            let number = query.integer(name, 1..=longest)?.unwrap_or(default);
            Ok(usize::try_from(number).unwrap_or_default())
        };
        Ok(Self {
            depth: whole("depth", LINEAGE_DEPTH, DEFAULT_DEPTH)?,
            breadth: whole("breadth", LINEAGE_BREADTH, DEFAULT_BREADTH)?,
            cursor: query.get("cursor").map(Cursor::decode).transpose()?,
        })
    }
}

impl Cursor {
    /// The cursor as callers get it.
    #[must_use]
    pub fn encode(&self) -> String {
        base64_json::encode(self)
    }

    fn decode(cursor: &str) -> Result<Self, Problem> {
        let is_place = |place: &String| place.parse::<i64>().is_ok();
        base64_json::decode::<Self>(cursor)
            .filter(|cursor| is_place(&cursor.parent) && cursor.after.iter().all(is_place))
            .ok_or_else(|| Problem::new(Code::InvalidValue, "cursor is not one that a lineage has told."))
    }
}
