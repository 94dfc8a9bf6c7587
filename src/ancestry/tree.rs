//! Rows of a lineage, put together to a tree.

use std::collections::HashMap;
use std::vec;

use uuid::Uuid;

use super::request::{Ask, Cursor};
use crate::counting::tally::Tally;
use crate::limits::LINEAGE_NODES;

/// A place, as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The place that it is below, of a fork.
    pub parent: Option<String>,
    /// The place, unless the prompt has none: it comes from nowhere, and has no forks.
    pub place: Option<String>,
    /// Whether it has forks that the caller is told of.
    pub has_forks: bool,
    /// The prompt, if the caller may see it.
    pub prompt: Option<Seen>,
}

/// What is told of a prompt that the caller may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: Uuid,
    /// Its slug.
    pub slug: Option<String>,
    /// Its title.
    pub title: String,
    /// What its snapshot says.
    pub counts: Tally,
    /// What the snapshots of all prompts below it add up to.
    pub credited: Tally,
    /// Direct forks that exist.
    pub children: i64,
    /// Those of them that are not public and active.
    pub private_children: i64,
    /// Prompts below it that exist.
    pub descendants: i64,
}

/// A place with the forks below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The prompt, if the caller may see it.
    pub prompt: Option<Seen>,
    /// Its forks.
    pub forks: Forks,
}

/// Forks of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forks {
    /// The first of them.
    pub nodes: Vec<Node>,
    /// Where the next begin, if there are more.
    pub next: Option<Cursor>,
}

impl Forks {
    /// The forks below `place`, of which there are some or not, from the rows of [`tree`](super::read_sql::tree).
    #[must_use]
    pub fn of(place: Option<&str>, has_forks: bool, ask: &Ask, mut rows: Vec<Row>) -> Self {
        let cut = if rows.len() > LINEAGE_NODES { rows.pop() } else { None };
        let mut below: HashMap<String, Vec<Row>> = HashMap::new();
        for row in rows {
            if let Some(parent) = &row.parent {
                below.entry(parent.clone()).or_default().push(row);
            }
        }
        let cut = cut.and_then(|row| row.parent);
        let mut tree = Tree { below, cut, breadth: ask.breadth };
        place.map(|place| tree.forks(place, has_forks)).unwrap_or_default()
    }
}

struct Tree {
    below: HashMap<String, Vec<Row>>,
    /// The place of which one fork more was read than an answer tells.
    cut: Option<String>,
    breadth: usize,
}

impl Tree {
    /// As deep as an answer tells forks: a few levels.
    fn forks(&mut self, place: &str, has_forks: bool) -> Forks {
        let mut rows = self.below.remove(place).unwrap_or_default();
        let is_cut = self.cut.as_deref() == Some(place);
        let has_more = rows.len() > self.breadth || is_cut || (rows.is_empty() && has_forks);
        rows.truncate(self.breadth);
        let after = rows.last().and_then(|last| last.place.clone());
        let next = has_more.then(|| Cursor { parent: place.to_owned(), after });
        Forks { nodes: self.nodes(rows.into_iter()), next }
    }

    fn nodes(&mut self, rows: vec::IntoIter<Row>) -> Vec<Node> {
        rows.map(|row| {
            let forks = row.place.as_deref().map(|place| self.forks(place, row.has_forks)).unwrap_or_default();
            Node { prompt: row.prompt, forks }
        })
        .collect()
    }
}
