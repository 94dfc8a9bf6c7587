//! A session's activity as it is stored: a few bytes, for there are as many rows as sessions.
//!
//! The activity is, in the form of [`Packed`],
//!
//! - the number of hours, and for each: the hours since the one before it (the first: since 1970), pageviews, exposures,
//!   conversions, and where there are conversions the first as milliseconds into the hour and the last as milliseconds
//!   after the first;
//! - unless that is all: the number of metrics, and of each the bytes of its name and the name; the number of
//!   measurements, and for each its milliseconds since 1970, twice the place of its metric, one more if it has a value,
//!   and the value as eight bytes, the lowest first; and the number of measurements that are left out.
//!
//! A session of one exposure and one pageview takes seven bytes.

use std::sync::Arc;

use super::session::{Activity, Session};
use crate::events::event::Measurement;
use crate::packed::Packed;
use crate::time::HOUR_MS;

/// Packs the activity of a session; what else it has are columns of its own.
#[must_use]
pub fn pack(session: &Session) -> Vec<u8> {
    let mut packed = Packed(Vec::with_capacity(16));
    packed.length(session.hours.len());
    let mut before = 0;
    for &(hour, Activity { pageviews, exposures, conversions, converted_ms }) in &session.hours {
        packed.number(hour - before);
        before = hour;
        for count in [pageviews, exposures, conversions] {
            packed.number(count.into());
        }
        if let Some((first_ms, last_ms)) = converted_ms {
            packed.number(first_ms - hour * HOUR_MS);
            packed.number(last_ms - first_ms);
        }
    }
    if !session.measurements.is_empty() || session.unmeasured > 0 {
        packed.measurements(session);
    }
    packed.0
}

/// Reads what [`pack`] wrote. `None` when it is something else.
#[must_use]
pub fn unpack(packed: &[u8], first_exposure: Option<(i64, String)>, is_multi_variant: bool) -> Option<Session> {
    let mut packed = Packed(packed);
    let mut session = Session { first_exposure, is_multi_variant, ..Session::default() };
    let mut hour = 0_i64;
    for _ in 0..packed.take_number()? {
        hour = hour.checked_add(packed.take_number()?)?;
        let (pageviews, exposures, conversions) = (packed.take_count()?, packed.take_count()?, packed.take_count()?);
        let converted_ms = if conversions == 0 {
            None
        } else {
            let first_ms = hour.checked_mul(HOUR_MS)?.checked_add(packed.take_number()?)?;
            Some((first_ms, first_ms.checked_add(packed.take_number()?)?))
        };
        session.hours.push((hour, Activity { pageviews, exposures, conversions, converted_ms }));
    }
    if !packed.0.is_empty() {
        packed.take_measurements(&mut session)?;
    }
    packed.0.is_empty().then_some(session)
}

impl Packed<Vec<u8>> {
    fn measurements(&mut self, session: &Session) {
        let mut metrics: Vec<&str> = Vec::new();
        for (_, Measurement { metric, .. }) in &session.measurements {
            if !metrics.contains(&&**metric) {
                metrics.push(metric);
            }
        }
        self.length(metrics.len());
        for metric in &metrics {
            self.length(metric.len());
            self.0.extend_from_slice(metric.as_bytes());
        }
        self.length(session.measurements.len());
        for (at_ms, Measurement { metric, value }) in &session.measurements {
            self.number(*at_ms);
            let place = metrics.iter().position(|known| **known == **metric).unwrap_or_default();
            self.length(2 * place + usize::from(value.is_some()));
            self.0.extend(value.iter().flat_map(|value| value.to_le_bytes()));
        }
        self.number(session.unmeasured.into());
    }
}

impl Packed<&[u8]> {
    fn take_count(&mut self) -> Option<u32> {
        u32::try_from(self.take_number()?).ok()
    }

    fn take_measurements(&mut self, session: &mut Session) -> Option<()> {
        let mut metrics = Vec::new();
        for _ in 0..self.take_length()? {
            let length = self.take_length()?;
            metrics.push(Arc::<str>::from(str::from_utf8(self.take(length)?).ok()?));
        }
        for _ in 0..self.take_length()? {
            let at_ms = self.take_number()?;
            let place = self.take_length()?;
            let metric = Arc::clone(metrics.get(place / 2)?);
            let value = if place % 2 == 1 { Some(f64::from_le_bytes(self.take(8)?.try_into().ok()?)) } else { None };
            session.measurements.push((at_ms, Measurement { metric, value }));
        }
        session.unmeasured = self.take_count()?;
        Some(())
    }
}
