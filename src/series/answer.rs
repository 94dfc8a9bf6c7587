//! The answer to a series.

use serde::Serialize;
use uuid::Uuid;

use super::points::Interval;
use super::request::SeriesRequest;
use super::zone::Zone;
use crate::counting::tally::{Metric, Tally};

/// One point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Point {
    start: String,
    count: i64,
}

/// A series, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_id: Option<Uuid>,
    metric: Metric,
    interval: Interval,
    tz: &'a str,
    points: Vec<Point>,
}

impl<'a> Series<'a> {
    /// The series of a prompt over points that begin at `bounds`, each but the last: what was counted in them, by the
    /// number of the point.
    #[must_use]
    pub fn new(
        prompt_id: Uuid,
        request: &'a SeriesRequest,
        zone: &Zone,
        bounds: &[i64],
        counted: &[(usize, Tally)],
    ) -> Self {
        let counted = counted.iter().map(|(index, tally)| (*index, tally.count(request.metric).cast_signed()));
        Self::of(Some(prompt_id), request, zone, bounds, counted)
    }

    /// The series of all prompts: of each point what was counted in it, less what was taken back.
    #[must_use]
    pub fn of_all(request: &'a SeriesRequest, zone: &Zone, bounds: &[i64], counted: Vec<i64>) -> Self {
        Self::of(None, request, zone, bounds, counted.into_iter().enumerate())
    }

    fn of(
        prompt_id: Option<Uuid>,
        request: &'a SeriesRequest,
        zone: &Zone,
        bounds: &[i64],
        counted: impl Iterator<Item = (usize, i64)>,
    ) -> Self {
        let mut points: Vec<Point> =
            bounds.iter().map(|bound| Point { start: zone.timestamp(*bound), count: 0 }).collect();
        points.pop();
        for (index, count) in counted {
            if let Some(point) = points.get_mut(index) {
                point.count = count;
            }
        }
        let SeriesRequest { metric, ref period } = *request;
        Self { prompt_id, metric, interval: period.interval, tz: &period.tz, points }
    }
}
