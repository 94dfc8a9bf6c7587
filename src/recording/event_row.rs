//! An experiment event as it is stored in its batch: the array `[event_id, kind, session_id, variant_key, timestamp_ms,
//! metric, value, project_id, view_id, properties]` without the nulls at its end. The kind is 0 for a pageview, 1 for an
//! exposure, 2 for a conversion; `properties` is the text that the caller wrote.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use crate::events::event::{ExperimentEvent, ExperimentEventKind, Measurement};

const KINDS: [ExperimentEventKind; 3] =
    [ExperimentEventKind::Pageview, ExperimentEventKind::Exposure, ExperimentEventKind::Conversion];

/// An event that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// The caller's id.
    pub event_id: Option<&'a str>,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
    /// What happened.
    pub event: &'a ExperimentEvent,
}

impl Serialize for NewRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ExperimentEvent { kind, session_id, variant_key, project_id, view_id, properties, measurement, .. } =
            self.event;
        let (metric, value) = match measurement {
            Some(Measurement { metric, value }) => (Some(&**metric), *value),
            None => (None, None),
        };
        let rest = [metric.is_some(), value.is_some(), project_id.is_some(), view_id.is_some(), properties.is_some()];
        let length = 5 + rest.iter().rposition(|is_there| *is_there).map_or(0, |last| last + 1);
        let mut row = serializer.serialize_seq(Some(length))?;
        row.serialize_element(&self.event_id)?;
        row.serialize_element(&KINDS.iter().position(|known| known == kind))?;
        row.serialize_element(session_id)?;
        row.serialize_element(variant_key)?;
        row.serialize_element(&self.at_ms)?;
        if length > 5 {
            row.serialize_element(&metric)?;
        }
        if length > 6 {
            row.serialize_element(&value)?;
        }
        for kept in [project_id, view_id, properties].into_iter().take(length.saturating_sub(7)) {
            row.serialize_element(kept)?;
        }
        row.end()
    }
}

/// What of a stored event the rollup reads.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
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
        let _event_id: IgnoredAny = row.next_element()?.ok_or_else(missing)?;
        let kind: usize = row.next_element()?.ok_or_else(missing)?;
        let kind = *KINDS.get(kind).ok_or_else(|| A::Error::custom("a stored event has no such kind"))?;
        let session_id = row.next_element()?.ok_or_else(missing)?;
        let variant_key = row.next_element()?.ok_or_else(missing)?;
        let at_ms = row.next_element()?.ok_or_else(missing)?;
        let metric: Option<Option<String>> = row.next_element()?;
        let value: Option<Option<f64>> = row.next_element()?;
        while row.next_element::<IgnoredAny>()?.is_some() {}
        let measurement = metric.flatten().map(|metric| Measurement { metric: metric.into(), value: value.flatten() });
        Ok(EventRow { kind, session_id, variant_key, at_ms, measurement })
    }
}
