//! Statements of the experiment rollup.

use std::collections::HashMap;

use worker::{D1Database, Error, Result};

use super::rows::{read_all, rows_written};
use super::{arrays, integer, run, session_states, statement, transact};
use crate::experiments::rollup::Changes;
use crate::experiments::summary::{MetricFigures, Quality};
use crate::recording::event_row::EventRow;
use crate::time::date_and_hour;

/// How far the rollup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) struct Position {
    /// The arrival number up to which batches are rolled up.
    pub(in crate::edge) seq: i64,
    /// Moves with every transaction of a rollup.
    version: i64,
}

/// How far the rollup is.
pub(in crate::edge) async fn position(database: &D1Database) -> Result<Position> {
    let found = run(statement(database, "select seq, version from rollup_watermark where id = 1", &[])?).await?;
    let position =
        |columns: &mut super::rows::Columns| Some(Position { seq: columns.integer()?, version: columns.integer()? });
    read_all(&found, position)?.pop().ok_or_else(|| Error::from("the watermark is missing"))
}

/// The arrival number of the newest batch; 0 if there is none.
pub(in crate::edge) async fn newest(database: &D1Database) -> Result<i64> {
    let found = run(statement(database, "select coalesce(max(seq), 0) from experiment_batches", &[])?).await?;
    Ok(read_all(&found, super::rows::Columns::integer)?.pop().unwrap_or_default())
}

/// A stored batch of events.
pub(in crate::edge) struct Batch {
    /// Its place in the order of arrival.
    pub(in crate::edge) seq: i64,
    /// The experiment.
    pub(in crate::edge) experiment_id: String,
    /// When it arrived, in milliseconds since 1970.
    pub(in crate::edge) received_ms: i64,
    /// Events that came with it and were stored before, or were refused.
    pub(in crate::edge) left_out: (i64, i64),
    /// Its events.
    pub(in crate::edge) events: Vec<EventRow>,
}

/// Bytes of the batches that are read together, unless one has more.
const BATCHES_BYTES: i64 = 8_000_000;

/// The next batches, in the order of arrival: as many as hold `events` events together, one at the least.
pub(in crate::edge) async fn batches(database: &D1Database, after: Position, events: i64) -> Result<Vec<Batch>> {
    let sql = "select seq, experiment_id, received_ms, duplicates, rejected, events from experiment_batches \
        where seq > cast(?1 as integer) and seq <= ( \
            select max(seq) from ( \
                select seq, sum(event_count) over (order by seq) - event_count as before, \
                    sum(octet_length(events)) over (order by seq) - octet_length(events) as bytes_before from experiment_batches \
                where seq > cast(?1 as integer) order by seq limit cast(?2 as integer)) \
            where before < cast(?2 as integer) and bytes_before < cast(?3 as integer)) \
        order by seq";
    let parameters = [integer(after.seq), integer(events), integer(BATCHES_BYTES)];
    let found = run(statement(database, sql, &parameters)?).await?;
    read_all(&found, |columns| {
        Some(Batch {
            seq: columns.integer()?,
            experiment_id: columns.text()?,
            received_ms: columns.integer()?,
            left_out: (columns.integer()?, columns.integer()?),
            events: serde_json::from_str(&columns.text()?).ok()?,
        })
    })
}

/// Stores what changes, together with `more`, and moves the watermark to `to`, all or nothing; gives the rows written.
/// Fails when the rollup is not at `from` any more. `ids` has the experiments' ids by their numbers.
pub(in crate::edge) async fn store(
    database: &D1Database,
    changes: &Changes,
    ids: &HashMap<i64, String>,
    (from, to): (Position, i64),
    more: Vec<super::Prepared>,
) -> Result<i64> {
    let id_of = |experiment: i64| ids.get(&experiment).map(String::as_str);
    let rows = changes.rows.iter().filter_map(|(key, figures)| {
        let (date, hour) = date_and_hour(key.hour);
        Some((id_of(key.experiment)?, date, hour, &key.variant_key, figures.columns()))
    });
    let shrunk = changes.rows.iter().filter(|(_, figures)| figures.sessions < 0).filter_map(|(key, _)| {
        let (date, hour) = date_and_hour(key.hour);
        Some((id_of(key.experiment)?, date, hour, &key.variant_key))
    });
    let metrics = changes.metrics.iter().filter_map(|(key, figures)| {
        let MetricFigures { sessions, value_sessions, value_sum, value_sum_of_squares } = figures;
        let values = (sessions, value_sessions, value_sum, value_sum_of_squares);
        Some((id_of(key.experiment)?, &key.metric, &key.variant_key, values))
    });
    let unmeasured = changes.metrics.iter().filter(|(_, figures)| figures.sessions < 0);
    let unmeasured = unmeasured.filter_map(|(key, _)| Some((id_of(key.experiment)?, &key.metric, &key.variant_key)));
    let quality = changes.quality.iter().map(|(experiment, quality)| {
        let &Quality { late, duplicates, unexposed_sessions, multi_variant_sessions, rejected, unmeasured } = quality;
        [*experiment, late, duplicates, unexposed_sessions, multi_variant_sessions, rejected, unmeasured]
    });
    let moved = [integer(from.version), integer(to)];
    let mut batch = vec![statement(database, MOVE_WATERMARK, &moved)?];
    batch.extend(session_states::store(database, &changes.sessions)?);
    let groups = [
        (ADD_TO_SUMMARY, arrays(rows)?),
        (DROP_EMPTY_SUMMARY, arrays(shrunk)?),
        (ADD_TO_METRICS, arrays(metrics)?),
        (DROP_EMPTY_METRICS, arrays(unmeasured)?),
        (ADD_TO_QUALITY, arrays(quality)?),
    ];
    for (sql, arrays) in groups {
        for array in arrays {
            batch.push(statement(database, sql, &[array])?);
        }
    }
    batch.extend(more);
    let mut written = 0;
    for result in transact(database, batch).await? {
        written += rows_written(&result)?;
    }
    Ok(written)
}

const MOVE_WATERMARK: &str =
    "update rollup_watermark set seq = ?2, version = iif(version = ?1, version + 1, null) where id = 1";

/// The figures stand in the order of `Figures::columns`.
const ADD_TO_SUMMARY: &str = "insert into experiment_analytics_summary (experiment_id, date, hour, variant_key, \
        sessions, pageviews, pageview_sessions, exposures, exposure_sessions, conversions, conversion_sessions, \
        new_exposed_sessions, new_converted_sessions) \
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> '$[4][0]', value ->> '$[4][1]', \
        value ->> '$[4][2]', value ->> '$[4][3]', value ->> '$[4][4]', value ->> '$[4][5]', value ->> '$[4][6]', \
        value ->> '$[4][7]', value ->> '$[4][8]' from json_each(?1) where true \
    on conflict (experiment_id, date, hour, variant_key) do update set sessions = sessions + excluded.sessions, \
        pageviews = pageviews + excluded.pageviews, \
        pageview_sessions = pageview_sessions + excluded.pageview_sessions, \
        exposures = exposures + excluded.exposures, \
        exposure_sessions = exposure_sessions + excluded.exposure_sessions, \
        conversions = conversions + excluded.conversions, \
        conversion_sessions = conversion_sessions + excluded.conversion_sessions, \
        new_exposed_sessions = new_exposed_sessions + excluded.new_exposed_sessions, \
        new_converted_sessions = new_converted_sessions + excluded.new_converted_sessions";

const DROP_EMPTY_SUMMARY: &str = "delete from experiment_analytics_summary where sessions = 0 \
    and (experiment_id, date, hour, variant_key) in \
        (select value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?1))";

/// Where no session has a value any more the sums are nothing, whatever fractions are left of them.
const ADD_TO_METRICS: &str = "insert into experiment_metrics \
        (experiment_id, metric, variant_key, sessions, value_sessions, value_sum, value_sum_of_squares) \
    select value ->> 0, value ->> 1, value ->> 2, value ->> '$[3][0]', value ->> '$[3][1]', value ->> '$[3][2]', \
        value ->> '$[3][3]' from json_each(?1) where true \
    on conflict (experiment_id, metric, variant_key) do update set sessions = sessions + excluded.sessions, \
        value_sessions = value_sessions + excluded.value_sessions, \
        value_sum = iif(value_sessions + excluded.value_sessions = 0, 0, value_sum + excluded.value_sum), \
        value_sum_of_squares = iif(value_sessions + excluded.value_sessions = 0, 0, \
            value_sum_of_squares + excluded.value_sum_of_squares)";

const DROP_EMPTY_METRICS: &str = "delete from experiment_metrics where sessions = 0 \
    and (experiment_id, metric, variant_key) in (select value ->> 0, value ->> 1, value ->> 2 from json_each(?1))";

const ADD_TO_QUALITY: &str = "update experiment_rollups set late = late + (value ->> 1), \
        duplicates = duplicates + (value ->> 2), unexposed_sessions = unexposed_sessions + (value ->> 3), \
        multi_variant_sessions = multi_variant_sessions + (value ->> 4), rejected = rejected + (value ->> 5), \
        unmeasured = unmeasured + (value ->> 6) \
    from json_each(?1) where experiment = value ->> 0";
