//! What an instance has done since it started, in Prometheus's text format 0.0.4.
//!
//! Specification: <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>.

use crate::counting::tally::Metric;
use crate::events::event::ExperimentEventKind;

/// The type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4";

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
const METERS: [Meter; 18] = {
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
    ]
};

/// What is told of a meter.
struct Family {
    name: &'static str,
    help: &'static str,
}

impl Meter {
    fn family(self) -> Family {
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
        };
        Family { name, help }
    }

    /// The value of the label `type`.
    fn label(self) -> Option<&'static str> {
        match self {
            Self::Event(EventType::Prompt(metric)) => Some(metric.event_name()),
            Self::Event(EventType::Usage) => Some("usage"),
            Self::Event(EventType::Experiment(kind)) => Some(kind.name()),
            _ => None,
        }
    }
}

/// How often each meter was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readings([u64; METERS.len()]);

impl Readings {
    /// Nothing yet.
    pub const NONE: Self = Self([0; METERS.len()]);

    /// Counts a meter `times` more.
    pub fn add(&mut self, meter: Meter, times: u64) {
        let place = METERS.iter().position(|known| *known == meter);
        if let Some(reading) = place.and_then(|place| self.0.get_mut(place)) {
            *reading = reading.saturating_add(times);
        }
    }

    /// The text: what it is and its kind before the first of a family.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Exposition::default();
        let mut told = "";
        for (meter, reading) in METERS.into_iter().zip(self.0) {
            let Family { name, help } = meter.family();
            if name != told {
                text.family(name, "counter", help);
                told = name;
            }
            let label = meter.label().map(|value| ("type", value));
            text.sample(name, label.as_slice(), reading);
        }
        text.0
    }
}

/// A text in the format, as far as it is written. Whatever else is measured is written on it family by family.
#[derive(Debug, Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"] {
            self.0.push_str(part);
        }
    }

    /// Labels have values without quotes, backslashes and line breaks.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            for part in [if place == 0 { "{" } else { "," }, label, "=\"", text, "\""] {
                self.0.push_str(part);
            }
        }
        self.0.push_str(if labels.is_empty() { " " } else { "} " });
        self.0.push_str(&value.to_string());
        self.0.push('\n');
    }
}
