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
    count: u64,
}

/// A series, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series<'a> {
    prompt_id: Uuid,
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
        let mut points: Vec<Point> =
            bounds.iter().map(|bound| Point { start: zone.timestamp(*bound), count: 0 }).collect();
        points.pop();
        for (index, tally) in counted {
            if let Some(point) = points.get_mut(*index) {
                point.count = tally.count(request.metric);
            }
        }
        let SeriesRequest { metric, ref period } = *request;
        Self { prompt_id, metric, interval: period.interval, tz: &period.tz, points }
    }
}
