//! Embedded rows, pages, orders and counts of small libraries, against joins made row by row.

#![cfg(test)]

mod database;

use std::cmp::Ordering;

use database::library::{Cells, Library, Random, all, callers, cell, fill, sorted, table_of, told};
use database::parameters;
use promptmeter::data::schema::Table;
use promptmeter::data::tables::TABLES;
use promptmeter::http::identity::Identity;
use promptmeter::rest::preference::RequestHeaders;
use promptmeter::rest::query::{Condition, Embed, Order, Part, Query, Test};
use promptmeter::rest::read_sql;
use promptmeter::rest::request::Request;
use promptmeter::rest::rows::{self, Cell};
use proptest::prelude::*;
use rusqlite::Connection;
use serde_json::{Map, Value as Json};

/// Answers queries row by row.
struct Joiner<'a> {
    database: &'a Connection,
    identity: &'a Identity,
    library: Library,
}

/// A row with the one row of each embedded table that has one at most.
struct Joined {
    row: Cells,
    ones: Vec<(usize, Option<Box<Joined>>)>,
}

impl Joiner<'_> {
    fn visible(&self, table: &Table) -> Vec<Cells> {
        all(self.database, table).into_iter().filter(|row| self.library.may(self.identity, 's', table, row)).collect()
    }

    /// The rows of a query that satisfy `belongs`, in no order.
    fn rows(&self, query: &Query, belongs: &dyn Fn(&Cells) -> bool) -> Vec<Joined> {
        let mut found = Vec::new();
        for row in self.visible(query.table).into_iter().filter(|row| belongs(row)) {
            let ones: Vec<_> = query
                .embeds()
                .filter(|(_, embed)| embed.is_one)
                .map(|(place, embed)| (place, self.related(query, embed, &row).pop().map(Box::new)))
                .collect();
            let has_all =
                query.embeds().all(|(_, embed)| !embed.is_inner || !self.related(query, embed, &row).is_empty());
            let joined = Joined { row, ones };
            if has_all && query.conditions.iter().all(|condition| self.is_met(query, condition, &joined) == Some(true))
            {
                found.push(joined);
            }
        }
        found
    }

    fn related(&self, query: &Query, embed: &Embed, row: &Cells) -> Vec<Joined> {
        let ours = cell(query.table, row, embed.ours).clone();
        self.rows(&embed.query, &|theirs| ours != Cell::Null && *cell(embed.query.table, theirs, embed.theirs) == ours)
    }

    /// SQL's three values.
    fn is_met(&self, query: &Query, condition: &Condition, joined: &Joined) -> Option<bool> {
        match condition {
            Condition::Not(inner) => self.is_met(query, inner, joined).map(|met| !met),
            Condition::All(parts) => parts.iter().map(|part| self.is_met(query, part, joined)).fold(Some(true), and),
            Condition::Any(parts) => parts
                .iter()
                .map(|part| self.is_met(query, part, joined).map(|met| !met))
                .fold(Some(true), and)
                .map(|met| !met),
            Condition::Test(None, column, test) => passes(test, cell(query.table, &joined.row, column.name)),
            Condition::Test(Some(place), column, test) => {
                let embed = query.embed(*place).unwrap();
                let value = |row: &Joined| cell(embed.query.table, &row.row, column.name).clone();
                if embed.is_one {
                    let one = joined.ones.iter().find(|(known, _)| known == place).unwrap().1.as_ref();
                    return passes(test, &one.map_or(Cell::Null, |one| value(one)));
                }
                let related = self.related(query, embed, &joined.row);
                Some(related.iter().any(|row| passes(test, &value(row)) == Some(true)))
            }
        }
    }

    fn told(&self, query: &Query, joined: &Joined) -> Json {
        let mut object = Map::new();
        for (place, field) in query.fields.iter().enumerate() {
            let value = match &field.part {
                Part::Column(column) => told(column.kind, cell(query.table, &joined.row, column.name)),
                Part::Embed(embed) if embed.query.fields.is_empty() => continue,
                Part::Embed(embed) if embed.is_one => {
                    let one = joined.ones.iter().find(|(known, _)| *known == place).unwrap().1.as_ref();
                    one.map_or(Json::Null, |one| self.told(&embed.query, one))
                }
                Part::Embed(embed) => self.page(&embed.query, self.related(query, embed, &joined.row)).into(),
            };
            object.insert(field.name.clone(), value);
        }
        object.into()
    }

    /// The rows of a page, in their order.
    fn page(&self, query: &Query, mut rows: Vec<Joined>) -> Vec<Json> {
        rows.sort_by(|one, other| {
            query
                .order
                .iter()
                .map(|order| compare(query, order, one, other))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
        let page = rows.iter().skip(usize::try_from(query.offset).unwrap()).take(limit);
        page.map(|row| self.told(query, row)).collect()
    }
}

fn and(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn passes(test: &Test, cell: &Cell) -> Option<bool> {
    match (test, cell) {
        (Test::IsNull, cell) => Some(*cell == Cell::Null),
        (Test::Is(value), cell) => Some(*cell == Cell::Number(f64::from(u8::from(*value)))),
        (_, Cell::Null) => None,
        (Test::Compare(comparison, promptmeter::sql::statement::Value::Text(wanted)), Cell::Text(found)) => {
            use promptmeter::rest::query::Comparison as C;
            let order = found.as_bytes().cmp(wanted.as_bytes());
            Some(match comparison {
                C::Equal => order.is_eq(),
                C::NotEqual => order.is_ne(),
                C::Greater => order.is_gt(),
                C::GreaterOrEqual => order.is_ge(),
                C::Less => order.is_lt(),
                C::LessOrEqual => order.is_le(),
            })
        }
        other => panic!("{other:?}"),
    }
}

fn compare(query: &Query, order: &Order, one: &Joined, other: &Joined) -> Ordering {
    let value = |joined: &Joined| match order.embed {
        None => cell(query.table, &joined.row, order.column.name).clone(),
        Some(place) => {
            let one = joined.ones.iter().find(|(known, _)| *known == place).unwrap().1.as_ref();
            let table = query.embed(place).unwrap().query.table;
            one.map_or(Cell::Null, |one| cell(table, &one.row, order.column.name).clone())
        }
    };
    let nulls = if order.nulls_first { Ordering::Less } else { Ordering::Greater };
    let directed = |ordering: Ordering| if order.is_descending { ordering.reverse() } else { ordering };
    match (value(one), value(other)) {
        (Cell::Null, Cell::Null) => Ordering::Equal,
        (Cell::Null, _) => nulls,
        (_, Cell::Null) => nulls.reverse(),
        (Cell::Number(one), Cell::Number(other)) => directed(one.total_cmp(&other)),
        (Cell::Text(one), Cell::Text(other)) => directed(one.as_bytes().cmp(other.as_bytes())),
        other => panic!("{other:?}"),
    }
}

fn check(database: &Connection, identity: &Identity, table: &str, pairs: &[(&str, &str)], is_ordered: bool) {
    let mut pairs = pairs.to_vec();
    pairs.retain(|(name, _)| !name.is_empty());
    let what = format!("{identity:?} {table} {pairs:?}");
    let request = Request::read(table, &parameters(&pairs), &RequestHeaders::default())
        .unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let joiner = Joiner { database, identity, library: Library::of(database) };
    let rows = joiner.rows(&request.query, &|_| true);
    let count = rows.len();
    let expected = joiner.page(&request.query, rows);
    let (body, actual_count) = database::answer(database, identity, &request);
    let actual: Vec<Json> = serde_json::from_str(&body).unwrap();
    if is_ordered {
        assert_eq!(actual, expected, "{what}");
    } else {
        let order = |rows: Vec<Json>| sorted(rows.into_iter().map(in_order));
        assert_eq!(order(actual), order(expected), "{what}");
    }
    assert_eq!(usize::try_from(actual_count).unwrap(), count, "{what}: count");
}

/// The same with every array sorted: without an order, rows come in any.
fn in_order(value: Json) -> Json {
    match value {
        Json::Array(values) => {
            let mut values: Vec<Json> = values.into_iter().map(in_order).collect();
            values.sort_by_key(ToString::to_string);
            values.into()
        }
        Json::Object(fields) => Json::Object(fields.into_iter().map(|(name, value)| (name, in_order(value))).collect()),
        other => other,
    }
}

/// Of texts that are too large together none is given beyond the bound, and the last row tells how many bytes there are.
#[test]
fn large_texts_are_left_out_beyond_the_bound() {
    let database = database::open();
    let me = database::user_id(1).to_string();
    database::execute(&database, "insert into users values (?1, null, '2026')", &[&me]);
    let sql = "insert into prompts (id, slug, user_id, title, goal, template, variables, negative_prompt, category, tags, \
            is_public, is_active, forked_from, created_at, updated_at) select printf('00000000-0000-0000-0000-%012x', value), 'slug' || value, ?1, 'title',
        null, printf('%.*c', 1900000, 'x'), null, null, null, null, 1, 1, null, '2026', '2026'
        from json_each('[1,2,3,4,5,6,7,8,9]')";
    database::execute(&database, sql, &[&me]);
    for (limit, is_refused) in [("8", false), ("9", true)] {
        let request = database::request("prompts", &[("order", "id"), ("limit", limit)]).unwrap();
        let read = read_sql::read(&request.query, &Identity::Anonymous, false).unwrap();
        let found = database::run(&database, &read.rows).unwrap();
        assert_eq!(rows::check_bytes(&read.shape, &found).is_err(), is_refused, "{limit} rows");
        let held: usize =
            found.iter().flatten().map(|cell| if let Cell::Text(text) = cell { text.len() } else { 0 }).sum();
        assert!(held < 16_100_000, "{limit} rows hold {held} bytes");
    }
}

/// Orders that leave nothing open, and pages.
const ORDERED: &[(&str, &[(&str, &str)])] = &[
    (
        "prompts",
        &[
            ("select", "id,title,prompt_answers(id,answer)"),
            ("order", "title.desc,id"),
            ("prompt_answers.order", "answer.desc,id"),
            ("limit", "4"),
        ],
    ),
    (
        "prompts",
        &[
            ("select", "*,prompt_answers(id)"),
            ("order", "goal.desc,id"),
            ("prompt_answers.order", "id"),
            ("prompt_answers.limit", "1"),
            ("offset", "1"),
        ],
    ),
    (
        "prompts",
        &[
            ("select", "id,prompt_answers(id)"),
            ("order", "goal.desc.nullslast,id"),
            ("prompt_answers.order", "id.desc"),
            ("prompt_answers.offset", "1"),
            ("prompt_answers.limit", "2"),
            ("limit", "3"),
            ("offset", "2"),
        ],
    ),
    (
        "prompt_templates",
        &[("select", "id,prompts(goal,users(id))"), ("order", "prompts(goal).desc,id"), ("limit", "3")],
    ),
    ("prompt_templates", &[("select", "id,prompts!inner(title)"), ("order", "prompts(goal).nullsfirst,id")]),
    ("user_favorites", &[("select", "*,prompt_templates(id,prompts(id,title))"), ("order", "user_id,template_id")]),
    (
        "users",
        &[
            ("select", "id,prompts(id,prompt_templates(id,template_likes(user_id)))"),
            ("order", "id"),
            ("prompts.order", "id"),
            ("prompts.prompt_templates.order", "id"),
            ("prompts.prompt_templates.template_likes.order", "user_id"),
        ],
    ),
    (
        "prompt_answers",
        &[
            ("select", "id,prompts(id,prompt_templates(id))"),
            ("order", "id"),
            ("prompts.prompt_templates.order", "id.desc"),
            ("limit", "2"),
        ],
    ),
    ("prompts", &[("select", "id"), ("order", "is_public.desc,id.desc"), ("limit", "0")]),
];

/// What is embedded, and conditions on it.
const SELECTS: &[(&str, &[&str])] = &[
    (
        "prompts",
        &[
            "id",
            "*,prompt_answers(*)",
            "id,prompt_answers!inner(id)",
            "id,users(*)",
            "id,users!inner(id)",
            "id,prompt_stats(*)",
            "id,prompt_stats!inner(view_count)",
            "id,prompt_templates(id,template_likes(user_id))",
            "id,prompt_templates!inner(id,template_likes!inner(user_id))",
            "id,prompt_events(*),test_results(*)",
            "id,prompt_usage(scene,success)",
            "id,prompt_usage!inner(id,error_message)",
            "id,prompt_answers!inner()",
            "id,a:prompt_answers(id),b:prompt_answers(question)",
        ],
    ),
    (
        "prompt_templates",
        &[
            "id,prompts(id,users(id))",
            "id,prompts(id,users!inner(id))",
            "id,prompts!inner(id,prompt_answers!inner(id))",
            "id,prompts(id,prompt_answers!inner(id))",
            "id,prompts!inner(id,users!inner(id))",
            "id,prompts(prompt_stats(view_count),prompt_answers(answer))",
            "id,template_likes(*),user_favorites!inner(*)",
        ],
    ),
    (
        "users",
        &[
            "id,prompts(id)",
            "id,prompts!inner(id,prompt_answers!inner(id))",
            "id,prompts(id,prompt_stats!inner(view_count))",
        ],
    ),
    (
        "user_favorites",
        &[
            "*,prompt_templates(id,prompts(id,title))",
            "*,prompt_templates!inner(id,prompts!inner(id,prompt_answers(id)))",
            "user_id,prompt_templates(id,prompts!inner(id,prompt_stats!inner(view_count)))",
        ],
    ),
    ("prompt_events", &["id,prompts(id,prompt_events(id))", "id,users(id,prompts(id))"]),
    ("prompt_usage", &["*,prompts!inner(id,prompt_usage(id,success))", "id,users(id,prompt_usage(scene))"]),
];

/// Conditions on what a select may embed; those on something else are left out.
const CONDITIONS: &[(&str, &str)] = &[
    ("", ""),
    ("prompts.title", "eq.alpha"),
    ("prompts.goal", "is.null"),
    ("prompt_usage.scene", "eq.alpha"),
    ("prompt_usage.or", "(success.is.false,error_message.is.null)"),
    ("prompt_answers.answer", "neq.alpha"),
    ("prompt_answers.or", "(answer.eq.alpha,question.eq.alpha)"),
    ("or", "(prompts.title.eq.alpha,id.is.null)"),
    ("or", "(prompts.goal.is.null,prompts.title.gt.a)"),
    ("or", "(prompt_answers.answer.eq.alpha,id.is.null)"),
    ("not.or", "(prompt_answers.answer.eq.alpha,title.eq.alpha)"),
    ("not.and", "(prompts.goal.eq.alpha,created_at.not.is.null)"),
    ("users.email", "is.null"),
    ("or", "(users.email.is.null)"),
    ("prompts.users.email", "not.is.null"),
    ("prompts.prompt_stats.updated_at", "gt.2026-11-10"),
    ("prompt_templates.prompts.title", "neq.alpha"),
    ("prompt_templates.or", "(prompts.title.eq.alpha,category.is.null)"),
    ("prompt_templates.template_likes.created_at", "gt.2026-11-10"),
    ("and", "(or(prompt_templates.category.is.null,user_id.is.null),created_at.gt.2026-11-05)"),
];

fn check_library(seed: u64) {
    let (database, mut random) = (database::open(), Random(seed));
    fill(&database, &mut random);
    let identity = random.pick(&callers());
    for (table, pairs) in ORDERED {
        check(&database, &identity, table, pairs, true);
    }
    for _ in 0..60 {
        let (table, selects) = random.pick(SELECTS);
        let (select, condition) = (random.pick(selects), random.pick(CONDITIONS));
        let pairs = [("select", select), condition];
        let is_readable = Request::read(table, &parameters(&pairs), &RequestHeaders::default()).is_ok();
        check(&database, &identity, table, if is_readable { &pairs } else { &pairs[..1] }, false);
    }
}

/// Every pair of tables, where one refers to the other.
fn check_pairs(seed: u64) {
    let (database, mut random) = (database::open(), Random(seed));
    fill(&database, &mut random);
    for table in TABLES {
        for other in TABLES {
            if table.reference_to(other).is_none() && other.reference_to(table).is_none() {
                continue;
            }
            for hint in ["", "!inner"] {
                let select = format!("*,{}{hint}(*)", other.name);
                let identity = random.pick(&callers());
                check(&database, &identity, table.name, &[("select", &select)], false);
            }
        }
    }
    assert_eq!(table_of("prompt_stats").key, ["prompt_id"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn embedded_rows_are_those_of_a_join(seed in any::<u64>()) {
        check_library(seed);
    }

    #[test]
    fn every_relation_joins(seed in any::<u64>()) {
        check_pairs(seed);
    }
}
