//! Statements about experiment events and hourly rows.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{arrays, integer, statement, text};
use crate::events::event::ExperimentEventKind;
use crate::events::recording::{EventKey, Recording, StoredEvent};
use crate::experiments::page::{Page, SummaryRow};
use crate::experiments::summary::Figures;

#[derive(Serialize)]
struct Row<'a> {
    experiment_id: &'a str,
    event_id: Option<&'a str>,
    event_type: &'static str,
    project_id: Option<&'a str>,
    session_id: &'a str,
    variant_key: Option<&'a str>,
    view_id: Option<&'a str>,
    timestamp_ms: i64,
    properties: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(recording: &'a Recording) -> Self {
        let event = &recording.event;
        Self {
            experiment_id: &event.experiment_id,
            event_id: recording.id.as_deref(),
            event_type: event.kind.name(),
            project_id: event.project_id.as_deref(),
            session_id: &event.session_id,
            variant_key: event.variant_key.as_deref(),
            view_id: event.view_id.as_deref(),
            timestamp_ms: recording.at_ms,
            properties: event.properties.as_deref(),
        }
    }
}

/// Stores events in the order given, each id of an experiment once, all or none; gives the keys that are new.
pub(in crate::edge) async fn record(database: &D1Database, recordings: &[Recording]) -> Result<HashSet<EventKey>> {
    let sql = "insert into analytics_events (experiment_id, event_id, event_type, project_id, session_id, \
            variant_key, view_id, timestamp_ms, properties) \
        select value ->> 'experiment_id', value ->> 'event_id', value ->> 'event_type', value ->> 'project_id', \
            value ->> 'session_id', value ->> 'variant_key', value ->> 'view_id', value ->> 'timestamp_ms', \
            value ->> 'properties' from json_each(?1) where true order by key \
        on conflict (experiment_id, event_id) where event_id is not null do nothing \
        returning experiment_id, event_id";
    let statements = arrays(recordings.iter().map(Row::of))?
        .into_iter()
        .map(|array| statement(database, sql, &[array]))
        .collect::<Result<Vec<_>>>()?;
    let mut fresh = HashSet::new();
    for result in database.batch(statements).await? {
        let keys = read_all(&result, |columns| Some((columns.text()?, columns.optional_text()?)))?;
        fresh.extend(keys.into_iter().filter_map(|(experiment_id, event_id)| Some((experiment_id, event_id?))));
    }
    Ok(fresh)
}

/// The events that are stored under these keys.
pub(in crate::edge) async fn find(
    database: &D1Database,
    keys: &[(&str, &str)],
) -> Result<HashMap<EventKey, StoredEvent>> {
    let sql = "select e.experiment_id, e.event_id, e.event_type, e.session_id, e.variant_key from json_each(?1) \
        join analytics_events e on e.experiment_id = value ->> 0 and e.event_id = value ->> 1";
    let mut stored = HashMap::new();
    for array in arrays(keys)? {
        let events = read_all(&statement(database, sql, &[array])?.all().await?, |columns| {
            let key = (columns.text()?, columns.text()?);
            Some((key, columns.text()?, columns.text()?, columns.optional_text()?))
        })?;
        for (key, event_type, session_id, variant_key) in events {
            if let Some(kind) = ExperimentEventKind::of_name(&event_type) {
                stored.insert(key, StoredEvent { kind, session_id, variant_key });
            }
        }
    }
    Ok(stored)
}

/// The rows of a page, and one more where there are more.
pub(in crate::edge) async fn summary(
    database: &D1Database,
    experiment_id: &str,
    page: &Page,
) -> Result<Vec<SummaryRow>> {
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
    read_all(&statement(database, sql, &parameters)?.all().await?, summary_row)
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
