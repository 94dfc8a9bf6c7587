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
    /// Adds `other`, or takes it away.
    pub fn add(&mut self, other: &Self, sign: Sign) {
        let mine = self.columns_mut();
        for (mine, other) in mine.into_iter().zip(other.columns()) {
            *mine = mine.saturating_add(other.saturating_mul(sign.times()));
        }
    }

    /// Whether nothing is counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// The figures, in their order.
    #[must_use]
    pub fn columns(&self) -> [i64; 9] {
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
    /// The number of the experiment.
    pub experiment: i64,
    /// The variant.
    pub variant_key: String,
    /// The UTC hour since 1970.
    pub hour: i64,
}

/// What the sessions of a variant measured of one metric. As a difference between two states it can be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricFigures {
    /// Sessions that measured it.
    pub sessions: i64,
    /// Sessions that measured a value.
    pub value_sessions: i64,
    /// The sum of the values.
    pub value_sum: f64,
    /// The sum of the squares of the sessions' sums.
    pub value_sum_of_squares: f64,
}

impl MetricFigures {
    /// Those of one session whose values add up to `sum`.
    #[must_use]
    pub fn of_session(sum: Option<f64>) -> Self {
        let value_sum = sum.unwrap_or_default();
        Self {
            sessions: 1,
            value_sessions: i64::from(sum.is_some()),
            value_sum,
            value_sum_of_squares: value_sum * value_sum,
        }
    }

    /// Adds `other`, or takes it away.
    pub fn add(&mut self, other: &Self, sign: Sign) {
        self.sessions += sign.times() * other.sessions;
        self.value_sessions += sign.times() * other.value_sessions;
        let factor = if sign == Sign::Plus { 1.0 } else { -1.0 };
        self.value_sum += factor * other.value_sum;
        self.value_sum_of_squares += factor * other.value_sum_of_squares;
    }
}

/// Which figures of a metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricKey {
    /// The number of the experiment.
    pub experiment: i64,
    /// The variant.
    pub variant_key: String,
    /// The name of what is measured.
    pub metric: String,
}

/// How well an experiment's events can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quality {
    /// Events that arrived more than an hour after they happened.
    pub late: i64,
    /// Events that were stored before and came again.
    pub duplicates: i64,
    /// Sessions with events and without an exposure.
    pub unexposed_sessions: i64,
    /// Sessions that were exposed to more than one variant.
    pub multi_variant_sessions: i64,
    /// Events of the experiment that were refused after they were read.
    pub rejected: i64,
    /// Measurements beyond those that are kept of a session.
    pub unmeasured: i64,
}

/// Whether figures are added or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Added.
    Plus,
    /// Taken away.
    Minus,
}

impl Sign {
    /// 1 or -1.
    #[must_use]
    pub fn times(self) -> i64 {
        match self {
            Self::Plus => 1,
            Self::Minus => -1,
        }
    }
}
