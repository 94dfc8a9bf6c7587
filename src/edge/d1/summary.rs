//! Statements about hourly rows.

use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{integer, run, statement, text};
use crate::experiments::page::{Page, SummaryRow};
use crate::experiments::summary::Figures;

/// The rows of a page, and one more where there are more.
pub(in crate::edge) async fn page(database: &D1Database, experiment_id: &str, page: &Page) -> Result<Vec<SummaryRow>> {
    let sql = "select variant_key, date, hour, sessions, pageviews, pageview_sessions, exposures, exposure_sessions, \
            conversions, conversion_sessions, new_exposed_sessions, new_converted_sessions \
        from experiment_analytics_summary where experiment_id = ?1 \
        and (date, hour, variant_key) > (?2, cast(?3 as integer), ?4) \
        and (date, hour, variant_key) < (?5, cast(?6 as integer), ?7) \
        order by date, hour, variant_key limit ?8";
    let parameters = [
        text(experiment_id),
        text(&page.after.0),
        integer(page.after.1),
        text(&page.after.2),
        text(&page.before.0),
        integer(page.before.1),
        text(&page.before.2),
        integer(page.limit + 1),
    ];
    read_all(&run(statement(database, sql, &parameters)?).await?, summary_row)
}

fn summary_row(columns: &mut Columns) -> Option<SummaryRow> {
    Some(SummaryRow {
        variant_key: columns.text()?,
        date: columns.text()?,
        hour: columns.integer()?,
        figures: Figures {
            sessions: columns.integer()?,
            pageviews: columns.integer()?,
            pageview_sessions: columns.integer()?,
            exposures: columns.integer()?,
            exposure_sessions: columns.integer()?,
            conversions: columns.integer()?,
            conversion_sessions: columns.integer()?,
            new_exposed_sessions: columns.integer()?,
            new_converted_sessions: columns.integer()?,
        },
    })
}
