//! Counters that were made in an older form take the present one as soon as they wake.

use worker::{Result, SqlStorage, SqlStorageValue, Storage};

use super::counter_storage::{SCHEMA, tally};
use super::day_storage::write_day;
use super::object_storage::{has_table, rows, write};
use crate::counting::sources::SourcedDay;
use crate::time::{DAY_QUARTERS, HOUR_QUARTERS};

/// What the tables lacked before visitors were counted.
const VISITOR_COLUMNS: &str = "
    alter table counter add column visits integer not null default 0;
    alter table counter add column bots integer not null default 0;
    alter table counter add column headless integer not null default 0;
    alter table counter add column prefetches integer not null default 0;
    alter table counter add column visitors blob;
    alter table counter add column retracted_visitors integer not null default 0;";
const SOURCE_COLUMN: &str = "alter table daily add column sources blob";

/// What the tables lacked before a commit was one row; and the segments that are being filled, which go there.
const OPEN_COLUMNS: &str = "
    alter table counter add column open_day integer;
    alter table counter add column open_counts blob;
    alter table counter add column open_sources blob;
    alter table counter add column open_ids_number integer;
    alter table counter add column open_ids_newest_ms integer;
    alter table counter add column open_ids blob;
    alter table counter add column open_visits_number integer;
    alter table counter add column open_visits_newest_ms integer;
    alter table counter add column open_visits blob;
    update counter set (open_ids_number, open_ids_newest_ms, open_ids) =
            (select number, newest_ms, entries from ledger_segment order by number desc limit 1),
        (open_visits_number, open_visits_newest_ms, open_visits) =
            (select number, newest_ms, entries from visit_segment order by number desc limit 1);
    delete from ledger_segment where number = (select open_ids_number from counter);
    delete from visit_segment where number = (select open_visits_number from counter);";

/// Brings the tables of a counter into the present form.
pub(super) fn upgrade(storage: &Storage) -> Result<()> {
    let sql = storage.sql();
    if !has_table(&sql, "visit_segment")? {
        add_visitors(storage)?;
    }
    if has_table(&sql, "hourly")? {
        add_days(storage)?;
    }
    if !has_open_columns(&sql)? {
        write(storage, vec![(OPEN_COLUMNS, vec![])])?;
    }
    Ok(())
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
fn add_days(storage: &Storage) -> Result<()> {
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

fn has_open_columns(sql: &SqlStorage) -> Result<bool> {
    let statement = "select 1 from sqlite_master where name = 'counter' and instr(sql, 'open_day') > 0";
    Ok(!rows(sql, statement, vec![])?.is_empty())
}
