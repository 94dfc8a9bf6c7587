//! The results of an experiment: the judgement on what its sessions add up to.

use serde::Serialize;

use super::summary::{MetricFigures, Quality};
use crate::http::problem::{Code, Problem};
use crate::limits::VARIANTS;
use crate::statistics::count;
use crate::statistics::sample_ratio::SampleRatio;
use crate::verdict::arm::{Arm, MeanFigures, RateFigures, ValueArm};
use crate::verdict::judgement::{Judgement, Metric, judge, means, rates};

/// What new sessions a variant had in an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourOfVariant {
    /// The UTC date, `2026-11-20`.
    pub date: String,
    /// The UTC hour of the day, 0 to 23.
    pub hour: i64,
    /// The variant.
    pub variant_key: String,
    /// Sessions whose first exposure was then.
    pub exposed: u64,
    /// Sessions whose first conversion was then.
    pub converted: u64,
}

/// What is stored of an experiment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// The variants that are declared, with their weights, in their order; none where nothing is declared.
    pub declared: Vec<(String, f64)>,
    /// What came in each hour, in the order of time.
    pub hours: Vec<HourOfVariant>,
    /// What was measured, by metric and variant; the same metrics together.
    pub metrics: Vec<(String, String, MetricFigures)>,
    /// How well the events can be relied on.
    pub quality: Quality,
    /// Every event that arrived before is in the results; in milliseconds since 1970.
    pub as_of_ms: i64,
    /// Whether sessions are still to be judged anew, because rules changed.
    pub is_recalculating: bool,
}

/// What the sessions of an experiment add up to, ready to be judged.
#[derive(Clone, Debug)]
pub struct Results {
    arms: Vec<Arm>,
    baseline: usize,
    sample_ratio: Option<SampleRatio>,
    metrics: Vec<MeasuredMetric>,
    quality: Quality,
    as_of_ms: i64,
    is_recalculating: bool,
}

#[derive(Clone, Debug)]
struct MeasuredMetric {
    name: String,
    arms: Vec<Arm>,
    values: Option<Vec<ValueArm>>,
}

/// The results, as they are told.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    /// The experiment.
    pub experiment_id: &'a str,
    /// Every event that arrived before is in the results; in milliseconds since 1970.
    pub as_of: i64,
    /// Whether rules changed and sessions are still to be judged by them: until then the figures are of the old rules, or
    /// of both.
    pub recalculating: bool,
    /// The judgement on the conversions.
    #[serde(flatten)]
    pub judgement: Judgement<'a>,
    /// The figures of each metric that conversions name.
    pub metrics: Vec<MetricAnswer<'a>>,
    /// How well the events can be relied on.
    pub quality: Quality,
}

/// The figures of a metric.
#[derive(Debug, Serialize)]
pub struct MetricAnswer<'a> {
    /// Its name.
    pub metric: &'a str,
    /// In how many sessions it occurred.
    pub occurrence: Metric<'a, RateFigures<'a>>,
    /// What its values are by session; null where there are none.
    pub value: Option<Metric<'a, MeanFigures<'a>>>,
}

impl Results {
    /// Adds up what is stored. The arms are the declared variants in their order, then others in the order of their keys,
    /// up to [`VARIANTS`] in all. Where declared variants have weights, those that have none are not compared. The baseline is the
    /// first that is, unless another is named.
    ///
    /// # Errors
    /// [`Code::InvalidValue`] for a baseline that is no variant.
    pub fn of(stored: &Stored, baseline: Option<&str>) -> Result<Self, Problem> {
        let mut arms: Vec<Arm> = stored.declared.iter().map(|(key, _)| stored.arm(key)).collect();
        for hour in &stored.hours {
            if arms.len() < VARIANTS && arms.iter().all(|arm| arm.key != hour.variant_key) {
                let others = arms.get(stored.declared.len()..).unwrap_or_default();
                let place = stored.declared.len() + others.partition_point(|other| other.key < hour.variant_key);
                arms.insert(place, stored.arm(&hour.variant_key));
            }
            if let Some(arm) = arms.iter_mut().find(|arm| arm.key == hour.variant_key) {
                arm.sessions += hour.exposed;
                arm.conversions += hour.converted;
            }
        }
        // Rows that the service changed may say anything.
        for arm in &mut arms {
            arm.conversions = arm.conversions.min(arm.sessions);
        }
        let place = |key: &str| arms.iter().position(|arm| arm.key == key);
        let unknown = || Problem::new(Code::InvalidValue, "baseline is the key of none of the variants.");
        let first = arms.iter().position(|arm| arm.is_compared).unwrap_or_default();
        let baseline = baseline.map_or(Some(first), place).ok_or_else(unknown)?;
        let sample_ratio = sample_ratio(stored);
        let metrics =
            stored.metrics.chunk_by(|one, other| one.0 == other.0).map(|rows| MeasuredMetric::of(rows, &arms));
        let metrics = metrics.collect();
        let &Stored { quality, as_of_ms, is_recalculating, .. } = stored;
        Ok(Self { arms, baseline, sample_ratio, metrics, quality, as_of_ms, is_recalculating })
    }

    /// The results, judged.
    #[must_use]
    pub fn answer<'a>(&'a self, experiment_id: &'a str) -> Answer<'a> {
        let metric = |metric: &'a MeasuredMetric| MetricAnswer {
            metric: &metric.name,
            occurrence: rates(&metric.arms, self.baseline),
            value: metric.values.as_ref().map(|values| means(values, self.baseline)),
        };
        Answer {
            experiment_id,
            as_of: self.as_of_ms,
            recalculating: self.is_recalculating,
            judgement: judge(&self.arms, self.baseline, self.sample_ratio.as_ref()),
            metrics: self.metrics.iter().map(metric).collect(),
            quality: self.quality,
        }
    }
}

impl MeasuredMetric {
    /// The figures of one metric for each of the experiment's arms.
    fn of(rows: &[(String, String, MetricFigures)], arms: &[Arm]) -> Self {
        let figures_of = |arm: &Arm| {
            rows.iter().find(|(_, variant_key, _)| *variant_key == arm.key).map(|row| row.2).unwrap_or_default()
        };
        let occurred = |arm: &Arm| {
            let sessions = figures_of(arm).sessions.unsigned_abs();
            Arm { conversions: sessions.min(arm.sessions), ..arm.clone() }
        };
        let valued = |arm: &Arm| {
            let MetricFigures { value_sessions, value_sum, value_sum_of_squares, .. } = figures_of(arm);
            ValueArm {
                key: arm.key.clone(),
                sessions: arm.sessions,
                valued: value_sessions.unsigned_abs(),
                sum: value_sum,
                sum_of_squares: value_sum_of_squares,
                is_compared: arm.is_compared,
            }
        };
        let has_values = rows.iter().any(|(_, _, figures)| figures.value_sessions > 0);
        Self {
            name: rows.first().map(|(metric, ..)| metric.clone()).unwrap_or_default(),
            arms: arms.iter().map(occurred).collect(),
            values: has_values.then(|| arms.iter().map(valued).collect()),
        }
    }
}

impl Stored {
    /// The declared variants to which sessions are allotted.
    fn weighted(&self) -> impl Iterator<Item = &(String, f64)> {
        self.declared.iter().filter(|(_, weight)| *weight > 0.0)
    }

    fn arm(&self, key: &str) -> Arm {
        let is_compared = self.weighted().next().is_none() || self.weighted().any(|(weighted, _)| weighted == key);
        Arm { key: key.to_owned(), sessions: 0, conversions: 0, is_compared }
    }
}

/// The sample ratio, looked at after each hour. Variants without a weight are no part of it.
fn sample_ratio(stored: &Stored) -> Option<SampleRatio> {
    let weighted: Vec<&(String, f64)> = stored.weighted().collect();
    if weighted.is_empty() {
        return None;
    }
    let weights: Vec<f64> = weighted.iter().map(|(_, weight)| *weight).collect();
    let mut sample_ratio = SampleRatio::new(&weights);
    for hour in stored.hours.chunk_by(|one, other| (one.hour, &one.date) == (other.hour, &other.date)) {
        let came = |(key, _): &&(String, f64)| {
            hour.iter().find(|row| row.variant_key == *key).map_or(0.0, |row| count(row.exposed))
        };
        let new_sessions: Vec<f64> = weighted.iter().map(came).collect();
        sample_ratio.look(&new_sessions);
    }
    Some(sample_ratio)
}
