//! One session of an experiment: all that its events come down to.

use serde::de::Error;
use serde::{Deserialize, Serialize};

use super::summary::Figures;
use crate::events::event::ExperimentEventKind;
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
    /// The choice of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "exclude" => Some(Self::Exclude),
            "first" => Some(Self::First),
            _ => None,
        }
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// What happened.
    pub kind: ExperimentEventKind,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The variant it names; counts for exposures only.
    pub variant_key: Option<String>,
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// When it was first exposed, in milliseconds since 1970, and to which variant.
    pub first_exposure: Option<(i64, String)>,
    /// Whether it was exposed to another variant, too.
    pub is_multi_variant: bool,
    /// What it did, in the order of the hours since 1970, each once.
    pub hours: Vec<(i64, Activity)>,
}

impl Session {
    /// Takes in one event. Of two exposures at the same instant the one that is observed first is the first.
    pub fn observe(&mut self, event: &Occurrence) {
        let Some(activity) = self.activity_mut(hour_of(event.at_ms)) else { return };
        match event.kind {
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
        let end_ms = window_hours.map_or(i64::MAX, |hours| exposed_ms.saturating_add(hours.saturating_mul(HOUR_MS)));
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
        let (exposed_ms, variant) = self.first_exposure.as_ref()?;
        if self.is_multi_variant && rules.multi_variant == MultiVariant::Exclude {
            return None;
        }
        let exposed_hour = hour_of(*exposed_ms);
        let converted_hour = self.conversion_hour(rules.conversion_window_hours);
        let figures = self.hours.iter().map(|&(hour, activity)| {
            let new_exposed_sessions = i64::from(hour == exposed_hour);
            let new_converted_sessions = i64::from(converted_hour == Some(hour));
            (hour, Figures { new_exposed_sessions, new_converted_sessions, ..activity.figures() })
        });
        Some((variant, figures.collect()))
    }

    /// Whether it has events and was never exposed.
    #[must_use]
    pub fn is_unexposed(&self) -> bool {
        self.first_exposure.is_none() && !self.hours.is_empty()
    }
}

/// Writes [`Session::hours`] as stored: one array for each hour, `[hour, pageviews, exposures, conversions]` and, with
/// conversions, the first and the last as milliseconds into the hour.
#[must_use]
pub fn store_hours(hours: &[(i64, Activity)]) -> String {
    let stored: Vec<Vec<i64>> = hours
        .iter()
        .map(|&(hour, Activity { pageviews, exposures, conversions, converted_ms })| {
            let start_ms = hour.saturating_mul(HOUR_MS);
            let mut stored = vec![hour, pageviews.into(), exposures.into(), conversions.into()];
            if let Some((first_ms, last_ms)) = converted_ms {
                stored.extend([first_ms.saturating_sub(start_ms), last_ms.saturating_sub(start_ms)]);
            }
            stored
        })
        .collect();
    serde_json::to_string(&stored).unwrap_or_default()
}

/// Reads [`Session::hours`] as stored.
///
/// # Errors
/// When the text is not what [`store_hours`] writes.
pub fn restore_hours(stored: &str) -> serde_json::Result<Vec<(i64, Activity)>> {
    let stored: Vec<Vec<i64>> = serde_json::from_str(stored)?;
    stored.iter().map(|hour| restore_hour(hour).ok_or_else(|| Error::custom("no hour of a session"))).collect()
}

fn restore_hour(stored: &[i64]) -> Option<(i64, Activity)> {
    let (&[hour, pageviews, exposures, conversions], converted) = stored.split_first_chunk()?;
    let start_ms = hour.saturating_mul(HOUR_MS);
    let converted_ms = match *converted {
        [] => None,
        [first, last] => Some((start_ms.saturating_add(first), start_ms.saturating_add(last))),
        _ => return None,
    };
    let count = |count: i64| u32::try_from(count).ok();
    let (pageviews, exposures, conversions) = (count(pageviews)?, count(exposures)?, count(conversions)?);
    Some((hour, Activity { pageviews, exposures, conversions, converted_ms }))
}
