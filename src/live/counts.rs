//! What listeners are told of a prompt.

use uuid::Uuid;

use crate::counting::stats::named;
use crate::counting::tally::Tally;

/// The type of the stream.
pub const MEDIA_TYPE: &str = "text/event-stream";
/// A line that says nothing, so that nobody in between takes the stream for dead.
pub const HEARTBEAT: &str = ":\n\n";

/// The counts, under the names that stats have for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveCounts([(&'static str, u64); 6]);

impl LiveCounts {
    /// What is told of these counts.
    #[must_use]
    pub fn of(tally: &Tally, unique_visitors: u64) -> Self {
        let [views, copies, forks, compares] = named(tally);
        Self([views, copies, forks, compares, ("visitCount", tally.visits), ("uniqueVisitors", unique_visitors)])
    }

    /// Names these counts: whoever was told them under this id need not be told them again. Another server, or the same one
    /// after a restart, gives the same id.
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = String::new();
        for (_, count) in self.0 {
            if !id.is_empty() {
                id.push('-');
            }
            id.push_str(&count.to_string());
        }
        id
    }

    /// The event that tells them.
    #[must_use]
    pub fn event(&self, prompt_id: Uuid) -> String {
        let mut event = String::new();
        for part in ["id: ", &self.id(), "\ndata: {\"promptId\":\"", &prompt_id.to_string(), "\""] {
            event.push_str(part);
        }
        for (name, count) in self.0 {
            for part in [",\"", name, "\":", &count.to_string()] {
                event.push_str(part);
            }
        }
        event.push_str("}\n\n");
        event
    }
}
