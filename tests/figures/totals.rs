//! What triggers keep of all snapshots, against the snapshots themselves, on SQLite; and the series that is read of it.

use promptmeter::counting::tally::Metric;
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::rest::rows::{Cell, Row};
use promptmeter::series::request::SeriesRequest;
use promptmeter::series::totals::statement;
use promptmeter::verification::checks;
use rusqlite::Connection;

use crate::database::library::Random;
use crate::database::{self, execute, open, run};

const PROMPTS: usize = 5;
/// 2026-11-29T00:00:00Z, in quarters of an hour.
const START: i64 = 1_995_456;

fn library() -> Connection {
    let database = open();
    execute(&database, "insert into users (id, created_at) values ('u', 'then')", &[]);
    for number in 0..PROMPTS {
        make_prompt(&database, number);
    }
    database
}

fn make_prompt(database: &Connection, number: usize) {
    let sql = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
        values (?1, 'u', '', '', 1, 1, 'then', 'then') on conflict do nothing";
    execute(database, sql, &[&number.to_string()]);
}

/// Stores a snapshot that came in a quarter, `tell`ing views, visits, copies, forks, comparisons.
fn tell(database: &Connection, prompt: usize, quarter: i64, counts: [usize; 5]) {
    let sql = "insert into prompt_stats \
            (prompt_id, view_count, visit_count, copy_count, fork_count, compare_count, unique_visitors, version, updated_at) \
        select id, cast(?2 as integer), cast(?3 as integer), cast(?4 as integer), cast(?5 as integer), \
            cast(?6 as integer), 0, 1, strftime('%FT%T', ?7 * 900 + 899, 'unixepoch') || '.123456+00:00' \
        from prompts where id = ?1 \
        on conflict (prompt_id) do update set view_count = excluded.view_count, visit_count = excluded.visit_count, \
            copy_count = excluded.copy_count, fork_count = excluded.fork_count, \
            compare_count = excluded.compare_count, updated_at = excluded.updated_at";
    let mut values = vec![prompt.to_string()];
    values.extend(counts.map(|count| count.to_string()));
    values.push(quarter.to_string());
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    execute(database, sql, &values);
}

/// What each point has that begins at one of these quarters and ends at the next.
fn series(database: &Connection, metric: Metric, bounds: &[i64]) -> Vec<i64> {
    let request = SeriesRequest::parse(&Query::parse(&format!("metric={}", metric.name())), 0).unwrap();
    let number = |row: Row| match row[..] {
        #[expect(clippy::cast_possible_truncation, reason = "counts of this test are small")]
        [Cell::Number(number)] => number as i64,
        _ => panic!("no number: {row:?}"),
    };
    run(database, &statement(&request, bounds).unwrap()).unwrap().into_iter().map(number).collect()
}

fn differences(database: &Connection) -> Vec<Row> {
    run(database, &checks::of_all()).unwrap()
}

#[test]
fn a_point_has_what_the_snapshots_of_its_time_added() {
    let database = library();
    tell(&database, 0, START, [10, 5, 3, 1, 0]);
    tell(&database, 1, START + 1, [4, 4, 0, 0, 2]);
    tell(&database, 0, START + 4, [17, 6, 3, 2, 0]);
    // Something is taken back.
    tell(&database, 1, START + 5, [1, 1, 0, 0, 2]);
    let hours = [START - 4, START, START + 4, START + 8];
    for (metric, expected) in [
        (Metric::View, [0, 14, 4]),
        (Metric::Visit, [0, 9, -2]),
        (Metric::Copy, [0, 3, 0]),
        (Metric::Fork, [0, 1, 1]),
        (Metric::Compare, [0, 2, 0]),
    ] {
        assert_eq!(series(&database, metric, &hours), expected, "{metric:?}");
    }
    // What was read was read, though the prompt is gone.
    execute(&database, "delete from prompts where id = '0'", &[]);
    assert_eq!(series(&database, Metric::View, &hours), [0, 14, 4]);
    assert_eq!(differences(&database), Vec::<Row>::new());
}

#[test]
fn all_rows_add_up_to_the_snapshots_whatever_comes_and_goes() {
    let database = library();
    let mut random = Random(11);
    for step in 0..400 {
        let prompt = random.below(PROMPTS);
        match random.below(10) {
            0 => execute(&database, "delete from prompts where id = ?1", &[&prompt.to_string()]),
            1 => execute(&database, "delete from prompt_stats where prompt_id = ?1", &[&prompt.to_string()]),
            2 => execute(
                &database,
                "update prompt_stats set updated_at = 'then' where prompt_id = ?1",
                &[&prompt.to_string()],
            ),
            _ => {
                make_prompt(&database, prompt);
                tell(&database, prompt, START + step / 7, [0; 5].map(|_: usize| random.below(20)));
            }
        }
        assert_eq!(differences(&database), Vec::<Row>::new(), "step {step}");
    }
}

#[test]
fn each_figure_that_differs_is_named() {
    let database = library();
    tell(&database, 0, START, [10, 5, 3, 2, 1]);
    for (figure, column, is) in [
        ("view", "view_count", 10.0),
        ("visit", "visit_count", 5.0),
        ("copy", "copy_count", 3.0),
        ("fork", "fork_count", 2.0),
        ("compare", "compare_count", 1.0),
    ] {
        execute(&database, &format!("update count_totals set {column} = {column} + 7 where quarter > 0"), &[]);
        let expected = [Cell::Null, Cell::Text(format!("totals.{figure}")), Cell::Number(is), Cell::Number(is + 7.0)];
        assert_eq!(differences(&database), [expected.to_vec()]);
        execute(&database, &format!("update count_totals set {column} = {column} - 7 where quarter > 0"), &[]);
    }
}

#[test]
fn what_was_counted_before_there_were_totals_has_no_time() {
    let before = database::migration("0013_totals.sql");
    let database = database::open_at(before);
    execute(&database, "insert into users (id, created_at) values ('u', 'then')", &[]);
    make_prompt(&database, 0);
    tell(&database, 0, START, [10, 5, 3, 2, 1]);
    database::migrate(&database, before..before + 1);
    assert_eq!(series(&database, Metric::View, &[0, START + 1]), [0]);
    tell(&database, 0, START, [12, 5, 3, 2, 1]);
    assert_eq!(series(&database, Metric::View, &[0, START + 1]), [2]);
    assert_eq!(differences(&database), Vec::<Row>::new());
}

#[test]
fn there_are_no_totals_of_what_was_dropped() {
    for metric in Metric::ALL {
        let request = SeriesRequest::parse(&Query::parse(&format!("metric={}", metric.name())), 0).unwrap();
        let refused = statement(&request, &[0, 1]).err().map(|problem| problem.code);
        let is_dropped = matches!(metric, Metric::Bot | Metric::Headless | Metric::Prefetch);
        assert_eq!(refused, is_dropped.then_some(Code::InvalidValue), "{metric:?}");
    }
}
