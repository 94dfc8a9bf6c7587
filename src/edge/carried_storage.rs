//! A counter's tables as they are carried, and how they are filled by what was. Nothing here waits.
//!
//! Parts come in before the whole. Until then there is no row of the counter, so it is one that never counted: nothing reads
//! its tables. If it counts before the whole comes, they are emptied with the first commit.

use std::ops::Range;

use uuid::Uuid;
use worker::{Result, SqlStorageValue, Storage};

use super::counter_storage::SCHEMA;
use super::day_storage::{self, EVERY_DAY};
use super::object_storage::{Write, count, has_table, integer, rows, write};
use super::segment_storage::COUNTER_IDS;
use crate::counting::carried::{IMPORTED_AT_ONCE, Piece, Standing, Whole};
use crate::counting::counter::Counter;
use crate::counting::tally::Metric;

const CARRIED: &str = "create table if not exists carried (
        id integer primary key check (id = 1),
        version integer not null,
        is_whole integer not null -- 1 until the counter has told what came in, then 2
    ) strict;";

/// Forgets parts that came in.
pub(super) const FORGET: &str =
    "delete from daily; delete from ledger_segment; delete from imported_row; drop table if exists carried;";

/// The parts of a counter that counted, the whole last. Of its ids they are so many full segments, the last ones, and the one that
/// is being filled.
pub(super) fn pieces(storage: &Storage, counter: &Counter, segments: u64) -> Result<Vec<Piece>> {
    if counter.version == 0 {
        return Ok(Vec::new());
    }
    let mut pieces = Vec::new();
    for (number, day) in day_storage::days(storage, counter, EVERY_DAY)? {
        pieces.push(Piece::Day { number, counts: day.pack() });
    }
    let days = pieces.len() as u64;
    let sql = storage.sql();
    let first = "select number from ledger_segment order by number desc limit 1 offset ?1";
    let first = number(&rows(&sql, first, vec![integer(segments.saturating_sub(1))])?);
    let left_out = number(&rows(&sql, "select count(*) from ledger_segment where number < ?1", vec![integer(first)])?);
    pieces.extend(ids(storage, first..u64::MAX, segments.saturating_add(1))?);
    let whole = Whole {
        tally: counter.tally,
        visitors: counter.visitors.pack(),
        retracted_visitors: counter.retracted_visitors,
        days,
        ids: pieces.len() as u64 - days + left_out,
        imported: number(&rows(&sql, "select count(*) from imported_row", vec![])?),
    };
    pieces.push(Piece::Whole(whole));
    Ok(pieces)
}

/// The first so many segments of ids of these numbers.
pub(super) fn ids(storage: &Storage, numbers: Range<u64>, segments: u64) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    COUNTER_IDS.give_from(&storage.sql(), numbers.start, &mut |segment| {
        let is_one = segment.number < numbers.end && (pieces.len() as u64) < segments;
        if is_one {
            let entries = segment.pack();
            pieces.push(Piece::Ids { number: segment.number, newest_ms: segment.newest_ms, entries });
        }
        is_one
    })?;
    Ok(pieces)
}

/// The keys of imported rows behind one, each in 8 bytes.
pub(super) fn imported(storage: &Storage, after: Option<i64>) -> Result<Vec<u8>> {
    let sql = "select cast(key as text) from imported_row where key >= cast(?1 as integer) order by key limit ?2";
    let first = SqlStorageValue::String(after.map_or(i64::MIN, |after| after.saturating_add(1)).to_string());
    let found = rows(&storage.sql(), sql, vec![first, integer(IMPORTED_AT_ONCE as u64)])?;
    let key = |row: &Vec<SqlStorageValue>| match row.first() {
        Some(SqlStorageValue::String(key)) => key.parse::<i64>().ok(),
        _ => None,
    };
    Ok(found.iter().filter_map(key).flat_map(i64::to_be_bytes).collect())
}

/// What a counter was carried into.
pub(super) fn standing(storage: &Storage, counter: &Counter) -> Result<Standing> {
    let has_counted = counter.version > 0;
    let sql = storage.sql();
    if !has_table(&sql, "carried")? {
        return Ok(Standing { has_counted, carried: None });
    }
    let found = rows(&sql, "select version, is_whole from carried", vec![])?;
    let carried = match found.first().map(Vec::as_slice) {
        Some([version, is_whole]) => Some((count(version), count(is_whole) > 0)),
        _ => None,
    };
    Ok(Standing { has_counted, carried })
}

/// Whether it is whole by what was carried, and has not told so.
pub(super) fn is_untold(storage: &Storage) -> Result<bool> {
    let sql = storage.sql();
    Ok(has_table(&sql, "carried")? && !rows(&sql, "select 1 from carried where is_whole = 1", vec![])?.is_empty())
}

/// It has told so.
pub(super) fn note_told(storage: &Storage) -> Result<()> {
    write(storage, vec![("update carried set is_whole = 2", vec![])])
}

/// Begins to take parts of a version.
pub(super) fn begin(storage: &Storage, version: u64) -> Result<()> {
    let sql = "insert into carried (id, version, is_whole) values (1, ?1, 0)";
    write(storage, vec![(SCHEMA, vec![]), (FORGET, vec![]), (CARRIED, vec![]), (sql, vec![integer(version)])])
}

/// Stores a part; repeated, it is stored as it was.
pub(super) fn store(storage: &Storage, piece: &Piece) -> Result<()> {
    let written: Write = match piece {
        Piece::Day { number, counts } => (
            "insert into daily (day, counts) values (?1, ?2) on conflict (day) do update set counts = excluded.counts",
            vec![SqlStorageValue::Integer(*number), SqlStorageValue::Blob(counts.clone())],
        ),
        Piece::Ids { number, newest_ms, entries } => (
            "insert into ledger_segment (number, newest_ms, entries) values (?1, ?2, ?3) on conflict (number) \
                do update set newest_ms = excluded.newest_ms, entries = excluded.entries",
            vec![integer(*number), SqlStorageValue::Integer(*newest_ms), SqlStorageValue::Blob(entries.clone())],
        ),
        Piece::Imported(keys) => {
            let (keys, _) = keys.as_chunks();
            let keys: Vec<String> = keys.iter().map(|key| i64::from_be_bytes(*key).to_string()).collect();
            (
                "insert or ignore into imported_row (key) select cast(value as integer) from json_each(?1)",
                vec![SqlStorageValue::String(serde_json::to_string(&keys)?)],
            )
        }
        Piece::Whole(_) => return Ok(()),
    };
    write(storage, vec![written])
}

/// Makes a counter of the parts that came in; whether all of them did.
pub(super) fn finish(storage: &Storage, (prompt_id, version): (Uuid, u64), whole: &Whole) -> Result<bool> {
    let sql = "select (select count(*) from daily), (select count(*) from ledger_segment), \
        (select count(*) from imported_row)";
    let came: Vec<u64> = rows(&storage.sql(), sql, vec![])?.concat().iter().map(count).collect();
    if came != [whole.days, whole.ids, whole.imported] {
        return Ok(false);
    }
    let insert = "insert into counter (id, prompt_id, version, retracted_visitors, visitors, \
            views, copies, forks, compares, visits, bots, headless, prefetches) \
        values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let mut parameters = vec![SqlStorageValue::String(prompt_id.to_string()), integer(version)];
    parameters.push(integer(whole.retracted_visitors));
    parameters.push(SqlStorageValue::Blob(whole.visitors.clone()));
    parameters.extend(Metric::ALL.map(|metric| integer(whole.tally.count(metric))));
    // The segment that is being filled stands in the row of the counter.
    let open = "update counter set (open_ids_number, open_ids_newest_ms, open_ids) = \
        (select number, newest_ms, entries from ledger_segment order by number desc limit 1)";
    let close = "delete from ledger_segment where number = (select open_ids_number from counter)";
    let over = "update carried set is_whole = 1";
    write(storage, vec![(insert, parameters), (open, vec![]), (close, vec![]), (over, vec![])])?;
    Ok(true)
}

fn number(rows: &[Vec<SqlStorageValue>]) -> u64 {
    rows.first().and_then(|row| row.first()).map_or(0, count)
}
