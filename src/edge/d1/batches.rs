//! Statements about stored batches of experiment events.

use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{arrays, integer, run, statement, text, transact};
use crate::counting::ledger::RETENTION_MS;
use crate::counting::protocol::IdDigest;
use crate::counting::segment::Segment;
use crate::recording::batch::NewBatch;
use crate::recording::names::{NameKind, Names};
use crate::recording::recorder::{DELIVERY_MS, RECORDER_IDS, Recorder, Terms};
use crate::sql::hex::{hex, unhex};
use crate::time::DAY_MS;

/// Bytes of ids, as they are stored, that one read gives, unless a single batch has more.
const PAGE_BYTES: i64 = 600_000;
/// Batches that one read goes through.
const PAGE_BATCHES: i64 = 20_000;

/// Batches among which those of the latest deliveries are looked for.
const DELIVERY_BATCHES: i64 = 5000;

/// Stores batches, all or none; stored again by the same writer, they are stored. Fails where another writer has stored
/// a batch of one of their numbers, and where the one before the first is gone: the database was taken back in time.
pub(in crate::edge) async fn store(
    database: &D1Database,
    experiment_id: &str,
    writer: &str,
    batches: &[NewBatch],
    new_names: &Names,
) -> Result<()> {
    // Behind the watermark also while a restore has brought that, and not the batches before it.
    let sql = "insert into experiment_batches (seq, experiment_id, number, writer, received_ms, event_count, \
            duplicates, rejected, ids, events, deliveries) \
        select 1 + max(seq, coalesce((select max(seq) from experiment_batches), 0)), \
            ?1, iif(coalesce((select max(number) from experiment_batches where experiment_id = ?1), ?2) >= ?2 - 1, ?2, null), \
            ?3, ?4, ?5, ?6, ?7, unhex(?8), ?9, unhex(?10) from rollup_watermark where id = 1 \
        on conflict (experiment_id, number) do update set writer = iif(writer = excluded.writer, writer, null)";
    let insert = |batch: &NewBatch| {
        let packed = |ids: &[IdDigest]| text(&hex(&Segment { number: 0, newest_ms: 0, entries: ids.to_vec() }.pack()));
        let parameters = [
            text(experiment_id),
            integer(batch.number),
            text(writer),
            integer(batch.received_ms),
            integer(i64::try_from(batch.event_count).unwrap_or(i64::MAX)),
            integer(batch.duplicates.into()),
            integer(batch.rejected.into()),
            packed(&batch.ids),
            text(&batch.events),
            packed(&batch.deliveries),
        ];
        statement(database, sql, &parameters)
    };
    let mut statements = batches.iter().map(insert).collect::<Result<Vec<_>>>()?;
    let name = "insert into experiment_names (experiment_id, kind, name) select ?1, value ->> 0, value ->> 1 \
        from json_each(?2) where true on conflict do nothing";
    for names in arrays(new_names.iter().map(|(kind, name)| (kind.name(), name)))? {
        statements.push(statement(database, name, &[text(experiment_id), names])?);
    }
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
    // Batches of which some hundreds follow each other are told as one: there may be one for each event.
    let sql = "select max(number), min(number), max(received_ms), group_concat(hex(ids), '') from ( \
            select number, received_ms, ids, sum(length(ids)) over (order by number desc) - length(ids) as before \
            from experiment_batches where experiment_id = ?1 and number < cast(?2 as integer) \
            order by number desc limit cast(?3 as integer)) \
        where before < cast(?4 as integer) group by number / 400 order by 1 desc";
    let mut segments: Vec<Segment> = Vec::new();
    let mut next_number = None;
    let mut below = i64::from(i32::MAX);
    let mut ids = 0;
    loop {
        let parameters = [text(experiment_id), integer(below), integer(PAGE_BATCHES), integer(PAGE_BYTES)];
        let page = read_all(&run(statement(database, sql, &parameters)?).await?, |columns| {
            let (newest, oldest, received_ms) = (columns.integer()?, columns.integer()?, columns.integer()?);
            let ids = unhex(&columns.text()?)?;
            Some((oldest, Segment::unpack(newest.unsigned_abs(), received_ms, &ids)))
        })?;
        let Some((oldest, last)) = page.last() else { break };
        below = *oldest;
        next_number = next_number.or_else(|| page.first().map(|(_, newest)| newest.number + 1));
        let is_old = last.newest_ms + RETENTION_MS < now_ms;
        for (_, segment) in page {
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
    let deliveries = deliveries(database, experiment_id, now_ms).await?;
    Ok(Recorder::restore(segments, deliveries, next_number, names(database, experiment_id).await?))
}

/// The latest deliveries, of the batches that have any, in their order.
async fn deliveries(database: &D1Database, experiment_id: &str, now_ms: i64) -> Result<Vec<Segment>> {
    let sql = "select number, received_ms, hex(deliveries) from experiment_batches where experiment_id = ?1 \
        and number > (select max(number) from experiment_batches where experiment_id = ?1) - cast(?3 as integer) \
        and received_ms >= cast(?2 as integer) and length(deliveries) > 0 order by number";
    let parameters = [text(experiment_id), integer(now_ms - DELIVERY_MS), integer(DELIVERY_BATCHES)];
    let found = run(statement(database, sql, &parameters)?).await?;
    read_all(&found, |columns| {
        let (number, received_ms) = (columns.integer()?, columns.integer()?);
        Some(Segment::unpack(number.unsigned_abs(), received_ms, &unhex(&columns.text()?)?))
    })
}

/// The names that an experiment's events have used.
async fn names(database: &D1Database, experiment_id: &str) -> Result<Names> {
    let sql = "select kind, name from experiment_names where experiment_id = ?1";
    let found = run(statement(database, sql, &[text(experiment_id)])?).await?;
    read_all(&found, |columns| Some((NameKind::of_name(&columns.text()?)?, columns.text()?)))
}

/// What an experiment's declaration says about its events; an undeclared one says nothing. An experiment whose sessions
/// were forgotten is over, whatever is declared.
pub(in crate::edge) async fn terms(database: &D1Database, experiment_id: &str, session_days: i64) -> Result<Terms> {
    let sql = "select (select stopped_ms from experiments where id = ?1), \
        (select sessions_removed_ms from experiment_rollups where experiment_id = ?1), \
        (select json_group_array(v.value ->> 'key') from experiments e, json_each(e.variants) v where e.id = ?1)";
    let found = run(statement(database, sql, &[text(experiment_id)])?).await?;
    let terms = read_all(&found, |columns| {
        let (stopped_ms, removed_ms) = (columns.optional_integer()?, columns.optional_integer()?);
        let over_ms = removed_ms.or_else(|| stopped_ms.map(|stopped_ms| stopped_ms + session_days * DAY_MS));
        Some(Terms { variants: serde_json::from_str(&columns.text()?).ok()?, over_ms })
    })?;
    Ok(terms.into_iter().next().unwrap_or_default())
}
