//! Which badge is asked for.

use super::color::Color;
use super::drawing::Style;
use super::metric::BadgeMetric;
use crate::counting::tally::Metric;
use crate::http::problem::{Code, Problem};
use crate::http::query::Query;
use crate::limits::BADGE_LABEL_CHARS;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadgeRequest {
    /// What it tells.
    pub metric: BadgeMetric,
    /// What stands before the count.
    pub label: String,
    /// How it looks.
    pub style: Style,
    /// What the count stands on.
    pub color: Color,
}

impl BadgeRequest {
    /// Reads `metric` (`view`), `label` (by the metric), `style` (`flat`), and `color` or `colour` (`blue`). One that is empty is
    /// not given.
    ///
    /// # Errors
    /// [`Code::InvalidValue`]; [`Code::InvalidLength`] for a label of more than [`BADGE_LABEL_CHARS`] characters.
    pub fn parse(query: &Query) -> Result<Self, Problem> {
        let given = |name| query.get(name).filter(|value| !value.is_empty());
        let wanted = given("metric").unwrap_or(Metric::View.name());
        let metric = BadgeMetric::ALL.into_iter().find(|(_, name, _)| *name == wanted);
        let (metric, _, usual_label) =
            metric.ok_or_else(|| invalid("metric is view, copy, fork, compare, visit, like or visitor."))?;
        let label = given("label").unwrap_or(usual_label);
        if label.chars().count() > BADGE_LABEL_CHARS {
            let detail = format!("label has at most {BADGE_LABEL_CHARS} characters.");
            return Err(Problem::new(Code::InvalidLength, detail));
        }
        let style = given("style").map_or(Some(Style::Flat), Style::of_name);
        let color = given("color").or_else(|| given("colour")).map_or(Some(Color::COUNT), Color::parse);
        Ok(Self {
            metric,
            label: label.to_owned(),
            style: style.ok_or_else(|| invalid("style is flat, flat-square or for-the-badge."))?,
            color: color.ok_or_else(|| {
                invalid("color is a name, such as brightgreen, orange or blue, or three or six hexadecimal digits.")
            })?,
        })
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidValue, detail)
}
