//! What is counted, and how it is called.

use crate::counting::tally::Metric;
use crate::events::event::ExperimentEventKind;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// Events that were accepted.
    Event(EventType),
    /// Calls to Durable Objects.
    ObjectCalls,
    /// Rows that Durable Objects read.
    ObjectRowsRead,
    /// Rows that Durable Objects wrote; an alarm that is set is one.
    ObjectRowsWritten,
    /// Alarms that were set.
    Alarms,
    /// Alarms that rang.
    AlarmsRung,
    /// Rows that D1 read.
    DatabaseRowsRead,
    /// Rows that D1 wrote.
    DatabaseRowsWritten,
    /// Credentials that were sent and are not valid.
    FailedAuthentications,
    /// Requests that were not let in.
    RefusedRequests,
}

/// What an event is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// Of a prompt.
    Prompt(Metric),
    /// A use.
    Usage,
    /// Of an experiment.
    Experiment(ExperimentEventKind),
}

/// All that is metered, those of a family together. Visits are found by counters among the views, and are no events.
pub(super) const METERS: [Meter; 20] = {
    use ExperimentEventKind::{Conversion, Exposure, Pageview};
    use Meter::Event;
    [
        Event(EventType::Prompt(Metric::View)),
        Event(EventType::Prompt(Metric::Copy)),
        Event(EventType::Prompt(Metric::Fork)),
        Event(EventType::Prompt(Metric::Compare)),
        Event(EventType::Prompt(Metric::Bot)),
        Event(EventType::Prompt(Metric::Headless)),
        Event(EventType::Prompt(Metric::Prefetch)),
        Event(EventType::Usage),
        Event(EventType::Experiment(Pageview)),
        Event(EventType::Experiment(Exposure)),
        Event(EventType::Experiment(Conversion)),
        Meter::ObjectCalls,
        Meter::ObjectRowsRead,
        Meter::ObjectRowsWritten,
        Meter::Alarms,
        Meter::AlarmsRung,
        Meter::DatabaseRowsRead,
        Meter::DatabaseRowsWritten,
        Meter::FailedAuthentications,
        Meter::RefusedRequests,
    ]
};

/// What is told of a meter.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
}

impl Meter {
    pub(super) fn family(self) -> Family {
        let (name, help) = match self {
            Self::Event(_) => ("promptmeter_events_total", "Events that were accepted, by what they were counted as."),
            Self::ObjectCalls => ("promptmeter_object_calls_total", "Calls to Durable Objects."),
            Self::ObjectRowsRead => ("promptmeter_object_rows_read_total", "Rows that Durable Objects read."),
            Self::ObjectRowsWritten => (
                "promptmeter_object_rows_written_total",
                "Rows that Durable Objects wrote, alarms that were set among them.",
            ),
            Self::Alarms => ("promptmeter_alarms_total", "Alarms that Durable Objects set."),
            Self::AlarmsRung => ("promptmeter_alarms_rung_total", "Alarms of Durable Objects that rang."),
            Self::DatabaseRowsRead => ("promptmeter_d1_rows_read_total", "Rows that D1 read."),
            Self::DatabaseRowsWritten => {
                ("promptmeter_d1_rows_written_total", "Rows that D1 wrote, those of indexes among them.")
            }
            Self::FailedAuthentications => {
                ("promptmeter_failed_authentications_total", "Requests with a credential that is not valid.")
            }
            Self::RefusedRequests => (
                "promptmeter_refused_requests_total",
                "Requests that were answered 503 at the door, for too much was in hand; they are counted nowhere else.",
            ),
        };
        Family { name, help }
    }

    /// The name under which it is kept: its family's, and its label.
    #[must_use]
    pub fn kept_name(self) -> String {
        let name = self.family().name;
        self.label().map_or_else(|| name.to_owned(), |label| format!("{name} {label}"))
    }

    /// The value of the label `type`.
    pub(super) fn label(self) -> Option<&'static str> {
        match self {
            Self::Event(EventType::Prompt(metric)) => Some(metric.event_name()),
            Self::Event(EventType::Usage) => Some("usage"),
            Self::Event(EventType::Experiment(kind)) => Some(kind.name()),
            _ => None,
        }
    }
}
