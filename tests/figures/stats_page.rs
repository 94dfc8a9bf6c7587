//! The stats of many prompts: what is asked for, in what order it is told, and how it is found.

use promptmeter::counting::stats::{Counts, Stats};
use promptmeter::counting::stats_page::StatsPage;
use promptmeter::counting::tally::Tally;
use promptmeter::data::prompt::PromptName;
use promptmeter::http::caching::{entity_tag, is_known};
use promptmeter::http::identity::Identity;
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::rest::rows::Cell;
use promptmeter::usage::totals::Totals;
use rusqlite::Connection;
use uuid::Uuid;

use crate::database::{self, open, run, user};

fn page(ids: &str) -> Result<StatsPage, Code> {
    StatsPage::parse(&Query::parse(&format!("ids={ids}"))).map_err(|problem| problem.code)
}

/// A library of so many prompts, every second public, each of another of ten users.
fn library(prompts: usize) -> Connection {
    let database = open();
    let sql = "with recursive n (i) as (select 0 union all select i + 1 from n where i < ?1 - 1) ";
    for insert in [
        "insert into users select printf('00000000-0000-0000-0000-0000abcd%04x', i), null, 'then' from n where i < 10",
        "insert into prompts (id, slug, user_id, title, template, is_public, is_active, created_at, updated_at) \
            select printf('00000000-0000-0000-0000-%012x', i), 'slug-' || i, \
                printf('00000000-0000-0000-0000-0000abcd%04x', i % 10), '', '', i % 2, 1, 'then', 'then' from n",
        "insert into prompt_stats select printf('00000000-0000-0000-0000-%012x', i), i, 0, 0, 0, 1, 'then', i + 1000, i + 2000, null from n",
    ] {
        let sql = insert.replacen("select", &format!("{sql} select"), 1);
        database.execute(&sql, [i64::try_from(prompts).unwrap()]).unwrap();
    }
    database
}

/// Checks whose views are told, each with the prompt's own visits and visitors.
fn check(database: &Connection, ids: &str, identity: &Identity, expected: &[u32]) {
    let mut found: Vec<f64> = run(database, &page(ids).unwrap().statement(identity))
        .unwrap()
        .iter()
        .map(|row| match (&row[2], &row[6..8]) {
            (Cell::Number(views), visits) => {
                assert_eq!(visits, [views + 1000.0, views + 2000.0].map(Cell::Number));
                *views
            }
            _ => panic!("{row:?}"),
        })
        .collect();
    found.sort_by(f64::total_cmp);
    assert_eq!(found, expected.iter().copied().map(f64::from).collect::<Vec<_>>(), "{ids}");
}

#[test]
fn prompts_are_found_once_by_their_ids_and_slugs_if_they_may_be_seen() {
    let database = library(50);
    let id = |number: u128| Uuid::from_u128(number).to_string();
    let ids = format!("{},slug-3,{},slug-4,{},slug-5,none,{}", id(3), id(2), id(4), id(999));
    check(&database, &ids, &Identity::Anonymous, &[3, 5]);
    check(&database, &ids, &user(4), &[3, 4, 5]);
    check(&database, &ids, &Identity::Service(None), &[2, 3, 4, 5]);
    check(&database, "none", &Identity::Service(None), &[]);
}

#[test]
fn what_is_read_does_not_grow_with_the_library() {
    let ids: Vec<String> = (0..100).map(|number| Uuid::from_u128(number).to_string()).collect();
    for identity in [Identity::Anonymous, user(4), Identity::Service(None)] {
        let [small, large] = [200, 4000].map(|prompts| {
            let statement = page(&ids.join(",")).unwrap().statement(&identity);
            database::machine_steps(&library(prompts), &statement)
        });
        assert!(large < small + small / 10, "{identity:?}: {small} steps, {large} in a larger library");
    }
}

#[test]
fn stats_are_told_in_the_order_in_which_they_were_asked_for() {
    let stats = |number: u64| {
        let (id, tally) = (Uuid::from_u128(number.into()), Tally { views: number, ..Tally::default() });
        let stats = Stats::of(Counts::of(id, &tally), 0, 0, Totals::default());
        (PromptName::Id(id), Some(PromptName::Slug(format!("slug-{number}"))), stats)
    };
    let asked = format!("slug-2,{},slug-9,{}", Uuid::from_u128(7), Uuid::from_u128(1));
    let answer = page(&asked).unwrap().answer(vec![stats(1), stats(2), stats(7)]);
    let told = serde_json::to_value(answer).unwrap();
    let views: Vec<u64> =
        told["stats"].as_array().unwrap().iter().map(|stats| stats["viewCount"].as_u64().unwrap()).collect();
    assert_eq!(views, [2, 7, 1]);
}

#[test]
fn at_most_a_hundred_prompts_are_asked_for() {
    let names = |count: usize| (0..count).map(|number| format!("slug-{number}")).collect::<Vec<_>>().join(",");
    for (ids, expected) in [
        (names(1), Ok(())),
        (names(100), Ok(())),
        (format!("{},slug-1,slug-1", names(100)), Ok(())),
        (names(101), Err(Code::InvalidValue)),
        (String::new(), Err(Code::InvalidValue)),
        (",,".to_owned(), Err(Code::InvalidValue)),
        ("x".repeat(500), Err(Code::InvalidValue)), // nobody has such a slug
    ] {
        assert_eq!(page(&ids).map(drop), expected, "{ids}");
    }
}

#[test]
fn tags_are_those_of_the_body() {
    let tag = entity_tag("body");
    assert_ne!(tag, entity_tag("other body"));
    for (header, expected) in [
        (None, false),
        (Some(""), false),
        (Some("\"other\""), false),
        (Some(tag.trim_matches('"')), false),
        (Some(tag.as_str()), true),
        (Some(&format!("W/{tag}")), true),
        (Some(&format!("\"other\" , {tag}")), true),
        (Some("*"), true),
    ] {
        assert_eq!(is_known(header, &tag), expected, "{header:?}");
    }
}
