//! One who listens: what is due to it, and when its stream ends.

use serde::{Deserialize, Serialize};

use super::counts::LiveCounts;
use crate::data::prompt::PromptAccess;
use crate::time::{MINUTE_MS, SECOND_MS};

/// How often an object looks what is due, in milliseconds.
pub const LOOK_MS: i64 = SECOND_MS;
/// A listener is not told anything new as long after it was told something, in milliseconds: whoever comes between two looks
/// waits for the second. A timer may ring a little early.
const PACE_MS: i64 = LOOK_MS * 9 / 10;
/// How long a stream says nothing at the most, in milliseconds.
pub const HEARTBEAT_MS: i64 = 15 * SECOND_MS;
/// How long a listener may leave unread what it is sent, in milliseconds.
const PATIENCE_MS: i64 = MINUTE_MS;
/// A stream ends after this time, in milliseconds, and some time within [`LIFE_SPREAD_MS`] more: listeners that came together do
/// not all come again together.
const LIFE_MS: i64 = 13 * MINUTE_MS;
const LIFE_SPREAD_MS: u64 = 2 * MINUTE_MS.unsigned_abs();
/// After how long a browser comes again whose stream ended, in milliseconds, and how much more at random.
const RETRY_MS: u64 = 2000;
const RETRY_SPREAD_MS: u64 = 3000;

/// What a counter is asked that somebody wants to listen to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// The prompt, as it was when the caller was found to be allowed to see it.
    pub prompt: PromptAccess,
    /// What the caller was told last, by its id.
    pub last_event_id: Option<String>,
}

/// One who listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    prompt: PromptAccess,
    told: LiveCounts,
    told_ms: i64,
    /// When it last took anything.
    heard_ms: i64,
    ends_ms: i64,
}

/// What a listener is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The counts.
    Counts,
    /// A sign of life.
    Heartbeat,
    /// The end of its stream.
    End,
}

impl Listener {
    /// Begins a stream, and gives what it begins with: the counts, unless the caller knows them.
    #[must_use]
    pub fn begin(listen: Listen, counts: LiveCounts, now_ms: i64, random: u64) -> (Self, String) {
        let mut opening = "retry: ".to_owned();
        opening.push_str(&(RETRY_MS + random % RETRY_SPREAD_MS).to_string());
        opening.push('\n');
        if listen.last_event_id.is_some_and(|id| id == counts.id()) {
            // Without an event a retry is one, too.
            opening.push('\n');
        } else {
            opening.push_str(&counts.event(listen.prompt.id));
        }
        let life_ms = LIFE_MS.saturating_add_unsigned(random % LIFE_SPREAD_MS);
        let ends_ms = now_ms + life_ms;
        (Self { prompt: listen.prompt, told: counts, told_ms: now_ms, heard_ms: now_ms, ends_ms }, opening)
    }

    /// What is due, where these are the counts.
    #[must_use]
    pub fn due(&self, counts: &LiveCounts, now_ms: i64) -> Option<Due> {
        let quiet_ms = now_ms - self.heard_ms;
        if now_ms >= self.ends_ms || quiet_ms >= PATIENCE_MS {
            Some(Due::End)
        } else if self.told != *counts && now_ms - self.told_ms >= PACE_MS {
            Some(Due::Counts)
        } else if quiet_ms >= HEARTBEAT_MS {
            Some(Due::Heartbeat)
        } else {
            None
        }
    }

    /// Notes that it took what was due.
    pub fn note(&mut self, due: Due, counts: &LiveCounts, now_ms: i64) {
        self.heard_ms = now_ms;
        if due == Due::Counts {
            (self.told, self.told_ms) = (*counts, now_ms);
        }
    }

    /// Whether the prompt still is what it was when the caller was found to be allowed to see it. If not, the stream is to end:
    /// who comes again is judged anew.
    #[must_use]
    pub fn still_sees(&self, prompt: Option<&PromptAccess>) -> bool {
        prompt == Some(&self.prompt)
    }
}
