//! Hourly rows: what an experiment's sessions add up to.

use serde::{Deserialize, Serialize};

/// The figures of one hourly row. As a difference between two states they can be negative.
///
/// The distinct counts (`sessions`, `…_sessions`) hold for their hour and are never added across hours. The `new_`
/// counts are: their sum is the number of distinct sessions, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Distinct sessions with any event in the hour.
    pub sessions: i64,
    /// Pageviews.
    pub pageviews: i64,
    /// Distinct sessions with a pageview.
    pub pageview_sessions: i64,
    /// Exposures.
    pub exposures: i64,
    /// Distinct sessions with an exposure.
    pub exposure_sessions: i64,
    /// Conversions.
    pub conversions: i64,
    /// Distinct sessions with a conversion.
    pub conversion_sessions: i64,
    /// Sessions whose first exposure is in the hour.
    pub new_exposed_sessions: i64,
    /// Sessions whose first conversion at or after it, and inside the window, is in the hour.
    pub new_converted_sessions: i64,
}

impl Figures {
    /// Adds `other`, `times` times: once, or minus once.
    pub fn add(&mut self, other: &Self, times: i64) {
        let mine = self.columns_mut();
        for (mine, other) in mine.into_iter().zip(other.columns()) {
            *mine = mine.saturating_add(other.saturating_mul(times));
        }
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn columns(&self) -> [i64; 9] {
        let mut copy = *self;
        copy.columns_mut().map(|column| *column)
    }

    fn columns_mut(&mut self) -> [&mut i64; 9] {
        let Self {
            sessions,
            pageviews,
            pageview_sessions,
            exposures,
            exposure_sessions,
            conversions,
            conversion_sessions,
            new_exposed_sessions,
            new_converted_sessions,
        } = self;
        [
            sessions,
            pageviews,
            pageview_sessions,
            exposures,
            exposure_sessions,
            conversions,
            conversion_sessions,
            new_exposed_sessions,
            new_converted_sessions,
        ]
    }
}

/// Which hourly row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// The experiment.
    pub experiment_id: String,
    /// The variant.
    pub variant_key: String,
    /// The UTC hour since 1970.
    pub hour: i64,
}

/// How many sessions of an experiment are not, or not only, in its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Sessions with events and without an exposure.
    pub unexposed_sessions: i64,
    /// Sessions that were exposed to more than one variant.
    pub multi_variant_sessions: i64,
}
