//! The arms of an experiment, by what was counted in them, and the figures of each.

use serde::Serialize;

use crate::statistics::beta::Beta;
use crate::statistics::count;
use crate::statistics::proportion::wilson_interval;
use crate::statistics::sample::{Lack, Sample};

/// Conversions, and sessions without one, that an arm has before its rate is judged: with ten of each a count's
/// distribution is near enough to a normal one.
pub const LEAST_OF_EACH: u64 = 10;
/// Sessions with a value that an arm has before the mean of its values is judged: of fewer, a few large ones decide.
pub const LEAST_VALUED: u64 = 30;

/// An arm in which something happens in a session or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The variant.
    pub key: String,
    /// Its sessions, up to 10^12.
    pub sessions: u64,
    /// Those of them in which it happened.
    pub conversions: u64,
    /// Whether it is compared with the baseline. Sessions that come to an arm to which none are allotted come by mistake, or came
    /// before: they are told, and decide nothing.
    pub is_compared: bool,
}

/// An arm whose sessions have a value each; one without any has 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueArm {
    /// The variant.
    pub key: String,
    /// Its sessions, up to 10^12.
    pub sessions: u64,
    /// Those of them that have a value.
    pub valued: u64,
    /// The sum of their values.
    pub sum: f64,
    /// The sum of the squares of their values.
    pub sum_of_squares: f64,
    /// As in [`Arm`].
    pub is_compared: bool,
}

/// An arm as it is compared, whatever was counted.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The variant.
    pub key: &'a str,
    /// What was measured.
    pub sample: Sample,
    /// What is known of its rate, if it has one.
    pub rate: Option<Beta>,
    /// Whether there is enough to judge it.
    pub is_enough: bool,
    /// As in [`Arm`].
    pub is_compared: bool,
}

/// The figures of an arm with a rate.
#[derive(Clone, Debug, Serialize)]
pub struct RateFigures<'a> {
    key: &'a str,
    sessions: u64,
    conversions: u64,
    rate: Option<f64>,
    interval: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The figures of an arm with values.
#[derive(Clone, Debug, Serialize)]
pub struct MeanFigures<'a> {
    key: &'a str,
    sessions: u64,
    sum: f64,
    mean: Option<f64>,
    interval: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Arm {
    /// The arm as it is compared.
    #[must_use]
    pub fn measured(&self) -> Measured<'_> {
        let (sessions, conversions) = (count(self.sessions), count(self.conversions));
        let without = self.sessions.saturating_sub(self.conversions);
        Measured {
            key: &self.key,
            sample: Sample::of_rate(sessions, conversions),
            rate: Some(Beta::posterior(sessions, conversions)),
            is_enough: self.conversions.min(without) >= LEAST_OF_EACH,
            is_compared: self.is_compared,
        }
    }

    /// Its figures; the interval is Wilson's.
    #[must_use]
    pub fn figures(&self) -> RateFigures<'_> {
        let has_sessions = self.sessions > 0;
        RateFigures {
            key: &self.key,
            sessions: self.sessions,
            conversions: self.conversions,
            rate: has_sessions.then(|| count(self.conversions) / count(self.sessions)),
            interval: has_sessions.then(|| wilson_interval(count(self.sessions), count(self.conversions))),
            reason: (!has_sessions).then(|| Lack::Sessions.reason()),
        }
    }
}

impl ValueArm {
    /// The arm as it is compared.
    #[must_use]
    pub fn measured(&self) -> Measured<'_> {
        Measured {
            key: &self.key,
            sample: Sample::of_values(count(self.sessions), self.sum, self.sum_of_squares),
            rate: None,
            is_enough: self.valued >= LEAST_VALUED,
            is_compared: self.is_compared,
        }
    }

    /// Its figures; the interval is Student's.
    #[must_use]
    pub fn figures(&self) -> MeanFigures<'_> {
        let sample = self.measured().sample;
        let interval = sample.interval();
        MeanFigures {
            key: &self.key,
            sessions: self.sessions,
            sum: self.sum,
            mean: (self.sessions > 0).then_some(sample.mean),
            interval: interval.ok(),
            reason: interval.err().map(Lack::reason),
        }
    }
}
