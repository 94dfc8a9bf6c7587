//! Pages of the lists of prompts that are ahead: who is in them, in what order, and how they are found.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::rankings::answer::{PageAnswer, RankedPrompt};
use promptmeter::rankings::page::Page;
use promptmeter::rest::rows::Cell;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::database::{self, execute, run};
use crate::ranked::{HOUR_MS, NOW_MS, PROMPTS, leave_all, library, make_prompt, prompt_id, stored, text};

/// Ranks a prompt: these counts ever and in each window, and a trend.
fn rank(database: &Connection, number: usize, metric: &str, counts: [i64; 4], trend: Option<i64>) {
    let sql = "insert into prompt_rankings select id, ?2, is_public, ?3, ?4, ?5, ?6, ?7 from prompts where id = ?1";
    let [total, day, week, month] = counts;
    database.execute(sql, rusqlite::params![prompt_id(number), metric, total, day, week, month, trend]).unwrap();
}

/// Prompts, every third private, with these totals of views and trends of visits by their numbers; of visits there are a
/// hundred more.
fn ranked(database: &Connection, prompts: usize, total: impl Fn(usize) -> i64, trend: impl Fn(usize) -> i64) {
    for number in PROMPTS..PROMPTS + prompts {
        make_prompt(database, number, number % 3 > 0);
        rank(database, number, "view", [total(number); 4], None);
        rank(database, number, "visit", [total(number) + 100; 4], Some(trend(number)));
    }
}

const LISTS: [&str; 7] = ["used", "viewed", "visited", "copied", "forked", "liked", "trending"];

fn page(list: &str, query: &str) -> Result<Page, Code> {
    Page::parse(list, &Query::parse(query)).map_err(|problem| problem.code)
}

fn answer(database: &Connection, page: &Page, now_ms: i64) -> Value {
    let number = |cell: &Cell| match cell {
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers")]
        Cell::Number(number) => *number as i64,
        other => panic!("{other:?} is no number"),
    };
    let mut found: Vec<RankedPrompt> = run(database, &page.statement(now_ms))
        .unwrap()
        .iter()
        .map(|row| RankedPrompt {
            id: text(&row[0]).unwrap().parse().unwrap(),
            slug: text(&row[1]),
            title: text(&row[2]).unwrap(),
            category: text(&row[3]),
            created_at: text(&row[4]).unwrap(),
            value: number(&row[5]),
            count: number(&row[6]),
            beside: row.get(7).map_or(0, number),
        })
        .collect();
    serde_json::to_value(PageAnswer::of(page, &mut found, now_ms)).unwrap()
}

#[test]
fn pages_give_every_listed_prompt_once_in_its_order() {
    let database = library();
    ranked(&database, 100, |number| i64::try_from(number % 7).unwrap(), |number| i64::try_from(number % 11).unwrap());
    for (list, zeros) in [("viewed", false), ("visited", false), ("trending", true)] {
        let mut expected: Vec<(usize, String)> = (PROMPTS..PROMPTS + 100)
            .filter(|number| number % 3 > 0)
            .map(|number| (if list == "trending" { number % 11 } else { number % 7 }, prompt_id(number)))
            .filter(|(value, _)| zeros || list == "visited" || *value > 0)
            .collect();
        expected.sort_unstable_by(|one, other| other.cmp(one));
        for limit in [1, 7, 100] {
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = page(list, &format!("limit={limit}{cursor}")).unwrap();
                let answer = answer(&database, &page, NOW_MS);
                let ids = answer["prompts"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|prompt| prompt["id"].as_str().unwrap().to_owned());
                found.extend(ids);
                match answer["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert!(found.iter().eq(expected.iter().map(|(_, id)| id)), "{list} by {limit}: {found:?}");
        }
    }
}

#[test]
fn a_window_of_the_trend_ends_where_a_single_view_would_be_worth_less() {
    let database = library();
    let day = 1_000_000;
    let now = NOW_MS / (24 * HOUR_MS) * day;
    ranked(&database, 60, |_| 1, |number| now - i64::try_from(number).unwrap() * day);
    let listed = |window: &str| {
        let answer = answer(&database, &page("trending", &format!("limit=100&window={window}")).unwrap(), NOW_MS);
        let oldest = answer["prompts"].as_array().unwrap().last().map(|last| last["title"].clone());
        oldest.and_then(|title| title.as_str().map(|title| title[6..].parse::<usize>().unwrap()))
    };
    assert_eq!([listed("24h"), listed("7d"), listed("30d"), listed("all")], [None, Some(5), Some(29), Some(62)]);
}

#[test]
fn uses_are_told_with_how_many_succeeded() {
    let database = library();
    for (number, success, hours) in [(0, "1", 1), (1, "0", 2), (2, "1", 100), (3, "1", 3)] {
        let sql =
            "insert into prompt_usage (id, prompt_id, success, created_at) values (?1, ?2, cast(?3 as integer), ?4)";
        execute(&database, sql, &[&number.to_string(), &prompt_id(1), success, &stored(NOW_MS - hours * HOUR_MS)]);
    }
    leave_all(&database, NOW_MS);
    let told = |window: &str| answer(&database, &page("used", window).unwrap(), NOW_MS);
    let prompt = |uses: u64, successes: u64, rate: f64| {
        json!({
            "id": prompt_id(1), "slug": "slug-1", "title": "Title 1", "category": "c", "created_at": "then",
            "usage_count": uses, "success_count": successes, "success_rate": rate,
        })
    };
    let expected = json!({"list": "used", "window": "all", "prompts": [prompt(4, 3, 75.0)], "next_cursor": null});
    assert_eq!(told(""), expected);
    let expected =
        json!({"list": "used", "window": "24h", "prompts": [prompt(3, 2, 200.0 / 3.0)], "next_cursor": null});
    assert_eq!(told("window=24h"), expected);
}

#[test]
fn views_and_visits_are_told_beside_each_other_over_the_same_time() {
    let database = library();
    let now = NOW_MS / (24 * HOUR_MS) * 1_000_000;
    rank(&database, 0, "view", [9, 6, 7, 8], None);
    rank(&database, 0, "visit", [5, 2, 3, 4], Some(now));
    rank(&database, 1, "view", [1, 1, 1, 1], None);
    rank(&database, 2, "copy", [3, 3, 3, 3], None);
    let told = |list: &str, window: &str| {
        let prompts = answer(&database, &page(list, &format!("window={window}")).unwrap(), NOW_MS)["prompts"].take();
        let figures = |prompt: &Value| {
            let mut figures = prompt.as_object().unwrap().clone();
            figures.retain(|name, _| name.ends_with("_count"));
            Value::Object(figures)
        };
        prompts.as_array().unwrap().iter().map(figures).collect::<Vec<_>>()
    };
    for (window, views, visits) in [("24h", 6, 2), ("7d", 7, 3), ("30d", 8, 4), ("all", 9, 5)] {
        let both = json!({"view_count": views, "visit_count": visits});
        assert_eq!(told("viewed", window), [both.clone(), json!({"view_count": 1, "visit_count": 0})], "{window}");
        assert_eq!(told("visited", window), std::slice::from_ref(&both), "{window}");
        assert_eq!(told("trending", window), [both], "{window}");
        assert_eq!(told("copied", window), [json!({"copy_count": 3})], "{window}");
    }
}

#[test]
fn what_is_asked_for_is_checked() {
    let check = |list: &str, query: &str, expected: Result<(), Code>| {
        assert_eq!(page(list, query).map(drop), expected, "{list} {query}");
    };
    for list in LISTS {
        for query in ["", "limit=1", "limit=100", "window=24h", "window=7d&limit=3", "window=30d", "window=all"] {
            check(list, query, Ok(()));
        }
    }
    for list in ["", "use", "Used", "visit", "compared"] {
        check(list, "", Err(Code::UnknownRoute));
    }
    for query in ["limit=0", "limit=101", "limit=x", "window=", "window=1h", "window=24H", "cursor=", "cursor=e30"] {
        check("viewed", query, Err(Code::InvalidValue));
    }
}

#[test]
fn lists_are_walks_along_an_index() {
    let database = library();
    ranked(&database, 30, |_| 1, |number| i64::try_from(number).unwrap());
    let mut plans = BTreeMap::new();
    let cursor =
        answer(&database, &page("viewed", "limit=1").unwrap(), NOW_MS)["next_cursor"].as_str().unwrap().to_owned();
    for list in LISTS {
        for window in ["24h", "7d", "30d", "all"] {
            for after in [String::new(), format!("&cursor={cursor}")] {
                let page = page(list, &format!("window={window}{after}")).unwrap();
                let statement = database.prepare(page.statement(NOW_MS).text()).unwrap();
                let names: BTreeSet<_> = statement.column_names().collect();
                assert_eq!(names.len(), statement.column_count(), "D1 gives one value for each name");
                plans.insert(format!("{list} {window} {after}"), database::plan(&database, &page.statement(NOW_MS)));
            }
        }
    }
    for (name, plan) in plans {
        let has_beside = !["copied", "forked", "liked"].iter().any(|list| name.starts_with(list));
        assert_eq!(plan.len(), if has_beside { 3 } else { 2 }, "{name}: {plan:?}");
        assert!(
            plan[0].starts_with("SEARCH r USING") && plan[0].contains("INDEX prompt_rankings_by_"),
            "{name}: {plan:?}"
        );
        assert!(plan[1..].iter().all(|step| step.starts_with("SEARCH")), "{name}: {plan:?}");
    }
}
