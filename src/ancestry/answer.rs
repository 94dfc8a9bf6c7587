//! What is told of a lineage.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::request::Ask;
use super::tree::{Forks, Node, Row, Seen};
use crate::counting::stats::named;
use crate::counting::tally::Tally;

/// A prompt with its forks, and what it comes from.
#[derive(Debug, Serialize)]
pub struct LineageAnswer {
    /// The prompt.
    pub prompt: Node,
    /// From what it was forked from up to the root.
    pub ancestors: Vec<Ancestor>,
}

/// A place above the prompt; `None` where the caller may not see what stands there.
#[derive(Debug)]
pub struct Ancestor(pub Option<Seen>);

impl LineageAnswer {
    /// The answer from the rows of [`line`](super::read_sql::line) and [`tree`](super::read_sql::tree); `None` when the
    /// caller may not see the prompt.
    #[must_use]
    pub fn of(ask: &Ask, line: Vec<Row>, tree: Vec<Row>) -> Option<Self> {
        let mut line = line.into_iter();
        let Row { place, has_forks, prompt, .. } = line.next()?;
        let prompt = Some(prompt?);
        let forks = Forks::of(place.as_deref(), has_forks, ask, tree);
        Some(Self { prompt: Node { prompt, forks }, ancestors: line.map(|row| Ancestor(row.prompt)).collect() })
    }
}

/// The fields of the prompt, or that it is hidden; of a place in the tree its forks, too.
fn serialize_place<S: Serializer>(
    prompt: Option<&Seen>,
    forks: Option<&Forks>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("id", &prompt.map(|prompt| prompt.id))?;
    if let Some(prompt) = prompt {
        map.serialize_entry("slug", &prompt.slug)?;
        map.serialize_entry("title", &prompt.title)?;
        for (name, count) in named(&prompt.counts) {
            map.serialize_entry(name, &count)?;
        }
        map.serialize_entry("credited", &Credited(&prompt.credited))?;
        map.serialize_entry("children", &prompt.children)?;
        map.serialize_entry("privateChildren", &prompt.private_children)?;
        map.serialize_entry("descendants", &prompt.descendants)?;
    } else {
        map.serialize_entry("hidden", &true)?;
    }
    if let Some(forks) = forks {
        map.serialize_entry("forks", &forks.nodes)?;
        map.serialize_entry("next_cursor", &forks.next_cursor())?;
    }
    map.end()
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_place(self.prompt.as_ref(), Some(&self.forks), serializer)
    }
}

impl Serialize for Ancestor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_place(self.0.as_ref(), None, serializer)
    }
}

/// The answer to a cursor.
impl Serialize for Forks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("forks", &self.nodes)?;
        map.serialize_entry("next_cursor", &self.next_cursor())?;
        map.end()
    }
}

impl Forks {
    fn next_cursor(&self) -> Option<String> {
        self.next.as_ref().map(super::request::Cursor::encode)
    }
}

/// What a prompt is credited with, under the names of counts.
struct Credited<'a>(&'a Tally);

impl Serialize for Credited<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(named(self.0))
    }
}
