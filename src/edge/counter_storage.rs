//! The tables of one counter, and all statements on them but those on its days. Nothing here waits.
//!
//! What changes with every commit stands in one row: the counts, the day that is being counted, the segments of ids and of
//! visits that are being filled. A write costs the same however long the row is, so a commit costs one.

use std::collections::HashSet;

use uuid::Uuid;
use worker::{Error, Result, SqlStorageValue, Storage};

use super::carried_storage::FORGET;
use super::day_storage::{self, write_day};
use super::object_storage::{Write, count, has_table, integer, rows, write, write_alone};
use super::older_storage;
use super::runtime::now_ms;
use super::segment_storage::{COUNTER_IDS, COUNTER_VISITS, open_values};
use crate::counting::counter::{Commit, Counter};
use crate::counting::day_change::ChangedDay;
use crate::counting::ledger::{Bounds, Ledger};
use crate::counting::protocol::ImportedRow;
use crate::counting::retraction::Retraction;
use crate::counting::segment::LedgerChange;
use crate::counting::sources::SourcedDay;
use crate::counting::tally::{Metric, Tally};
use crate::counting::visitors::Visitors;
use crate::counting::visits::Visits;
use crate::time::DAY_MS;

/// Made with the first count: reading writes nothing.
pub(super) const SCHEMA: &str = "
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
        retracted_visitors integer not null default 0,
        open_day integer,
        open_counts blob,
        open_sources blob,
        open_ids_number integer,
        open_ids_newest_ms integer,
        open_ids blob,
        open_visits_number integer,
        open_visits_newest_ms integer,
        open_visits blob
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

const COUNTER: &str = "select prompt_id, version, visitors, retracted_visitors, open_day, open_counts, open_sources, \
    views, copies, forks, compares, visits, bots, headless, prefetches from counter";

/// The counter as it is stored, and the prompt it belongs to; `None` when nothing was ever counted. Its visits are a window
/// of so many milliseconds apart.
pub(super) fn restore(storage: &Storage, visit_window_ms: i64) -> Result<Option<(Uuid, Counter)>> {
    let sql = storage.sql();
    if !has_table(&sql, "counter")? {
        return Ok(None);
    }
    older_storage::upgrade(storage)?;
    let counter = rows(&sql, COUNTER, vec![])?;
    let Some(([SqlStorageValue::String(prompt_id), version, visitors, retracted_visitors, open_day @ ..], counts)) =
        counter.first().and_then(|row| row.split_first_chunk::<7>())
    else {
        return Ok(None);
    };
    let mut counter = Counter {
        tally: tally(counts),
        version: count(version),
        ledger: Ledger::within(Bounds::COUNTER, COUNTER_IDS.entries(&sql)?),
        visits: Visits::within(visit_window_ms, COUNTER_VISITS.entries(&sql)?),
        open_day: day_storage::stored_sourced_day(open_day)?,
        visitors: stored_visitors(visitors)?,
        retracted_visitors: count(retracted_visitors),
    };
    COUNTER_IDS.restore(&sql, |segment| counter.ledger.restore(segment))?;
    COUNTER_VISITS.restore(&sql, |segment| counter.visits.restore(segment))?;
    let prompt_id = Uuid::try_parse(prompt_id).map_err(|error| Error::from(error.to_string()))?;
    Ok(Some((prompt_id, counter)))
}

/// The counts of the metrics in their order; those that are missing are 0.
pub(super) fn tally(counts: &[SqlStorageValue]) -> Tally {
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

/// Has a counter keep a commit once it is stored, all or nothing, and with it the keys of the rows that it imports and what else
/// is to be written.
pub(super) fn keep(
    storage: &Storage,
    (prompt_id, counter): (Uuid, &mut Counter),
    commit: Commit,
    imported: &[ImportedRow],
    more: Vec<Write>,
) -> Result<()> {
    let mut writes = more;
    if commit.version == 1 {
        // What was carried here before the counter was whole is not what it counts.
        writes.insert(0, (SCHEMA, vec![]));
        writes.insert(1, (FORGET, vec![]));
    }
    let today = now_ms().div_euclid(DAY_MS);
    let days = day_storage::change(storage, counter, &commit.days, today)?;
    writes.extend(day_storage::writes(&days));
    let row = Row {
        tally: &commit.tally,
        version: commit.version,
        visitors: commit.visitors.as_ref(),
        retracted_visitors: counter.retracted_visitors,
        open_day: days.open.as_ref(),
        ids: &commit.ledger,
        visits: &commit.visits,
    };
    writes.push(row.write(prompt_id));
    writes.extend(COUNTER_IDS.closed_writes(&commit.ledger));
    writes.extend(COUNTER_VISITS.closed_writes(&commit.visits));
    if !imported.is_empty() {
        let sql = "insert into imported_row (key) select cast(value as integer) from json_each(?1)";
        writes.push((sql, vec![keys(imported)?]));
    }
    match <[Write; 1]>::try_from(writes) {
        Ok([row]) => write_alone(storage, row)?,
        Err(writes) => write(storage, writes)?,
    }
    counter.keep(commit, days);
    Ok(())
}

/// Stores what is taken back of a counter, all or nothing.
pub(super) fn store_retraction(
    storage: &Storage,
    (prompt_id, counter): (Uuid, &Counter),
    retraction: &Retraction,
) -> Result<()> {
    let is_open = |day: &SourcedDay| counter.open_day.as_ref().is_some_and(|open| open.number == day.number);
    let (of_open, of_others): (Vec<_>, Vec<_>) = retraction.days.iter().cloned().partition(is_open);
    let open_day = of_open.into_iter().next().map(|day| ChangedDay { day, with_sources: true });
    let row = Row {
        tally: &retraction.tally,
        version: retraction.version,
        visitors: None,
        retracted_visitors: retraction.retracted_visitors,
        open_day: open_day.as_ref(),
        ids: &LedgerChange::default(),
        visits: &LedgerChange::default(),
    };
    let mut writes = vec![row.write(prompt_id)];
    writes.extend(of_others.iter().map(|day| write_day(day, true)));
    write(storage, writes)
}

/// The row of the counter as it is afterwards. What is `None`, and segments that do not change, are as they were.
struct Row<'a> {
    tally: &'a Tally,
    version: u64,
    visitors: Option<&'a Visitors>,
    retracted_visitors: u64,
    open_day: Option<&'a ChangedDay>,
    ids: &'a LedgerChange,
    visits: &'a LedgerChange,
}

impl Row<'_> {
    fn write(&self, prompt_id: Uuid) -> Write {
        let sql = "insert into counter (id, prompt_id, version, retracted_visitors, visitors, \
                open_day, open_counts, open_sources, open_ids_number, open_ids_newest_ms, open_ids, \
                open_visits_number, open_visits_newest_ms, open_visits, \
                views, copies, forks, compares, visits, bots, headless, prefetches) \
            values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) \
            on conflict (id) do update set version = excluded.version, \
                retracted_visitors = excluded.retracted_visitors, visitors = coalesce(excluded.visitors, visitors), \
                open_day = coalesce(excluded.open_day, open_day), \
                open_counts = coalesce(excluded.open_counts, open_counts), \
                open_sources = coalesce(excluded.open_sources, open_sources), \
                open_ids_number = coalesce(excluded.open_ids_number, open_ids_number), \
                open_ids_newest_ms = coalesce(excluded.open_ids_newest_ms, open_ids_newest_ms), \
                open_ids = coalesce(excluded.open_ids, open_ids), \
                open_visits_number = coalesce(excluded.open_visits_number, open_visits_number), \
                open_visits_newest_ms = coalesce(excluded.open_visits_newest_ms, open_visits_newest_ms), \
                open_visits = coalesce(excluded.open_visits, open_visits), \
                views = excluded.views, copies = excluded.copies, forks = excluded.forks, \
                compares = excluded.compares, visits = excluded.visits, bots = excluded.bots, \
                headless = excluded.headless, prefetches = excluded.prefetches";
        let visitors = self.visitors.map_or(SqlStorageValue::Null, |visitors| SqlStorageValue::Blob(visitors.pack()));
        let mut parameters = vec![SqlStorageValue::String(prompt_id.to_string()), integer(self.version)];
        parameters.extend([integer(self.retracted_visitors), visitors]);
        parameters.extend(day_storage::open_values(self.open_day));
        parameters.extend(open_values(self.ids));
        parameters.extend(open_values(self.visits));
        parameters.extend(Metric::ALL.map(|metric| integer(self.tally.count(metric))));
        (sql, parameters)
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
