//! A use on its way to its row, and how it stands once rows are stored.

use std::collections::{HashMap, HashSet};

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

/// What makes a row of `prompt_usage` one: its prompt, and its id.
pub type Key = (Uuid, String);

/// What is there after rows were stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// The rows that are new.
    pub new: HashSet<Key>,
    /// The digests of all rows that have one of the keys; null of a row that did not come as an event.
    pub digests: HashMap<Key, Option<String>>,
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
    /// How this row stands. Of several that are the same, those that are asked about first are new.
    pub fn standing_of(&mut self, row: &UsageRow) -> Standing {
        let key = (row.usage.prompt_id, row.id.clone());
        match self.digests.get(&key) {
            None => Standing::Gone,
            Some(digest) if digest.as_deref() != Some(&row.payload_digest) => Standing::Taken,
            Some(_) if self.new.remove(&key) => Standing::New,
            Some(_) => Standing::Repeated,
        }
    }
}
