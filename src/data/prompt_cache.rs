//! Remembers for a minute that a prompt exists and who may see it; that one does not exist is never remembered.

use std::collections::{HashMap, VecDeque};

use super::prompt::PromptAccess;
use crate::data::prompt::PromptName;
use crate::time::MINUTE_MS;

/// How long a prompt is remembered, in milliseconds.
pub const LIFETIME_MS: i64 = MINUTE_MS;
/// Names that are remembered at the most; beyond, the oldest go first.
pub const CAPACITY: usize = 8192;

/// Prompts seen within the last minute, by the name under which they were asked for.
#[derive(Debug, Default)]
pub struct PromptCache {
    known: HashMap<PromptName, (i64, PromptAccess)>,
    oldest_first: VecDeque<(i64, PromptName)>,
}

impl PromptCache {
    /// A prompt that was found at most a minute before `now_ms`.
    #[must_use]
    pub fn get(&self, name: &PromptName, now_ms: i64) -> Option<&PromptAccess> {
        self.known.get(name).filter(|(found_ms, _)| found_ms + LIFETIME_MS > now_ms).map(|(_, prompt)| prompt)
    }

    /// Remembers a prompt that was found at `now_ms`.
    pub fn insert(&mut self, name: PromptName, prompt: PromptAccess, now_ms: i64) {
        self.oldest_first.push_back((now_ms, name.clone()));
        self.known.insert(name, (now_ms, prompt));
        self.drop_old(now_ms);
    }

    fn drop_old(&mut self, now_ms: i64) {
        while let Some((found_ms, name)) = self.oldest_first.front() {
            if self.oldest_first.len() <= CAPACITY && found_ms + LIFETIME_MS > now_ms {
                break;
            }
            if self.known.get(name).is_some_and(|(newest_ms, _)| newest_ms == found_ms) {
                self.known.remove(name);
            }
            self.oldest_first.pop_front();
        }
    }
}
