//! The totals that triggers keep of `prompt_usage`, against the rows themselves, on SQLite.

use std::collections::BTreeMap;

use promptmeter::limits::GENERATION_TIME_MS;
use promptmeter::rest::rows::Cell;
use promptmeter::sql::statement::Statement;
use promptmeter::usage::histogram::Bucket;
use rusqlite::{Connection, params};

use crate::database;
use crate::database::library::Random;

const PROMPTS: usize = 4;
const LONGEST_SCENE: usize = 128;

/// A database with some prompts, and nobody who used one.
fn library() -> Connection {
    let database = database::open();
    database::execute(&database, "insert into users (id, created_at) values ('u', ?1)", &[database::NOW]);
    for number in 0..PROMPTS {
        make_prompt(&database, number);
    }
    database
}

fn make_prompt(database: &Connection, number: usize) {
    let sql = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
        values (?1, 'u', 'title', 'template', 1, 1, ?2, ?2) on conflict do nothing";
    database::execute(database, sql, &[&prompt(number), database::NOW]);
}

fn prompt(number: usize) -> String {
    format!("prompt {number}")
}

/// Uses, successes, times that were measured, and their sum.
type Sums = [i64; 4];

/// What a table of totals says, or what the rows add up to.
#[derive(Debug, Default, PartialEq)]
struct Tables {
    totals: BTreeMap<String, (Sums, String, BTreeMap<u64, u64>)>,
    scenes: BTreeMap<(String, String), Sums>,
}

fn stored(database: &Connection) -> Tables {
    let columns = "uses, successes, generation_time_count, generation_time_sum_ms";
    let sums = |row: &rusqlite::Row<'_>, first| -> rusqlite::Result<Sums> {
        Ok([row.get(first)?, row.get(first + 1)?, row.get(first + 2)?, row.get(first + 3)?])
    };
    let sql = format!("select prompt_id, last_used_at, generation_times, {columns} from prompt_usage_totals");
    let mut totals = database.prepare(&sql).unwrap();
    let totals = totals.query_map([], |row| {
        let times = serde_json::from_str(&row.get::<_, String>(2)?).unwrap();
        Ok((row.get(0)?, (sums(row, 3)?, row.get(1)?, times)))
    });
    let mut scenes = database.prepare(&format!("select prompt_id, scene, {columns} from prompt_usage_scenes")).unwrap();
    let scenes = scenes.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), sums(row, 2)?)));
    Tables {
        totals: totals.unwrap().collect::<rusqlite::Result<_>>().unwrap(),
        scenes: scenes.unwrap().collect::<rusqlite::Result<_>>().unwrap(),
    }
}

/// The same by adding up all rows.
fn added_up(database: &Connection) -> Tables {
    let mut tables = Tables::default();
    let sql = "select prompt_id, scene, success, generation_time_ms, created_at from prompt_usage";
    let mut rows = database.prepare(sql).unwrap();
    let mut rows = rows.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let prompt_id: String = row.get(0).unwrap();
        let scene: String = row.get::<_, Option<String>>(1).unwrap().unwrap_or_default();
        let time: Option<i64> = row.get(3).unwrap();
        let created_at: String = row.get(4).unwrap();
        let add = |sums: &mut Sums| {
            sums[0] += 1;
            sums[1] += row.get::<_, i64>(2).unwrap();
            sums[2] += i64::from(time.is_some());
            sums[3] += time.unwrap_or_default();
        };
        let total = tables.totals.entry(prompt_id.clone()).or_default();
        add(&mut total.0);
        total.1 = created_at.max(std::mem::take(&mut total.1));
        if let Some(time) = time {
            *total.2.entry(two_digits(time.unsigned_abs())).or_default() += 1;
        }
        add(tables.scenes.entry((prompt_id, scene.chars().take(LONGEST_SCENE).collect())).or_default());
    }
    tables
}

/// A number with all but its first two decimal digits as zeros.
fn two_digits(number: u64) -> u64 {
    let digits = number.to_string();
    let zeroed = digits.chars().enumerate().map(|(place, digit)| if place < 2 { digit } else { '0' });
    zeroed.collect::<String>().parse().unwrap()
}

fn check(database: &Connection, after: &str) {
    assert_eq!(stored(database), added_up(database), "after {after}");
}

/// Values that a column of a row may have.
fn some(random: &mut Random, column: &str) -> rusqlite::types::Value {
    let long = "é".repeat(LONGEST_SCENE);
    match column {
        "prompt_id" => prompt(random.below(PROMPTS)).into(),
        "id" => format!("id {}", random.below(12)).into(),
        "scene" => match random.below(7) {
            0 => rusqlite::types::Value::Null,
            1 => String::new().into(),
            2 => format!("{long}x").into(),
            3 => format!("{long}y").into(),
            4 => "A\"$.b".to_owned().into(),
            5 => "a".to_owned().into(),
            _ => long.into(),
        },
        "success" => i64::from(random.below(3) > 0).into(),
        "generation_time_ms" => match random.below(4) {
            0 => rusqlite::types::Value::Null,
            1 => random.pick(&[0_i64, 9, 10, 99, 100, 109, 110, 999, 1000, GENERATION_TIME_MS]).into(),
            _ => i64::try_from(random.below(2000)).unwrap().into(),
        },
        "created_at" => format!("2026-11-{:02}T00:00:00.000000+00:00", 1 + random.below(9)).into(),
        "environment" => format!("environment {}", random.below(3)).into(),
        other => panic!("{other}"),
    }
}

/// Does something to the table; gives what it was.
fn change(database: &Connection, random: &mut Random) -> String {
    const COLUMNS: [&str; 6] = ["prompt_id", "scene", "success", "generation_time_ms", "created_at", "environment"];
    const INSERT: &str = "insert into prompt_usage (prompt_id, id, scene, success, generation_time_ms, created_at) \
        values (?1, ?2, ?3, ?4, ?5, ?6)";
    let one = "prompt_id = ?1 and id = ?2";
    let columns = ["prompt_id", "id", "scene", "success", "generation_time_ms", "created_at"];
    let values: Vec<_> = columns.iter().map(|column| some(random, column)).collect();
    let update =
        |column: &str, condition: &str| format!("update or ignore prompt_usage set {column} = ?3 where {condition}");
    let column = random.pick(&COLUMNS);
    let value = some(random, column);
    let sql = match random.below(20) {
        0..8 => format!("{INSERT} on conflict (prompt_id, id) do nothing"),
        8 => INSERT.replace("insert", "insert or ignore"),
        9..11 => {
            let sets = columns[2..].iter().map(|name| format!("{name} = excluded.{name}"));
            format!("{INSERT} on conflict (prompt_id, id) do update set {}", sets.collect::<Vec<_>>().join(", "))
        }
        11..14 => update(column, one),
        14 => update(column, "prompt_id = ?1"),
        15 | 16 => format!("delete from prompt_usage where {one}"),
        17 => "delete from prompt_usage where created_at > ?6 and ?1 is not null".to_owned(),
        18 => "delete from prompt_usage where scene is ?3 and prompt_id = ?1".to_owned(),
        _ => "delete from prompts where id = ?1".to_owned(),
    };
    let mut bound = values;
    if sql.starts_with("update") {
        bound[2] = value;
    }
    let mut prepared = database.prepare(&sql).unwrap();
    let count = prepared.parameter_count();
    let changed = prepared.execute(rusqlite::params_from_iter(&bound[..count]));
    let done = format!("{sql} with {bound:?}: {changed:?}");
    assert!(changed.is_ok(), "{done}");
    if sql.ends_with("prompts where id = ?1") {
        (0..PROMPTS).for_each(|number| make_prompt(database, number));
    }
    done
}

#[test]
fn totals_are_what_the_rows_add_up_to() {
    let mut changed = 0;
    for seed in 0..12 {
        let database = library();
        let mut random = Random(seed);
        for _ in 0..150 {
            let done = change(&database, &mut random);
            changed += usize::from(!done.ends_with("Ok(0)"));
            check(&database, &done);
        }
    }
    assert!(changed > 1000, "only {changed} changes changed something");
}

#[test]
fn a_use_of_no_prompt_leaves_nothing() {
    let database = library();
    let sql = "insert into prompt_usage (prompt_id, id, success, created_at) values ('none', 'i', 1, ?1)";
    assert!(database.execute(sql, [database::NOW]).is_err());
    assert_eq!(stored(&database), Tables::default());
}

/// Every bucket of times up to the longest, by counting up.
fn buckets() -> Vec<Bucket> {
    let longest = GENERATION_TIME_MS.unsigned_abs();
    let mut buckets = Vec::new();
    let mut lower = 0;
    while lower <= longest {
        let bucket = Bucket::of(lower);
        assert_eq!(bucket.lower, lower);
        lower = bucket.upper + 1;
        buckets.push(bucket);
    }
    buckets
}

#[test]
fn the_database_and_this_program_agree_on_every_bucket() {
    let database = library();
    let buckets = buckets();
    assert_eq!(buckets.len(), 627);
    for bucket in &buckets {
        for time in [bucket.lower, bucket.upper.min(GENERATION_TIME_MS.unsigned_abs())] {
            let sql = "insert into prompt_usage (prompt_id, id, success, generation_time_ms, created_at) \
                values (?1, ?2, 1, ?2, ?3) on conflict do nothing";
            database.execute(sql, params![prompt(0), i64::try_from(time).unwrap(), database::NOW]).unwrap();
        }
    }
    let tables = stored(&database);
    let expected = buckets.iter().map(|bucket| (bucket.lower, if bucket.lower < bucket.upper { 2 } else { 1 }));
    let mut expected: BTreeMap<u64, u64> = expected.collect();
    expected.insert(86_000_000, 2); // of which the last is cut off by the longest time
    assert_eq!(tables.totals[&prompt(0)].2, expected);
    check(&database, "all boundaries");
    let [Cell::Number(bytes)] =
        database::rows_of(&database, "select octet_length(generation_times) from prompt_usage_totals")[0][..]
    else {
        panic!("no number")
    };
    assert!(bytes < 10_000.0, "{bytes} bytes");
}

/// Steps of SQLite's machine for a statement after a prompt was used so often.
fn steps_after(uses: usize, created_at: impl Fn(usize) -> usize, sql: &str) -> i32 {
    let database = library();
    for number in 0..uses {
        let created_at = format!("2026-11-01T00:00:00.{:06}+00:00", created_at(number));
        let sql = "insert into prompt_usage (prompt_id, id, success, created_at) values (?1, ?2, 1, ?3)";
        database.execute(sql, params![prompt(0), format!("{number:06}"), created_at]).unwrap();
    }
    database::machine_steps(&database, &Statement::new(sql))
}

#[test]
fn removing_a_prompt_or_all_its_uses_takes_time_with_their_number_not_its_square() {
    type Times = fn(usize) -> usize;
    let cases: [(&str, Times, &str); 4] = [
        ("a prompt with ever older uses", |number| 9999 - number, "delete from prompts where id = 'prompt 0'"),
        ("a prompt", |number| number, "delete from prompts where id = 'prompt 0'"),
        ("ever newer uses", |number| number, "delete from prompt_usage"),
        ("uses at the same time", |_| 7, "delete from prompt_usage"),
    ];
    for (what, created_at, sql) in cases {
        let [few, many] = [300, 1200].map(|uses| steps_after(uses, created_at, sql));
        assert!(many < few * 5, "{what}: {few} steps, then {many}");
    }
}
