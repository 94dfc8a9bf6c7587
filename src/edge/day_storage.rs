//! The days of a counter, and all statements on them. Nothing here waits.
//!
//! The open day stands in the row of the counter, which every commit writes, so that it costs no row of its own; the others
//! have a row each ([`crate::counting::day_change`]).

use std::ops::RangeInclusive;

use worker::{Error, Result, SqlStorageValue, Storage};

use super::metering;
use super::object_storage::Write;
use crate::counting::counter::Counter;
use crate::counting::day::Day;
use crate::counting::day_change::{ChangedDay, DayChange};
use crate::counting::sources::{SOURCE_DAYS, SourcedDay, Sources};

/// Any day since 1970, or before it.
pub(super) const EVERY_DAY: RangeInclusive<i64> = -1_000_000_000..=1_000_000_000;

/// The open day as the row of the counter has it; nulls stand for no change.
pub(super) fn open_values(open: Option<&ChangedDay>) -> [SqlStorageValue; 3] {
    let Some(ChangedDay { day, with_sources }) = open else { return [const { SqlStorageValue::Null }; 3] };
    let sources = if *with_sources { SqlStorageValue::Blob(day.sources.pack()) } else { SqlStorageValue::Null };
    [SqlStorageValue::Integer(day.number), SqlStorageValue::Blob(day.counts.pack()), sources]
}

/// These days since 1970, in ascending order; those without counts are not there.
pub(super) fn days(storage: &Storage, counter: &Counter, range: RangeInclusive<i64>) -> Result<Vec<(i64, Day)>> {
    if counter.version == 0 {
        return Ok(Vec::new());
    }
    let statement = "select day, counts from daily where day between ?1 and ?2 \
        union all select open_day, open_counts from counter where open_day between ?1 and ?2 order by 1";
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
    let statement = "select day, counts, sources from daily where day >= ?1 and sources is not null \
        union all select open_day, open_counts, open_sources from counter where open_day >= ?1";
    sourced(storage, counter, statement, today - SOURCE_DAYS)
}

/// A day that has a row of its own; `None` where nothing was counted.
fn closed_day(storage: &Storage, counter: &Counter, number: i64) -> Result<Option<SourcedDay>> {
    Ok(sourced(storage, counter, "select day, counts, sources from daily where day = ?1", number)?.pop())
}

fn sourced(storage: &Storage, counter: &Counter, statement: &str, number: i64) -> Result<Vec<SourcedDay>> {
    if counter.version == 0 {
        return Ok(Vec::new());
    }
    let mut days = Vec::new();
    let cursor = storage.sql().exec(statement, vec![SqlStorageValue::Integer(number)])?;
    for row in cursor.raw() {
        days.extend(stored_sourced_day(&row?)?);
    }
    metering::object_rows(&cursor);
    Ok(days)
}

/// A day from its number, counts and sources; `None` where these are null.
pub(super) fn stored_sourced_day(row: &[SqlStorageValue]) -> Result<Option<SourcedDay>> {
    let [SqlStorageValue::Integer(number), SqlStorageValue::Blob(counts), sources] = row else { return Ok(None) };
    let packed = if let SqlStorageValue::Blob(packed) = sources { packed.as_slice() } else { &[] };
    let sources = Sources::unpack(packed).ok_or_else(|| Error::from("sources cannot be read"))?;
    Ok(Some(SourcedDay { number: *number, counts: stored_day(counts)?, sources }))
}

/// What is to be stored of days that a counter adds to, on this day since 1970.
pub(super) fn change(storage: &Storage, counter: &Counter, added: &[SourcedDay], today: i64) -> Result<DayChange> {
    DayChange::of(counter.open_day.as_ref(), added, today, |number| closed_day(storage, counter, number))
}

/// The writes of a change, but for the open day, which stands in the row of the counter.
pub(super) fn writes(change: &DayChange) -> Vec<Write> {
    let deleted = change.deleted.iter().map(|number| delete_day(*number));
    let written = change.written.iter().map(|changed| write_day(&changed.day, changed.with_sources));
    deleted.chain(written).chain(change.sources_since.map(forget_sources)).collect()
}

/// A day that has a row of its own, and its sources where they are others than before.
pub(super) fn write_day(day: &SourcedDay, with_sources: bool) -> Write {
    let sql = "insert into daily (day, counts, sources) values (?1, ?2, ?3) \
        on conflict (day) do update set counts = excluded.counts, sources = coalesce(excluded.sources, sources)";
    let sources = if with_sources { SqlStorageValue::Blob(day.sources.pack()) } else { SqlStorageValue::Null };
    (sql, vec![SqlStorageValue::Integer(day.number), SqlStorageValue::Blob(day.counts.pack()), sources])
}

fn delete_day(number: i64) -> Write {
    ("delete from daily where day = ?1", vec![SqlStorageValue::Integer(number)])
}

fn forget_sources(since: i64) -> Write {
    let sql = "update daily set sources = null where day < ?1 and sources is not null";
    (sql, vec![SqlStorageValue::Integer(since)])
}
