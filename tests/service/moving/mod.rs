//! What goes out of a database and comes into another one, on SQLite with D1's limits: every table, page by page.

mod lines;
mod restoring;

use std::collections::BTreeSet;

use promptmeter::data::import::{ImportLine, ImportRow, read_line};
use promptmeter::data::schema::Kind;
use promptmeter::moving::page_sql::{PAGE_BYTES, PAGE_ROWS, key_of, line, page};
use promptmeter::moving::restore_sql::{Moment, restore};
use promptmeter::moving::row::MovedRow;
use promptmeter::moving::tables::{Moved, PARTS, Part, moved};
use promptmeter::rest::rows::Cell;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::database;
use crate::database::library::{self, Random};

const NOW_MS: i64 = 1_795_176_000_000;

fn tables() -> Vec<&'static Moved> {
    PARTS.iter().filter_map(|part| if let Part::Rows(moved) = part { Some(moved) } else { None }).collect()
}

/// All lines of a table, read page by page, and how many pages there were.
fn exported(database: &Connection, moved: &Moved) -> (Vec<String>, usize) {
    let (mut lines, mut after, mut pages) = (Vec::new(), Vec::new(), 0);
    loop {
        let rows = database::run(database, &page(moved, &after)).unwrap();
        let Some(last) = rows.last() else { return (lines, pages) };
        assert!(rows.len() <= PAGE_ROWS);
        pages += 1;
        after = key_of(moved, last);
        lines.extend(rows.iter().map(|row| line(moved, row)));
    }
}

fn all(database: &Connection) -> Vec<String> {
    tables().into_iter().flat_map(|moved| exported(database, moved).0).collect()
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(number) => Value::Real(*number),
        Cell::Text(text) => Value::Text(text.clone()),
    }
}

/// Everything is kept.
const MOMENT: Moment = Moment { now_ms: NOW_MS, kept_ms: i64::MIN };

fn store(database: &Connection, row: &MovedRow) -> rusqlite::Result<bool> {
    store_at(database, row, MOMENT)
}

/// Stores a row in a transaction; tells whether it wrote anything.
fn store_at(database: &Connection, row: &MovedRow, moment: Moment) -> rusqlite::Result<bool> {
    let transaction = database.unchecked_transaction()?;
    let before = transaction.query_row("select total_changes()", [], |row| row.get::<_, i64>(0))?;
    for (sql, parameters) in restore(row, database::NOW, moment) {
        transaction.execute(&sql, params_from_iter(parameters.iter().map(value)))?;
    }
    let after = transaction.query_row("select total_changes()", [], |row| row.get::<_, i64>(0))?;
    transaction.commit()?;
    Ok(after > before)
}

fn read(line: &str) -> MovedRow {
    match read_line(line.as_bytes()).unwrap() {
        ImportLine::Row(ImportRow::Row(row)) => row,
        other => panic!("{other:?}"),
    }
}

/// A library of a seed, with what is in no table that callers may write.
fn filled(seed: u64) -> Connection {
    let database = database::open();
    library::fill(&database, &mut Random(seed));
    database
        .execute_batch(
            "update prompts set forked_from = null;
            update prompts set forked_from = (select id from prompts order by id limit 1)
                where id = (select id from prompts order by id limit 1 offset 2);
            update prompts set forked_from = (select id from prompts order by id limit 1 offset 2)
                where id = (select id from prompts order by id limit 1 offset 3);
            delete from prompts where id = (select id from prompts order by id limit 1 offset 2);
            update prompt_events set uncounted_since_ms = null;
            insert or ignore into prompt_creations
                select user_id, 'k' || id, 'd', id, 5 from prompts;
            insert or ignore into prompt_comparisons select one.id, other.id, 2
                from prompts one join prompts other on other.id > one.id;
            insert into removed_prompt_events select id, 3, 4 from prompts limit 2;
            insert into experiment_metrics values ('alpha', 'a', 'price', 3, 2, 0.1, 1.0 / 3.0);
            insert into experiment_names values ('alpha', 'metric', 'price');
            insert into experiment_names values ('alpha', 'variant', 'é');
            update experiment_rollups set judged_to = x'0102' where experiment = 1;
            update rollup_watermark set seq = 1, version = 9;
            insert into count_totals values (1983333, 1, 2, 3, 4, 5);",
        )
        .unwrap();
    database
}

/// What triggers keep; places among forks are random.
const KEPT: [(&str, &str); 5] = [
    (
        "prompt_usage_totals",
        "prompt_id, uses, successes, generation_time_count, generation_time_sum_ms, last_used_at, \
            (select group_concat(key || ':' || value order by key) from json_each(generation_times))",
    ),
    ("prompt_usage_scenes", "*"),
    ("prompt_comparisons", "*"),
    ("prompt_rankings", "prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d"),
    ("prompt_lineage", "prompt_id, user_id, is_listed, levels, children, descendants, listed_descendants"),
];

fn kept(database: &Connection, (table, columns): (&str, &str)) -> Vec<Vec<Cell>> {
    let others = if table == "prompt_rankings" { "where metric in ('like', 'use', 'success')" } else { "" };
    database::rows_of(database, &format!("select {columns} from {table} {others} order by 1, 2"))
}

#[test]
fn what_goes_out_comes_in_and_goes_out_the_same() {
    let mut named = BTreeSet::new();
    for seed in 0..20 {
        let source = filled(seed);
        // Snapshots are not exported: counters tell them.
        source.execute_batch("delete from prompt_stats").unwrap();
        let lines = all(&source);
        let target = database::open();
        for line in &lines {
            store(&target, &read(line)).unwrap_or_else(|error| panic!("{error}: {line}"));
        }
        assert_eq!(all(&target), lines);
        for table in KEPT {
            assert_eq!(kept(&target, table), kept(&source, table), "{table:?}");
        }
        for line in &lines {
            let wrote = store(&target, &read(line)).unwrap_or_else(|error| panic!("again: {error}: {line}"));
            assert!(!wrote, "again: {line}");
        }
        named.extend(lines.iter().map(|line| line.split('"').nth(3).unwrap().to_owned()));
    }
    let all: BTreeSet<String> = tables().iter().map(|moved| moved.table.name.to_owned()).collect();
    assert_eq!(named, all);
}

#[test]
fn numbers_with_a_fraction_keep_every_bit() {
    let (source, target) = (database::open(), database::open());
    let numbers = [0.1, 1.0 / 3.0, f64::MIN_POSITIVE, f64::MAX, 1e22, 123_456_789.123_456_79, 5e-324, 2.5];
    for (place, number) in numbers.into_iter().enumerate() {
        let sql = "insert into experiment_metrics values ('e', 'v', ?1, 1, 1, ?2, ?2)";
        source.execute(sql, (place.to_string(), number)).unwrap();
    }
    let metrics = moved("experiment_metrics").unwrap();
    let (lines, _) = exported(&source, metrics);
    for line in &lines {
        store(&target, &read(line)).unwrap();
    }
    let sql = "select value_sum from experiment_metrics order by metric";
    let bits = |database: &Connection| {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, f64>(0)).unwrap();
        rows.map(|number| number.unwrap().to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(bits(&target), numbers.map(f64::to_bits));
}

#[test]
fn a_page_holds_no_more_bytes_than_it_may_and_no_row_is_left_out() {
    let database = database::open();
    database.execute("insert into users values ('u', null, 't')", []).unwrap();
    let sql = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
        values (?1, 'u', 't', ?2, 1, 1, 't', 't')";
    let sizes = [10, 900_000, 900_000, 10, 1_900_000, 1_900_000, 10, 10];
    for (place, size) in sizes.into_iter().enumerate() {
        database.execute(sql, (place.to_string(), "x".repeat(size))).unwrap();
    }
    for place in 0..1100 {
        database.execute(sql, (format!("{place:05}"), "")).unwrap();
    }
    let prompts = moved("prompts").unwrap();
    let (mut after, mut seen) = (Vec::new(), 0);
    loop {
        let rows = database::run(&database, &page(prompts, &after)).unwrap();
        let Some(last) = rows.last() else { break };
        let bytes = |row: &Vec<Cell>| if let Cell::Text(text) = &row[5] { text.len() } else { 0 };
        let before_last: usize = rows.iter().take(rows.len() - 1).map(bytes).sum();
        assert!(before_last < PAGE_BYTES && rows.len() <= PAGE_ROWS);
        seen += rows.len();
        after = key_of(prompts, last);
    }
    assert_eq!(seen, sizes.len() + 1100);
}

#[test]
fn every_page_is_a_walk_along_a_key() {
    let database = database::open();
    for moved in tables() {
        let after: Vec<String> = moved.table.key.iter().map(|_| "00".to_owned()).collect();
        for step in database::plan(&database, &page(moved, &after)) {
            // What is sorted is the page.
            let is_scan = step.starts_with(&format!("SCAN {}", moved.table.name));
            assert!(!is_scan, "{}: {step}", moved.table.name);
        }
    }
}

/// Tables of which an export has nothing, and why.
const LEFT_OUT: [(&str, &str); 17] = [
    ("restore_lease", "how long the cron leaves a restore alone"),
    ("prompt_stats", "counters tell it"),
    ("prompt_rankings", "triggers and counters keep it"),
    ("ranking_windows", "the cron keeps it"),
    ("prompt_usage_totals", "triggers keep it"),
    ("prompt_usage_scenes", "triggers keep it"),
    ("prompt_lineage", "triggers keep it, but for prompts that are gone"),
    ("visitor_salts", "destroyed after 48 hours"),
    ("instance_metrics", "what isolates did"),
    ("cron_runs", "a log"),
    ("rollup_runs", "a log"),
    ("alerts", "who was told what"),
    ("prompt_search", "triggers keep it"),
    ("prompt_search_data", "of prompt_search"),
    ("prompt_search_idx", "of prompt_search"),
    ("prompt_search_docsize", "of prompt_search"),
    ("prompt_search_config", "of prompt_search"),
];

#[test]
fn every_table_is_exported_or_left_out_for_a_reason_with_every_column() {
    let database = database::open();
    let texts = |sql: &str| -> BTreeSet<String> {
        let text = |row: Vec<Cell>| if let Cell::Text(text) = &row[0] { text.clone() } else { panic!() };
        database::rows_of(&database, sql).into_iter().map(text).collect()
    };
    let names = texts(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like 'd1_%'",
    );
    let left: BTreeSet<String> = LEFT_OUT.iter().map(|(name, _)| (*name).to_owned()).collect();
    let told: BTreeSet<String> = tables().iter().map(|moved| moved.table.name.to_owned()).collect();
    assert_eq!(&(&told | &left) - &["gone_prompts".to_owned()].into(), names);
    for moved in tables().into_iter().filter(|moved| moved.table.name != "gone_prompts") {
        let stored = texts(&format!("select name from pragma_table_info('{}')", moved.table.name));
        let columns: BTreeSet<String> = moved.columns().map(|column| column.name.to_owned()).collect();
        // What triggers keep, and what is known for minutes.
        let left = ["template_tags", "template_marks", "uncounted_since_ms", "deliveries"].map(str::to_owned);
        assert_eq!(&columns - &["is_counted".to_owned()].into(), &stored - &left.into(), "{}", moved.table.name);
        for column in moved.columns().filter(|column| column.kind == Kind::Text && !moved.is_blob(column.name)) {
            let sql =
                format!("select type from pragma_table_info('{}') where name = '{}'", moved.table.name, column.name);
            assert_eq!(texts(&sql), ["TEXT".to_owned()].into(), "{}.{}", moved.table.name, column.name);
        }
    }
}
