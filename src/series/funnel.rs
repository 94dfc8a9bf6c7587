//! How many of the views of a prompt lead to a copy, of the copies to a fork, of the forks to a comparison.

use serde::Serialize;
use uuid::Uuid;

use super::zone::Zone;
use crate::counting::tally::{Metric, Tally};
use crate::statistics::count;
use crate::statistics::proportion::wilson_interval;

/// What is before a step, or why there is no share of it: events are counted, and not people.
const NOTHING_BEFORE: &str = "Nothing was counted that this would be a share of.";
const MORE_THAN_BEFORE: &str = "More was counted than what this would be a share of.";

/// A share of what was counted before, with Wilson's interval at 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Share {
    rate: Option<f64>,
    interval: Option<[f64; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Share {
    fn of(part: u64, whole: u64) -> Self {
        let reason = match whole {
            0 => Some(NOTHING_BEFORE),
            _ if part > whole => Some(MORE_THAN_BEFORE),
            _ => None,
        };
        let (part, whole) = (count(part), count(whole));
        Self {
            rate: reason.is_none().then(|| part / whole),
            interval: reason.is_none().then(|| wilson_interval(whole, part)),
            reason,
        }
    }
}

/// One step, over all days.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    #[serde(rename = "step")]
    metric: Metric,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    of_previous: Option<Share>,
    #[serde(skip_serializing_if = "Option::is_none")]
    of_views: Option<Share>,
}

/// What was counted on a day, and each step as a share of the one before.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    start: String,
    views: u64,
    copies: u64,
    forks: u64,
    compares: u64,
    copies_of_views: Share,
    forks_of_copies: Share,
    compares_of_forks: Share,
}

/// A funnel, as it is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Funnel<'a> {
    prompt_id: Uuid,
    tz: &'a str,
    from: String,
    to: String,
    steps: Vec<Step>,
    days: Vec<Day>,
}

impl<'a> Funnel<'a> {
    /// The funnel of a prompt over days that begin at `bounds`, each but the last: what was counted on them, by the
    /// number of the day.
    #[must_use]
    pub fn new(prompt_id: Uuid, tz: &'a str, zone: &Zone, bounds: &[i64], counted: &[(usize, Tally)]) -> Self {
        let mut days: Vec<Day> =
            bounds.iter().map(|bound| Day::new(zone.timestamp(*bound), Tally::default())).collect();
        let to = days.pop().map_or_else(String::new, |end| end.start);
        let from = days.first().map_or_else(String::new, |day| day.start.clone());
        let mut total = Tally::default();
        for (index, tally) in counted {
            total.add_all(tally);
            if let Some(day) = days.get_mut(*index) {
                *day = Day::new(std::mem::take(&mut day.start), *tally);
            }
        }
        Self { prompt_id, tz, from, to, steps: steps(&total), days }
    }
}

impl Day {
    fn new(start: String, tally: Tally) -> Self {
        let Tally { views, copies, forks, compares, .. } = tally;
        Self {
            start,
            views,
            copies,
            forks,
            compares,
            copies_of_views: Share::of(copies, views),
            forks_of_copies: Share::of(forks, copies),
            compares_of_forks: Share::of(compares, forks),
        }
    }
}

fn steps(total: &Tally) -> Vec<Step> {
    let mut previous = None;
    let mut steps = Vec::new();
    for metric in [Metric::View, Metric::Copy, Metric::Fork, Metric::Compare] {
        let count = total.count(metric);
        let share_of = |whole| Share::of(count, whole);
        steps.push(Step {
            metric,
            count,
            of_previous: previous.map(share_of),
            of_views: previous.map(|_| share_of(total.views)),
        });
        previous = Some(count);
    }
    steps
}
