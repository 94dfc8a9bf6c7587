//! What goes out of a database and comes into another one, on SQLite with D1's limits: every table, page by page.

use std::collections::BTreeSet;

use promptmeter::counting::carried::{Piece, Standing, Step, Taken, Whole};
use promptmeter::counting::day::Day;
use promptmeter::counting::tally::Tally;
use promptmeter::counting::visitors::Visitors;
use promptmeter::data::import::{ImportLine, ImportRow, read_line};
use promptmeter::data::schema::Kind;
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::moving::counter_lines::CounterLine;
use promptmeter::moving::ending::Digest;
use promptmeter::moving::page_sql::{PAGE_BYTES, PAGE_ROWS, key_of, line, page};
use promptmeter::moving::place::Place;
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
        let derived = ["template_tags", "template_marks", "uncounted_since_ms"].map(str::to_owned);
        assert_eq!(&columns - &["is_counted".to_owned()].into(), &stored - &derived.into(), "{}", moved.table.name);
        for column in moved.columns().filter(|column| column.kind == Kind::Text && !moved.is_blob(column.name)) {
            let sql =
                format!("select type from pragma_table_info('{}') where name = '{}'", moved.table.name, column.name);
            assert_eq!(texts(&sql), ["TEXT".to_owned()].into(), "{}.{}", moved.table.name, column.name);
        }
    }
}

#[test]
fn a_row_that_is_numbered_by_its_instance_is_not_written_over_another() {
    let database = filled(1);
    for (table, column) in [
        ("experiment_batches", "received_ms"),
        ("session_states", "variant_key"),
        ("count_totals", "view_count"),
        ("rollup_watermark", "seq"),
    ] {
        let moved = moved(table).unwrap();
        let (lines, _) = exported(&database, moved);
        let mut line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        line["row"][column] = match &line["row"][column] {
            serde_json::Value::Number(number) => (number.as_i64().unwrap() + 1).into(),
            _ => "another".into(),
        };
        assert!(store(&database, &read(&line.to_string())).is_err(), "{table}");
        assert_eq!(exported(&database, moved).0, lines);
    }
}

/// What the cron does between two lines of a restore finds nothing that is half there.
#[test]
fn what_comes_in_leaves_the_cron_nothing_to_do_too_early() {
    let place = |name: &str| tables().iter().position(|moved| moved.table.name == name).unwrap();
    for name in ["experiment_rollups", "session_states", "experiment_analytics_summary", "experiment_metrics"] {
        assert!(place("rollup_watermark") < place(name) && place(name) < place("experiments"), "{name}");
    }
    assert!(place("experiments") < place("experiment_batches"));

    let (watermark, _) = exported(&filled(1), moved("rollup_watermark").unwrap());
    let instance = database::open();
    let batch = "insert into experiment_batches (experiment_id, number, writer, received_ms, event_count, duplicates, \
        rejected, ids, events) values ('e', 1, 'w', 1, 0, 0, 0, x'', '[]')";
    instance.execute_batch(batch).unwrap();
    assert!(store(&instance, &read(&watermark[0])).is_err(), "the batch would never be rolled up");
    assert!(store(&database::open(), &read(&watermark[0])).unwrap());

    // A row of an event that is to be counted waits until its counter is there.
    let instance = filled(1);
    let (events, _) = exported(&instance, moved("prompt_events").unwrap());
    let mut event: serde_json::Value = serde_json::from_str(&events[0]).unwrap();
    event["row"]["id"] = "another".into();
    event["row"]["is_counted"] = false.into();
    assert!(store(&instance, &read(&event.to_string())).unwrap());
    let mark = "select uncounted_since_ms from prompt_events where id = 'another'";
    let marked = instance.query_row(mark, [], |row| row.get::<_, i64>(0));
    assert_eq!(marked.unwrap(), NOW_MS + 12 * 3_600_000);
}

/// A row that was removed for its age comes in once, before its counter; later it is among those that are known to be removed.
#[test]
fn a_row_that_is_too_old_to_be_kept_comes_in_before_its_counter_alone() {
    let source = filled(1);
    let (events, _) = exported(&source, moved("prompt_events").unwrap());
    let event = read(events.iter().find(|line| line.contains("\"is_counted\":true")).unwrap());
    let (key, later) =
        ([value(&event.get("prompt_id")), value(&event.get("id"))], Moment { kept_ms: i64::MAX, ..MOMENT });
    let sql = "delete from prompt_events where prompt_id = ?1 and id = ?2";
    for (moment, has_counted, expected) in
        [(MOMENT, true, true), (MOMENT, false, true), (later, false, true), (later, true, false)]
    {
        source.execute(sql, params_from_iter(&key)).unwrap();
        source.execute_batch("delete from prompt_stats").unwrap();
        if has_counted {
            let told = "insert into prompt_stats values (?1, 1, 0, 0, 0, 1, '2026-01-01', 0, 0, null)";
            source.execute(told, params_from_iter(&key[..1])).unwrap();
        }
        assert_eq!(store_at(&source, &event, moment).unwrap(), expected, "{moment:?} {has_counted}");
    }
}

/// What the rollup could not read is no row of an instance.
#[test]
fn rows_that_would_stop_the_rollup_are_refused() {
    let database = filled(1);
    for (table, column, value) in [
        ("experiment_batches", "events", serde_json::json!({"a": 1})),
        ("experiment_batches", "events", serde_json::json!([[null, 9, "s", null, 1]])),
        ("experiment_batches", "event_count", 77.into()),
        ("experiment_batches", "ids", "00".into()),
        ("experiment_batches", "seq", (-1).into()),
        ("session_states", "session", "00".into()),
        ("session_states", "activity", "ff".into()),
        ("rollup_watermark", "seq", (1_i64 << 53).into()),
        ("rollup_watermark", "version", (-1).into()),
    ] {
        let (lines, _) = exported(&database, moved(table).unwrap());
        let mut line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        line["row"][column] = value;
        let problem = read_line(line.to_string().as_bytes()).unwrap_err();
        assert_eq!((problem.code, problem.pointer), (Code::InvalidValue, Some(format!("/row/{column}"))), "{line}");
    }
}

#[test]
fn an_ending_knows_its_lines() {
    let mut digest = Digest::default();
    digest.add(b"{}");
    let ending = digest.ending(None, Some("x".to_owned()));
    let sha256 = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356";
    let line = format!(r#"{{"end":{{"lines":1,"sha256":"{sha256}","from":null,"next":"x"}}}}"#);
    assert_eq!(ending.line(), line);
    let Ok(ImportLine::End(read)) = read_line(line.as_bytes()) else { panic!() };
    assert_eq!(read, ending);
    assert_eq!(read.check(&mut digest), Ok(1));
    // Behind an ending lines are counted anew.
    assert_eq!(read.check(&mut digest).map_err(|problem| problem.code), Err(Code::DigestMismatch));
    for bad in [r#"{"end":{}}"#, r#"{"end":1}"#, r#"{"end":{"lines":"1","sha256":"x"}}"#] {
        assert!(read_line(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn a_place_is_read_as_it_was_told() {
    let parse = |cursor: &str| Place::parse(&Query::parse(&format!("cursor={cursor}")));
    let of_two_columns = |part: &Part| matches!(part, Part::Rows(moved) if moved.table.key.len() == 2);
    let part = PARTS.iter().rposition(of_two_columns).unwrap();
    for place in [
        Place { part: 0, after: vec!["a".to_owned()], rollup: String::new() },
        Place { part, after: vec!["1".to_owned(), "é".to_owned()], rollup: "9007199254740992".to_owned() },
        Place { part: 5, after: Vec::new(), rollup: "3".to_owned() },
    ] {
        assert_eq!(parse(&place.cursor()), Ok(Some(place)));
    }
    assert_eq!(Place::parse(&Query::parse("")), Ok(None));
    for bad in [Place { part: 99, ..Place::default() }, Place { after: vec![String::new(); 2], ..Place::default() }] {
        assert_eq!(parse(&bad.cursor()).map_err(|problem| problem.code), Err(Code::InvalidValue));
    }
    assert!(parse("x").is_err());
}

#[test]
fn a_part_of_a_counter_is_read_as_it_was_told() {
    let tally = Tally { views: 9, copies: 8, forks: 7, compares: 6, visits: 5, bots: 4, headless: 3, prefetches: 2 };
    let mut day = Day::default();
    day.add(-1, &tally);
    let whole =
        Whole { tally, visitors: Visitors::default().pack(), retracted_visitors: 1, days: 2, ids: 3, imported: 4 };
    let id = "\"prompt_id\":\"01234567-89ab-7def-8123-456789abcdef\",\"version\":7";
    for (piece, line) in [
        (
            Piece::Day { number: -1, counts: day.pack() },
            r#"counter_days","row":{ID,"day":-1,"counts":"085f0908070605040302"}"#,
        ),
        (
            Piece::Ids { number: 0, newest_ms: 5, entries: vec![1; 12] },
            r#"counter_ids","row":{ID,"number":0,"newest_ms":5,"entries":"010101010101010101010101"}"#,
        ),
        (Piece::Imported(vec![255; 8]), r#"counter_imports","row":{ID,"keys":"ffffffffffffffff"}"#),
        (
            Piece::Whole(whole),
            r#"counters","row":{ID,"views":9,"copies":8,"forks":7,"compares":6,"visits":5,"bots":4,"headless":3,"prefetches":2,"retracted_visitors":1,"days":2,"ids":3,"imports":4,"visitors":"01"}"#,
        ),
    ] {
        let prompt_id = uuid::Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef);
        let part = CounterLine { prompt_id, version: 7, piece };
        let line = format!("{{\"table\":\"{}}}", line.replace("ID", id));
        assert_eq!(part.line(), line);
        assert_eq!(read_line(line.as_bytes()), Ok(ImportLine::Row(ImportRow::Counter(part))));
        for bad in [
            line.replace(":7", ":0"),
            line.replace("\"}}", "1\"}}"),
            line.replace("\"}}", "zz\"}}"),
            line.replace(",\"version\":7", ""),
        ] {
            assert!(read_line(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}

#[test]
fn a_counter_takes_parts_until_it_counts() {
    let standing = |has_counted, carried| Standing { has_counted, carried };
    for (standing, expected) in [
        (standing(false, None), Step::Begin),
        (standing(false, Some((7, false))), Step::Store),
        (standing(false, Some((6, false))), Step::Begin),
        (standing(true, None), Step::Leave(Taken::Refused)),
        (standing(true, Some((7, false))), Step::Leave(Taken::Refused)),
        (standing(true, Some((6, true))), Step::Leave(Taken::Refused)),
        (standing(true, Some((7, true))), Step::Leave(Taken::Repeated)),
    ] {
        assert_eq!(standing.step(7), expected, "{standing:?}");
    }
}
