//! Requests of any kind: none causes a panic, what is read is SQL that SQLite prepares within D1's limits, and no text of
//! a request is a text of SQL.

#![cfg(test)]

mod database;

use std::collections::BTreeSet;

use database::{NOW, parameters, user, user_id};
use promptmeter::data::schema::{Kind, Table};
use promptmeter::data::tables::TABLES;
use promptmeter::http::identity::Identity;
use promptmeter::limits::{CONDITION_NESTING, CONDITIONS, STATEMENT_BYTES};
use promptmeter::rest::function::{Arguments, Function};
use promptmeter::rest::function_sql::{self, Caller, ForkCall};
use promptmeter::rest::insert_sql;
use promptmeter::rest::payload::{Origin, Payload};
use promptmeter::rest::preference::{RequestHeaders, Resolution};
use promptmeter::rest::read_sql;
use promptmeter::rest::request::Request;
use promptmeter::rest::write_sql::{self, Demand};
use promptmeter::sql::statement::Statement;
use proptest::prelude::*;
use rusqlite::Connection;
use uuid::Uuid;

thread_local! {
    /// One database for all cases of a property: they store nothing.
    static DATABASE: Connection = database::open();
}

fn identities() -> [Identity; 3] {
    [Identity::Anonymous, user(1), Identity::Service(None)]
}

/// All statements that a request and a body lead to, for everybody.
fn statements(request: &Request, body: &[u8]) -> Vec<Statement> {
    let table = request.query.table;
    let conditions = request.written_conditions("").unwrap_or_default();
    let mut found = Vec::new();
    for identity in &identities() {
        if let Ok(read) = read_sql::read(&request.query, identity, true) {
            found.extend(database::statements(&read).into_iter().cloned());
        }
        let demand = Demand { identity, is_one: request.is_paged, told: Some(&request.query) };
        if !database::is_written(table) {
            continue;
        }
        let mut writes = Vec::new();
        if !conditions.is_empty() {
            writes.push(write_sql::delete(table, conditions, demand));
        }
        let columns = request.columns.as_deref();
        if let Ok(changes) = Payload::read_changes(table, body, columns, NOW)
            && !changes.columns.is_empty()
            && !conditions.is_empty()
        {
            writes.push(write_sql::update(table, &changes, conditions, demand));
        }
        let mut origin = Origin { now: NOW, caller: Some(user_id(1)), new_id: &mut || Uuid::from_u128(7) };
        let defaults = request.preferences.missing_is_default;
        if let Ok(payload) = Payload::read_new(table, body, columns, defaults, &mut origin)
            && !payload.rows.is_empty()
        {
            let target = request.conflict_target();
            for resolution in [None, Some(Resolution::Merge), Some(Resolution::Ignore)] {
                let conflict = resolution.zip(target.as_ref().ok()).map(|(resolution, key)| (resolution, *key));
                writes.push(insert_sql::insert(table, &payload, conflict, demand));
            }
        }
        found.extend(writes.into_iter().flat_map(|write| [write.check, write.write]));
    }
    found
}

/// Whether a request searches by words: the index of words is made by another migration.
fn has_index_of_words(database: &Connection) -> bool {
    !database::rows_of(database, "select 1 from sqlite_master where name = 'prompt_search'").is_empty()
}

/// What SQLite says to a statement, where it does not prepare it.
fn failure(statement: &Statement) -> Option<String> {
    DATABASE.with(|database| {
        let text = statement.text();
        // What is longer is refused before it is sent.
        if text.len() > STATEMENT_BYTES || (text.contains("prompt_search") && !has_index_of_words(database)) {
            return None;
        }
        assert!(statement.parameters().len() <= 100, "{text}");
        let error = database.prepare(text).err()?.to_string();
        let start = |text: &str| text.chars().take(300).collect::<String>();
        Some(format!("{}: {} bytes: {}", start(&error), text.len(), start(text)))
    })
}

fn check_prepares(statement: &Statement) {
    assert_eq!(failure(statement), None);
}

/// Whether a request is read; all that it leads to must be prepared.
fn read(table: &str, pairs: &[(&str, &str)], headers: &RequestHeaders, body: &[u8]) -> bool {
    let Ok(request) = Request::read(table, &parameters(pairs), headers) else { return false };
    statements(&request, body).iter().for_each(check_prepares);
    true
}

/// Words of the languages that requests are written in.
const WORDS: &[&str] = &[
    "*",
    ",",
    ",",
    "(",
    ")",
    "(",
    ")",
    ".",
    ".",
    ":",
    "!",
    "!inner",
    "!left",
    "!user_id",
    "::",
    "->",
    "->>",
    "...",
    "\"",
    "\\",
    " ",
    "%",
    "_",
    "'",
    ";",
    "--",
    "id",
    "title",
    "goal",
    "is_public",
    "created_at",
    "user_id",
    "category",
    "likes_count",
    "prompts",
    "users",
    "prompt_answers",
    "prompt_templates",
    "prompt_stats",
    "template_likes",
    "eq",
    "neq",
    "gt",
    "gte",
    "lt",
    "lte",
    "like",
    "ilike",
    "is",
    "in",
    "not",
    "not.",
    "and",
    "or",
    "and(",
    "or(",
    "not.and(",
    "fts",
    "plfts",
    "wfts",
    "phfts",
    "null",
    "true",
    "desc",
    "asc",
    "nullsfirst",
    "nullslast",
    "title.eq.a",
    "id.is.null",
    "prompts.title.ilike.%a%",
    "prompts(title)",
    "prompts!inner(*)",
    "users(id)",
    "{",
    "}",
    "[",
    "]",
    "{\"title\":\"a\"}",
    "\"title\"",
    "return=representation",
    "count=exact",
    "resolution=merge-duplicates",
    "missing=default",
    "application/json",
    "text/csv",
    "application/vnd.pgrst.object+json",
    ";nulls=stripped",
    "0-9",
    "items=",
    "-",
    "1",
    "99999999999",
    "é",
    "東京",
    "\0",
    "\n",
    "00000000-0000-0000-0000-00000000000a",
    "in.(",
    "cs.",
    "\u{1F600}",
];

fn soup() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..14).prop_map(|words| words.concat());
    prop_oneof![4 => words, 1 => ".{0,24}"]
}

/// Texts that the languages have, which soup rarely is.
fn select() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(&["*", "id", "created_at", "x:id", "\"id\"", "title", "\"a \\\"b\":id"][..])
        .prop_map(str::to_owned);
    let tables = [
        "prompts",
        "users",
        "prompt_answers",
        "prompt_templates",
        "prompt_stats",
        "template_likes",
        "prompt_usage",
        "prompt_events",
    ];
    leaf.prop_recursive(4, 12, 4, move |inner| {
        let hints = prop::sample::select(&["", "!inner", "!left"][..]);
        (prop::sample::select(tables.to_vec()), hints, prop::collection::vec(inner, 0..4))
            .prop_map(|(table, hint, inner)| format!("{table}{hint}({})", inner.join(",")))
    })
}

fn condition() -> impl Strategy<Value = String> {
    let names = ["id", "title", "category", "prompts.title", "users.email", "is_public", "created_at", "likes_count"];
    let tests = [
        "eq.a",
        "neq.\"a,b\"",
        "is.null",
        "not.is.null",
        "ilike.%a, b)%",
        "like.a_*",
        "in.(a,\"b\")",
        "in.()",
        "gt.2026-11-20",
        "eq.true",
        "eq.7",
        "ilike.%ÀÉß%_%",
        "not.in.(a)",
        "like.%________________________________________________________x%",
        "wfts.a or b",
        "fts.a&!b",
    ];
    let leaf = (prop::sample::select(names.to_vec()), prop::sample::select(tests.to_vec()))
        .prop_map(|(name, test)| format!("{name}.{test}"));
    leaf.prop_recursive(5, 16, 4, |inner| {
        (prop::sample::select(&["and", "or", "not.and", "not.or"][..]), prop::collection::vec(inner, 1..4))
            .prop_map(|(operator, inner)| format!("{operator}({})", inner.join(",")))
    })
}

fn any_table() -> impl Strategy<Value = &'static str> {
    prop::sample::select(TABLES).prop_map(|table| table.name)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn soup_never_panics(
        table in any_table(),
        name in soup(),
        texts in prop::collection::vec(soup(), 8),
        body in prop_oneof![soup().prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..40)],
    ) {
        let headers = RequestHeaders {
            accept: Some(texts[0].clone()),
            prefer: Some(texts[1].clone()),
            range: Some(texts[2].clone()),
            profile: None,
        };
        read(table, &[("select", &texts[3]), (&name, &texts[4])], &headers, &body);
        let none = RequestHeaders::default();
        for pair in [("select", &texts[3]), (name.as_str(), &texts[4]), ("order", &texts[5]), ("or", &texts[6]), ("columns", &texts[7]), ("on_conflict", &texts[7])] {
            read(table, &[(pair.0, pair.1)], &none, &body);
        }
        let _ = Arguments::of_body(&body).and_then(|arguments| Function::read("get_popular_templates", &arguments));
        let _ = Arguments::of_parameters(&parameters(&[(&name, &texts[0])])).and_then(|arguments| Function::read(&texts[1], &arguments));
    }

    #[test]
    fn what_can_be_read_is_sql_that_is_prepared(
        table in any_table(),
        select in prop::collection::vec(select(), 1..4),
        conditions in prop::collection::vec(condition(), 1..5),
        order in prop::sample::select(&["id", "created_at.desc,id", "prompts(title).desc", "users(email),id.nullsfirst"][..]),
    ) {
        let (select, group) = (select.join(","), format!("({})", conditions.join(",")));
        let none = RequestHeaders::default();
        let body = br#"{"user_id":"00000000-0000-0000-0000-00000000000a","title":"a"}"#;
        read(table, &[("select", &select), ("or", &group), ("order", order), ("limit", "3"), ("prompts.limit", "2")], &none, body);
        read(table, &[("select", &select), ("or", &group)], &none, body);
        read(table, &[("select", &select), ("order", order)], &none, body);
        read(table, &[("select", &select)], &none, body);
    }
}

#[test]
fn the_words_make_requests_that_are_read() {
    let none = RequestHeaders::default();
    assert!(read(
        "prompts",
        &[("select", "*,prompt_answers!inner(*)"), ("or", "(prompt_answers.answer.eq.a)")],
        &none,
        b"{\"title\":\"a\"}"
    ));
    assert!(!read("prompts", &[("select", "*,")], &none, b""));
}

/// What fails of a request that is read.
fn failures(table: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let what = pairs.iter().map(|(name, value)| format!("{name}={}", value.chars().take(60).collect::<String>()));
    let what = what.collect::<Vec<_>>().join("&");
    let Ok(request) = database::request(table, pairs) else { return Vec::new() };
    let failures = statements(&request, b"{\"title\":\"a\"}").iter().filter_map(failure).collect::<BTreeSet<_>>();
    failures.into_iter().map(|failure| format!("{table}?{what}: {failure}")).collect()
}

fn check_largest(table: &str, pairs: &[(&str, &str)]) {
    let found = failures(table, pairs);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The largest requests that are read lead to what D1 prepares, or to what is too long and refused before.
#[test]
fn many_conditions_are_prepared() {
    let mut found = Vec::new();
    for condition in ["title.eq.a", "title.ilike.%a%", "title.ilike.%a_b%", "title.ilike.%É%", "title.in.(a,b)"] {
        for count in [50, 100, 200, CONDITIONS] {
            let group = format!("({})", vec![condition; count].join(","));
            let failures = ["or", "not.and"].iter().flat_map(|name| failures("prompts", &[(name, &group)]));
            found.extend(failures.map(|failure| format!("{count} times: {failure}")));
        }
    }
    let stepwise =
        format!("({})", ["title.like.a%b_________________________________________________b%c%d"; 4].join(","));
    found.extend(failures("prompts", &[("or", &stepwise)]));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn deep_conditions_are_prepared() {
    let deep =
        |inner: &str| format!("{}{inner}{}", "(and".repeat(CONDITION_NESTING - 1) + "(", ")".repeat(CONDITION_NESTING));
    let letters: String = ('α'..='ω').chain('а'..='џ').take(30).collect();
    check_largest("prompts", &[("or", &deep("title.eq.a"))]);
    let many = format!("{},title.ilike.%{letters}_%", vec!["title.eq.b"; 480].join(","));
    check_largest("prompts", &[("or", &deep(&many))]);
    check_largest("prompts", &[("not.or", &deep(&many))]);
}

#[test]
fn many_embedded_tables_are_prepared() {
    let embeds = |one: &str| (0..16).map(|place| format!("e{place}:{one}")).collect::<Vec<_>>().join(",");
    check_largest("prompt_templates", &[("select", &embeds("prompts!inner(id)"))]);
    check_largest("prompt_templates", &[("select", &embeds("prompts(id)"))]);
    check_largest("prompts", &[("select", &embeds("prompt_answers!inner(id)"))]);
    let group = format!("({})", vec!["prompt_answers.answer.ilike.%a%"; 100].join(","));
    check_largest("prompts", &[("select", "id,prompt_answers(id)"), ("or", &group)]);
}

fn are_related(one: &Table, other: &Table) -> bool {
    one.reference_to(other).is_some() || other.reference_to(one).is_some()
}

/// Every way through three embedded tables, with the deepest condition on the last.
#[test]
fn the_deepest_embeddings_are_prepared() {
    let deep =
        format!("{}created_at.is.null{}", "(and".repeat(CONDITION_NESTING - 1) + "(", ")".repeat(CONDITION_NESTING));
    let (mut found, mut ways) = (Vec::new(), 0);
    for (first, second) in TABLES.iter().flat_map(|first| TABLES.iter().map(move |second| (first, second))) {
        for (third, fourth) in TABLES.iter().flat_map(|third| TABLES.iter().map(move |fourth| (third, fourth))) {
            if are_related(first, second) && are_related(second, third) && are_related(third, fourth) {
                let select = format!("*,{}!inner(*,{}!inner(*,{}(*)))", second.name, third.name, fourth.name);
                let condition = format!("{}.{}.{}.or", second.name, third.name, fourth.name);
                ways += 1;
                found.extend(failures(first.name, &[("select", &select)]));
                found.extend(failures(first.name, &[("select", &select), (&condition, &deep)]));
            }
        }
    }
    assert!(ways > 100, "{ways}");
    assert!(found.is_empty(), "{} of {ways}: {}", found.len(), found[0]);
}

/// Text that stands in no SQL of this program.
const MARKER: &str = "zq7marker";

/// A value of a column with the marker in it, or one that is taken apart before it could be anywhere.
fn marked(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &[
            "eq.zq7marker",
            "neq.zq7marker",
            "gt.zq7marker",
            "like.zq7marker",
            "like.%zq7marker%",
            "like.zq7marker%",
            "ilike.%zq7marker_%",
            "ilike.%zq7marker%é%",
            "like.zq7marker________________________________________________________%x",
            "in.(zq7marker,\"b zq7marker\")",
            "not.eq.zq7marker",
            "eq.'zq7marker",
            "eq.\"zq7marker;--",
        ],
        _ => &["is.null"],
    }
}

fn check_unmarked(request: &Request, body: &str) {
    for statement in statements(request, body.as_bytes()) {
        assert!(!statement.text().contains(MARKER), "{}", statement.text());
    }
}

#[test]
fn no_text_of_a_request_is_a_text_of_sql() {
    for table in TABLES {
        let names = format!("*,{MARKER}:{},\"{MARKER} '\\\";--\":{}", table.columns[0].name, table.columns[0].name);
        let mut bound = BTreeSet::new();
        for column in table.columns {
            for value in marked(column.kind) {
                let group = format!("({}.{value},and({}.{value}))", column.name, column.name);
                let pairs = [("select", names.as_str()), (column.name, value), ("or", &group)];
                let request =
                    database::request(table.name, &pairs).unwrap_or_else(|error| panic!("{pairs:?} {error:?}"));
                let body = marked_body(table);
                check_unmarked(&request, &body);
                let read = read_sql::read(&request.query, &Identity::Anonymous, true).unwrap();
                bound.insert(format!("{:?}", read.rows.parameters()).contains(MARKER));
            }
        }
        let has_text = table.columns.iter().any(|column| column.kind == Kind::Text);
        assert_eq!(bound.contains(&true), has_text, "{}: the marker is bound", table.name);
    }
}

/// A row with the marker wherever it may stand.
fn marked_body(table: &Table) -> String {
    let fields = table.columns.iter().filter_map(|column| {
        let value = match column.kind {
            Kind::Text => serde_json::json!(format!("{MARKER}'\"")),
            Kind::Json => serde_json::json!({ MARKER: [MARKER] }),
            Kind::TextArray => serde_json::json!([MARKER]),
            _ => return None,
        };
        Some((column.name.to_owned(), value))
    });
    serde_json::Value::Object(fields.collect()).to_string()
}

#[test]
fn no_name_of_an_embedding_and_no_search_is_a_text_of_sql() {
    let pairs = [
        ("select", "id,zq7marker:prompt_answers!inner(zq7marker:id),\"zq7marker'\":users(id)"),
        ("zq7marker.answer", "ilike.%zq7marker%"),
        ("or", "(zq7marker.question.eq.zq7marker,title.wfts.zq7marker -zq7marker,goal.phfts.zq7marker)"),
    ];
    let request = database::request("prompts", &pairs).unwrap();
    check_unmarked(&request, "{\"title\":\"zq7marker\"}");
}

#[test]
fn no_argument_of_a_function_is_a_text_of_sql() {
    for identity in &identities() {
        let caller = Caller { identity, now: NOW };
        let (popular, _) = function_sql::popular_templates(10, Some(MARKER), identity);
        let id = Uuid::from_u128(0x00c0_ffee);
        let fork = ForkCall { prompt_id: id, user: Some(id), key: MARKER.to_owned(), event_id: id };
        let [claim, make] = function_sql::count_fork(&fork, caller);
        let like = function_sql::like(id, id, caller);
        for statement in [popular, claim, make, like, function_sql::count_use(id, identity)] {
            assert!(!statement.text().contains(MARKER) && !statement.text().contains("c0ffee"), "{}", statement.text());
            check_prepares(&statement);
        }
    }
}
