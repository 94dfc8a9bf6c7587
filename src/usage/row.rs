//! A use on its way to its row, and how it stands once rows are stored.

use uuid::Uuid;

use super::event::Usage;
use crate::http::identity::User;

/// A row of `prompt_usage` that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The caller's id, or one that was made for it.
    pub id: String,
    /// Who used the prompt; unknown where a server told it and named nobody.
    pub user: Option<User>,
    /// When, as stored.
    pub created_at: String,
    /// The use.
    pub usage: Usage,
    /// [`Usage::digest`] of the use.
    pub payload_digest: String,
}

impl UsageRow {
    /// The row of a use.
    #[must_use]
    pub fn of(id: String, user: Option<User>, created_at: String, usage: Usage) -> Self {
        let payload_digest = usage.digest(&id, user.as_ref().map(|user| user.id));
        Self { id, user, created_at, usage, payload_digest }
    }
}

/// What is there after rows were stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// The prompts and ids of the rows that are new, in their order.
    pub new: Vec<(Uuid, String)>,
    /// What stands under the id of each row, in their order; nothing where the prompt is gone.
    pub found: Vec<Option<Found>>,
}

/// A row that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The digest of the use that it is a row of; null of a row that did not come as an event.
    pub payload_digest: Option<String>,
}

/// How a use stands after its row was stored, or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its row is there, and new.
    New,
    /// Its row was there before.
    Repeated,
    /// Another use's row has its id.
    Taken,
    /// Its prompt is gone.
    Gone,
}

impl Stored {
    /// How these rows stand, which were to be stored. Of several that are the same, the first is new.
    #[must_use]
    pub fn standings<'a>(mut self, rows: impl IntoIterator<Item = &'a UsageRow>) -> Vec<Standing> {
        let found = std::mem::take(&mut self.found);
        rows.into_iter().zip(found).map(|(row, found)| self.standing_of(row, found)).collect()
    }

    fn standing_of(&mut self, row: &UsageRow, found: Option<Found>) -> Standing {
        match found {
            None => Standing::Gone,
            Some(found) if found.payload_digest.as_ref() != Some(&row.payload_digest) => Standing::Taken,
            // Most often all rows are new, and the next one of them is this.
            Some(_) => match self.new.iter().position(|(prompt, id)| *prompt == row.usage.prompt_id && *id == row.id) {
                Some(place) => {
                    self.new.remove(place);
                    Standing::New
                }
                None => Standing::Repeated,
            },
        }
    }
}
