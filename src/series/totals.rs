//! The series over all prompts, by what the snapshots of their counters added.

use super::request::SeriesRequest;
use crate::counting::tally::Metric;
use crate::http::problem::{Code, Problem};
use crate::json::json_text;
use crate::sql::statement::Statement;

/// The statement that gives for each point that begins at `bounds`, each but the last, what was counted in it, in their order.
///
/// # Errors
/// [`Code::InvalidValue`] for a metric of which there are no totals: snapshots tell nothing of what was dropped.
pub fn statement(request: &SeriesRequest, bounds: &[i64]) -> Result<Statement, Problem> {
    let column = column(request.metric).ok_or_else(|| {
        Problem::new(Code::InvalidValue, "metric is view, copy, fork, compare or visit: of all prompts.")
    })?;
    let points: Vec<(&i64, &i64)> = bounds.iter().zip(bounds.iter().skip(1)).collect();
    let mut statement = Statement::new("select (select coalesce(sum(");
    statement
        .push(column)
        .push("), 0) from count_totals where quarter >= point.value ->> 0 and quarter < point.value ->> 1)");
    statement.push(" from json_each(").bind_text(json_text(&points)).push(") point order by point.key");
    Ok(statement)
}

/// The column that has the counts of all prompts, where they are kept.
#[must_use]
pub fn column(metric: Metric) -> Option<&'static str> {
    match metric {
        Metric::View => Some("view_count"),
        Metric::Copy => Some("copy_count"),
        Metric::Fork => Some("fork_count"),
        Metric::Compare => Some("compare_count"),
        Metric::Visit => Some("visit_count"),
        Metric::Bot | Metric::Headless | Metric::Prefetch => None,
    }
}
