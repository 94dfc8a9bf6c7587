//! Verification finds what differs, each figure by its name, and nothing where all agree.

use promptmeter::counting::protocol::Audit;
use promptmeter::counting::tally::Tally;
use promptmeter::http::paging;
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::rest::rows::{Cell, Row};
use promptmeter::time::timestamp_from_ms;
use promptmeter::verification::checks::{awaited, statements};
use promptmeter::verification::counters::{StoredCounts, compare};
use promptmeter::verification::page::Page;
use rusqlite::Connection;
use uuid::Uuid;

use crate::database::{execute, open, run};

const NOW_MS: i64 = 1_800_000_000_000;
const PROMPT: Uuid = Uuid::from_u128(7);
const OTHER: Uuid = Uuid::from_u128(8);

/// Two prompts with everything that is verified.
fn library() -> Connection {
    let database = open();
    execute(&database, "insert into users (id, created_at) values ('u', 'then')", &[]);
    for id in [PROMPT, OTHER].map(|id| id.to_string()) {
        let prompt = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
            values (?1, 'u', '', '', 1, 1, 'then', 'then')";
        execute(&database, prompt, &[&id]);
        execute(&database, "insert into prompt_stats values (?1, 5, 4, 3, 2, 9, 'then', 2, 1, null)", &[&id]);
        for (metric, total) in [("view", "5"), ("visit", "2"), ("copy", "4"), ("fork", "3")] {
            let ranking = "insert into prompt_rankings values (?1, ?2, 1, cast(?3 as integer), 0, 0, 0, null)";
            execute(&database, ranking, &[&id, metric, total]);
        }
        execute(&database, "insert into prompt_templates values (?1, ?1, null, null, 0, 0, 'then', 'then')", &[&id]);
        execute(&database, "insert into template_likes values (?1, 'u', '2026-11-20')", &[&id]);
        for (number, success, time) in [("a", "1", "1234"), ("b", "0", "50"), ("c", "1", "")] {
            let used = "insert into prompt_usage (id, prompt_id, success, generation_time_ms, created_at, scene) \
                values (?1, ?2, cast(?3 as integer), cast(nullif(?4, '') as integer), \
                    '2026-11-20T12:00:00.50000' || ?3 || '+00:00', nullif(?1, 'c'))";
            execute(&database, used, &[number, &id, success, time]);
        }
    }
    database
}

/// The other prompt's places, whose figures only the prompt itself tells.
const LINEAGE: [(&str, &str); 8] = [
    ("children", "children"),
    ("listed_children", "listed_children"),
    ("descendants", "descendants"),
    ("listed_descendants", "listed_descendants"),
    ("views", "credited_views"),
    ("copies", "credited_copies"),
    ("forks", "credited_forks"),
    ("compares", "credited_compares"),
];

#[test]
fn what_forks_add_up_to_is_compared_with_the_forks() {
    let database = library();
    let (parent, child) = (OTHER.to_string(), PROMPT.to_string());
    execute(&database, "update prompts set forked_from = ?1 where id = ?2", &[&parent, &child]);
    assert_eq!(differences(&database), Vec::<Row>::new());
    for (figure, column) in LINEAGE {
        let change = |by: &str| {
            let sql = format!("update prompt_lineage set {column} = {column} {by} where prompt_id = ?1");
            execute(&database, &sql, &[&parent]);
        };
        change("+ 7");
        let found = differences(&database);
        assert_eq!(found.len(), 1, "{figure}: {found:?}");
        assert_eq!(found[0][1], Cell::Text(format!("lineage.{figure}")));
        change("- 7");
    }
    assert_eq!(differences(&database), Vec::<Row>::new());
}

fn differences(database: &Connection) -> Vec<Row> {
    let prompts = [PROMPT, OTHER];
    statements(&prompts, NOW_MS).iter().flat_map(|statement| run(database, statement).unwrap()).collect()
}

#[test]
fn nothing_differs_where_totals_are_kept() {
    let database = library();
    assert_eq!(differences(&database), Vec::<Row>::new());
    execute(&database, "delete from prompt_usage where id = 'b'", &[]);
    execute(&database, "delete from template_likes", &[]);
    execute(&database, "update prompts set is_public = 0", &[]);
    assert_eq!(differences(&database), Vec::<Row>::new());
    execute(&database, "delete from prompt_usage", &[]);
    assert_eq!(differences(&database), Vec::<Row>::new());
}

/// A snapshot came at one instant, and the rankings were told at another, both in milliseconds after `NOW_MS`, since when they
/// may have been told: what they are to be told is awaited, or differs, or neither.
#[test]
fn what_the_rankings_are_still_to_be_told_is_awaited_and_does_not_differ() {
    let check = |snapshot_ms: i64, told_ms: Option<i64>, is_awaited: bool, differs: bool| {
        let database = library();
        let updated = timestamp_from_ms(NOW_MS + snapshot_ms).unwrap();
        let sql = "update prompt_stats set view_count = 6, updated_at = ?2, ranked_ms = ?3 where prompt_id = ?1";
        let told = told_ms.map(|told_ms| NOW_MS + told_ms);
        database.execute(sql, rusqlite::params![OTHER.to_string(), updated, told]).unwrap();
        let count = Cell::Number(f64::from(u8::from(is_awaited)));
        let case = format!("snapshot at {snapshot_ms}, told at {told_ms:?}");
        assert_eq!(run(&database, &awaited(&[PROMPT, OTHER], NOW_MS)).unwrap(), [[count]], "{case}");
        assert_eq!(differences(&database).len(), usize::from(differs), "{case}");
        // What its rows tell is compared all the same.
        execute(&database, "update prompt_rankings set is_listed = 0 where metric = 'view'", &[]);
        assert_eq!(differences(&database).len(), 2 + usize::from(differs), "{case}");
    };
    for told_ms in [None, Some(0), Some(4_999)] {
        check(5_000, told_ms, true, false);
    }
    check(5_001, Some(5_000), true, false);
    check(5_000, Some(5_000), false, true);
    check(5_000, Some(5_001), false, true);
    // It should have been told by now.
    check(5_000, Some(-1), false, true);
    check(0, None, true, false);
    check(-1, None, false, true);
}

#[test]
fn each_figure_that_differs_is_named() {
    let check = |change: &str, expected: &[(&str, f64, f64)]| {
        let database = library();
        execute(&database, change, &[]);
        let of = |&(check, expected, found): &(&str, f64, f64)| -> Row {
            let texts = [OTHER.to_string(), check.to_owned()].map(Cell::Text);
            texts.into_iter().chain([expected, found].map(Cell::Number)).collect()
        };
        let expected: Vec<Row> = expected.iter().map(of).collect();
        assert_eq!(differences(&database), expected, "{change}");
    };
    let other = "prompt_id = '00000000-0000-0000-0000-000000000008'";
    let last_ms = 1_763_640_000_500.0 + 31_536_000_000.0;
    for (change, expected) in [
        ("update prompt_usage_totals set uses = uses + 1", &[("usage.uses", 3.0, 4.0)][..]),
        ("update prompt_usage_totals set successes = 0", &[("usage.successes", 2.0, 0.0)]),
        ("update prompt_usage_totals set generation_time_count = 1", &[("usage.generation_time_count", 2.0, 1.0)]),
        (
            "update prompt_usage_totals set generation_time_sum_ms = 1284 + 6",
            &[("usage.generation_time_sum_ms", 1284.0, 1290.0)],
        ),
        (
            "update prompt_usage_totals set last_used_at = '2026-11-20T12:00:01.500001+00:00'",
            &[("usage.last_used", last_ms, last_ms + 1000.0)],
        ),
        ("update prompt_usage_totals set generation_times = '{\"50\":1}'", &[("usage.histogram", 2.0, 1.0)]),
        ("update prompt_usage_scenes set uses = 2 where scene = 'a' and", &[("scenes.uses", 3.0, 4.0)]),
        ("update prompt_usage_scenes set successes = 1 where scene = 'b' and", &[("scenes.successes", 2.0, 3.0)]),
        ("update prompt_stats set view_count = 6", &[("rankings.view", 6.0, 5.0)]),
        ("update prompt_stats set visit_count = 6", &[("rankings.visit", 6.0, 2.0)]),
        ("update prompt_rankings set total = 9 where metric = 'visit' and", &[("rankings.visit", 2.0, 9.0)]),
        ("update prompt_rankings set total = 9 where metric = 'copy' and", &[("rankings.copy", 4.0, 9.0)]),
        ("update prompt_rankings set total = 9 where metric = 'fork' and", &[("rankings.fork", 3.0, 9.0)]),
        ("update prompt_rankings set total = 9 where metric = 'like' and", &[("rankings.like", 1.0, 9.0)]),
        ("update prompt_rankings set total = 9 where metric = 'use' and", &[("rankings.use", 3.0, 9.0)]),
        ("update prompt_rankings set total = 9 where metric = 'success' and", &[("rankings.success", 2.0, 9.0)]),
        (
            "update prompt_rankings set is_listed = 0 where metric = 'view' and",
            &[("rankings.wrongly_listed", 0.0, 1.0)],
        ),
    ] {
        let is_narrowed = change.ends_with(" and");
        check(&format!("{change}{} {other}", if is_narrowed { "" } else { " where" }), expected);
    }
}

const TALLY: Tally =
    Tally { views: 40, copies: 30, forks: 20, compares: 10, visits: 5, bots: 6, headless: 7, prefetches: 8 };
const AUDIT: Audit = Audit { tally: TALLY, version: 7, unique_visitors: 4, days: TALLY, snapshots_ms: [None, None] };
const STORED: StoredCounts = StoredCounts {
    prompt_id: PROMPT,
    snapshot: TALLY,
    unique_visitors: 4,
    version: 7,
    forks: 20,
    compares: 10,
    uncounted_forks: 0,
    uncounted_compares: 0,
    added_forks: 0,
    added_compares: 0,
};

#[test]
fn counters_are_compared_with_what_is_stored_of_them() {
    let check = |stored: StoredCounts, audit: Audit, pending: u64, expected: &[(&str, i64, i64)]| {
        let verdict = compare(&stored, &audit, NOW_MS);
        let found: Vec<(&str, i64, i64)> = verdict
            .differences
            .iter()
            .map(|difference| (difference.check.as_str(), difference.expected, difference.found))
            .collect();
        assert_eq!((verdict.pending, found.as_slice()), (pending, expected));
        assert!(verdict.differences.iter().all(|difference| difference.prompt_id == Some(PROMPT)));
    };
    check(STORED, AUDIT, 0, &[]);
    check(StoredCounts::default(), Audit::default(), 0, &[]);
    check(STORED, Audit { days: Tally { views: 39, ..TALLY }, ..AUDIT }, 0, &[("days.view", 40, 39)]);
    check(STORED, Audit { days: Tally { copies: 0, ..TALLY }, ..AUDIT }, 0, &[("days.copy", 30, 0)]);
    let snapshot = Tally { views: 1, compares: 11, ..TALLY };
    let differences = [("prompt_stats.view", 40, 1), ("prompt_stats.compare_add", 10, 11)];
    check(StoredCounts { snapshot, ..STORED }, AUDIT, 0, &differences);
    for (days, difference) in [
        (Tally { visits: 4, ..TALLY }, ("days.visit", 5, 4)),
        (Tally { bots: 0, ..TALLY }, ("days.bot", 6, 0)),
        (Tally { headless: 8, ..TALLY }, ("days.headless", 7, 8)),
        (Tally { prefetches: 1, ..TALLY }, ("days.prefetch", 8, 1)),
    ] {
        check(STORED, Audit { days, ..AUDIT }, 0, &[difference]);
    }

    // A snapshot tells visits and visitors, and not what was no view.
    let snapshot = Tally { visits: 3, ..TALLY };
    check(StoredCounts { snapshot, ..STORED }, AUDIT, 0, &[("prompt_stats.visit", 5, 3)]);
    let visitors = StoredCounts { unique_visitors: 9, ..STORED };
    check(visitors, AUDIT, 0, &[("prompt_stats.unique_visitors", 4, 9)]);
    let snapshot = Tally { bots: 0, headless: 0, prefetches: 0, ..TALLY };
    check(StoredCounts { snapshot, ..STORED }, AUDIT, 0, &[]);

    // Rows of forks and comparisons, of which those that are marked may be counted or not.
    check(StoredCounts { forks: 21, ..STORED }, AUDIT, 0, &[("prompt_events.fork", 21, 20)]);
    check(StoredCounts { forks: 19, ..STORED }, AUDIT, 0, &[("prompt_events.fork", 19, 20)]);
    check(StoredCounts { compares: 9, ..STORED }, AUDIT, 0, &[("prompt_events.compare_add", 9, 10)]);
    check(StoredCounts { forks: 21, uncounted_forks: 1, ..STORED }, AUDIT, 1, &[]);
    check(StoredCounts { uncounted_forks: 3, uncounted_compares: 1, ..STORED }, AUDIT, 4, &[]);
    check(StoredCounts { forks: 24, uncounted_forks: 3, ..STORED }, AUDIT, 3, &[("prompt_events.fork", 21, 20)]);

    // Rows that came while the counter was asked may be counted, and no others.
    let mut before = StoredCounts { forks: 18, compares: 9, ..STORED };
    let doubtful = [("prompt_events.fork", 18, 20), ("prompt_events.compare_add", 9, 10)];
    check(before, AUDIT, 0, &doubtful);
    assert!(compare(&before, &AUDIT, NOW_MS).doubts_rows() && !compare(&STORED, &AUDIT, NOW_MS).doubts_rows());
    before.note_added(&StoredCounts { forks: 21, compares: 10, ..STORED });
    check(before, AUDIT, 0, &[]);
    before.note_added(&StoredCounts { forks: 19, compares: 10, ..STORED });
    check(before, AUDIT, 0, &[("prompt_events.fork", 19, 20)]);

    // A snapshot that is due soon is on its way; one that is not, or that is newer than its counter, is wrong.
    let late = StoredCounts { version: 6, snapshot: Tally::default(), unique_visitors: 0, ..STORED };
    for (last_ms, alarm_ms, is_pending) in [
        (None, Some(NOW_MS), true),
        (None, Some(NOW_MS + 10_000), true),
        (None, Some(NOW_MS - 10_000), true),
        (None, Some(NOW_MS + 60_000), false),
        (None, Some(NOW_MS - 60_000), false),
        (Some(NOW_MS - 500), Some(NOW_MS + 86_400_000), true),
        (Some(NOW_MS - 6000), Some(NOW_MS + 86_400_000), false),
        (None, None, false),
    ] {
        let differences = if is_pending { &[][..] } else { &[("prompt_stats.version", 7, 6)] };
        check(late, Audit { snapshots_ms: [last_ms, alarm_ms], ..AUDIT }, is_pending.into(), differences);
    }
    let audit = Audit { snapshots_ms: [None, Some(NOW_MS)], ..AUDIT };
    check(StoredCounts { version: 8, ..STORED }, audit, 0, &[("prompt_stats.version", 7, 8)]);
}

#[test]
fn pages_follow_each_other() {
    let ids: Vec<Uuid> = (1..=7).map(Uuid::from_u128).collect();
    let (mut query, mut seen) = ("limit=3".to_owned(), Vec::new());
    loop {
        let page = Page::parse(&Query::parse(&query)).unwrap();
        let mut found: Vec<Uuid> = ids.iter().filter(|id| **id > page.after).take(4).copied().collect();
        let next = paging::cut(&mut found, page.limit, |id| *id);
        seen.extend(found);
        match next {
            Some(cursor) => query = format!("limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    for query in ["limit=0", "limit=101", "limit=a", "cursor=a", "cursor=e30"] {
        assert_eq!(
            Page::parse(&Query::parse(query)).map_err(|problem| problem.code),
            Err(Code::InvalidValue),
            "{query}"
        );
    }
}
