//! The tables of a counter that hold segments of what it remembers: of ids, of visits. Both are alike.

use worker::{Result, SqlStorage, SqlStorageValue};

use super::counter_storage::{Write, count, integer, rows};
use super::metering;
use crate::counting::ledger::{LedgerChange, Segment};

/// The statements on one of the tables.
pub(super) struct SegmentTable {
    size: &'static str,
    all: &'static str,
    write: &'static str,
    delete: &'static str,
}

/// The segments of the ledger of ids.
pub(super) const IDS: SegmentTable = SegmentTable {
    size: "select coalesce(sum(length(entries)), 0) from ledger_segment",
    all: "select number, newest_ms, entries from ledger_segment order by number",
    write: "insert into ledger_segment (number, newest_ms, entries) values (?1, ?2, ?3) \
        on conflict (number) do update set newest_ms = excluded.newest_ms, entries = excluded.entries",
    delete: "delete from ledger_segment where number = ?1",
};

/// The segments of the visits.
pub(super) const VISITS: SegmentTable = SegmentTable {
    size: "select coalesce(sum(length(entries)), 0) from visit_segment",
    all: "select number, newest_ms, entries from visit_segment order by number",
    write: "insert into visit_segment (number, newest_ms, entries) values (?1, ?2, ?3) \
        on conflict (number) do update set newest_ms = excluded.newest_ms, entries = excluded.entries",
    delete: "delete from visit_segment where number = ?1",
};

impl SegmentTable {
    /// How many bytes the entries of all segments have.
    pub(super) fn bytes(&self, sql: &SqlStorage) -> Result<u64> {
        let sizes = rows(sql, self.size, vec![])?;
        Ok(sizes.first().and_then(|row| row.first()).map_or(0, count))
    }

    /// Gives the segments in the order of their numbers, one at a time: all of them at once would be a third of what a
    /// counter may hold in memory.
    pub(super) fn restore(&self, sql: &SqlStorage, mut keep: impl FnMut(Segment)) -> Result<()> {
        let cursor = sql.exec(self.all, None)?;
        for row in cursor.raw() {
            if let [number, SqlStorageValue::Integer(newest_ms), SqlStorageValue::Blob(entries)] = row?.as_slice() {
                keep(Segment::unpack(count(number), *newest_ms, entries));
            }
        }
        metering::object_rows(&cursor);
        Ok(())
    }

    /// The writes of a change.
    pub(super) fn writes(&self, change: &LedgerChange) -> impl Iterator<Item = Write> {
        let written = change.written.iter().map(|segment| {
            let newest_ms = SqlStorageValue::Integer(segment.newest_ms);
            (self.write, vec![integer(segment.number), newest_ms, SqlStorageValue::Blob(segment.pack())])
        });
        written.chain(change.expired.iter().map(|number| (self.delete, vec![integer(*number)])))
    }
}
