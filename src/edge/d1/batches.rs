//! Statements about stored batches of experiment events.

use worker::{D1Database, Error, Result};

use super::rows::{Columns, read_all};
use super::{integer, run, statement, text, transact};
use crate::counting::ledger::{RETENTION_MS, Segment};
use crate::recording::recorder::{NewBatch, RECORDER_IDS, Recorder, Terms};
use crate::time::DAY_MS;

/// Bytes of ids, as they are stored, that one read gives, unless a single batch has more.
const PAGE_BYTES: i64 = 600_000;
/// Batches that one read gives.
const PAGE_BATCHES: i64 = 2000;

/// Stores batches, all or none; stored again by the same writer, they are stored. Fails where another writer has stored
/// a batch of one of their numbers.
pub(in crate::edge) async fn store(
    database: &D1Database,
    experiment_id: &str,
    writer: &str,
    batches: &[NewBatch],
) -> Result<()> {
    let sql = "insert into experiment_batches (experiment_id, number, writer, received_ms, event_count, \
            duplicates, rejected, ids, events) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, unhex(?8), ?9) \
        on conflict (experiment_id, number) do update set writer = iif(writer = excluded.writer, writer, null)";
    let insert = |batch: &NewBatch| {
        let ids = Segment { number: 0, newest_ms: 0, entries: batch.ids.clone() }.pack();
        let parameters = [
            text(experiment_id),
            integer(batch.number),
            text(writer),
            integer(batch.received_ms),
            integer(i64::try_from(batch.event_count).unwrap_or(i64::MAX)),
            integer(batch.duplicates.into()),
            integer(batch.rejected.into()),
            text(&super::hex(&ids)),
            text(&batch.events),
        ];
        statement(database, sql, &parameters)
    };
    let statements = batches.iter().map(insert).collect::<Result<Vec<_>>>()?;
    transact(database, statements).await.map(drop)
}

/// Who stored the first of these batches, if anybody did.
pub(in crate::edge) async fn writer_of(
    database: &D1Database,
    experiment_id: &str,
    batches: &[NewBatch],
) -> Result<Option<String>> {
    let Some(first) = batches.first() else { return Ok(None) };
    let sql = "select writer from experiment_batches where experiment_id = ?1 and number = cast(?2 as integer)";
    let found = run(statement(database, sql, &[text(experiment_id), integer(first.number)])?).await?;
    Ok(read_all(&found, Columns::text)?.pop())
}

/// A recorder that knows the ids of the last 24 hours, read from the newest batch to the oldest.
pub(in crate::edge) async fn restore(database: &D1Database, experiment_id: &str, now_ms: i64) -> Result<Recorder> {
    let sql = "select number, received_ms, hex(ids) from ( \
            select number, received_ms, ids, sum(length(ids)) over (order by number desc) - length(ids) as before \
            from experiment_batches where experiment_id = ?1 and number < cast(?2 as integer) \
            order by number desc limit cast(?3 as integer)) \
        where before < cast(?4 as integer) order by number desc";
    let mut segments: Vec<Segment> = Vec::new();
    let mut next_number = None;
    let mut below = i64::from(i32::MAX);
    let mut ids = 0;
    loop {
        let parameters = [text(experiment_id), integer(below), integer(PAGE_BATCHES), integer(PAGE_BYTES)];
        let page = read_all(&run(statement(database, sql, &parameters)?).await?, |columns| {
            let (number, received_ms) = (columns.integer()?, columns.integer()?);
            Some(Segment::unpack(number.unsigned_abs(), received_ms, &super::unhex(&columns.text()?)?))
        })?;
        let Some(oldest) = page.last() else { break };
        below = i64::try_from(oldest.number).unwrap_or_default();
        next_number = next_number.or_else(|| page.first().map(|newest| newest.number + 1));
        let is_old = oldest.newest_ms + RETENTION_MS < now_ms;
        for segment in page {
            ids += segment.entries.len();
            if segment.newest_ms + RETENTION_MS >= now_ms && !segment.entries.is_empty() {
                segments.push(segment);
            }
        }
        if is_old || ids >= RECORDER_IDS {
            break;
        }
    }
    segments.reverse();
    let next_number = i64::try_from(next_number.unwrap_or_default()).unwrap_or_default();
    Ok(Recorder::restore(segments, next_number, metrics(database, experiment_id).await?))
}

/// The names of the metrics of an experiment: of those that are rolled up, and of those that wait for it.
async fn metrics(database: &D1Database, experiment_id: &str) -> Result<Vec<String>> {
    let sql = "select distinct metric from experiment_metrics where experiment_id = ?1 \
        union select distinct e.value ->> 5 from experiment_batches b, json_each(b.events) e \
            where +b.experiment_id = ?1 and b.seq > (select seq from rollup_watermark) and e.value ->> 5 is not null";
    read_all(&run(statement(database, sql, &[text(experiment_id)])?).await?, Columns::text)
}

/// What an experiment's declaration says about its events; an undeclared one says nothing.
pub(in crate::edge) async fn terms(database: &D1Database, experiment_id: &str, session_days: i64) -> Result<Terms> {
    let sql = "select stopped_ms, (select json_group_array(value ->> 'key') from json_each(variants)) \
        from experiments where id = ?1";
    let found = read_all(&run(statement(database, sql, &[text(experiment_id)])?).await?, |columns| {
        let stopped_ms = columns.optional_integer()?;
        let variants = serde_json::from_str(&columns.text()?).ok()?;
        Some(Terms { variants, over_ms: stopped_ms.map(|stopped_ms| stopped_ms + session_days * DAY_MS) })
    });
    found.map(|mut terms| terms.pop().unwrap_or_default()).map_err(|error| Error::from(error.to_string()))
}
