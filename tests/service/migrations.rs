//! What becomes of rows when the tables change under them.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::counting::segment::Segment;
use promptmeter::recording::event_row::EventRow;
use promptmeter::rest::rows::{Cell, Row};
use rusqlite::Connection;

use crate::database;
use crate::database::library::Random;

/// The migration that stores experiment events by the batch, counted from 0.
const BATCHES: usize = 4;
/// Events of one experiment in a batch that the migration makes.
const BATCH_EVENTS: usize = 100;

const TEXTS: [&str; 7] =
    ["plain", "O'Brien \"quoted\"", "back\\slash\\", "東京 é 😀", "7", "null", "{\"a\":[1]} $[0] \u{2028}"];
const PROPERTIES: [&str; 5] = [
    "{}",
    r#"{ "b" : 1 ,"a":[ 1,2 ], "a":"é" }"#,
    r#"{"a":"\u00e9\u0000\ud83d\ude00😀\/\"'"}"#,
    r#"{"metric":"revenue","value":1e3,"n":123456789012345678901234567890}"#,
    "{\n\t\"a\": null\r\n}",
];

const COLUMNS: &str =
    "experiment_id, event_id, event_type, project_id, session_id, variant_key, view_id, timestamp_ms, properties";

/// Stores an event as it was stored before, with any texts.
fn insert(database: &Connection, random: &mut Random, experiment_id: &str, seq: usize) {
    let mut text = || if random.below(3) > 0 { Some(random.pick(&TEXTS)) } else { None };
    let (project_id, variant_key, view_id, session_id) = (text(), text(), text(), text().unwrap_or("s"));
    let event_id = (random.below(4) > 0).then(|| format!("{} {seq}", random.pick(&TEXTS)));
    let event_type = random.pick(&["pageview", "exposure", "conversion"]);
    let properties = if random.below(2) > 0 { Some(random.pick(&PROPERTIES)) } else { None };
    let timestamp_ms = 1_800_000_000_000 + i64::try_from(random.below(172_800_000)).unwrap();
    let parameters = rusqlite::params![
        i64::try_from(seq).unwrap(),
        experiment_id,
        event_id,
        event_type,
        project_id,
        session_id,
        variant_key,
        view_id,
        timestamp_ms,
        properties
    ];
    let sql = format!("insert into analytics_events (seq, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
    database.execute(&sql, parameters).unwrap();
}

/// The events of each experiment, in the order of their numbers, with those.
fn events(database: &Connection) -> BTreeMap<String, Vec<Row>> {
    let mut events: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in database::rows_of(database, &format!("select {COLUMNS} from analytics_events order by seq")) {
        let [Cell::Text(experiment_id), ..] = row.as_slice() else { panic!("{row:?}") };
        events.entry(experiment_id.clone()).or_default().push(row);
    }
    events
}

fn cells(database: &Connection, sql: &str) -> Vec<Cell> {
    database::rows_of(database, sql).into_iter().flatten().collect()
}

/// Experiments with these numbers of events, which come in any order, are moved, and what is moved is whole.
fn check(seed: u64, sizes: &[(&str, usize)]) {
    let database = database::open_at(BATCHES);
    let mut random = Random(seed);
    let mut left: Vec<&str> = sizes.iter().flat_map(|(name, size)| vec![*name; *size]).collect();
    let (mut seq, mut counts, mut began) = (0, BTreeMap::<&str, usize>::new(), Vec::new());
    while !left.is_empty() {
        seq += 1 + random.below(3);
        let experiment_id = left.swap_remove(random.below(left.len()));
        let count = counts.entry(experiment_id).or_default();
        if count.is_multiple_of(BATCH_EVENTS) {
            began.push(vec![Cell::Text(experiment_id.to_owned())]);
        }
        *count += 1;
        insert(&database, &mut random, experiment_id, seq);
    }
    store_what_was_rolled_up(&database);
    let before = events(&database);
    database::migrate(&database, BATCHES..BATCHES + 1);

    assert_eq!(events(&database), before);
    let numbers = database::rows_of(&database, "select seq from analytics_events");
    let total: usize = sizes.iter().map(|(_, size)| size).sum();
    assert_eq!(numbers.iter().map(|row| format!("{row:?}")).collect::<BTreeSet<_>>().len(), total);
    let order = database::rows_of(&database, "select experiment_id from experiment_batches order by seq");
    assert_eq!(order, began, "the first events of batches are in the order of arrival");
    for (name, size) in sizes {
        check_batches(&database, name, *size);
    }
    check_empty(&database);
}

fn store_what_was_rolled_up(database: &Connection) {
    let sql = "
        insert into experiment_sessions values
            ('e', 's', 'red', 1800000000000, 0, '[]'), ('f', 's', null, null, 1, '[]');
        insert into experiment_analytics_summary values ('e', 'red', '2027-01-15', 8, 1, 1, 1, 1, 1, 0, 0, 1, 0);
        insert into experiment_quality values ('e', 'first', 24, 1, 2);
        insert into experiments (id, name, multi_variant) values ('e', 'kept', 'first');
        update rollup_watermark set seq = 77;
        insert into rollup_runs (started_ms) values (1800000000000)";
    database.execute_batch(sql).unwrap();
}

/// What was rolled up is gone, and the next rollup begins with the first batch.
fn check_empty(database: &Connection) {
    for table in [
        "experiment_sessions",
        "session_states",
        "experiment_rollups",
        "experiment_metrics",
        "experiment_analytics_summary",
    ] {
        assert!(cells(database, &format!("select 1 from {table}")).is_empty(), "{table}");
    }
    let watermark = cells(database, "select id, seq, version from rollup_watermark");
    assert_eq!(watermark, [1.0, 0.0, 0.0].map(Cell::Number));
    assert!(cells(database, "select seq from experiment_batches where seq <= 0").is_empty());
    assert_eq!(cells(database, "select name from experiments"), [Cell::Text("kept".to_owned())]);
    assert_eq!(cells(database, "select count(*) from rollup_runs"), [Cell::Number(1.0)]);
    let gone = "select name from sqlite_schema where name in ('experiment_quality', 'analytics_events_once')";
    assert!(cells(database, gone).is_empty());
}

/// The batches of an experiment are those that its recorder goes on from.
fn check_batches(database: &Connection, experiment_id: &str, size: usize) {
    let sql = "select number, event_count, events, ids, received_ms, duplicates, rejected from experiment_batches \
        where experiment_id = ?1 order by seq";
    let mut prepared = database.prepare(sql).unwrap();
    let mut rows = prepared.query([experiment_id]).unwrap();
    let (mut number, mut rest) = (0_i64, size);
    while let Some(row) = rows.next().unwrap() {
        let events: Vec<EventRow> = serde_json::from_str(&row.get::<_, String>(2).unwrap()).unwrap();
        assert_eq!((row.get(0), events.len()), (Ok(number), rest.min(BATCH_EVENTS)));
        assert_eq!(row.get::<_, u32>(1).unwrap() as usize, events.len());
        assert_eq!(Segment::unpack(0, 0, &row.get::<_, Vec<u8>>(3).unwrap()).entries, []);
        // None of them is late.
        assert_eq!(row.get::<_, Option<i64>>(4).unwrap(), events.iter().map(|event| event.at_ms).min());
        assert_eq!((row.get(5), row.get(6)), (Ok(0_i64), Ok(0_i64)));
        assert!(events.iter().all(|event| event.measurement.is_none()), "old conversions name no metric");
        (number, rest) = (number + 1, rest - events.len());
    }
    assert_eq!(rest, 0, "{experiment_id}");
}

#[test]
fn events_that_were_stored_one_by_one_are_stored_by_the_batch() {
    check(1, &[]);
    check(2, &[("e", 1)]);
    check(3, &[("é \"1\"", 100), ("f", 101), ("e", 1)]);
    check(4, &[("e", 250), ("f", 40), ("g'", 200), ("E", 7)]);
}

#[test]
fn batches_that_are_stored_later_come_after_those_that_were_moved() {
    let database = database::open_at(BATCHES);
    let mut random = Random(5);
    for seq in 1..=150 {
        insert(&database, &mut random, "e", 1_000_000 * seq);
    }
    database::migrate(&database, BATCHES..BATCHES + 1);
    let before = events(&database)["e"].clone();
    let sql = r#"insert into experiment_batches
            (experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events)
        values ('e', ?1, 'w', 1800000000000, 1, 0, 0, x'', '[["new",1,"s","red",1800000000000]]')"#;
    assert!(database.execute(sql, [1]).is_err(), "the number is taken");
    assert_eq!(database.execute(sql, [2]), Ok(1));
    let after = events(&database)["e"].clone();
    assert_eq!(after[..150], before);
    let Some([_, Cell::Text(event_id), ..]) = after.last().map(Vec::as_slice) else { panic!("{:?}", after.last()) };
    assert_eq!((after.len(), event_id.as_str()), (151, "new"));
}
