//! What prompts are ranked by, as triggers keep it, against a count of all rows.

use promptmeter::counting::snapshot::Snapshot;
use promptmeter::counting::tally::Tally;
use promptmeter::counting::windows::{Recent, window_start};
use promptmeter::rankings::leaving::LEAVING_ROWS;
use promptmeter::rankings::standing::{self, Standing, due_ms};
use promptmeter::rankings::telling::{BEGIN_TELLING, STORE_STANDINGS, TOLD, Telling};
use promptmeter::rest::rows::{Cell, Row};
use promptmeter::time::QUARTER_MS;
use proptest::prelude::*;
use rusqlite::{Connection, OptionalExtension};

use crate::database::{self, execute, rows_of};
use crate::ranked::{HOUR_MS, NOW_MS, PROMPTS, USERS, leave_all, library, make_prompt, prompt_id, stored};

const TEMPLATES: usize = 4;
/// When a snapshot told the rankings.
const TOLD_MS: i64 = 1_800_000_000_123;

/// What happens; numbers are of prompts, templates, users and uses, and hours before now.
#[derive(Clone, Debug)]
enum Step {
    AddTemplate(usize, usize, u32),
    MoveTemplate(usize, usize),
    SetLikes(usize, u32),
    MoveTemplateAndSetLikes(usize, usize, u32),
    RemoveTemplate(usize),
    Like(usize, usize, i64),
    Unlike(usize, usize),
    MoveLike(usize, usize, usize),
    RedateLike(usize, usize, i64),
    Use(usize, usize, bool, i64),
    Reuse(usize, usize, usize, bool, i64),
    MoveUse(usize, usize, usize),
    Unuse(usize, usize),
    Show(usize, bool, bool),
    RemovePrompt(usize),
    Pass(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let (prompt, template, user, number) = (0..PROMPTS, 0..TEMPLATES, 0..USERS, 0..5_usize);
    let hours = prop_oneof![Just(0), 0_i64..30, 0_i64..800];
    prop_oneof![
        3 => (template.clone(), prompt.clone(), 0_u32..3).prop_map(|(t, p, n)| Step::AddTemplate(t, p, n)),
        1 => (template.clone(), prompt.clone()).prop_map(|(t, p)| Step::MoveTemplate(t, p)),
        1 => (template.clone(), 0_u32..9).prop_map(|(t, n)| Step::SetLikes(t, n)),
        1 => (template.clone(), prompt.clone(), 0_u32..9).prop_map(|(t, p, n)| Step::MoveTemplateAndSetLikes(t, p, n)),
        1 => template.clone().prop_map(Step::RemoveTemplate),
        6 => (template.clone(), user.clone(), hours.clone()).prop_map(|(t, u, h)| Step::Like(t, u, h)),
        1 => (template.clone(), user.clone()).prop_map(|(t, u)| Step::Unlike(t, u)),
        1 => (template.clone(), user.clone(), template.clone()).prop_map(|(t, u, o)| Step::MoveLike(t, u, o)),
        1 => (template, user, hours.clone()).prop_map(|(t, u, h)| Step::RedateLike(t, u, h)),
        6 => (number.clone(), prompt.clone(), any::<bool>(), hours.clone()).prop_map(|(n, p, s, h)| Step::Use(n, p, s, h)),
        2 => (number.clone(), prompt.clone(), prompt.clone(), any::<bool>(), hours)
            .prop_map(|(n, p, o, s, h)| Step::Reuse(n, p, o, s, h)),
        1 => (number.clone(), prompt.clone(), prompt.clone()).prop_map(|(n, p, o)| Step::MoveUse(n, p, o)),
        1 => (number, prompt.clone()).prop_map(|(n, p)| Step::Unuse(n, p)),
        2 => (prompt.clone(), any::<bool>(), any::<bool>()).prop_map(|(p, public, active)| Step::Show(p, public, active)),
        1 => prompt.prop_map(Step::RemovePrompt),
        2 => (0_i64..900).prop_map(Step::Pass),
    ]
}

fn take(database: &Connection, now_ms: &mut i64, step: &Step) {
    let at = |hours: i64| stored(*now_ms - hours * HOUR_MS);
    let sql = |sql: &str, values: &[&str]| {
        // What another constraint forbids does not happen.
        let _ = database.execute(sql, rusqlite::params_from_iter(values));
    };
    let bit = |is: bool| if is { "1" } else { "0" };
    let (t, u) = (|number: &usize| format!("t{number}"), |number: &usize| format!("u{number}"));
    match step {
        Step::AddTemplate(template, prompt, likes) => sql(
            "insert into prompt_templates values (?1, ?2, null, null, cast(?3 as integer), 0, 'then', 'then')",
            &[&t(template), &prompt_id(*prompt), &likes.to_string()],
        ),
        Step::MoveTemplate(template, prompt) => {
            sql("update prompt_templates set prompt_id = ?2 where id = ?1", &[&t(template), &prompt_id(*prompt)]);
        }
        Step::SetLikes(template, likes) => {
            let likes = likes.to_string();
            sql("update prompt_templates set likes_count = cast(?2 as integer) where id = ?1", &[&t(template), &likes]);
        }
        Step::MoveTemplateAndSetLikes(template, prompt, likes) => sql(
            "update prompt_templates set prompt_id = ?2, likes_count = cast(?3 as integer) where id = ?1",
            &[&t(template), &prompt_id(*prompt), &likes.to_string()],
        ),
        Step::RemoveTemplate(template) => sql("delete from prompt_templates where id = ?1", &[&t(template)]),
        Step::Like(template, user, hours) => {
            sql("insert into template_likes values (?1, ?2, ?3)", &[&t(template), &u(user), &at(*hours)]);
        }
        Step::Unlike(template, user) => {
            sql("delete from template_likes where template_id = ?1 and user_id = ?2", &[&t(template), &u(user)]);
        }
        Step::MoveLike(template, user, other) => sql(
            "update template_likes set template_id = ?3 where template_id = ?1 and user_id = ?2",
            &[&t(template), &u(user), &t(other)],
        ),
        Step::RedateLike(template, user, hours) => sql(
            "update template_likes set created_at = ?3 where template_id = ?1 and user_id = ?2",
            &[&t(template), &u(user), &at(*hours)],
        ),
        Step::Use(number, prompt, success, hours) => sql(
            "insert into prompt_usage (id, prompt_id, success, created_at) values (?1, ?2, cast(?3 as integer), ?4)",
            &[&number.to_string(), &prompt_id(*prompt), bit(*success), &at(*hours)],
        ),
        Step::Reuse(number, prompt, other, success, hours) => sql(
            "update prompt_usage set prompt_id = ?3, success = cast(?4 as integer), created_at = ?5 \
                where id = ?1 and prompt_id = ?2",
            &[&number.to_string(), &prompt_id(*prompt), &prompt_id(*other), bit(*success), &at(*hours)],
        ),
        Step::MoveUse(number, prompt, other) => sql(
            "update prompt_usage set prompt_id = ?3 where id = ?1 and prompt_id = ?2",
            &[&number.to_string(), &prompt_id(*prompt), &prompt_id(*other)],
        ),
        Step::Unuse(number, prompt) => {
            sql(
                "delete from prompt_usage where id = ?1 and prompt_id = ?2",
                &[&number.to_string(), &prompt_id(*prompt)],
            );
        }
        Step::Show(prompt, is_public, is_active) => sql(
            "update prompts set is_public = cast(?2 as integer), is_active = cast(?3 as integer) where id = ?1",
            &[&prompt_id(*prompt), bit(*is_public), bit(*is_active)],
        ),
        Step::RemovePrompt(prompt) => {
            sql("delete from prompts where id = ?1", &[&prompt_id(*prompt)]);
            make_prompt(database, *prompt, true);
        }
        Step::Pass(hours) => {
            *now_ms += hours * HOUR_MS;
            leave_all(database, *now_ms);
        }
    }
}

/// Prompt, metric, listed, total and windows of everything that is not 0.
fn standings(database: &Connection) -> Vec<Row> {
    rows_of(
        database,
        "select prompt_id, metric, is_listed, total, last_24h, last_7d, last_30d from prompt_rankings \
            where (total, last_24h, last_7d, last_30d) <> (0, 0, 0, 0) order by prompt_id, metric",
    )
}

/// The same, counted anew; a row is in a window from these instants on.
fn counted(database: &Connection, [day, week, month]: &[String; 3]) -> Vec<Row> {
    rows_of(
        database,
        &format!(
            "with counts (prompt_id, metric, total, last_24h, last_7d, last_30d) as (
                select t.prompt_id, 'like', sum(t.likes_count), 0, 0, 0 from prompt_templates t group by 1
                union all
                select t.prompt_id, 'like', 0, sum(l.created_at >= '{day}'), sum(l.created_at >= '{week}'),
                    sum(l.created_at >= '{month}')
                from template_likes l join prompt_templates t on t.id = l.template_id group by 1
                union all
                select prompt_id, m.metric, count(*), sum(created_at >= '{day}'), sum(created_at >= '{week}'),
                    sum(created_at >= '{month}')
                from prompt_usage join (select 'use' as metric union select 'success') m
                where m.metric = 'use' or success group by 1, 2
            )
            select c.prompt_id, c.metric, c.metric <> 'success' and p.is_public and p.is_active,
                sum(c.total), sum(c.last_24h), sum(c.last_7d), sum(c.last_30d)
            from counts c join prompts p on p.id = c.prompt_id
            group by 1, 2 having sum(c.total) + sum(c.last_24h) + sum(c.last_7d) + sum(c.last_30d) > 0
            order by 1, 2"
        ),
    )
}

fn starts(now_ms: i64) -> [String; 3] {
    [0, 1, 2].map(|place| stored(window_start(place, now_ms) * QUARTER_MS))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn triggers_and_cron_keep_what_a_count_of_all_rows_gives(steps in prop::collection::vec(any_step(), 1..40)) {
        let database = library();
        let (mut now_ms, mut left) = (NOW_MS, ["", "", ""].map(str::to_owned));
        for step in &steps {
            take(&database, &mut now_ms, step);
            if matches!(step, Step::Pass(_)) {
                left = starts(now_ms);
            }
            prop_assert_eq!(standings(&database), counted(&database, &left), "after {:?}", step);
        }
    }
}

#[test]
fn many_rows_leave_in_slices_and_once() {
    let database = library();
    let rows = 2 * LEAVING_ROWS + 7;
    let sql = "with recursive n (i) as (select 0 union all select i + 1 from n where i < ?1 - 1) \
        insert into prompt_usage (id, prompt_id, success, created_at) select i, ?2, i % 2, ?3 || i from n";
    // The instants are those of a moment long ago, some of them the same.
    database.execute(sql, rusqlite::params![rows, prompt_id(0), "2026-01-01T00:00:00."]).unwrap();
    assert!(leave_all(&database, NOW_MS) > 3);
    let all: Vec<Row> = vec![[4007.0, 0.0, 0.0, 0.0].map(Cell::Number).into()];
    let used = "select total, last_24h, last_7d, last_30d from prompt_rankings where metric = 'use'";
    assert_eq!(rows_of(&database, used), all);
    assert_eq!(leave_all(&database, NOW_MS), 3);
    assert_eq!(leave_all(&database, NOW_MS - 99 * HOUR_MS), 3, "an earlier run that comes late changes nothing");
    assert_eq!(rows_of(&database, used), all);
}

#[test]
fn what_has_left_a_window_does_not_leave_it_again() {
    let database = library();
    let recent = "insert into prompt_usage (id, prompt_id, success, created_at) values ('a', ?1, 1, ?2)";
    execute(&database, recent, &[&prompt_id(0), &stored(NOW_MS - 60 * HOUR_MS)]);
    let counts: Vec<Row> = vec![[1.0, 0.0, 1.0, 1.0].map(Cell::Number).into()];
    // A run that began long before comes in between.
    for hours in [0, 99, 0] {
        leave_all(&database, NOW_MS - hours * HOUR_MS);
        let used = "select total, last_24h, last_7d, last_30d from prompt_rankings where metric = 'use'";
        assert_eq!(rows_of(&database, used), counts, "after a run of {hours} hours before");
    }
}

#[test]
fn a_snapshot_tells_a_row_of_each_metric_and_the_trend_of_visits() {
    let tally = |views| Tally { views, copies: views + 1, forks: views + 2, visits: views + 3, ..Tally::default() };
    let recent = Recent { counts: [tally(10), tally(20), tally(30)], trend: Some(7), changes_ms: None };
    let told = standing::standings(&Snapshot { tally: tally(40), unique_visitors: 9, version: 3, recent });
    let row = |metric, more: u64, trend| Standing {
        metric,
        total: 40 + more,
        last_24h: 10 + more,
        last_7d: 20 + more,
        last_30d: 30 + more,
        trend,
    };
    assert_eq!(told, [row("view", 0, None), row("visit", 3, Some(7)), row("copy", 1, None), row("fork", 2, None)]);
}

/// Snapshots of prompts, each of a version, as the statements take them; all tell the same rows.
fn tellings<const ROWS: usize>(snapshots: &[(usize, u64)], standings: [Standing; ROWS]) -> String {
    let telling = |(prompt, version): &(usize, u64)| {
        let prompt_id = prompt_id(*prompt).parse().unwrap();
        Telling { prompt_id, version: *version, standings: standings.to_vec() }
    };
    serde_json::to_string(&snapshots.iter().map(telling).collect::<Vec<_>>()).unwrap()
}

/// What stands after a snapshot says this of copies and visits, each ever and in a window alike, and of the trend.
fn check_stored(
    before: &[(&str, i64, Option<i64>)],
    told: [u64; 2],
    trend: Option<i64>,
    expected: &[(&str, i64, Option<i64>)],
) {
    let database = library();
    let prompt = prompt_id(0);
    let stats = "insert into prompt_stats values (?1, 0, 0, 0, 0, 3, 'then', 0, 0, ?2)";
    database.execute(stats, rusqlite::params![prompt, TOLD_MS]).unwrap();
    for (metric, total, trend) in before {
        let sql = "insert into prompt_rankings values (?1, ?2, 1, ?3, ?3, ?3, ?3, ?4)";
        database.execute(sql, rusqlite::params![prompt, metric, total, trend]).unwrap();
    }
    let [copies, visits] = told;
    let tally = Tally { copies, visits, ..Tally::default() };
    let recent = Recent { counts: [tally; 3], trend, changes_ms: None };
    let rows = standing::standings(&Snapshot { tally, unique_visitors: 0, version: 3, recent });
    let store = |version: u64, told_ms: Option<f64>| {
        database.execute(STORE_STANDINGS, rusqlite::params![tellings(&[(0, version)], rows), told_ms]).unwrap()
    };
    #[expect(clippy::cast_precision_loss, reason = "an instant, as a script has it")]
    let told_ms = Some(TOLD_MS as f64);
    let stored = || {
        let sql = "select metric, total, trend from prompt_rankings \
            where (last_24h, last_7d, last_30d) = (total, total, total) order by metric";
        let mut prepared = database.prepare(sql).unwrap();
        let rows = prepared.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.collect::<rusqlite::Result<Vec<(String, i64, Option<i64>)>>>().unwrap()
    };
    let own =
        |rows: &[(&str, i64, Option<i64>)]| rows.iter().map(|row| (row.0.to_owned(), row.1, row.2)).collect::<Vec<_>>();
    assert_eq!(store(2, told_ms), 0, "another version stands");
    assert_eq!([store(3, None), store(3, told_ms.map(|ms| ms + 1.0))], [0, 0], "another one told");
    assert_eq!(stored(), own(before));
    let changed = expected.iter().filter(|row| !before.contains(row)).count();
    assert_eq!(store(3, told_ms), changed, "what is as it was is not written: {before:?} {told:?}");
    assert_eq!(stored(), own(expected));
    assert_eq!(store(3, told_ms), 0);
}

/// A snapshot tells whether the rankings were told with it, and after how many seconds its counter is to tell them again.
#[test]
fn snapshots_tell_the_rankings_once_in_an_interval() {
    const INTERVAL_MS: i64 = 60_000;
    let database = library();
    let prompt = prompt_id(0);
    execute(&database, "insert into prompt_stats values (?1, 0, 0, 0, 0, 3, 'then', 0, 0, null)", &[&prompt]);
    let snapshot = |seconds: i64, version: u64, changes_ms: Option<i64>| {
        let now_ms = TOLD_MS + seconds * 1000;
        let rows = tellings(&[(0, version)], []);
        let begun =
            database.execute(BEGIN_TELLING, rusqlite::params![rows, now_ms, now_ms - INTERVAL_MS]).unwrap() == 1;
        let told = database.query_row(TOLD, [rows], |row| row.get::<_, Option<i64>>(1));
        let told_ms = told.optional().unwrap().flatten();
        assert_eq!(begun, told_ms == Some(now_ms));
        (begun, due_ms(told_ms, now_ms, INTERVAL_MS, changes_ms).map(|due_ms| (due_ms - TOLD_MS) / 1000))
    };
    let leaves = Some(TOLD_MS + 900_000);
    assert_eq!(snapshot(0, 3, leaves), (true, Some(900)));
    for seconds in [10, 59] {
        assert_eq!(snapshot(seconds, 3, leaves), (false, Some(60)), "the rest is told when the interval is over");
    }
    assert_eq!(snapshot(60, 2, leaves), (false, Some(900)), "another version stands");
    assert_eq!(snapshot(60, 3, None), (true, None));
    assert_eq!(snapshot(119, 3, None), (false, Some(120)));
    assert_eq!(snapshot(500, 3, leaves), (true, Some(900)));
    execute(&database, "delete from prompt_stats", &[]);
    assert_eq!(snapshot(700, 3, None), (false, None), "the prompt is gone");
}

#[test]
fn a_snapshot_writes_what_is_not_as_it_was() {
    check_stored(&[], [0, 0], None, &[]);
    check_stored(&[], [2, 0], None, &[("copy", 2, None)]);
    check_stored(&[], [2, 1], Some(9), &[("copy", 2, None), ("visit", 1, Some(9))]);
    let before = [("copy", 2, None), ("visit", 3, Some(9))];
    check_stored(&before, [2, 3], Some(9), &before);
    check_stored(&before, [2, 4], Some(11), &[before[0], ("visit", 4, Some(11))]);
    check_stored(&before, [5, 3], Some(9), &[("copy", 5, None), before[1]]);
    // What was taken back.
    check_stored(&before, [2, 1], Some(4), &[before[0], ("visit", 1, Some(4))]);
    check_stored(&before, [0, 0], None, &[("copy", 0, None), ("visit", 0, None)]);
    // Visits so old that they have no trend leave the one that is there.
    check_stored(&before, [2, 4], None, &[before[0], ("visit", 4, Some(9))]);
}

/// Prompts keep their places in all lists; only the trend, which was of views, begins anew.
#[test]
fn the_ranking_of_before_visits_is_kept_and_the_trend_is_not() {
    let visits = database::migration("0012_visits.sql");
    let database = database::open_at(visits);
    for number in 0..USERS {
        execute(&database, "insert into users (id, created_at) values (?1, 'then')", &[&format!("u{number}")]);
    }
    (0..PROMPTS).for_each(|number| make_prompt(&database, number, number > 0));
    for (number, metric, trend) in [(0, "view", "1"), (1, "view", "2"), (1, "copy", ""), (2, "like", "")] {
        let sql = "insert into prompt_rankings select id, ?2, is_public, 9, 1, 2, 3, cast(nullif(?3, '') as integer) \
            from prompts where id = ?1";
        execute(&database, sql, &[&prompt_id(number), metric, trend]);
    }
    let indexes = "select name, sql from sqlite_schema where type = 'index' and sql is not null order by name";
    let (before, all) = (standings(&database), rows_of(&database, indexes));
    assert_eq!(before.len(), 4);
    database::migrate(&database, visits..visits + 1);
    assert_eq!((standings(&database), rows_of(&database, indexes)), (before, all));
    assert_eq!(rows_of(&database, "select 1 from prompt_rankings where trend is not null"), Vec::<Row>::new());
    assert_eq!(rows_of(&database, "pragma foreign_key_check"), Vec::<Row>::new());
    assert_eq!(rows_of(&database, "select 1 from sqlite_schema where name like '%kept'"), Vec::<Row>::new());
    // What a prompt leaves behind goes with it.
    execute(&database, "delete from prompts where id = ?1", &[&prompt_id(1)]);
    assert_eq!(standings(&database).len(), 2);
}

#[test]
fn what_was_there_before_is_ranked() {
    let database = database::open_at(7);
    execute(&database, "insert into users (id, created_at) values ('u0', 'then')", &[]);
    (0..2).for_each(|number| make_prompt(&database, number, number == 0));
    let (public, private) = (prompt_id(0), prompt_id(1));
    for id in [&public, &private] {
        execute(&database, "insert into prompt_stats values (?1, 5, 0, 2, 9, 3, 'then')", &[id]);
        execute(&database, "insert into prompt_templates values (?1, ?1, null, null, 4, 0, 'then', 'then')", &[id]);
        execute(&database, "insert into template_likes values (?1, 'u0', '2026-01-01')", &[id]);
    }
    database::migrate(&database, 7..8);
    let row = |id: &String, metric: &str, counts: [f64; 5]| -> Row {
        let texts = [id.clone(), metric.to_owned()].map(Cell::Text);
        texts.into_iter().chain(counts.map(Cell::Number)).collect()
    };
    let of = |id: &String, listed: f64| {
        [
            row(id, "fork", [listed, 2.0, 0.0, 0.0, 0.0]),
            row(id, "like", [listed, 5.0, 1.0, 1.0, 1.0]),
            row(id, "view", [listed, 5.0, 0.0, 0.0, 0.0]),
        ]
    };
    assert_eq!(standings(&database), [of(&public, 1.0), of(&private, 0.0)].concat());
}
