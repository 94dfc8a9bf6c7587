//! The tables of one shard, and all statements on them. Nothing here waits.

use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

use super::metering;
use super::object_storage::{Write, count, has_table, integer, rows, write};
use super::segment_storage::SHARD_IDS;
use crate::counting::ledger::{Bounds, Ledger};
use crate::counting::protocol::Increment;
use crate::counting::segment::{LedgerChange, Segment};
use crate::sharding::shard::{Batch, Shard};

/// Made anew with each epoch: what was left of the one before, its counter has.
const EMPTY: &str = "
    drop table if exists shard;
    drop table if exists accepted;
    drop table if exists ledger_segment;
    create table shard (
        id integer primary key check (id = 1),
        epoch integer not null,
        is_closed integer not null,
        first_own integer not null
    ) strict;
    create table accepted (number integer primary key, increments blob not null) strict;
    create table ledger_segment (
        number integer primary key,
        newest_ms integer not null,
        entries blob not null
    ) strict;";

/// The shard as it is stored; `None` of one that never began, or was cleared. What a beginning left that was broken off is
/// forgotten.
pub(super) fn restore(storage: &Storage) -> Result<Option<Shard>> {
    let sql = storage.sql();
    if !has_table(&sql, "shard")? {
        return Ok(None);
    }
    let found = rows(&sql, "select epoch, is_closed, first_own from shard", vec![])?;
    let Some([epoch, is_closed, first_own]) = found.first().map(Vec::as_slice) else {
        return clear(storage).map(|()| None);
    };
    let mut shard = Shard {
        epoch: count(epoch),
        is_closed: count(is_closed) != 0,
        first_own: count(first_own),
        ledger: Ledger::within(Bounds::COUNTER, SHARD_IDS.entries(&sql)?),
        ..Shard::default()
    };
    SHARD_IDS.restore(&sql, |segment| shard.ledger.restore(segment))?;
    shard.begin_own(shard.first_own);
    for (number, increments) in accepted(&sql, 0)? {
        shard.batch = number;
        shard.held += increments.len();
    }
    Ok(Some(shard))
}

/// Makes empty tables: there is no shard in them until one begins.
pub(super) fn empty(storage: &Storage) -> Result<()> {
    write(storage, vec![(EMPTY, vec![])])
}

/// Stores ids that the counter hands over. With the last of them a shard begins in an epoch, behind so many segments.
pub(super) fn take_over(storage: &Storage, segments: &[Segment], begins: Option<(u64, u64)>) -> Result<()> {
    let mut writes: Vec<Write> =
        SHARD_IDS.writes(&LedgerChange { written: segments.to_vec(), expired: Vec::new() }).collect();
    if let Some((epoch, first_own)) = begins {
        let sql = "insert into shard (id, epoch, is_closed, first_own) values (1, ?1, 0, ?2)";
        writes.push((sql, vec![integer(epoch), integer(first_own)]));
    }
    write(storage, writes)
}

/// Stores what a shard accepts.
pub(super) fn store(storage: &Storage, batch: &Batch) -> Result<()> {
    let increments = postcard::to_allocvec(&batch.increments).map_err(|error| Error::from(error.to_string()))?;
    let sql = "insert into accepted (number, increments) values (?1, ?2)";
    let mut writes = vec![(sql, vec![integer(batch.number), SqlStorageValue::Blob(increments)])];
    writes.extend(SHARD_IDS.writes(&batch.ledger));
    write(storage, writes)
}

/// Forgets the batches before one, which the counter has up to that one, and notes the end of the epoch. The last one stays: it says
/// from where on batches are numbered.
pub(super) fn pulled(storage: &Storage, through: u64, closes: bool) -> Result<()> {
    let mut writes: Vec<Write> = vec![("delete from accepted where number < ?1", vec![integer(through)])];
    if closes {
        writes.push(("update shard set is_closed = 1 where is_closed = 0", vec![]));
    }
    write(storage, writes)
}

/// The batches behind one, in their order.
pub(super) fn accepted(sql: &SqlStorage, through: u64) -> Result<Vec<(u64, Vec<Increment>)>> {
    let statement = "select number, increments from accepted where number > ?1 order by number";
    let mut batches = Vec::new();
    let cursor = sql.exec(statement, vec![integer(through)])?;
    for row in cursor.raw() {
        if let [number, SqlStorageValue::Blob(increments)] = row?.as_slice() {
            let increments = postcard::from_bytes(increments).map_err(|error| Error::from(error.to_string()))?;
            batches.push((count(number), increments));
        }
    }
    metering::object_rows(&cursor);
    Ok(batches)
}

/// Forgets everything.
pub(super) fn clear(storage: &Storage) -> Result<()> {
    let sql = "drop table if exists shard; drop table if exists accepted; drop table if exists ledger_segment;";
    write(storage, vec![(sql, vec![])])
}
