//! Forks and comparisons: rows of `prompt_events` that are counted, too.
//!
//! The row is stored first, marked as not counted; then its counter counts it under the row's id; then the mark is
//! taken off. Whatever dies in between, the row and its count end up both there, once: by the caller's retry under the
//! same id, or by the cron, which counts what is still marked.

use uuid::Uuid;

use super::event::PromptEventKind;
use crate::counting::protocol::Increment;
use crate::http::identity::User;
use crate::limits::{EVENT_FUTURE_MS, EVENT_PAST_MS};
use crate::time::{timestamp_from_ms, timestamp_to_ms};

/// How long a row may be marked as not counted before the cron counts it, in milliseconds.
pub const UNCOUNTED_GRACE_MS: i64 = crate::time::MINUTE_MS;

/// A row of `prompt_events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageEvent {
    /// The caller's id, or one that was made for it.
    pub id: String,
    /// The prompt.
    pub prompt_id: Uuid,
    /// Whose act it was; unknown only where another system did not know.
    pub user: Option<User>,
    /// What happened.
    pub kind: PromptEventKind,
    /// When, as stored.
    pub created_at: String,
}

impl LineageEvent {
    /// The increment that counts this row. The same row always gives the same one, so that it is counted once.
    #[must_use]
    pub fn increment(&self) -> Increment {
        let user_id = self.user.as_ref().map(|user| user.id);
        let id = self.kind.digest(&self.id, user_id);
        let at_ms = timestamp_to_ms(&self.created_at).unwrap_or_default();
        Increment::of(self.kind.metric(), at_ms, Some(id))
    }
}

/// A row of `prompt_events` as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLineage {
    /// The id.
    pub id: String,
    /// The prompt.
    pub prompt_id: Uuid,
    /// Whose act it was.
    pub user_id: Option<Uuid>,
    /// `fork` or `compare_add`.
    pub event_type: String,
    /// Of a fork.
    pub child_prompt_id: Option<Uuid>,
    /// Of a comparison.
    pub comparison_id: Option<String>,
    /// When, as stored.
    pub created_at: String,
    /// When it was stored, in milliseconds since 1970, as long as it is not counted.
    pub uncounted_since_ms: Option<i64>,
}

impl StoredLineage {
    /// The event that this row records.
    #[must_use]
    pub fn event(&self) -> LineageEvent {
        let kind = if self.event_type == "fork" {
            PromptEventKind::Fork { child_prompt_id: self.child_prompt_id }
        } else {
            PromptEventKind::CompareAdd { comparison_id: self.comparison_id.clone() }
        };
        LineageEvent {
            id: self.id.clone(),
            prompt_id: self.prompt_id,
            user: self.user_id.map(|id| User { id, email: None }),
            kind,
            created_at: self.counted_at(),
        }
    }

    /// When it is counted: when it happened, unless that is out of the range in which events may be told; then when it
    /// was stored.
    fn counted_at(&self) -> String {
        let is_told =
            |stored_ms: i64, at_ms: i64| (stored_ms - EVENT_PAST_MS..=stored_ms + EVENT_FUTURE_MS).contains(&at_ms);
        match (self.uncounted_since_ms, timestamp_to_ms(&self.created_at)) {
            (Some(stored_ms), Some(at_ms)) if !is_told(stored_ms, at_ms) => {
                timestamp_from_ms(stored_ms).unwrap_or_else(|| self.created_at.clone())
            }
            _ => self.created_at.clone(),
        }
    }

    /// Whether the row that stands under an event's id records that event, and whether it is counted.
    #[must_use]
    pub fn standing_of(&self, event: &LineageEvent) -> Standing {
        if self.event().increment().id != event.increment().id {
            Standing::Taken
        } else if self.uncounted_since_ms.is_none() {
            Standing::Counted
        } else {
            Standing::Uncounted
        }
    }
}

/// How an event stands after its row was stored, or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its row is there; its counter has not confirmed it.
    Uncounted,
    /// Its row is there, and counted.
    Counted,
    /// Another event's row has its id.
    Taken,
}
