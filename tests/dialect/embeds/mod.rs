//! Embedded rows, pages, orders and counts of small libraries, against joins made row by row.

mod libraries;

use std::cmp::Ordering;

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

use crate::database::library::{Cells, Library, Random, all, callers, cell, fill, sorted, table_of, told};
use crate::database::{self, parameters};

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

/// Where there is no row, or none that the caller may see, its columns are null: at the root and one level down alike.
#[test]
fn a_condition_on_one_embedded_row_means_the_same_on_every_level() {
    let database = database::open();
    let author = database::user_id(1).to_string();
    database::execute(&database, "insert into users values (?1, null, '2026')", &[&author]);
    let prompt = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
        values ('00000000-0000-4000-8000-000000000001', ?1, 't', 't', 1, 1, '2026', '2026')";
    database::execute(&database, prompt, &[&author]);
    let answer = "insert into prompt_answers values ('00000000-0000-4000-8000-000000000002', \
        '00000000-0000-4000-8000-000000000001', 'q', 'a', 0, '2026', '2026')";
    database.execute_batch(answer).unwrap();
    for (condition, as_service, as_anonymous) in [
        ("users.email.is.null", true, true),
        ("users.email.not.is.null", false, false),
        ("users.email.eq.x", false, false),
        ("users.email.not.eq.x", false, false),
        ("users.id.not.is.null", true, false),
        ("users.id.is.null", false, true),
    ] {
        for (identity, expected) in [(Identity::Service(None), as_service), (Identity::Anonymous, as_anonymous)] {
            let group = format!("({condition})");
            let told = |table: &str, pairs: &[(&str, &str)]| {
                let request = Request::read(table, &parameters(pairs), &RequestHeaders::default()).unwrap();
                database::answer_json(&database, &identity, &request)
            };
            let at_root = told("prompts", &[("select", "title,users(id)"), ("or", &group)]);
            let below = told("prompt_answers", &[("select", "prompts(title,users(id))"), ("prompts.or", &group)]);
            let is_told = [at_root.as_array().unwrap().len() == 1, !below[0]["prompts"].is_null()];
            assert_eq!(is_told, [expected; 2], "{condition} {identity:?}");
        }
    }
}
