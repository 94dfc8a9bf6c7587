//! The tables of one counter, and all statements on them. Nothing here waits.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

use js_sys::{Function, Reflect};
use uuid::Uuid;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

use crate::counting::counter::{Commit, Counter};
use crate::counting::day::Day;
use crate::counting::ledger::{Ledger, Segment};
use crate::counting::protocol::ImportedRow;
use crate::counting::tally::Tally;
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
        version integer not null
    ) strict;
    create table if not exists daily (day integer primary key, counts blob not null) strict;
    create table if not exists ledger_segment (
        number integer primary key,
        newest_ms integer not null,
        entries blob not null
    ) strict;
    create table if not exists imported_row (key integer primary key) strict;";

/// The counter as it is stored, and the prompt it belongs to; `None` when nothing was ever counted.
pub(super) fn restore(storage: &Storage) -> Result<Option<(Uuid, Counter)>> {
    let sql = storage.sql();
    if !has_table(&sql, "counter")? {
        return Ok(None);
    }
    if has_table(&sql, "hourly")? {
        upgrade(storage)?;
    }
    let counter = rows(&sql, "select prompt_id, views, copies, forks, compares, version from counter", vec![])?;
    let Some([SqlStorageValue::String(prompt_id), views, copies, forks, compares, version]) =
        counter.first().and_then(|row| row.first_chunk())
    else {
        return Ok(None);
    };
    let tally = Tally {
        views: count(views),
        copies: count(copies),
        forks: count(forks),
        compares: count(compares),
        ..Tally::default()
    };
    let prompt_id = Uuid::try_parse(prompt_id).map_err(|error| Error::from(error.to_string()))?;
    Ok(Some((prompt_id, Counter { tally, version: count(version), ledger: restore_ledger(&sql)? })))
}

fn has_table(sql: &SqlStorage, name: &str) -> Result<bool> {
    let statement = "select 1 from sqlite_master where type = 'table' and name = ?1";
    Ok(!rows(sql, statement, vec![SqlStorageValue::String(name.to_owned())])?.is_empty())
}

/// Counters once kept their counts by the hour. What they counted in an hour goes to its first quarter.
fn upgrade(storage: &Storage) -> Result<()> {
    let sql = storage.sql();
    let mut days: HashMap<i64, Day> = HashMap::new();
    for row in rows(&sql, "select hour, views, copies, forks, compares from hourly", vec![])? {
        if let [SqlStorageValue::Integer(hour), views, copies, forks, compares] = row.as_slice() {
            let quarter = hour * HOUR_QUARTERS;
            let tally = Tally {
                views: count(views),
                copies: count(copies),
                forks: count(forks),
                compares: count(compares),
                ..Tally::default()
            };
            days.entry(quarter.div_euclid(DAY_QUARTERS)).or_default().add(quarter, &tally);
        }
    }
    let mut writes = vec![(SCHEMA, vec![]), ("drop table hourly", vec![])];
    writes.extend(days.iter().map(|(number, day)| write_day(*number, day)));
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
    for row in storage.sql().exec(statement, parameters)?.raw() {
        if let [SqlStorageValue::Integer(number), SqlStorageValue::Blob(counts)] = row?.as_slice() {
            let day = Day::unpack(counts).ok_or_else(|| Error::from("a day cannot be read"))?;
            days.push((*number, day));
        }
    }
    Ok(days)
}

fn restore_ledger(sql: &SqlStorage) -> Result<Ledger> {
    let sizes = rows(sql, "select coalesce(sum(length(entries)), 0) from ledger_segment", vec![])?;
    let bytes = sizes.first().and_then(|row| row.first()).map_or(0, count);
    let mut ledger = Ledger::with_room_for(bytes);
    // One segment at a time: all of them at once would be a third of what a counter may hold in memory.
    for row in sql.exec("select number, newest_ms, entries from ledger_segment order by number", None)?.raw() {
        if let [number, SqlStorageValue::Integer(newest_ms), SqlStorageValue::Blob(entries)] = row?.as_slice() {
            ledger.restore(Segment::unpack(count(number), *newest_ms, entries));
        }
    }
    Ok(ledger)
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

/// Stores the commit of a counter, all or nothing, and with it the keys of the rows that it imports.
pub(super) fn store(
    storage: &Storage,
    (prompt_id, counter): (Uuid, &Counter),
    commit: &Commit,
    imported: &[ImportedRow],
) -> Result<()> {
    let mut writes = Vec::new();
    if commit.version == 1 {
        writes.push((SCHEMA, vec![]));
    }
    writes.push(write_counter(prompt_id, commit));
    for (number, added) in &commit.days {
        let mut day = days(storage, counter, *number..=*number)?.pop().map(|(_, day)| day).unwrap_or_default();
        day.add_all(added);
        writes.push(write_day(*number, &day));
    }
    writes.extend(commit.ledger.written.iter().map(write_segment));
    writes.extend(
        commit
            .ledger
            .expired
            .iter()
            .map(|number| ("delete from ledger_segment where number = ?1", vec![integer(*number)])),
    );
    if !imported.is_empty() {
        let sql = "insert into imported_row (key) select cast(value as integer) from json_each(?1)";
        writes.push((sql, vec![keys(imported)?]));
    }
    write(storage, writes)
}

type Write = (&'static str, Vec<SqlStorageValue>);

fn write(storage: &Storage, writes: Vec<Write>) -> Result<()> {
    let sql = storage.sql();
    in_transaction(storage, move || {
        for (statement, parameters) in writes {
            sql.exec(statement, parameters)?;
        }
        Ok(())
    })
}

fn write_counter(prompt_id: Uuid, commit: &Commit) -> Write {
    let sql = "insert into counter (id, prompt_id, views, copies, forks, compares, version) \
        values (1, ?1, ?2, ?3, ?4, ?5, ?6) \
        on conflict (id) do update set views = excluded.views, copies = excluded.copies, forks = excluded.forks, \
            compares = excluded.compares, version = excluded.version";
    let mut parameters = vec![SqlStorageValue::String(prompt_id.to_string())];
    parameters.extend(counts(&commit.tally));
    parameters.push(integer(commit.version));
    (sql, parameters)
}

fn write_day(number: i64, day: &Day) -> Write {
    let sql =
        "insert into daily (day, counts) values (?1, ?2) on conflict (day) do update set counts = excluded.counts";
    (sql, vec![SqlStorageValue::Integer(number), SqlStorageValue::Blob(day.pack())])
}

fn write_segment(segment: &Segment) -> Write {
    let sql = "insert into ledger_segment (number, newest_ms, entries) values (?1, ?2, ?3) \
        on conflict (number) do update set newest_ms = excluded.newest_ms, entries = excluded.entries";
    let newest_ms = SqlStorageValue::Integer(segment.newest_ms);
    (sql, vec![integer(segment.number), newest_ms, SqlStorageValue::Blob(segment.pack())])
}

fn counts(tally: &Tally) -> [SqlStorageValue; 4] {
    [tally.views, tally.copies, tally.forks, tally.compares].map(integer)
}

fn integer(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(value.cast_signed())
}

fn count(value: &SqlStorageValue) -> u64 {
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

fn rows(sql: &SqlStorage, statement: &str, parameters: Vec<SqlStorageValue>) -> Result<Vec<Vec<SqlStorageValue>>> {
    sql.exec(statement, parameters)?.raw().collect()
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
