//! Statements about experiment events and hourly rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use worker::{D1Database, Result};

use super::{arrays, integer, rows, statement, text};
use crate::events::event::ExperimentEventKind;
use crate::events::recording::{EventKey, Recording, StoredEvent};
use crate::experiments::page::{Page, SummaryRow};

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

#[derive(Deserialize)]
struct KeyRow {
    experiment_id: String,
    event_id: Option<String>,
}

/// Stores events in the order given, each id of an experiment once, all or none; gives the keys that are new.
pub(in crate::edge) async fn record(database: &D1Database, recordings: &[Recording]) -> Result<BTreeSet<EventKey>> {
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
    let mut fresh = BTreeSet::new();
    for result in database.batch(statements).await? {
        let rows = result.results::<KeyRow>()?;
        fresh.extend(rows.into_iter().filter_map(|row| Some((row.experiment_id, row.event_id?))));
    }
    Ok(fresh)
}

#[derive(Deserialize)]
struct EventRow {
    experiment_id: String,
    event_id: String,
    event_type: String,
    session_id: String,
    variant_key: Option<String>,
}

/// The events that are stored under these keys.
pub(in crate::edge) async fn find(
    database: &D1Database,
    keys: &[(&str, &str)],
) -> Result<BTreeMap<EventKey, StoredEvent>> {
    let sql = "select e.experiment_id, e.event_id, e.event_type, e.session_id, e.variant_key from json_each(?1) \
        join analytics_events e on e.experiment_id = value ->> 0 and e.event_id = value ->> 1";
    let mut stored = BTreeMap::new();
    for array in arrays(keys)? {
        for row in rows::<EventRow>(statement(database, sql, &[array])?).await? {
            let EventRow { experiment_id, event_id, event_type, session_id, variant_key } = row;
            if let Some(kind) = ExperimentEventKind::of_name(&event_type) {
                stored.insert((experiment_id, event_id), StoredEvent { kind, session_id, variant_key });
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
    let sql = "select * from experiment_analytics_summary where experiment_id = ?1 \
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
    rows(statement(database, sql, &parameters)?).await
}
