//! Statements of the experiment rollup.

use std::collections::HashMap;

use serde::Serialize;
use worker::{D1Database, Error, Result};

use super::rows::{Columns, read_all};
use super::{arrays, integer, optional_text, statement};
use crate::events::event::ExperimentEventKind;
use crate::experiments::rollup::{Arrival, Changes, SessionKey, Slice};
use crate::experiments::session::{MultiVariant, Occurrence, Rules, Session, restore_hours, store_hours};
use crate::experiments::summary::{Figures, Quality};
use crate::time::date_and_hour;

/// Notes that a run started, forgets runs before `kept_ms`, and gives the run's number.
pub(in crate::edge) async fn start_run(database: &D1Database, started_ms: i64, kept_ms: i64) -> Result<i64> {
    let batch = vec![
        statement(database, FORGET_RUNS, &[integer(kept_ms)])?,
        statement(database, "insert into rollup_runs (started_ms) values (?1) returning id", &[integer(started_ms)])?,
    ];
    let started = database.batch(batch).await?.pop().ok_or_else(|| Error::from("a run was not noted"))?;
    read_all(&started, Columns::integer)?.pop().ok_or_else(|| Error::from("a run has no number"))
}

/// Runs are numbered in the order of their time: the first that is kept is found from the oldest on, of which there are
/// few, and those before it go by their numbers.
const FORGET_RUNS: &str = "delete from rollup_runs where id < \
    (select id from rollup_runs where started_ms >= ?1 order by id limit 1)";

/// Notes how a run ended.
pub(in crate::edge) async fn finish_run(
    database: &D1Database,
    run: i64,
    finished_ms: i64,
    (events_read, rows_written): (i64, i64),
    error: Option<&str>,
) -> Result<()> {
    let sql = "update rollup_runs set finished_ms = ?2, events_read = ?3, rows_written = ?4, error = ?5 where id = ?1";
    let parameters =
        [integer(run), integer(finished_ms), integer(events_read), integer(rows_written), optional_text(error)];
    statement(database, sql, &parameters)?.run().await.map(drop)
}

/// The arrival number up to which events are rolled up.
pub(in crate::edge) async fn watermark(database: &D1Database) -> Result<i64> {
    let found = statement(database, "select seq from rollup_watermark where id = 1", &[])?.all().await?;
    read_all(&found, Columns::integer)?.pop().ok_or_else(|| Error::from("the watermark is missing"))
}

/// Up to `limit` events after `watermark`, in the order of arrival, and the number of the last.
pub(in crate::edge) async fn arrivals(
    database: &D1Database,
    watermark: i64,
    limit: i64,
) -> Result<(Vec<Arrival>, i64)> {
    let sql = "select seq, experiment_id, session_id, event_type, variant_key, timestamp_ms from analytics_events \
        where seq > ?1 order by seq limit ?2";
    let found = statement(database, sql, &[integer(watermark), integer(limit)])?.all().await?;
    let found = read_all(&found, |columns| {
        let (seq, experiment_id, session_id) = (columns.integer()?, columns.text()?, columns.text()?);
        let kind = ExperimentEventKind::of_name(&columns.text()?);
        let (variant_key, at_ms) = (columns.optional_text()?, columns.integer()?);
        let session = SessionKey { experiment_id, session_id };
        Some((seq, kind.map(|kind| Arrival { session, occurrence: Occurrence { kind, at_ms, variant_key } })))
    })?;
    let last = found.last().map_or(watermark, |(seq, _)| *seq);
    Ok((found.into_iter().filter_map(|(_, arrival)| arrival).collect(), last))
}

#[derive(Serialize)]
struct SessionRow {
    experiment_id: String,
    session_id: String,
    variant_key: Option<String>,
    first_exposure_ms: Option<i64>,
    is_multi_variant: u8,
    hours: String,
}

impl SessionRow {
    fn of(key: &SessionKey, session: &Session) -> Self {
        let exposure = session.first_exposure.as_ref();
        Self {
            experiment_id: key.experiment_id.clone(),
            session_id: key.session_id.clone(),
            variant_key: exposure.map(|(_, variant_key)| variant_key.clone()),
            first_exposure_ms: exposure.map(|(at_ms, _)| *at_ms),
            is_multi_variant: u8::from(session.is_multi_variant),
            hours: store_hours(&session.hours),
        }
    }
}

fn session(columns: &mut Columns) -> Option<(SessionKey, Session)> {
    let key = SessionKey { experiment_id: columns.text()?, session_id: columns.text()? };
    let (variant_key, first_exposure_ms) = (columns.optional_text()?, columns.optional_integer()?);
    let session = Session {
        first_exposure: first_exposure_ms.zip(variant_key),
        is_multi_variant: columns.boolean()?,
        hours: restore_hours(&columns.text()?).ok()?,
    };
    Some((key, session))
}

/// The sessions of a slice that are known.
pub(in crate::edge) async fn sessions(database: &D1Database, slice: &Slice) -> Result<HashMap<SessionKey, Session>> {
    let sql = "select s.experiment_id, s.session_id, s.variant_key, s.first_exposure_ms, s.is_multi_variant, s.hours \
        from json_each(?1) join experiment_sessions s on s.experiment_id = value ->> 0 and s.session_id = value ->> 1";
    let keys = slice.by_session().map(|(key, _)| [&key.experiment_id, &key.session_id]);
    let mut sessions = HashMap::new();
    for array in arrays(keys)? {
        sessions.extend(read_all(&statement(database, sql, &[array])?.all().await?, session)?);
    }
    Ok(sessions)
}

/// The rules of the experiments of a slice: those under which they were rolled up first, or else as declared, or
/// else the default.
pub(in crate::edge) async fn rules(database: &D1Database, slice: &Slice) -> Result<HashMap<String, Rules>> {
    let sql = "select k.value as id, coalesce(q.multi_variant, e.multi_variant, 'exclude') as multi_variant, \
            iif(q.experiment_id is null, e.conversion_window_hours, q.conversion_window_hours) \
                as conversion_window_hours \
        from json_each(?1) k left join experiment_quality q on q.experiment_id = k.value \
            left join experiments e on e.id = k.value";
    let mut ids: Vec<&str> = slice.by_session().map(|(key, _)| key.experiment_id.as_str()).collect();
    ids.dedup();
    let mut rules = HashMap::new();
    for array in arrays(ids)? {
        rules.extend(read_all(&statement(database, sql, &[array])?.all().await?, rules_of_one)?);
    }
    Ok(rules)
}

fn rules_of_one(columns: &mut Columns) -> Option<(String, Rules)> {
    let id = columns.text()?;
    let multi_variant = MultiVariant::of_name(&columns.text()?)?;
    Some((id, Rules { multi_variant, conversion_window_hours: columns.optional_integer()? }))
}

#[derive(Serialize)]
struct SummaryChange<'a> {
    experiment_id: &'a str,
    variant_key: &'a str,
    date: String,
    hour: i64,
    #[serde(flatten)]
    figures: &'a Figures,
}

#[derive(Serialize)]
struct QualityChange<'a> {
    experiment_id: &'a str,
    multi_variant: MultiVariant,
    conversion_window_hours: Option<i64>,
    #[serde(flatten)]
    quality: Quality,
}

/// Stores what a slice changes and moves the watermark from `from` to `to`, all or nothing; gives the rows written.
/// Fails when the watermark is not at `from` any more.
pub(in crate::edge) async fn store(
    database: &D1Database,
    changes: &Changes,
    rules: &HashMap<String, Rules>,
    (from, to): (i64, i64),
) -> Result<i64> {
    let rows = changes.rows.iter().map(|(key, figures)| {
        let (date, hour) = date_and_hour(key.hour);
        SummaryChange { experiment_id: &key.experiment_id, variant_key: &key.variant_key, date, hour, figures }
    });
    let shrunk = changes.rows.iter().filter(|(_, figures)| figures.sessions < 0).map(|(key, _)| {
        let (date, hour) = date_and_hour(key.hour);
        (&key.experiment_id, date, hour, &key.variant_key)
    });
    let quality = rules.iter().map(|(experiment_id, &Rules { multi_variant, conversion_window_hours })| {
        let quality = changes.quality.get(experiment_id).copied().unwrap_or_default();
        QualityChange { experiment_id, multi_variant, conversion_window_hours, quality }
    });
    let mut batch = vec![statement(database, MOVE_WATERMARK, &[integer(from), integer(to)])?];
    let groups = [
        (STORE_SESSIONS, arrays(changes.sessions.iter().map(|(key, session)| SessionRow::of(key, session)))?),
        (ADD_TO_SUMMARY, arrays(rows)?),
        (DROP_EMPTY_SUMMARY, arrays(shrunk)?),
        (ADD_TO_QUALITY, arrays(quality)?),
    ];
    for (sql, arrays) in groups {
        for array in arrays {
            batch.push(statement(database, sql, &[array])?);
        }
    }
    let mut written = 0;
    for result in database.batch(batch).await? {
        let rows = result.meta()?.and_then(|meta| meta.rows_written).unwrap_or_default();
        written += i64::try_from(rows).unwrap_or(i64::MAX);
    }
    Ok(written)
}

const MOVE_WATERMARK: &str = "update rollup_watermark set seq = iif(seq = ?1, ?2, null) where id = 1";

const STORE_SESSIONS: &str = "insert into experiment_sessions \
        (experiment_id, session_id, variant_key, first_exposure_ms, is_multi_variant, hours) \
    select value ->> 'experiment_id', value ->> 'session_id', value ->> 'variant_key', \
        value ->> 'first_exposure_ms', value ->> 'is_multi_variant', value ->> 'hours' from json_each(?1) where true \
    on conflict (experiment_id, session_id) do update set variant_key = excluded.variant_key, \
        first_exposure_ms = excluded.first_exposure_ms, is_multi_variant = excluded.is_multi_variant, \
        hours = excluded.hours";

const ADD_TO_SUMMARY: &str = "insert into experiment_analytics_summary (experiment_id, variant_key, date, hour, \
        sessions, pageviews, pageview_sessions, exposures, exposure_sessions, conversions, conversion_sessions, \
        new_exposed_sessions, new_converted_sessions) \
    select value ->> 'experiment_id', value ->> 'variant_key', value ->> 'date', value ->> 'hour', \
        value ->> 'sessions', value ->> 'pageviews', value ->> 'pageview_sessions', value ->> 'exposures', \
        value ->> 'exposure_sessions', value ->> 'conversions', value ->> 'conversion_sessions', \
        value ->> 'new_exposed_sessions', value ->> 'new_converted_sessions' from json_each(?1) where true \
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

const ADD_TO_QUALITY: &str = "insert into experiment_quality \
        (experiment_id, multi_variant, conversion_window_hours, unexposed_sessions, multi_variant_sessions) \
    select value ->> 'experiment_id', value ->> 'multi_variant', value ->> 'conversion_window_hours', \
        value ->> 'unexposed_sessions', value ->> 'multi_variant_sessions' from json_each(?1) where true \
    on conflict (experiment_id) do update set unexposed_sessions = unexposed_sessions + excluded.unexposed_sessions, \
        multi_variant_sessions = multi_variant_sessions + excluded.multi_variant_sessions \
    where excluded.unexposed_sessions <> 0 or excluded.multi_variant_sessions <> 0";
