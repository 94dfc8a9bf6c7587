//! Statements of exports and of what they bring in.

use serde_json::value::RawValue;
use uuid::Uuid;
use wasm_bindgen::JsValue;
use worker::{D1Database, Error, Result};

use super::rows::{Columns, read_all, rows_written};
use super::{Prepared, arrays, integer, optional_text, prepared, rows, run, statement, text, transact, users};
use crate::counting::carried::Told;
use crate::http::identity::User;
use crate::moving::page_sql;
use crate::moving::restore_sql::{Bound, Moment, restore};
use crate::moving::row::MovedRow;
use crate::moving::tables::Moved;
use crate::rankings::telling::{STORE_STANDINGS, Telling};
use crate::rest::rows::{Cell, Row};
use crate::time::timestamp_from_ms;

/// A page of a table, behind a key.
pub(in crate::edge) async fn page(database: &D1Database, moved: &Moved, after: &[String]) -> Result<Vec<Row>> {
    let page = prepared(database, &page_sql::page(moved, after))?;
    Ok(rows::run(database, vec![page]).await?.pop().unwrap_or_default())
}

/// The version of the rollup.
pub(in crate::edge) async fn rollup_version(database: &D1Database) -> Result<u64> {
    let found = run(statement(database, "select version from rollup_watermark", &[])?).await?;
    Ok(read_all(&found, Columns::count)?.pop().unwrap_or_default())
}

/// The prompts after this id, in the order of their ids, as many as a limit says.
pub(in crate::edge) async fn prompts(database: &D1Database, after: &str, limit: i64) -> Result<Vec<Uuid>> {
    let sql = "select id from prompts where id > ?1 order by id limit ?2";
    read_all(&run(statement(database, sql, &[text(after), integer(limit)])?).await?, Columns::uuid)
}

/// Stores rows, and the users that they name, all or none; tells of each whether it was there before.
pub(in crate::edge) async fn store(database: &D1Database, rows: &[&MovedRow], moment: Moment) -> Result<Vec<bool>> {
    let named: Vec<User> = rows.iter().flat_map(|row| row.users()).map(|id| User { id, email: None }).collect();
    let mut batch = vec![users::make(database, &named.iter().collect::<Vec<_>>(), moment.now_ms)?];
    let now = timestamp_from_ms(moment.now_ms).unwrap_or_default();
    let mut firsts = Vec::new();
    for row in rows {
        firsts.push(batch.len());
        for bound in restore(row, &now, moment) {
            batch.push(bind(database, &bound)?);
        }
    }
    let results = transact(database, batch).await?;
    let wrote = |first: usize| results.get(first).map_or_else(|| Err(Error::from("no result")), rows_written);
    firsts.into_iter().map(|first| Ok(wrote(first)? == 0)).collect()
}

fn bind(database: &D1Database, (sql, parameters): &Bound) -> Result<Prepared> {
    let value = |cell: &Cell| match cell {
        Cell::Null => JsValue::NULL,
        Cell::Number(number) => JsValue::from_f64(*number),
        Cell::Text(value) => text(value),
    };
    statement(database, sql, &parameters.iter().map(value).collect::<Vec<_>>())
}

/// Has the cron leave alone what may be half there, until then, in milliseconds since 1970.
pub(in crate::edge) async fn hold(database: &D1Database, until_ms: i64) -> Result<()> {
    let sql = "insert into restore_lease (id, until_ms) values (1, ?1) on conflict do update set until_ms = excluded.until_ms";
    run(statement(database, sql, &[integer(until_ms)])?).await.map(drop)
}

/// A restore is over.
pub(in crate::edge) async fn release(database: &D1Database) -> Result<()> {
    run(statement(database, "delete from restore_lease", &[])?).await.map(drop)
}

/// Whether a restore is under way.
pub(in crate::edge) async fn is_held(database: &D1Database, now_ms: i64) -> Result<bool> {
    let sql = "select 1 from restore_lease where until_ms > ?1";
    let found = run(statement(database, sql, &[integer(now_ms)])?).await?;
    Ok(!read_all(&found, Columns::integer)?.is_empty())
}

/// Stores what carried counters tell, as their snapshots would. Nobody knows when they counted it: a snapshot without an
/// instant goes to the totals without a time. Rows of events that waited for their counter wait no longer.
pub(in crate::edge) async fn tell(database: &D1Database, counters: &[(Uuid, Told)], now_ms: i64) -> Result<()> {
    const STORE: &str = "insert into prompt_stats (prompt_id, view_count, copy_count, fork_count, compare_count, \
            visit_count, unique_visitors, version, updated_at) \
        select id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '' from prompts where id = ?1 on conflict (prompt_id) do nothing";
    const DATE: &str = "update prompt_stats set updated_at = ?2 where prompt_id = ?1 and updated_at = ''";
    const DUE: &str =
        "update prompt_events set uncounted_since_ms = ?2 where prompt_id = ?1 and uncounted_since_ms > ?2";
    let count = |count: u64| integer(i64::try_from(count).unwrap_or(i64::MAX));
    let now = optional_text(timestamp_from_ms(now_ms).as_deref());
    let (mut batch, mut tellings) = (Vec::new(), Vec::new());
    for (id, told) in counters {
        let (prompt_id, tally) = (text(&id.to_string()), told.tally);
        let counts = [tally.views, tally.copies, tally.forks, tally.compares, tally.visits, told.unique_visitors];
        let mut parameters = vec![prompt_id.clone()];
        parameters.extend(counts.into_iter().chain([told.version]).map(count));
        batch.push(statement(database, STORE, &parameters)?);
        batch.push(statement(database, DATE, &[prompt_id.clone(), now.clone()])?);
        batch.push(statement(database, DUE, &[prompt_id, integer(now_ms)])?);
        let standings = RawValue::from_string(told.standings.clone())?;
        tellings.push(Telling { prompt_id: *id, version: told.version, standings });
    }
    for rows in arrays(tellings)? {
        batch.push(statement(database, STORE_STANDINGS, &[rows, JsValue::NULL])?);
    }
    transact(database, batch).await.map(drop)
}
