//! One session of an experiment: all that its events come down to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::summary::{Figures, MetricFigures};
use crate::events::event::{ExperimentEventKind, Measurement};
use crate::limits::{SESSION_MEASUREMENTS, SESSION_METRICS};
use crate::time::{HOUR_MS, hour_of};

/// What becomes of a session that was exposed to more than one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MultiVariant {
    /// It leaves every figure but its own count.
    #[default]
    Exclude,
    /// It stays with its first variant.
    First,
}

impl MultiVariant {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exclude => "exclude",
            Self::First => "first",
        }
    }

    /// The choice of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Exclude, Self::First].into_iter().find(|choice| choice.name() == name)
    }
}

/// How the sessions of an experiment are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What becomes of a session with more than one variant.
    pub multi_variant: MultiVariant,
    /// How many hours after its first exposure a session can convert, at least 1, the last instant included; `None` is
    /// for ever.
    pub conversion_window_hours: Option<i64>,
}

/// One accepted event, as a session sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// What happened.
    pub kind: ExperimentEventKind,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The variant it names; counts for exposures only.
    pub variant_key: Option<String>,
    /// What a conversion measured. One that names a metric is a conversion of that metric alone.
    pub measurement: Option<Measurement>,
}

/// What a session did in one hour.
///
/// The first and the last conversion of each hour are all that is needed to find the hour of the first conversion at or
/// after any exposure: in the exposure's own hour there is one if the last is not before it; in a later hour the first
/// is it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Pageviews.
    pub pageviews: u32,
    /// Exposures.
    pub exposures: u32,
    /// Conversions.
    pub conversions: u32,
    /// The first and the last conversion, in milliseconds since 1970; only where there is a conversion.
    pub converted_ms: Option<(i64, i64)>,
}

impl Activity {
    /// What it adds to its hour.
    fn figures(&self) -> Figures {
        let any = |count: u32| i64::from(count > 0);
        Figures {
            sessions: 1,
            pageviews: i64::from(self.pageviews),
            pageview_sessions: any(self.pageviews),
            exposures: i64::from(self.exposures),
            exposure_sessions: any(self.exposures),
            conversions: i64::from(self.conversions),
            conversion_sessions: any(self.conversions),
            ..Figures::default()
        }
    }
}

/// A session's state. The order in which it observes events of different times does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    /// When it was first exposed, in milliseconds since 1970, and to which variant.
    pub first_exposure: Option<(i64, String)>,
    /// Whether it was exposed to another variant, too.
    pub is_multi_variant: bool,
    /// What it did, in the order of the hours since 1970, each once.
    pub hours: Vec<(i64, Activity)>,
    /// What it measured and when, in milliseconds since 1970, in the order of arrival; the first
    /// [`SESSION_MEASUREMENTS`], of the first [`SESSION_METRICS`] metrics.
    pub measurements: Vec<(i64, Measurement)>,
    /// Measurements beyond these, which count nowhere.
    pub unmeasured: u32,
}

impl Session {
    /// Takes in one event. Of two exposures at the same instant the one that is observed first is the first.
    pub fn observe(&mut self, event: &Occurrence) {
        if let Some(measurement) = &event.measurement {
            self.measure(event.at_ms, measurement);
        }
        let Some(activity) = self.activity_mut(hour_of(event.at_ms)) else { return };
        match event.kind {
            ExperimentEventKind::Conversion if event.measurement.is_some() => {}
            ExperimentEventKind::Pageview => activity.pageviews = activity.pageviews.saturating_add(1),
            ExperimentEventKind::Exposure => activity.exposures = activity.exposures.saturating_add(1),
            ExperimentEventKind::Conversion => {
                activity.conversions = activity.conversions.saturating_add(1);
                let (first, last) = activity.converted_ms.unwrap_or((event.at_ms, event.at_ms));
                activity.converted_ms = Some((first.min(event.at_ms), last.max(event.at_ms)));
            }
        }
        if let (ExperimentEventKind::Exposure, Some(variant)) = (event.kind, &event.variant_key) {
            self.expose(event.at_ms, variant);
        }
    }

    fn measure(&mut self, at_ms: i64, measurement: &Measurement) {
        match self.name_of(&measurement.metric).filter(|_| self.measurements.len() < SESSION_MEASUREMENTS) {
            Some(metric) => self.measurements.push((at_ms, Measurement { metric, value: measurement.value })),
            None => self.unmeasured = self.unmeasured.saturating_add(1),
        }
    }

    /// The name under which it measured this metric before, or this one if it may measure one more.
    fn name_of(&self, metric: &Arc<str>) -> Option<Arc<str>> {
        let mut known: Vec<&Arc<str>> = Vec::new();
        for (_, measurement) in &self.measurements {
            if !known.contains(&&measurement.metric) {
                known.push(&measurement.metric);
            }
        }
        let may_measure = known.len() < SESSION_METRICS;
        known.into_iter().find(|known| *known == metric).or(may_measure.then_some(metric)).cloned()
    }

    fn activity_mut(&mut self, hour: i64) -> Option<&mut Activity> {
        let place = self.hours.partition_point(|(known, _)| *known < hour);
        if self.hours.get(place).is_none_or(|(known, _)| *known != hour) {
            self.hours.insert(place, (hour, Activity::default()));
        }
        self.hours.get_mut(place).map(|(_, activity)| activity)
    }

    fn expose(&mut self, at_ms: i64, variant: &str) {
        match &self.first_exposure {
            None => self.first_exposure = Some((at_ms, variant.to_owned())),
            Some((first_ms, first)) => {
                self.is_multi_variant |= first != variant;
                if at_ms < *first_ms {
                    self.first_exposure = Some((at_ms, variant.to_owned()));
                }
            }
        }
    }

    /// The hour since 1970 of the first conversion at or after the first exposure and inside the window.
    #[must_use]
    pub fn conversion_hour(&self, window_hours: Option<i64>) -> Option<i64> {
        let (exposed_ms, _) = self.first_exposure.as_ref()?;
        let end_ms = window_end(*exposed_ms, window_hours);
        let exposed_hour = hour_of(*exposed_ms);
        self.hours
            .iter()
            .filter(|(hour, _)| *hour >= exposed_hour)
            .find_map(|&(hour, activity)| {
                let (first_ms, last_ms) = activity.converted_ms?;
                let converted_ms = if hour == exposed_hour { last_ms } else { first_ms };
                (converted_ms >= *exposed_ms).then_some((hour, first_ms.max(*exposed_ms)))
            })
            .filter(|&(_, earliest_ms)| earliest_ms <= end_ms)
            .map(|(hour, _)| hour)
    }

    /// What the session adds to the hourly rows of its variant, by hours since 1970. Nothing for a session without an
    /// exposure, and nothing for an excluded one.
    #[must_use]
    pub fn figures(&self, rules: Rules) -> Option<(&str, Vec<(i64, Figures)>)> {
        let (exposed_ms, variant) = self.counted_exposure(rules)?;
        let exposed_hour = hour_of(exposed_ms);
        let converted_hour = self.conversion_hour(rules.conversion_window_hours);
        let figures = self.hours.iter().map(|&(hour, activity)| {
            let new_exposed_sessions = i64::from(hour == exposed_hour);
            let new_converted_sessions = i64::from(converted_hour == Some(hour));
            (hour, Figures { new_exposed_sessions, new_converted_sessions, ..activity.figures() })
        });
        Some((variant, figures.collect()))
    }

    /// What the session adds to the metrics of its variant: of each that it measured at or after its first exposure and
    /// inside the window, once, and the sum of its values. Nothing where it adds nothing to hourly rows.
    #[must_use]
    pub fn metrics(&self, rules: Rules) -> Option<(&str, Vec<(&str, MetricFigures)>)> {
        let (exposed_ms, variant) = self.counted_exposure(rules)?;
        let counted = exposed_ms..=window_end(exposed_ms, rules.conversion_window_hours);
        let mut sums: Vec<(&str, Option<f64>)> = Vec::new();
        for (_, measurement) in self.measurements.iter().filter(|(at_ms, _)| counted.contains(at_ms)) {
            let Measurement { metric, value } = measurement;
            match sums.iter_mut().find(|(known, _)| **known == **metric) {
                Some((_, sum)) => *sum = value.map(|value| sum.unwrap_or_default() + value).or(*sum),
                None => sums.push((metric, *value)),
            }
        }
        Some((variant, sums.into_iter().map(|(metric, sum)| (metric, MetricFigures::of_session(sum))).collect()))
    }

    /// The first exposure of a session that is not left out: when, and to which variant.
    fn counted_exposure(&self, rules: Rules) -> Option<(i64, &str)> {
        let is_excluded = self.is_multi_variant && rules.multi_variant == MultiVariant::Exclude;
        self.first_exposure.as_ref().filter(|_| !is_excluded).map(|(at_ms, variant)| (*at_ms, variant.as_str()))
    }

    /// Whether it has events and was never exposed.
    #[must_use]
    pub fn is_unexposed(&self) -> bool {
        self.first_exposure.is_none() && !self.hours.is_empty()
    }
}

/// The last instant at which a session that was exposed then can convert, in milliseconds since 1970.
fn window_end(exposed_ms: i64, window_hours: Option<i64>) -> i64 {
    window_hours.map_or(i64::MAX, |hours| exposed_ms.saturating_add(hours.saturating_mul(HOUR_MS)))
}
