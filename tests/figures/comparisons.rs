//! What is compared together, against its definition: a user's comparison pairs each of its first 32 prompts with the
//! others, once.

use std::collections::BTreeMap;

use promptmeter::compared;
use promptmeter::http::identity::Identity;
use promptmeter::http::problem::Code;
use promptmeter::limits::{COMPARED_PAIRS, COMPARED_PROMPTS};
use promptmeter::rest::rows::Cell;
use rusqlite::Connection;
use uuid::Uuid;

use crate::database;
use crate::database::library::{Random, callers, prompt_id};

/// The prompts of each user's comparisons, in the order in which they were counted.
type Comparisons = BTreeMap<(u128, usize), Vec<usize>>;

/// How often two prompts, the one with the lower number first, were compared.
type Pairs = BTreeMap<(usize, usize), i64>;

fn open_at(migrations: usize, prompts: usize) -> Connection {
    let database = database::open_at(migrations);
    for user in 1..=3 {
        database::execute(
            &database,
            "insert into users values (?1, null, 'now')",
            &[&database::user_id(user).to_string()],
        );
    }
    let sql = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
        values (?1, ?2, 'title', 't', ?3, ?4, 'now', 'now')";
    let mut prepared = database.prepare(sql).unwrap();
    for prompt in 0..prompts {
        let owner = database::user_id(1 + prompt as u128 % 3).to_string();
        prepared.execute((prompt_id(prompt), owner, prompt % 4 > 0, prompt % 7 > 0)).unwrap();
    }
    drop(prepared);
    database
}

/// Stores an event as not counted, and counts it.
fn count(
    database: &Connection,
    event: usize,
    user: Option<u128>,
    prompt: usize,
    kind: &str,
    comparison: Option<usize>,
) {
    let user = user.map(|user| database::user_id(user).to_string());
    let comparison = comparison.map(|comparison| format!("comparison {comparison}"));
    let sql = "insert into prompt_events (id, prompt_id, user_id, event_type, comparison_id, created_at, uncounted_since_ms) \
        values (?1, ?2, ?3, ?4, ?5, ?6, 7)";
    let at = format!("2026-01-01T{event:08}");
    let mut prepared = database.prepare_cached(sql).unwrap();
    prepared.execute((format!("e{event}"), prompt_id(prompt), user, kind, comparison, at)).unwrap();
    let sql = "update prompt_events set uncounted_since_ms = null where uncounted_since_ms is not null and id = ?1 and prompt_id = ?2";
    database.prepare_cached(sql).unwrap().execute((format!("e{event}"), prompt_id(prompt))).unwrap();
}

fn pairs_of(comparisons: &Comparisons) -> Pairs {
    let mut pairs = Pairs::new();
    for prompts in comparisons.values() {
        let prompts = &prompts[..prompts.len().min(COMPARED_PROMPTS)];
        for (place, one) in prompts.iter().enumerate() {
            for other in &prompts[place + 1..] {
                *pairs.entry((*one.min(other), *one.max(other))).or_default() += 1;
            }
        }
    }
    pairs
}

fn number(cell: &Cell) -> i64 {
    match cell {
        Cell::Text(id) => i64::try_from(Uuid::try_parse(id).unwrap().as_u128() & 0xff_ffff).unwrap(),
        #[expect(clippy::cast_possible_truncation, reason = "a count")]
        Cell::Number(number) => *number as i64,
        Cell::Null => panic!("null"),
    }
}

/// What is stored, the same from both sides.
fn stored(database: &Connection) -> Pairs {
    let sql = |swapped| {
        let order = if swapped { "other_id, prompt_id" } else { "prompt_id, other_id" };
        let rows = database::rows_of(database, &format!("select {order}, comparisons from prompt_comparisons"));
        let rows = rows.iter().map(|row| [0, 1, 2].map(|place| number(&row[place])));
        let place = |prompt: i64| usize::try_from(prompt).unwrap();
        rows.filter(|[one, other, _]| one < other)
            .map(|[one, other, times]| ((place(one), place(other)), times))
            .collect()
    };
    let pairs: Pairs = sql(false);
    assert_eq!(pairs, sql(true));
    assert_eq!(database::rows_of(database, "select 1 from prompt_comparisons where prompt_id = other_id").len(), 0);
    pairs
}

/// Random events; where they are moved, they were there before pairs were kept.
fn check(seed: u64, prompts: usize, events: usize, is_moved: bool) {
    let before = if is_moved { database::migration("0010_comparisons.sql") } else { usize::MAX };
    let database = open_at(before, prompts);
    let (mut random, mut comparisons) = (Random(seed), Comparisons::new());
    for event in 0..events {
        let (user, prompt, comparison) = (1 + random.below(2) as u128, random.below(prompts), random.below(3));
        match random.below(10) {
            0 => count(&database, event, Some(user), prompt, "compare_add", None),
            1 => count(&database, event, None, prompt, "compare_add", Some(comparison)),
            2 => count(&database, event, Some(user), prompt, "fork", Some(comparison)),
            _ => {
                count(&database, event, Some(user), prompt, "compare_add", Some(comparison));
                let compared = comparisons.entry((user, comparison)).or_default();
                if !compared.contains(&prompt) {
                    compared.push(prompt);
                }
            }
        }
    }
    if is_moved {
        database::migrate(&database, before..usize::MAX);
    }
    let mut expected = pairs_of(&comparisons);
    assert_eq!(stored(&database), expected, "seed {seed}");
    // What was counted stays when its event goes; what is gone was compared with nothing.
    database.execute_batch("delete from prompt_events").unwrap();
    database::execute(&database, "delete from prompts where id = ?1", &[&prompt_id(2)]);
    expected.retain(|(one, other), _| ![*one, *other].contains(&2));
    assert_eq!(stored(&database), expected, "seed {seed}");
}

#[test]
fn each_comparison_counts_a_pair_once() {
    for seed in 0..8 {
        check(seed, 4 + usize::try_from(seed).unwrap() * 3, 120, seed % 2 > 0);
    }
}

#[test]
fn a_comparison_has_an_end() {
    for (seed, is_moved) in [(20, false), (21, true)] {
        check(seed, 60, 900, is_moved);
    }
}

/// An event that is not counted pairs with nothing, and counting it once more changes nothing.
#[test]
fn an_event_pairs_when_it_is_counted() {
    let database = open_at(usize::MAX, 4);
    count(&database, 1, Some(1), 1, "compare_add", Some(1));
    let sql = "insert into prompt_events (id, prompt_id, user_id, event_type, comparison_id, created_at, uncounted_since_ms) \
        select 'late', ?1, user_id, event_type, comparison_id, created_at, 7 from prompt_events";
    database::execute(&database, sql, &[&prompt_id(2)]);
    assert_eq!(stored(&database), Pairs::new());
    for _ in 0..2 {
        database.execute_batch("update prompt_events set uncounted_since_ms = null").unwrap();
        assert_eq!(stored(&database), Pairs::from([((1, 2), 1)]));
    }
}

/// The prompts that a caller is told, with how often they were compared.
fn told(database: &Connection, prompt: usize, limit: i64, identity: &Identity) -> Vec<(usize, i64)> {
    let id: Uuid = prompt_id(prompt).parse().unwrap();
    let rows = database::run(database, &compared::statement(id, limit, identity)).unwrap();
    rows.iter().map(|row| (usize::try_from(number(&row[0])).unwrap(), number(&row[3]))).collect()
}

#[test]
fn everyone_is_told_the_strongest_pairs_that_they_may_see() {
    let database = open_at(usize::MAX, 30);
    let mut random = Random(3);
    for event in 0..500 {
        let comparison = random.below(40);
        count(&database, event, Some(1), random.below(30), "compare_add", Some(comparison));
    }
    let pairs = stored(&database);
    let sees = |identity: &Identity, prompt: usize| {
        let owner = database::user_id(1 + prompt as u128 % 3);
        let is_own = identity.user().is_some_and(|user| user.id == owner);
        matches!(identity, Identity::Service(_))
            || is_own
            || (![4, 7].iter().any(|hidden| prompt.is_multiple_of(*hidden)))
    };
    for (identity, prompt) in callers().iter().flat_map(|identity| (0..30).map(move |prompt| (identity, prompt))) {
        let mut expected: Vec<(usize, i64)> = (0..30)
            .filter(|other| sees(identity, prompt) && sees(identity, *other))
            .filter_map(|other| Some((other, *pairs.get(&(prompt.min(other), prompt.max(other)))?)))
            .collect();
        expected.sort_by_key(|(other, times)| (-times, *other));
        for limit in [1, 5, 100] {
            let first = &expected[..expected.len().min(usize::try_from(limit).unwrap())];
            assert_eq!(told(&database, prompt, limit, identity), first, "{identity:?} {prompt} {limit}");
        }
    }
}

/// However many weak or hidden pairs a prompt has, as many are looked at.
#[test]
fn the_strongest_pairs_are_looked_at() {
    let steps = |hidden: usize| {
        let database = open_at(usize::MAX, 2);
        let sql = format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < {hidden}) \
            insert into prompt_comparisons select '{}', printf('%d', i), 7 + i from n",
            prompt_id(1)
        );
        database.execute_batch(&sql).unwrap();
        let sql = format!("insert into prompt_comparisons values ('{}', '{}', 1)", prompt_id(1), prompt_id(0));
        database.execute_batch(&sql).unwrap();
        let statement = compared::statement(prompt_id(1).parse().unwrap(), 10, &Identity::Service(None));
        let plan = database::plan(&database, &statement);
        assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE")), "{plan:?}");
        (told(&database, 1, 10, &Identity::Service(None)), database::machine_steps(&database, &statement))
    };
    assert_eq!(steps(COMPARED_PAIRS - 1).0, [(0, 1)]);
    let (few, many) = (steps(COMPARED_PAIRS), steps(10 * COMPARED_PAIRS));
    assert_eq!((&few.0, few.1), (&many.0, many.1));
    assert_eq!(few.0, []);
}

#[test]
fn the_limit_is_checked() {
    let limit = |pairs: &[(&str, &str)]| compared::limit(&database::parameters(pairs));
    assert_eq!(limit(&[]), Ok(10));
    assert_eq!(limit(&[("limit", "100")]), Ok(100));
    for bad in ["0", "101", "x", ""] {
        assert_eq!(limit(&[("limit", bad)]).unwrap_err().code, Code::InvalidValue);
    }
}

/// Any number of events of one prompt in a comparison are as many steps as one.
#[test]
fn repeated_events_are_not_walked_over() {
    let steps = |repeated: usize| {
        let database = open_at(usize::MAX, 5);
        database.execute_batch("begin").unwrap();
        for event in 0..repeated {
            count(&database, event, Some(1), 1 + event % 2, "compare_add", Some(1));
        }
        database.execute_batch("commit").unwrap();
        let sql = "insert into prompt_events (id, prompt_id, user_id, event_type, comparison_id, created_at, uncounted_since_ms) \
            select 'last', ?1, user_id, event_type, comparison_id, created_at, 7 from prompt_events limit 1";
        database::execute(&database, sql, &[&prompt_id(3)]);
        let sql = "update prompt_events set uncounted_since_ms = null where uncounted_since_ms = 7";
        let mut prepared = database.prepare(sql).unwrap();
        assert_eq!(prepared.execute([]), Ok(1));
        let steps = prepared.get_status(rusqlite::StatementStatus::VmStep);
        assert_eq!(stored(&database).len(), 3);
        steps
    };
    assert_eq!(steps(4), steps(2000));
}
