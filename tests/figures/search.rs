//! What is asked of FTS5, and that the index of `migrations/` follows the rows, on SQLite itself.

use promptmeter::http::identity::Identity;
use promptmeter::http::problem::Code;
use promptmeter::http::query::Query;
use promptmeter::search::answer::html;
use promptmeter::search::page::statement;
use promptmeter::search::request::{Breadth, Place, Search};
use promptmeter::search::words::stands_alone;
use promptmeter::sql::statement::{Statement, Value};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params, params_from_iter};
use uuid::Uuid;

/// A database after all migrations, with one user.
fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    let folder = std::fs::read_dir("migrations").unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        database.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
    }
    database.execute_batch("pragma foreign_keys = on; insert into users values ('u', null, 'x')").unwrap();
    database
}

fn add_prompt(database: &Connection, id: &str, title: &str, template: &str) {
    let sql = "insert into prompts (id, user_id, title, template, is_public, is_active, created_at, updated_at) \
        values (?1, 'u', ?2, ?3, 1, 1, 'x', 'x')";
    database.execute(sql, params![id, title, template]).unwrap();
}

fn parameters(statement: &Statement) -> Vec<Stored> {
    let stored = |value| match value {
        Value::Null => Stored::Null,
        Value::Integer(number) => Stored::Integer(number),
        Value::Text(text) => Stored::Text(text),
    };
    statement.parameters().into_iter().map(stored).collect()
}

fn search(query: &str) -> Search {
    Search::parse(&Query::parse(query)).unwrap()
}

/// The ids of the templates that a search gives to an anonymous caller.
fn found(database: &Connection, search: &Search) -> Vec<String> {
    for attempt in search.attempts() {
        let statement = statement(search, &attempt, &Identity::Anonymous);
        let mut prepared = database.prepare(statement.text()).unwrap();
        let rows = prepared.query_map(params_from_iter(parameters(&statement)), |row| row.get::<_, String>(0)).unwrap();
        let ids: Vec<String> = rows.map(Result::unwrap).collect();
        if !ids.is_empty() {
            return ids;
        }
    }
    Vec::new()
}

fn check_intact(database: &Connection) {
    database.execute_batch("insert into prompt_search (prompt_search, rank) values ('integrity-check', 1)").unwrap();
}

#[test]
fn the_index_sets_the_same_characters_apart_as_queries_do() {
    let database = database();
    database.execute_batch("drop trigger prompt_search_added").unwrap();
    let all: Vec<char> = ('\u{1}'..=char::MAX).filter(|c| !matches!(c, '\u{2}' | '\u{3}' | '\u{200B}')).collect();
    for (number, characters) in all.chunks(4096).enumerate() {
        let text: String = characters.iter().collect();
        let apart = |c: &char| if stands_alone(*c) { format!("\u{200B}{c}\u{200B}") } else { c.to_string() };
        let expected: String = characters.iter().map(apart).collect();
        add_prompt(&database, &number.to_string(), "", &text);
        let sql = "select template from prompt_documents where rowid = ?1";
        let indexed: String = database.query_row(sql, [database.last_insert_rowid()], |row| row.get(0)).unwrap();
        assert!(indexed == expected, "from {:?}", characters[0]);
    }
}

#[test]
fn a_long_text_is_set_apart_in_the_order_of_its_characters() {
    let database = database();
    for text in ["日", "a日", "日a", "ab日cde本fgh", &"ab日本é".repeat(777), &format!("{}日", "x".repeat(10_001))]
    {
        add_prompt(&database, text, text, text);
        let sql = "select replace(template, char(0x200B), ''), template from prompt_documents where rowid = ?1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (same, apart): (String, String) = database.query_row(sql, [database.last_insert_rowid()], row).unwrap();
        assert_eq!(same, text);
        assert_eq!(apart.matches('\u{200B}').count(), 2 * text.chars().filter(|c| stands_alone(*c)).count());
    }
}

fn check_attempts(query: &str, expected: &[&str]) {
    let attempts: Vec<String> = search(query).attempts().into_iter().filter_map(|attempt| attempt.expression).collect();
    assert_eq!(attempts, expected, "{query}");
}

#[test]
fn all_words_are_asked_for_before_any() {
    let text = "{title goal template tags}";
    let one = |marks: &str, words: &str| format!("{{marks}} : ({marks}) AND ({text} : ({words}))");
    let more =
        |words: &str, title: &str| format!("{{marks}} : (\"is\") AND ({text} : ({words}) OR {{title}} : {title})");
    check_attempts("", &[]);
    check_attempts("q=!%22-", &[]);
    check_attempts("category=a", &[]);
    check_attempts("tag=a", &[r#"{marks} : ("is" AND "of61")"#]);
    check_attempts("q=cat", &[&one(r#""is""#, r#""cat" *"#)]);
    check_attempts("q=cat&category=%C3%A9&tag=b", &[&one(r#""is" AND "inc3a9" AND "of62""#, r#""cat" *"#)]);
    check_attempts(
        "q=fat+cat+fat",
        &[
            &more(r#""fat" AND "cat" AND "fat" *"#, r#""fat cat fat" *"#),
            &more(r#""fat" OR "cat" OR "fat" *"#, r#""fat cat fat" *"#),
        ],
    );
    check_attempts("q=日本語", &[&one(r#""is""#, r#""日 本 語" *"#), &one(r#""is""#, r#""日 本" OR "本 語" *"#)]);
    check_attempts("q=日本", &[&one(r#""is""#, r#""日 本" *"#)]);
    check_attempts(
        "q=a+b+c+d+e+f+g+h+i",
        &[&more(r#""a" OR "b" OR "c" OR "d" OR "e" OR "f" OR "g" OR "h" OR "i" *"#, r#""a b c d e f g h i" *"#)],
    );
}

#[test]
fn a_search_is_bounded() {
    let database = database();
    add_prompt(&database, "p", "日本語 w1 a", "t");
    for text in ["a+".repeat(500), "日".repeat(1000), "日1".repeat(500), "日,".repeat(500), "w1-".repeat(333)] {
        let search = search(&format!("q={text}"));
        for attempt in search.attempts() {
            let expression = attempt.expression.unwrap();
            assert!(expression.matches(" OR ").count() + expression.matches(" AND ").count() <= 260);
        }
        assert_eq!(found(&database, &search), Vec::<String>::new());
    }
}

#[test]
fn a_cursor_survives_the_way_and_nothing_else() {
    let place = Place { breadth: Breadth::Any, last: Uuid::from_u128(7), seen: 20 };
    let cursor = search("q=a&tag=t").encode(&place);
    let parse =
        |query: &str| Search::parse(&Query::parse(query)).map(|search| search.after).map_err(|problem| problem.code);
    assert_eq!(parse(&format!("q=a&tag=t&limit=3&cursor={cursor}")), Ok(Some(place)));
    for other in ["q=a", "q=at", "q=a&tag=T", "q=a&category=t", "tag=t", "q=a&tag=t&category=c"] {
        assert_eq!(parse(&format!("{other}&cursor={cursor}")), Err(Code::InvalidValue), "{other}");
    }
    for mangled in ["", "e30", &format!("{cursor}A"), &cursor.replace('A', "B")] {
        assert_eq!(parse(&format!("q=a&tag=t&cursor={mangled}")), Err(Code::InvalidValue), "{mangled}");
    }
}

#[test]
fn reading_ends_with_the_page() {
    let database = database();
    let cursor = |query: &str| {
        let search = search(query);
        search.encode(&Place { breadth: Breadth::All, last: Uuid::nil(), seen: 1 })
    };
    for query in ["q=a", "q=a&category=c&tag=t", "", "category=c", "tag=t"] {
        for query in [query.to_owned(), format!("{query}&cursor={}", cursor(query))] {
            let search = search(&query);
            for attempt in search.attempts() {
                let statement = statement(&search, &attempt, &Identity::Anonymous);
                let mut plan = database.prepare(&format!("explain query plan {}", statement.text())).unwrap();
                let rows =
                    plan.query_map(params_from_iter(parameters(&statement)), |row| row.get::<_, String>(3)).unwrap();
                let lines: Vec<String> = rows.map(Result::unwrap).collect();
                for line in &lines {
                    // Those that have a tag are few, and sorted.
                    let sorts = line.contains("TEMP B-TREE") && query.starts_with(['q', 'c', '&']);
                    let scans = line.starts_with("SCAN t") && !line.contains("INDEX") || line.starts_with("SCAN p ");
                    let strays = line.contains("prompts_listed") || line.contains("prompts_by_");
                    assert!(!sorts && !scans && !strays, "{query}: {lines:#?}");
                }
            }
        }
    }
}

#[test]
fn html_is_escaped_and_its_marks_are_closed() {
    for (text, expected) in [
        ("", ""),
        ("a\u{2}b\u{3}c", "a<mark>b</mark>c"),
        ("<&>\"'", "&lt;&amp;&gt;&quot;&#39;"),
        ("\u{2}<\u{3}", "<mark>&lt;</mark>"),
        ("\u{2}a\u{2}b\u{3}\u{3}c", "<mark>ab</mark>c"),
        ("\u{3}a\u{2}b", "a<mark>b</mark>"),
        ("\u{200B}日\u{200B}\u{200B}本\u{200B}", "日本"),
    ] {
        assert_eq!(html(text), expected, "{text:?}");
    }
}

/// What happens to the rows; a number names one of few prompts, templates, texts.
#[derive(Clone, Debug)]
enum Change {
    Prompt { prompt: u8, text: u8, tags: u8, and: Conflict },
    Text { prompt: u8, column: u8, text: u8 },
    EveryText { text: u8 },
    PromptGone { prompt: u8 },
    Template { template: u8, prompt: u8, tags: u8, and: Conflict },
    Tags { template: u8, tags: u8 },
    Category { template: u8, category: u8 },
    Move { template: u8, prompt: u8 },
    TemplateGone { template: u8 },
    Rebuild,
}

#[derive(Clone, Copy, Debug)]
enum Conflict {
    Update,
    Nothing,
}

const TEXTS: &[&str] = &["cat dog", "dog", "", "猫と犬", "cat\u{2}猫\u{3}", "éléphant 猫\u{200B}犬 dogs"];
const TAGS: &[Option<&str>] = &[None, Some("[]"), Some(r#"["cat","猫"]"#), Some(r#"["dog", "\u732b\u72ac", "cat"]"#)];
const WORDS: &[&str] = &["cat", "dog", "猫", "犬", "猫犬", "elephant"];

fn change() -> impl Strategy<Value = Change> {
    let (prompt, template, text, tags) = (0..3_u8, 0..4_u8, 0..6_u8, 0..4_u8);
    let and = prop_oneof![Just(Conflict::Update), Just(Conflict::Nothing)];
    prop_oneof![
        4 => (prompt.clone(), text.clone(), tags.clone(), and.clone())
            .prop_map(|(prompt, text, tags, and)| Change::Prompt { prompt, text, tags, and }),
        2 => (prompt.clone(), 0..6_u8, text.clone()).prop_map(|(prompt, column, text)| Change::Text { prompt, column, text }),
        1 => text.prop_map(|text| Change::EveryText { text }),
        1 => prompt.clone().prop_map(|prompt| Change::PromptGone { prompt }),
        4 => (template.clone(), prompt.clone(), tags.clone(), and)
            .prop_map(|(template, prompt, tags, and)| Change::Template { template, prompt, tags, and }),
        2 => (template.clone(), tags).prop_map(|(template, tags)| Change::Tags { template, tags }),
        1 => (template.clone(), 0..3_u8).prop_map(|(template, category)| Change::Category { template, category }),
        1 => (template.clone(), prompt).prop_map(|(template, prompt)| Change::Move { template, prompt }),
        1 => template.prop_map(|template| Change::TemplateGone { template }),
        1 => Just(Change::Rebuild),
    ]
}

fn text(number: u8) -> &'static str {
    TEXTS[usize::from(number)]
}

fn tags(number: u8) -> Option<&'static str> {
    TAGS[usize::from(number)]
}

/// Applies a change; one that a constraint forbids does nothing.
fn apply(database: &Connection, change: &Change) {
    let _ = match *change {
        Change::Prompt { prompt, text: number, tags: list, and } => {
            let end = match and {
                Conflict::Update => "update set title = excluded.title, goal = excluded.goal, tags = excluded.tags",
                Conflict::Nothing => "nothing",
            };
            let sql = format!(
                "insert into prompts (id, user_id, title, goal, template, tags, is_public, is_active, created_at, updated_at) \
                values (?1, 'u', ?2, ?3, 'x', ?4, 1, 1, 'x', 'x') on conflict (id) do {end}"
            );
            database.execute(&sql, params![prompt, text(number), text((number + 1) % 6), tags(list)])
        }
        Change::Text { prompt, column, text: number } => {
            let column = ["title", "goal", "template", "category", "is_public", "id"][usize::from(column)];
            let value = match column {
                "is_public" => Stored::Integer(i64::from(number % 2)),
                "id" => Stored::Text((number % 3).to_string()),
                _ => Stored::Text(text(number).to_owned()),
            };
            database.execute(&format!("update prompts set {column} = ?2 where id = ?1"), params![prompt, value])
        }
        Change::EveryText { text: number } => {
            database.execute("update prompts set template = ?1, tags = null", params![text(number)])
        }
        Change::PromptGone { prompt } => database.execute("delete from prompts where id = ?1", [prompt]),
        Change::Template { template, prompt, tags: list, and } => {
            let end = match and {
                Conflict::Update => "update set prompt_id = excluded.prompt_id, tags = excluded.tags",
                Conflict::Nothing => "nothing",
            };
            let sql = format!(
                "insert into prompt_templates (id, prompt_id, tags, likes_count, uses_count, created_at, updated_at) \
                values (?1, ?2, ?3, 0, 0, 'x', 'x') on conflict (id) do {end}"
            );
            database.execute(&sql, params![template, prompt, tags(list)])
        }
        Change::Tags { template, tags: list } => {
            database.execute("update prompt_templates set tags = ?2 where id = ?1", params![template, tags(list)])
        }
        Change::Category { template, category } => database.execute(
            "update prompt_templates set category = nullif(?2, '0') where id = ?1",
            params![template, category.to_string()],
        ),
        Change::Move { template, prompt } => {
            database.execute("update prompt_templates set prompt_id = ?2 where id = ?1", params![template, prompt])
        }
        Change::TemplateGone { template } => database.execute("delete from prompt_templates where id = ?1", [template]),
        Change::Rebuild => database.execute("insert into prompt_search (prompt_search) values ('rebuild')", []),
    };
}

/// The ids of the visible templates whose texts satisfy this, in order.
fn expected(database: &Connection, is_found: impl Fn(&str, Option<&str>, &[String]) -> bool) -> Vec<String> {
    let sql = "select t.id, concat_ws(' ', p.title, p.goal, p.template, p.tags, (select group_concat(o.tags, ' ') \
            from prompt_templates o where o.prompt_id = p.id)), t.category, t.tags \
        from prompt_templates t join prompts p on p.id = t.prompt_id where p.is_public order by t.id";
    let mut rows = database.prepare(sql).unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    let told = |(id, texts, category, tags): (String, String, Option<String>, Option<String>)| {
        // The JSON of tags has escapes, which the index must not have.
        let texts = texts.replace(r"\u732b\u72ac", "猫犬").replace('é', "e").replace('\u{200B}', "");
        let tags: Vec<String> = tags.map(|tags| serde_json::from_str(&tags).unwrap()).unwrap_or_default();
        is_found(&texts, category.as_deref(), &tags).then_some(id)
    };
    rows.filter_map(|row| told(row.unwrap())).collect()
}

#[test]
fn whatever_happens_to_the_rows_the_index_follows() {
    let database = database();
    let mut runner = TestRunner::new(ProptestConfig { cases: 100, ..ProptestConfig::default() });
    let outcome = runner.run(&prop::collection::vec(change(), 1..30), |changes| {
        database.execute_batch("begin").unwrap();
        for change in &changes {
            apply(&database, change);
        }
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check_found(&database)));
        database.execute_batch("rollback").unwrap();
        checked.map_err(|_| TestCaseError::fail("the index does not follow"))
    });
    outcome.unwrap();
}

fn check_found(database: &Connection) {
    check_intact(database);
    let sorted = |query: &str| {
        let mut ids = found(database, &search(query));
        ids.sort();
        ids
    };
    for word in WORDS {
        let actual = sorted(&format!("q={word}&limit=100"));
        assert_eq!(actual, expected(database, |texts, _, _| texts.contains(word)), "{word}");
    }
    for (query, tag) in [("tag=cat", "cat"), ("tag=猫犬", "猫犬"), ("tag=猫", "猫")] {
        let has_tag = |_: &str, _: Option<&str>, tags: &[String]| tags.iter().any(|one| one == tag);
        assert_eq!(sorted(query), expected(database, has_tag), "{query}");
    }
    assert_eq!(sorted("category=1"), expected(database, |_, category, _| category == Some("1")));
    let both = |texts: &str, category: Option<&str>, _: &[String]| category == Some("2") && texts.contains("dog");
    assert_eq!(sorted("q=dog&category=2"), expected(database, both));
}
