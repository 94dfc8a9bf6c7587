//! How SQLite finds the rows of every policy and of every request that a prompt library sends: by an index.

use promptmeter::data::schema::{Default, Kind, Table};
use promptmeter::data::tables::TABLES;
use promptmeter::http::identity::Identity;
use promptmeter::rest::insert_sql;
use promptmeter::rest::payload::{Origin, Payload};
use promptmeter::rest::query::Query;
use promptmeter::rest::read_sql;
use promptmeter::rest::write_sql::{self, Demand, Write};
use promptmeter::sql::statement::Statement;
use rusqlite::Connection;
use uuid::Uuid;

use crate::database;
use crate::listed;

/// Tables that grow with the library.
const LARGE: [&str; 4] = ["prompts", "prompt_templates", "prompt_usage", "prompt_events"];

/// Steps of SQLite's machine that a statement without any row takes: where nothing is allowed, the plan names a scan that
/// never begins.
const STEPS_WITHOUT_ROWS: i32 = 120;

/// What reads a whole table, with the reason why nothing better can be done.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("select prompt_templates (anon)", MOSTLY_VISIBLE),
    ("select prompt_templates (user)", MOSTLY_VISIBLE),
    ("count prompt_templates (anon)", MOSTLY_VISIBLE),
    ("count prompt_templates (user)", MOSTLY_VISIBLE),
    ("update all prompt_answers (user)", BY_ITS_PROMPT),
    ("delete all prompt_answers (user)", BY_ITS_PROMPT),
    ("update all prompt_templates (user)", BY_ITS_PROMPT),
    ("delete all prompt_templates (user)", BY_ITS_PROMPT),
];

const MOSTLY_VISIBLE: &str = "all visible templates are asked for, and templates are made to be seen";
const BY_ITS_PROMPT: &str =
    "a write without a condition; written for those by id, where one look at the prompt decides";

/// A library of 2,000 prompts, which SQLite has not counted: D1 never runs `analyze`.
fn library() -> Connection {
    let database = database::open();
    let sql = "
        begin;
        create temp table n as with recursive n(i) as (select 0 union all select i + 1 from n where i < 1999) select i from n;
        insert into users select printf('00000000-0000-0000-0000-0000abcd%04x', i), null, '2026-01-01' from n where i < 100;
        insert into prompts (id, slug, user_id, title, goal, template, variables, negative_prompt, category, tags, \
            is_public, is_active, forked_from, created_at, updated_at) select printf('00000000-0000-0000-0000-%012x', i), 'slug' || i,
            printf('00000000-0000-0000-0000-0000abcd%04x', i % 100), 'title ' || i, 'goal', 'template', null, null,
            'category' || (i % 10), null, i % 3 > 0, i % 5 > 0, null, '2026-01-01T' || i, '2026-01-01' from n;
        insert into prompt_templates select printf('00000000-0000-0000-0000-%012x', 16777216 + i),
            printf('00000000-0000-0000-0000-%012x', i), 'category' || (i % 10), null, 0, i % 77, '2026-01-01', '2026-01-01'
            from n where i % 7 = 0;
        insert into prompt_events (id, prompt_id, user_id, event_type, created_at, claimed_by)
            select 'event' || i, printf('00000000-0000-0000-0000-%012x', i % 200),
            printf('00000000-0000-0000-0000-0000abcd%04x', i % 100), 'fork', '2026-01-01', iif(i % 2 = 0, 'k' || i, null) from n;
        insert into prompt_usage (id, prompt_id, user_id, success, created_at, scene, error_message)
            select 'use' || i, printf('00000000-0000-0000-0000-%012x', i % 200),
            printf('00000000-0000-0000-0000-0000abcd%04x', i % 100), i % 4 > 0, '2026-01-01T' || i, 'scene' || (i % 5),
            iif(i % 4 = 0, 'no memory', null) from n;
        insert into prompt_stats select printf('00000000-0000-0000-0000-%012x', i), i % 991, 0, 0, 0, 1, '2026-01-01', 0, 0, null from n;
        insert into user_favorites select user_id, t.id, '2026-01-01' from prompts p join prompt_templates t on t.prompt_id = p.id;
        insert into template_likes select template_id, user_id, created_at from user_favorites;
        insert into prompt_favorites select user_id, id, '2026-01-01' from prompts;
        insert into prompt_answers select id, id, 'question', 'answer', 0, '2026-01-01', '2026-01-01' from prompts;
        insert into test_results select id, id, user_id, null, null, null, 1, 1, '2026-01-01' from prompts;
        drop table n;
        commit";
    database.execute_batch(sql).unwrap();
    database
}

/// The names in a statement of a table's occurrences.
fn aliases(text: &str, table: &str) -> Vec<String> {
    let words: Vec<&str> = text.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).collect();
    let mut aliases = vec![table.to_owned()];
    for (place, _) in words.iter().enumerate().filter(|(_, word)| **word == table) {
        let mut after = words[place + 1..].iter().filter(|word| **word != "as");
        aliases.extend(after.next().map(|&alias| alias.to_owned()));
    }
    aliases
}

/// The steps that read a large table from its beginning to its end. Going through an index in the order that is asked
/// for is none, for a limit ends it early.
fn full_scans(database: &Connection, statement: &Statement) -> Vec<String> {
    let plan = database::plan(database, statement);
    let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
    let limited = statement.text().contains(" limit ");
    let is_large =
        |name: &str| LARGE.iter().any(|table| aliases(statement.text(), table).iter().any(|alias| alias == name));
    let is_full = |step: &String| {
        let Some(rest) = step.strip_prefix("SCAN ") else { return false };
        let (name, how) = rest.split_once(' ').unwrap_or((rest, ""));
        is_large(name) && !(how.starts_with("USING INDEX") && limited && !sorts)
    };
    let scans: Vec<String> = plan.iter().filter(|step| is_full(step)).cloned().collect();
    let is_run = !scans.is_empty() && database::machine_steps(database, statement) > STEPS_WITHOUT_ROWS;
    if is_run { scans } else { Vec::new() }
}

/// What was found, with whom and what it is about.
fn check(database: &Connection, found: &mut Vec<String>, name: &str, statement: &Statement) {
    let is_excepted = EXCEPTIONS.iter().any(|(known, _)| *known == name);
    for step in full_scans(database, statement).iter().filter(|_| !is_excepted) {
        let plan = database::plan(database, statement).join("\n    ");
        found.push(format!("{name}: {step}\n  {}\n    {plan}", statement.text()));
    }
}

fn identities() -> [(&'static str, Identity); 3] {
    [("anon", Identity::Anonymous), ("user", listed::caller()), ("service", Identity::Service(None))]
}

#[test]
fn every_listed_request_finds_its_rows_by_an_index() {
    let database = library();
    let mut found = Vec::new();
    for request in listed::REQUESTS {
        for (who, identity) in identities() {
            let statements = request.compile(&identity).unwrap_or_else(|error| panic!("{}: {error:?}", request.name));
            for statement in statements {
                check(&database, &mut found, &format!("{} ({who})", request.name), &statement);
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A row that names every column that must be named.
fn some_row(table: &Table) -> String {
    let columns = table.columns.iter().filter(|column| !column.nullable && column.default == Default::Null);
    let mut row = serde_json::Map::new();
    for column in columns {
        row.insert(
            column.name.to_owned(),
            match column.kind {
                Kind::Uuid => Uuid::from_u128(7).to_string().into(),
                Kind::Integer => 1.into(),
                Kind::Boolean => true.into(),
                Kind::Timestamp => database::NOW.into(),
                Kind::TextArray => serde_json::json!([]),
                Kind::Json => serde_json::json!({}),
                Kind::Text => "fork".into(),
            },
        );
    }
    serde_json::Value::from(row).to_string()
}

fn insert(table: &'static Table, demand: Demand<'_>) -> Write {
    let mut origin =
        Origin { now: database::NOW, caller: Some(database::user_id(1)), new_id: &mut || Uuid::from_u128(0x99) };
    let payload = Payload::read_new(table, some_row(table).as_bytes(), None, false, &mut origin).unwrap();
    insert_sql::insert(table, &payload, None, demand)
}

/// The rows that a policy lets pass, and nothing else asked of them.
#[test]
fn every_policy_finds_its_rows_by_an_index() {
    let database = library();
    let mut found = Vec::new();
    for table in TABLES {
        for (who, identity) in &identities()[..2] {
            let demand = Demand { identity, is_one: false, told: None };
            let mut all = database::request(table.name, &[("limit", "10")]).unwrap().query;
            all.fields.truncate(1);
            let read = read_sql::read(&all, identity, true).unwrap();
            check(&database, &mut found, &format!("select {} ({who})", table.name), &read.rows);
            check(&database, &mut found, &format!("count {} ({who})", table.name), &read.count.unwrap());
            if !database::is_written(table) {
                continue;
            }
            let Write { check: judged, write, .. } = insert(table, demand);
            check(&database, &mut found, &format!("insert {} ({who})", table.name), &judged);
            check(&database, &mut found, &format!("insert {} ({who})", table.name), &write);
            let first = table.columns.last().unwrap();
            let payload = Payload {
                columns: vec![first],
                defaults: vec![],
                rows: vec![vec![format!("\"{}\"", database::NOW)]],
                is_single: true,
            };
            for conditions in [Vec::new(), by_key(table)] {
                let what = if conditions.is_empty() { "all" } else { "one" };
                let writes = [
                    ("update", write_sql::update(table, &payload, &conditions, demand)),
                    ("delete", write_sql::delete(table, &conditions, demand)),
                ];
                for (verb, write) in writes {
                    let name = format!("{verb} {what} {} ({who})", table.name);
                    check(&database, &mut found, &name, &write.check);
                    check(&database, &mut found, &name, &write.write);
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Conditions that name one row.
fn by_key(table: &'static Table) -> Vec<promptmeter::rest::query::Condition> {
    let value = |name: &str| match table.column(name).unwrap().kind {
        Kind::Integer => "eq.1",
        _ => "eq.00000000-0000-0000-0000-000000000007",
    };
    let pairs: Vec<(&str, &str)> = table.key.iter().map(|name| (*name, value(name))).collect();
    let query: Query = database::request(table.name, &pairs).unwrap().query;
    query.conditions
}

/// Rows that a condition finds are looked up by it, whoever asks, and not among all that the policy lets them see.
#[test]
fn conditions_find_their_rows_by_their_own_index() {
    let database = library();
    let cases = [
        ("id", "eq.00000000-0000-0000-0000-000000000007"),
        ("id", "in.(00000000-0000-0000-0000-000000000007,00000000-0000-0000-0000-000000000008)"),
        ("slug", "eq.slug7"),
        ("slug", "in.(slug7,slug8)"),
        ("user_id", "eq.00000000-0000-0000-0000-0000abcd0007"),
        ("category", "eq.category7"),
        ("goal", "plfts.goal"),
        ("goal", "phfts.goal calm"),
        ("goal", "fts.calm & goal"),
        ("goal", "wfts.calm or goal"),
    ];
    let mut found = Vec::new();
    for (column, condition) in cases {
        for (who, identity) in identities() {
            let request = database::request("prompts", &[("select", "id"), (column, condition)]).unwrap();
            let read = read_sql::read(&request.query, &identity, false).unwrap();
            let name = format!("{column}={condition} ({who})");
            check(&database, &mut found, &name, &read.rows);
            let plan = database::plan(&database, &read.rows).join(", ");
            if plan.contains("prompts_listed") {
                found.push(format!("{name}: {plan}"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Steps of SQLite's machine for a page of ten: fewer than it takes to read all prompts of the library.
const PAGE_STEPS: i32 = 4_000;

/// A page by time is found along the indexes, whoever asks: not by sorting all that the caller may see.
#[test]
fn a_page_by_time_takes_few_steps() {
    let database = library();
    // The caller has many of their own, none of them in a category.
    let own = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
        select replace(id, '00000000-0000-0000-0000-', '00000000-0000-0000-0001-'), ?1, 'title of mine', 'template', \
            is_public, is_active, created_at || 'z', updated_at from prompts";
    database::execute(&database, own, &["00000000-0000-0000-0000-0000abcd0001"]);
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("prompts", &[("order", "created_at.desc")]),
        ("prompts", &[("order", "created_at.asc")]),
        ("prompts", &[("order", "created_at.desc"), ("offset", "20")]),
        ("prompts", &[("order", "created_at.desc"), ("select", "*,prompt_answers(*),prompt_stats(view_count)")]),
        ("prompts", &[("order", "created_at.desc"), ("category", "eq.category3")]),
        ("prompts", &[("order", "created_at.desc"), ("user_id", "eq.00000000-0000-0000-0000-0000abcd0001")]),
        ("prompts", &[("order", "created_at.desc"), ("user_id", "eq.00000000-0000-0000-0000-0000abcd0002")]),
        ("prompts", &[("order", "created_at.desc"), ("is_public", "eq.true"), ("is_active", "eq.true")]),
        ("prompts", &[("order", "created_at.desc"), ("id", "eq.00000000-0000-0000-0000-000000000007")]),
        ("prompts", &[("order", "created_at.desc"), ("created_at", "gte.2026-01-01"), ("is_active", "eq.true")]),
        ("prompt_templates", &[("order", "created_at.desc"), ("select", "*,prompts(title)")]),
        ("prompt_templates", &[("order", "created_at.desc"), ("category", "eq.category3")]),
    ];
    let mut found = Vec::new();
    for (table, parameters) in cases {
        for (who, identity) in identities() {
            let request = database::request(table, &[*parameters, &[("limit", "10")]].concat()).unwrap();
            let read = read_sql::read(&request.query, &identity, false).unwrap();
            for statement in [&read.rows].into_iter().chain(read.children.iter().map(|(child, _)| child)) {
                let steps = database::machine_steps(&database, statement);
                if steps > PAGE_STEPS {
                    let plan = database::plan(&database, statement).join("\n    ");
                    found.push(format!("{who} {parameters:?}: {steps}\n  {}\n    {plan}", statement.text()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
