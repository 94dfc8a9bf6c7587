//! Rows that come in beside the cron, or into an instance that has something of its own.

use promptmeter::data::import::read_line;
use promptmeter::http::problem::Code;
use promptmeter::moving::restore_sql::Moment;
use promptmeter::moving::tables::moved;
use rusqlite::params_from_iter;

use super::{MOMENT, NOW_MS, exported, filled, read, store, store_at, tables, value};
use crate::database;

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
