//! Experiment events on their way into storage, and what became of them there.

use std::collections::{HashMap, HashSet};

use super::event::{ExperimentEvent, ExperimentEventKind};
use super::fate::{Fate, reused_id};

/// An experiment event that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Its place in the batch.
    pub index: usize,
    /// The caller's id.
    pub id: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What.
    pub event: ExperimentEvent,
}

/// What identifies an experiment event: its experiment and its id.
pub type EventKey = (String, String);

/// The fates of experiment events, from the ids that were new when they were stored. Of two events with one id in the
/// same batch, the first is it.
#[must_use]
pub fn fates_of(recordings: &[Recording], mut fresh: HashSet<EventKey>) -> Vec<Fate> {
    let fate = |recording: &Recording| match &recording.id {
        Some(id) if !fresh.remove(&(recording.event.experiment_id.clone(), id.clone())) => Fate::Duplicate,
        _ => Fate::Accepted,
    };
    recordings.iter().map(fate).collect()
}

/// Rejects the duplicates under whose id another event is stored: `stored` holds what is, by its key.
pub fn reject_reused_ids(fates: &mut [Fate], recordings: &[Recording], stored: &HashMap<EventKey, StoredEvent>) {
    for (fate, recording) in fates.iter_mut().zip(recordings) {
        let key = (recording.event.experiment_id.clone(), recording.id.clone().unwrap_or_default());
        let is_another = stored.get(&key).is_some_and(|stored| !stored.records(&recording.event));
        if *fate == Fate::Duplicate && is_another {
            *fate = Fate::Rejected(reused_id());
        }
    }
}

/// What of a stored experiment event tells whether another is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// What happened.
    pub kind: ExperimentEventKind,
    /// Whose it is.
    pub session_id: String,
    /// The variant that it names.
    pub variant_key: Option<String>,
}

impl StoredEvent {
    fn records(&self, event: &ExperimentEvent) -> bool {
        self.kind == event.kind && self.session_id == event.session_id && self.variant_key == event.variant_key
    }
}
