//! What is asked for of a prompt's lineage, and where the next forks of a place start.

use crate::http::base64_json;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::limits::{LINEAGE_BREADTH, LINEAGE_DEPTH};

/// Levels of forks below the prompt, unless the caller says how many.
pub const DEFAULT_DEPTH: i64 = 2;
/// Forks of each prompt, unless the caller says how many.
pub const DEFAULT_BREADTH: i64 = 20;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The place whose forks are told.
    pub parent: String,
    /// The fork after which they begin, unless with the first.
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
    /// The cursor as callers get it: one place, or two.
    #[must_use]
    pub fn encode(&self) -> String {
        base64_json::encode(&[&self.parent].into_iter().chain(&self.after).collect::<Vec<_>>())
    }

    fn decode(cursor: &str) -> Result<Self, Problem> {
        let places = base64_json::decode::<Vec<String>>(cursor).unwrap_or_default();
        let is_whole = places.len() <= 2 && places.iter().all(|place| place.parse::<i64>().is_ok());
        let mut places = places.into_iter();
        match places.next().filter(|_| is_whole) {
            Some(parent) => Ok(Self { parent, after: places.next() }),
            None => Err(Problem::new(Code::InvalidValue, "cursor is not one that a lineage has told.")),
        }
    }
}
