//! An experiment event as it is stored in its batch.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::events::event::{ExperimentEventKind, Measurement};

/// What of an event the rollup reads. Stored as the array `[event_id, kind, session_id, variant_key, timestamp_ms]`, of a
/// measurement followed by `metric, value`; the kind is 0 for a pageview, 1 for an exposure, 2 for a conversion.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// The caller's id.
    pub event_id: Option<String>,
    /// What happened.
    pub kind: ExperimentEventKind,
    /// Whose it is.
    pub session_id: String,
    /// The variant it names.
    pub variant_key: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What a conversion measured.
    pub measurement: Option<Measurement>,
}

/// What of an event is only kept: `[project_id, view_id, properties]`, the last as the text that the caller wrote.
pub type Detail = (Option<String>, Option<String>, Option<String>);

const KINDS: [ExperimentEventKind; 3] =
    [ExperimentEventKind::Pageview, ExperimentEventKind::Exposure, ExperimentEventKind::Conversion];

impl Serialize for EventRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = if self.measurement.is_some() { 7 } else { 5 };
        let mut row = serializer.serialize_seq(Some(length))?;
        row.serialize_element(&self.event_id)?;
        row.serialize_element(&KINDS.iter().position(|kind| *kind == self.kind))?;
        row.serialize_element(&self.session_id)?;
        row.serialize_element(&self.variant_key)?;
        row.serialize_element(&self.at_ms)?;
        if let Some(Measurement { metric, value }) = &self.measurement {
            row.serialize_element(metric)?;
            row.serialize_element(value)?;
        }
        row.end()
    }
}

impl<'de> Deserialize<'de> for EventRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = EventRow;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a stored event")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<EventRow, A::Error> {
        let missing = || A::Error::custom("a stored event is too short");
        let event_id = row.next_element()?.ok_or_else(missing)?;
        let kind: usize = row.next_element()?.ok_or_else(missing)?;
        let kind = *KINDS.get(kind).ok_or_else(|| A::Error::custom("a stored event has no such kind"))?;
        let session_id = row.next_element()?.ok_or_else(missing)?;
        let variant_key = row.next_element()?.ok_or_else(missing)?;
        let at_ms = row.next_element()?.ok_or_else(missing)?;
        let measurement = match row.next_element()? {
            Some(metric) => Some(Measurement { metric, value: row.next_element()?.ok_or_else(missing)? }),
            None => None,
        };
        Ok(EventRow { event_id, kind, session_id, variant_key, at_ms, measurement })
    }
}
