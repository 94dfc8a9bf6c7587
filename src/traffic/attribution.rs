//! What the sender of a request makes of its views and copies.

use super::digests::{Digests, Origin};
use super::reason::Reason;
use crate::counting::protocol::Increment;
use crate::events::event::{PromptEvent, PromptEventKind};

/// What the sender of a request makes of its views and copies. The default says nothing of them.
#[derive(Default)]
pub struct Attribution {
    /// Whether it is the service: its events are what it says, and whose it says.
    pub is_trusted: bool,
    /// Why nothing that comes from this sender is a view or a copy, unless it is the service.
    pub reason: Option<Reason>,
    /// The digests of the sender; without them nobody knows whose its events are.
    pub digests: Option<Digests>,
}

impl Attribution {
    /// Why this event is no view and no copy, if it would be one and is none.
    #[must_use]
    pub fn reason(&self, event: &PromptEvent) -> Option<Reason> {
        if self.is_trusted || event.kind.is_lineage() {
            return None;
        }
        event.is_steered.then_some(Reason::Headless).or(self.reason)
    }

    /// Writes in the increment of a view or a copy whose it was, or counts it as what it is instead. Its id stays.
    pub fn mark(&self, increment: &mut Increment, event: &PromptEvent) {
        let (PromptEventKind::View { visitor } | PromptEventKind::Copy { visitor }) = &event.kind else { return };
        if let Some(reason) = self.reason(event) {
            increment.metric = reason.metric();
        } else if let Some(digests) = &self.digests {
            let name = visitor.as_deref().filter(|_| self.is_trusted);
            let Origin { visitor, source } = digests.at(increment.at_ms, name);
            (increment.visitor, increment.source) = (Some(visitor), Some(source));
        }
    }
}
