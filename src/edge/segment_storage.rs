//! Where a counter and a shard keep segments of what they remember: of ids, of visits.
//!
//! A segment has a row of its own; but the one that a counter fills stands in the row of the counter, which every commit
//! writes, so that it costs no row.

use worker::{Result, SqlStorage, SqlStorageValue};

use super::object_storage::{Write, count, integer, rows};
use crate::counting::segment::{LedgerChange, SEGMENTS_AT_ONCE, Segment, packed_entries};

/// The statements on the segments of one kind.
pub(super) struct Segments {
    size: &'static str,
    some: &'static str,
    one: &'static str,
    write: &'static str,
    delete: &'static str,
}

/// Segments that are read at once: those that are told at once, and the one that begins the next page.
const READ_AT_ONCE: u64 = SEGMENTS_AT_ONCE as u64 + 1;

const ONE_OF_IDS: &str = "select number, newest_ms, entries from ledger_segment where number = ?1";
const WRITE_IDS: &str = "insert into ledger_segment (number, newest_ms, entries) values (?1, ?2, ?3) \
    on conflict (number) do update set newest_ms = excluded.newest_ms, entries = excluded.entries";
const DELETE_IDS: &str = "delete from ledger_segment where number = ?1";

/// The ids of a shard.
pub(super) const SHARD_IDS: Segments = Segments {
    size: "select coalesce(sum(length(entries)), 0) from ledger_segment",
    some: "select number, newest_ms, entries from ledger_segment where number >= ?1 order by number limit ?2",
    one: ONE_OF_IDS,
    write: WRITE_IDS,
    delete: DELETE_IDS,
};

/// The ids of a counter.
pub(super) const COUNTER_IDS: Segments = Segments {
    size: "select coalesce(sum(length(entries)), 0) + (select coalesce(length(open_ids), 0) from counter) \
        from ledger_segment",
    some: "select number, newest_ms, entries from ledger_segment where number >= ?1 \
        union all select open_ids_number, open_ids_newest_ms, open_ids from counter where open_ids_number >= ?1 \
        order by 1 limit ?2",
    one: ONE_OF_IDS,
    write: WRITE_IDS,
    delete: DELETE_IDS,
};

/// The visits of a counter.
pub(super) const COUNTER_VISITS: Segments = Segments {
    size: "select coalesce(sum(length(entries)), 0) + (select coalesce(length(open_visits), 0) from counter) \
        from visit_segment",
    some: "select number, newest_ms, entries from visit_segment where number >= ?1 \
        union all select open_visits_number, open_visits_newest_ms, open_visits from counter \
        where open_visits_number >= ?1 order by 1 limit ?2",
    one: "select number, newest_ms, entries from visit_segment where number = ?1",
    write: "insert into visit_segment (number, newest_ms, entries) values (?1, ?2, ?3) \
        on conflict (number) do update set newest_ms = excluded.newest_ms, entries = excluded.entries",
    delete: "delete from visit_segment where number = ?1",
};

impl Segments {
    /// How many entries all segments have.
    pub(super) fn entries(&self, sql: &SqlStorage) -> Result<usize> {
        let sizes = rows(sql, self.size, vec![])?;
        Ok(packed_entries(sizes.first().and_then(|row| row.first()).map_or(0, count)))
    }

    /// Gives all segments in the order of their numbers.
    pub(super) fn restore(&self, sql: &SqlStorage, mut keep: impl FnMut(Segment)) -> Result<()> {
        self.give_from(sql, 0, &mut |segment| {
            keep(segment);
            true
        })
    }

    /// Gives the segments from a number on in the order of their numbers, as long as more are wanted, some at a time: all of
    /// them at once would be more than a counter may hold in memory, and a cursor that is not read to its end keeps the table
    /// from being dropped.
    pub(super) fn give_from(
        &self,
        sql: &SqlStorage,
        mut number: u64,
        take: &mut dyn FnMut(Segment) -> bool,
    ) -> Result<()> {
        loop {
            let read = rows(sql, self.some, vec![integer(number), integer(READ_AT_ONCE)])?;
            let Some(last) = read.last().and_then(|row| row.first()).map(count) else { return Ok(()) };
            number = last + 1;
            let is_last = (read.len() as u64) < READ_AT_ONCE;
            if !read.iter().filter_map(|row| segment(row)).all(&mut *take) || is_last {
                return Ok(());
            }
        }
    }

    /// One that is full; nothing where it is not stored.
    pub(super) fn full(&self, sql: &SqlStorage, number: u64) -> Result<Option<Segment>> {
        Ok(rows(sql, self.one, vec![integer(number)])?.first().and_then(|row| segment(row)))
    }

    /// The writes of a change.
    pub(super) fn writes(&self, change: &LedgerChange) -> impl Iterator<Item = Write> {
        self.writes_of(&change.written, change)
    }

    /// The same but for the segment that is being filled.
    pub(super) fn closed_writes(&self, change: &LedgerChange) -> impl Iterator<Item = Write> {
        self.writes_of(change.closed(), change)
    }

    fn writes_of<'a>(&self, written: &'a [Segment], change: &'a LedgerChange) -> impl Iterator<Item = Write> {
        let (write, delete) = (self.write, self.delete);
        let written = written.iter().map(move |segment| (write, segment_values(segment).to_vec()));
        written.chain(change.expired.iter().map(move |number| (delete, vec![integer(*number)])))
    }
}

/// The segment that is being filled after a change, as the row of the counter has it; nulls stand for no change.
pub(super) fn open_values(change: &LedgerChange) -> [SqlStorageValue; 3] {
    change.open().map_or([const { SqlStorageValue::Null }; 3], segment_values)
}

fn segment(row: &[SqlStorageValue]) -> Option<Segment> {
    match row {
        [number, SqlStorageValue::Integer(newest_ms), SqlStorageValue::Blob(entries)] => {
            Some(Segment::unpack(count(number), *newest_ms, entries))
        }
        _ => None,
    }
}

fn segment_values(segment: &Segment) -> [SqlStorageValue; 3] {
    [integer(segment.number), SqlStorageValue::Integer(segment.newest_ms), SqlStorageValue::Blob(segment.pack())]
}
