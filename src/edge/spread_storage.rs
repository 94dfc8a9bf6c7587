//! The table of a counter that tells how it is spread, and the statements on it.

use worker::{Error, Result, SqlStorageValue, Storage};

use super::object_storage::{Write, count, has_table, integer, rows, write};
use crate::sharding::standing::Standing;

const SCHEMA: &str = "create table if not exists spread (
        id integer primary key check (id = 1),
        epoch integer not null,
        shards integer not null,
        is_folding integer not null,
        pulled text not null
    ) strict;";

/// How the counter is spread.
pub(super) fn restore(storage: &Storage) -> Result<Standing> {
    let sql = storage.sql();
    if !has_table(&sql, "spread")? {
        return Ok(Standing::default());
    }
    let found = rows(&sql, "select epoch, shards, is_folding, pulled from spread", vec![])?;
    let Some([epoch, shards, is_folding, SqlStorageValue::String(pulled)]) = found.first().map(Vec::as_slice) else {
        return Ok(Standing::default());
    };
    let shards = u32::try_from(count(shards)).map_err(|error| Error::from(error.to_string()))?;
    Ok(Standing {
        epoch: count(epoch),
        shards,
        is_folding: count(is_folding) != 0,
        pulled: serde_json::from_str(pulled)?,
    })
}

/// Stores how the counter is spread from now on.
pub(super) fn store(storage: &Storage, standing: &Standing) -> Result<()> {
    write(storage, vec![(SCHEMA, vec![]), write_standing(standing)?])
}

/// The write of a counter that is spread.
pub(super) fn write_standing(standing: &Standing) -> Result<Write> {
    let sql = "insert into spread (id, epoch, shards, is_folding, pulled) values (1, ?1, ?2, ?3, ?4) \
        on conflict (id) do update set epoch = excluded.epoch, shards = excluded.shards, \
            is_folding = excluded.is_folding, pulled = excluded.pulled";
    let Standing { epoch, shards, is_folding, pulled } = standing;
    let pulled = SqlStorageValue::String(serde_json::to_string(pulled)?);
    Ok((sql, vec![integer(*epoch), integer((*shards).into()), integer((*is_folding).into()), pulled]))
}
