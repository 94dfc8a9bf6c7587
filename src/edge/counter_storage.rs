//! The tables of one counter, and all statements on them. Nothing here waits.

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::rc::Rc;

use js_sys::{Function, Reflect};
use uuid::Uuid;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

use super::metering;
use super::segment_storage::{IDS, VISITS};
use crate::counting::counter::{Commit, Counter};
use crate::counting::day::Day;
use crate::counting::ledger::Ledger;
use crate::counting::protocol::ImportedRow;
use crate::counting::retraction::Retraction;
use crate::counting::sources::{SOURCE_DAYS, SourcedDay, Sources};
use crate::counting::tally::{Metric, Tally};
use crate::counting::visitors::Visitors;
use crate::counting::visits::Visits;
use crate::time::{DAY_QUARTERS, HOUR_QUARTERS};

/// Made with the first count: reading writes nothing.
const SCHEMA: &str = "
    create table if not exists counter (
        id integer primary key check (id = 1),
        prompt_id text not null,
        views integer not null,
        copies integer not null,
        forks integer not null,
        compares integer not null,
        version integer not null,
        visits integer not null default 0,
        bots integer not null default 0,
        headless integer not null default 0,
        prefetches integer not null default 0,
        visitors blob,
        retracted_visitors integer not null default 0
    ) strict;
    create table if not exists daily (day integer primary key, counts blob not null, sources blob) strict;
    create table if not exists ledger_segment (
        number integer primary key,
        newest_ms integer not null,
        entries blob not null
    ) strict;
    create table if not exists visit_segment (
        number integer primary key,
        newest_ms integer not null,
        entries blob not null
    ) strict;
    create table if not exists imported_row (key integer primary key) strict;";

/// What the tables lack of a counter that was made before visitors were counted.
const VISITOR_COLUMNS: &str = "
    alter table counter add column visits integer not null default 0;
    alter table counter add column bots integer not null default 0;
    alter table counter add column headless integer not null default 0;
    alter table counter add column prefetches integer not null default 0;
    alter table counter add column visitors blob;
    alter table counter add column retracted_visitors integer not null default 0;";
const SOURCE_COLUMN: &str = "alter table daily add column sources blob";

const COUNTER: &str = "select prompt_id, version, visitors, retracted_visitors, \
    views, copies, forks, compares, visits, bots, headless, prefetches from counter";

/// The counter as it is stored, and the prompt it belongs to; `None` when nothing was ever counted. Its visits are a window
/// of so many milliseconds apart.
pub(super) fn restore(storage: &Storage, visit_window_ms: i64) -> Result<Option<(Uuid, Counter)>> {
    let sql = storage.sql();
    if !has_table(&sql, "counter")? {
        return Ok(None);
    }
    if !has_table(&sql, "visit_segment")? {
        add_visitors(storage)?;
    }
    if has_table(&sql, "hourly")? {
        upgrade(storage)?;
    }
    let counter = rows(&sql, COUNTER, vec![])?;
    let Some(([SqlStorageValue::String(prompt_id), version, visitors, retracted_visitors], counts)) =
        counter.first().and_then(|row| row.split_first_chunk())
    else {
        return Ok(None);
    };
    let mut counter = Counter {
        tally: tally(counts),
        version: count(version),
        ledger: Ledger::with_room_for(IDS.bytes(&sql)?),
        visits: Visits::within(visit_window_ms, VISITS.bytes(&sql)?),
        visitors: stored_visitors(visitors)?,
        retracted_visitors: count(retracted_visitors),
    };
    IDS.restore(&sql, |segment| counter.ledger.restore(segment))?;
    VISITS.restore(&sql, |segment| counter.visits.restore(segment))?;
    let prompt_id = Uuid::try_parse(prompt_id).map_err(|error| Error::from(error.to_string()))?;
    Ok(Some((prompt_id, counter)))
}

/// The counts of the metrics in their order; those that are missing are 0.
fn tally(counts: &[SqlStorageValue]) -> Tally {
    let mut tally = Tally::default();
    for (metric, value) in Metric::ALL.into_iter().zip(counts) {
        tally.add(metric, count(value));
    }
    tally
}

fn stored_visitors(value: &SqlStorageValue) -> Result<Visitors> {
    match value {
        SqlStorageValue::Blob(packed) => Visitors::unpack(packed).ok_or_else(|| Error::from("visitors cannot be read")),
        _ => Ok(Visitors::default()),
    }
}

pub(super) fn has_table(sql: &SqlStorage, name: &str) -> Result<bool> {
    let statement = "select 1 from sqlite_master where type = 'table' and name = ?1";
    Ok(!rows(sql, statement, vec![SqlStorageValue::String(name.to_owned())])?.is_empty())
}

/// Counters once counted no visitors.
fn add_visitors(storage: &Storage) -> Result<()> {
    let mut writes = vec![(VISITOR_COLUMNS, vec![])];
    if has_table(&storage.sql(), "daily")? {
        writes.push((SOURCE_COLUMN, vec![]));
    }
    writes.push((SCHEMA, vec![]));
    write(storage, writes)
}

/// Counters once kept their counts by the hour. What they counted in an hour goes to its first quarter.
fn upgrade(storage: &Storage) -> Result<()> {
    let sql = storage.sql();
    let mut days = Vec::new();
    for row in rows(&sql, "select hour, views, copies, forks, compares from hourly", vec![])? {
        if let [SqlStorageValue::Integer(hour), counts @ ..] = row.as_slice() {
            let quarter = hour * HOUR_QUARTERS;
            if let Some(day) = SourcedDay::among(&mut days, quarter.div_euclid(DAY_QUARTERS)) {
                day.counts.add(quarter, &tally(counts));
            }
        }
    }
    let mut writes = vec![("drop table hourly", vec![])];
    writes.extend(days.iter().map(|day| write_day(day, false)));
    write(storage, writes)
}

/// Any day since 1970, or before it.
pub(super) const EVERY_DAY: RangeInclusive<i64> = -1_000_000_000..=1_000_000_000;

/// These days since 1970, in ascending order; those without counts are not there.
pub(super) fn days(storage: &Storage, counter: &Counter, range: RangeInclusive<i64>) -> Result<Vec<(i64, Day)>> {
    if counter.version == 0 {
        return Ok(Vec::new());
    }
    let statement = "select day, counts from daily where day between ?1 and ?2 order by day";
    let parameters = vec![SqlStorageValue::Integer(*range.start()), SqlStorageValue::Integer(*range.end())];
    let mut days = Vec::new();
    let cursor = storage.sql().exec(statement, parameters)?;
    for row in cursor.raw() {
        if let [SqlStorageValue::Integer(number), SqlStorageValue::Blob(counts)] = row?.as_slice() {
            days.push((*number, stored_day(counts)?));
        }
    }
    metering::object_rows(&cursor);
    Ok(days)
}

fn stored_day(counts: &[u8]) -> Result<Day> {
    Day::unpack(counts).ok_or_else(|| Error::from("a day cannot be read"))
}

/// The days of which sources are known, on this day since 1970.
pub(super) fn sourced_days(storage: &Storage, counter: &Counter, today: i64) -> Result<Vec<SourcedDay>> {
    if counter.version == 0 {
        return Ok(Vec::new());
    }
    let statement = "select day, counts, sources from daily where day >= ?1 and sources is not null";
    sourced(storage, statement, today - SOURCE_DAYS)
}

/// A day as it is stored; `None` where nothing was counted.
fn sourced_day(storage: &Storage, counter: &Counter, number: i64) -> Result<Option<SourcedDay>> {
    if counter.version == 0 {
        return Ok(None);
    }
    Ok(sourced(storage, "select day, counts, sources from daily where day = ?1", number)?.pop())
}

fn sourced(storage: &Storage, statement: &str, number: i64) -> Result<Vec<SourcedDay>> {
    let mut days = Vec::new();
    let cursor = storage.sql().exec(statement, vec![SqlStorageValue::Integer(number)])?;
    for row in cursor.raw() {
        if let [SqlStorageValue::Integer(number), SqlStorageValue::Blob(counts), sources] = row?.as_slice() {
            let packed = if let SqlStorageValue::Blob(packed) = sources { packed.as_slice() } else { &[] };
            let sources = Sources::unpack(packed).ok_or_else(|| Error::from("sources cannot be read"))?;
            days.push(SourcedDay { number: *number, counts: stored_day(counts)?, sources });
        }
    }
    metering::object_rows(&cursor);
    Ok(days)
}

/// The rows among `imported` that were not imported before.
pub(super) fn not_imported(storage: &Storage, counter: &Counter, imported: &[ImportedRow]) -> Result<Vec<ImportedRow>> {
    let sql = "select cast(key as text) from imported_row \
        where key in (select cast(value as integer) from json_each(?1))";
    let known = if counter.version == 0 { Vec::new() } else { rows(&storage.sql(), sql, vec![keys(imported)?])? };
    let known: HashSet<String> = known
        .into_iter()
        .filter_map(|row| match row.into_iter().next() {
            Some(SqlStorageValue::String(key)) => Some(key),
            _ => None,
        })
        .collect();
    let mut seen = HashSet::new();
    Ok(imported.iter().filter(|row| !known.contains(&signed(row.key)) && seen.insert(row.key)).copied().collect())
}

/// Stores the commit of a counter, all or nothing, and with it the keys of the rows that it imports and what else is to be
/// written.
pub(super) fn store(
    storage: &Storage,
    (prompt_id, counter): (Uuid, &Counter),
    commit: &Commit,
    imported: &[ImportedRow],
    more: Vec<Write>,
) -> Result<()> {
    let mut writes = more;
    if commit.version == 1 {
        writes.insert(0, (SCHEMA, vec![]));
    }
    let visitors = commit.visitors.as_ref();
    writes.push(write_counter(prompt_id, (&commit.tally, commit.version), (visitors, counter.retracted_visitors)));
    for added in &commit.days {
        add_to_day(storage, counter, added, &mut writes)?;
    }
    writes.extend(IDS.writes(&commit.ledger));
    writes.extend(VISITS.writes(&commit.visits));
    if !imported.is_empty() {
        let sql = "insert into imported_row (key) select cast(value as integer) from json_each(?1)";
        writes.push((sql, vec![keys(imported)?]));
    }
    write(storage, writes)
}

/// Adds to a stored day. With the first count of a day, sources of days that are too old are forgotten.
fn add_to_day(storage: &Storage, counter: &Counter, added: &SourcedDay, writes: &mut Vec<Write>) -> Result<()> {
    let number = added.number;
    let stored = sourced_day(storage, counter, number)?;
    if stored.is_none() && counter.version > 0 {
        let sql = "update daily set sources = null where day < ?1 and sources is not null";
        writes.push((sql, vec![SqlStorageValue::Integer(number - SOURCE_DAYS)]));
    }
    let mut day = stored.unwrap_or(SourcedDay { number, ..SourcedDay::default() });
    day.add_all(added);
    writes.push(write_day(&day, !added.sources.is_empty()));
    Ok(())
}

/// Stores what is taken back of a counter, all or nothing.
pub(super) fn store_retraction(storage: &Storage, prompt_id: Uuid, retraction: &Retraction) -> Result<()> {
    let Retraction { tally, version, retracted_visitors, days } = retraction;
    let mut writes = vec![write_counter(prompt_id, (tally, *version), (None, *retracted_visitors))];
    writes.extend(days.iter().map(|day| write_day(day, true)));
    write(storage, writes)
}

pub(super) type Write = (&'static str, Vec<SqlStorageValue>);

pub(super) fn write(storage: &Storage, writes: Vec<Write>) -> Result<()> {
    let sql = storage.sql();
    in_transaction(storage, move || {
        for (statement, parameters) in writes {
            metering::object_rows(&sql.exec(statement, parameters)?);
        }
        Ok(())
    })
}

/// The counts and the version, and visitors where they are others than before.
fn write_counter(
    prompt_id: Uuid,
    (tally, version): (&Tally, u64),
    (visitors, retracted_visitors): (Option<&Visitors>, u64),
) -> Write {
    let sql = "insert into counter (id, prompt_id, version, visitors, retracted_visitors, \
            views, copies, forks, compares, visits, bots, headless, prefetches) \
        values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
        on conflict (id) do update set version = excluded.version, visitors = coalesce(excluded.visitors, visitors), \
            retracted_visitors = excluded.retracted_visitors, views = excluded.views, copies = excluded.copies, \
            forks = excluded.forks, compares = excluded.compares, visits = excluded.visits, bots = excluded.bots, \
            headless = excluded.headless, prefetches = excluded.prefetches";
    let visitors = visitors.map_or(SqlStorageValue::Null, |visitors| SqlStorageValue::Blob(visitors.pack()));
    let mut parameters = vec![SqlStorageValue::String(prompt_id.to_string()), integer(version), visitors];
    parameters.push(integer(retracted_visitors));
    parameters.extend(Metric::ALL.map(|metric| integer(tally.count(metric))));
    (sql, parameters)
}

/// A day, and its sources where they are others than before.
fn write_day(day: &SourcedDay, with_sources: bool) -> Write {
    let sql = "insert into daily (day, counts, sources) values (?1, ?2, ?3) \
        on conflict (day) do update set counts = excluded.counts, sources = coalesce(excluded.sources, sources)";
    let sources = if with_sources { SqlStorageValue::Blob(day.sources.pack()) } else { SqlStorageValue::Null };
    (sql, vec![SqlStorageValue::Integer(day.number), SqlStorageValue::Blob(day.counts.pack()), sources])
}

pub(super) fn integer(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(value.cast_signed())
}

pub(super) fn count(value: &SqlStorageValue) -> u64 {
    match value {
        SqlStorageValue::Integer(value) => value.unsigned_abs(),
        _ => 0,
    }
}

/// Keys have 64 bits, more than a JavaScript number holds: they go in and come out as texts.
fn keys(imported: &[ImportedRow]) -> Result<SqlStorageValue> {
    let keys: Vec<String> = imported.iter().map(|row| signed(row.key)).collect();
    Ok(SqlStorageValue::String(serde_json::to_string(&keys)?))
}

fn signed(key: u64) -> String {
    key.cast_signed().to_string()
}

pub(super) fn rows(
    sql: &SqlStorage,
    statement: &str,
    parameters: Vec<SqlStorageValue>,
) -> Result<Vec<Vec<SqlStorageValue>>> {
    let cursor = sql.exec(statement, parameters)?;
    let rows = cursor.raw().collect();
    metering::object_rows(&cursor);
    rows
}

/// Runs `writes` in a transaction that is rolled back when it fails: without one, the writes before the failure would
/// stay.
fn in_transaction(storage: &Storage, writes: impl FnOnce() -> Result<()> + 'static) -> Result<()> {
    let failure = Rc::new(RefCell::new(None));
    let failed = Rc::clone(&failure);
    let body = Closure::once(move || match writes() {
        Ok(()) => Ok(JsValue::UNDEFINED),
        Err(error) => {
            let thrown = JsValue::from_str(&error.to_string());
            failed.replace(Some(error));
            Err(thrown)
        }
    });
    let run: Function = Reflect::get(storage.as_raw(), &JsValue::from_str("transactionSync"))?.dyn_into()?;
    let outcome = run.call1(storage.as_raw(), body.as_ref());
    match failure.take() {
        Some(error) => Err(error),
        None => outcome.map(drop).map_err(Error::from),
    }
}
