//! Statements about the results of an experiment.

use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{statement, text, transact};
use crate::experiments::results::{HourOfVariant, Stored};
use crate::experiments::summary::{MetricFigures, Quality};

/// What is known of an experiment: its declaration, its rollup, an event that is not rolled up.
const KNOWN: &str = "select \
    (select json_group_array(json_array(v.value ->> 'key', v.value ->> 'weight')) \
        from experiments e, json_each(e.variants) v where e.id = ?1), \
    exists (select 1 from experiments where id = ?1) \
        or exists (select 1 from experiment_rollups where experiment_id = ?1) \
        or exists (select 1 from experiment_batches where experiment_id = ?1), \
    (select b.received_ms from experiment_batches b where +b.experiment_id = ?1 \
        and b.seq > (select seq from rollup_watermark where id = 1) order by b.seq limit 1)";

const ROLLED_UP: &str = "select late, duplicates, unexposed_sessions, multi_variant_sessions, rejected, unmeasured, \
    next_multi_variant is not null or exists (select 1 from experiments e where e.id = r.experiment_id \
        and r.sessions_removed_ms is null and (e.multi_variant <> r.multi_variant \
            or e.conversion_window_hours is not r.conversion_window_hours)) \
    from experiment_rollups r where experiment_id = ?1";

/// The hours of a day as one text: they are many rows to find, and one to pass on.
const HOURS: &str = "select date, json_group_array(json_array(hour, variant_key, new_exposed_sessions, \
        new_converted_sessions) order by hour) \
    from experiment_analytics_summary where experiment_id = ?1 and new_exposed_sessions + new_converted_sessions > 0 \
    group by date order by date";

const METRICS: &str = "select metric, variant_key, sessions, value_sessions, value_sum, value_sum_of_squares \
    from experiment_metrics where experiment_id = ?1 order by metric, variant_key";

/// What is stored of an experiment, read in one transaction at `now_ms`; `None` if nothing is known of it.
pub(in crate::edge) async fn find(database: &D1Database, experiment_id: &str, now_ms: i64) -> Result<Option<Stored>> {
    let statements = [KNOWN, ROLLED_UP, HOURS, METRICS]
        .into_iter()
        .map(|sql| statement(database, sql, &[text(experiment_id)]))
        .collect::<Result<Vec<_>>>()?;
    let results = transact(database, statements).await?;
    let [known, rolled_up, hours, metrics] = results.as_slice() else { return Ok(None) };
    let known = read_all(known, |columns| {
        let declared = serde_json::from_str(&columns.text()?).ok()?;
        Some((declared, columns.boolean()?, columns.optional_integer()?))
    })?;
    let Some((declared, true, waiting_since_ms)) = known.into_iter().next() else { return Ok(None) };
    let (quality, is_recalculating) = read_all(rolled_up, quality)?.pop().unwrap_or_default();
    Ok(Some(Stored {
        declared,
        hours: read_all(hours, day)?.into_iter().flatten().collect(),
        metrics: read_all(metrics, metric)?,
        quality,
        as_of_ms: waiting_since_ms.unwrap_or(now_ms),
        is_recalculating,
    }))
}

fn quality(columns: &mut Columns) -> Option<(Quality, bool)> {
    let quality = Quality {
        late: columns.integer()?,
        duplicates: columns.integer()?,
        unexposed_sessions: columns.integer()?,
        multi_variant_sessions: columns.integer()?,
        rejected: columns.integer()?,
        unmeasured: columns.integer()?,
    };
    Some((quality, columns.boolean()?))
}

/// The hours of a day. Days follow each other in time, and an hour is told from that of another day by its date.
fn day(columns: &mut Columns) -> Option<Vec<HourOfVariant>> {
    let date = columns.text()?;
    let hours: Vec<(i64, String, i64, i64)> = serde_json::from_str(&columns.text()?).ok()?;
    // The service may change rows as it likes: a count below 0 is nothing to judge.
    let count = |count: i64| u64::try_from(count).unwrap_or_default();
    let of_day = hours.into_iter().map(|(hour, variant_key, exposed, converted)| HourOfVariant {
        date: date.clone(),
        hour,
        variant_key,
        exposed: count(exposed),
        converted: count(converted),
    });
    Some(of_day.collect())
}

fn metric(columns: &mut Columns) -> Option<(String, String, MetricFigures)> {
    let key = (columns.text()?, columns.text()?);
    let figures = MetricFigures {
        sessions: columns.integer()?,
        value_sessions: columns.integer()?,
        value_sum: columns.number()?,
        value_sum_of_squares: columns.number()?,
    };
    Some((key.0, key.1, figures))
}
