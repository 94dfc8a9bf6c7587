//! Small libraries made of a seed, and the rules of design.md's table evaluated row by row.

use promptmeter::data::schema::{Check, Kind, Table};
use promptmeter::data::tables::{TABLES, table};
use promptmeter::http::identity::Identity;
use promptmeter::rest::rows::Cell;
use promptmeter::sql::statement::{Statement, Value};
use rusqlite::Connection;
use uuid::Uuid;

use super::{NOW, is_written, run, run_with, user, user_id};

/// Numbers made of a seed (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Any number below this.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap()
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

pub(crate) const USERS: u128 = 3;
pub(crate) const PROMPTS: u128 = 6;
pub(crate) const TEMPLATES: u128 = 4;

pub(crate) fn prompt_id(number: usize) -> String {
    Uuid::from_u128(0x0100_0000 + number as u128).to_string()
}

pub(crate) fn template_id(number: usize) -> String {
    Uuid::from_u128(0x0200_0000 + number as u128).to_string()
}

pub(crate) fn some_user(random: &mut Random) -> String {
    user_id(1 + random.below(3) as u128).to_string()
}

/// Everybody who asks.
pub(crate) fn callers() -> Vec<Identity> {
    vec![Identity::Anonymous, user(1), user(2), user(9), Identity::Service(None)]
}

/// A value that a row may have in a column; of what it refers to, mostly something that is there.
pub(crate) fn some_value(random: &mut Random, table: &Table, column: &str) -> serde_json::Value {
    let words = ["alpha", "Beta, \"gamma\"", "", "東京", "a\\b\n%_", "É"];
    let column = table.column(column).unwrap();
    match (table.name, column.name) {
        (_, "user_id") | ("users", "id") => return some_user(random).into(),
        (_, "prompt_id") => return prompt_id(random.below(7)).into(),
        (_, "template_id") => return template_id(random.below(5)).into(),
        ("prompts", "id") => return prompt_id(random.below(9)).into(),
        ("prompt_templates", "id") => return template_id(random.below(7)).into(),
        (_, "event_type") => return random.pick(&["fork", "compare_add"]).into(),
        (_, "multi_variant") => return random.pick(&["exclude", "first"]).into(),
        (_, "conversion_window_hours" | "rating") => return (1 + random.below(5)).into(),
        (_, "slug") | ("experiments", "started_ms" | "stopped_ms" | "namespace") => return serde_json::Value::Null,
        ("experiments", "name") => return random.pick(&words[..2]).into(),
        ("experiments", "status") => return "draft".into(),
        ("experiments", "variants") => return serde_json::json!([{"key": "alpha", "weight": 1}]),
        ("experiments", "coverage") => return random.pick(&[1.into(), serde_json::json!(0.5)]),
        ("experiments", "hash_version") => return (1 + random.below(2)).into(),
        _ => {}
    }
    if column.nullable && random.below(3) == 0 {
        return serde_json::Value::Null;
    }
    match column.kind {
        Kind::Uuid => Uuid::from_u128(0x0300_0000 + random.below(9) as u128).to_string().into(),
        // An id is not empty, and holds no sign that controls.
        Kind::Text if matches!(column.check, Check::Key(_)) => {
            format!("id {}", random.pick(&words).replace(char::is_control, "-")).into()
        }
        Kind::Text => random.pick(&words).into(),
        Kind::Integer => random.below(20).into(),
        Kind::Boolean => (random.below(4) > 0).into(),
        Kind::Timestamp => format!("2026-11-{:02}T00:00:00.000000+00:00", 1 + random.below(20)).into(),
        Kind::Json => random.pick(&[serde_json::json!({"a": [1, null]}), "text".into(), serde_json::json!(1.5)]),
        Kind::TextArray => random.pick(&[serde_json::json!([]), serde_json::json!(["a", "b,c"])]),
    }
}

fn bound(kind: Kind, value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        value if matches!(kind, Kind::Json | Kind::TextArray) => Value::Text(value.to_string()),
        serde_json::Value::Bool(value) => Value::Integer(i64::from(*value)),
        serde_json::Value::Number(number) => Value::Integer(number.as_i64().unwrap()),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        other => panic!("{other}"),
    }
}

/// Stores a row whose values are made up, but for these; one that cannot be stored is left out.
fn store(database: &Connection, random: &mut Random, table: &Table, fixed: &[(&str, String)]) {
    let names: Vec<&str> = table.column_names().chain(table.unlisted.iter().map(|(name, _)| *name)).collect();
    let value = |name: &&str| {
        let Some(column) = table.column(name) else { return Value::Integer(1) };
        let known = fixed.iter().find(|(column, _)| column == name).map(|(_, value)| value.clone().into());
        bound(column.kind, &known.unwrap_or_else(|| some_value(random, table, name)))
    };
    let values = names.iter().map(value).collect();
    // The same text for all rows of a table, so that it is prepared once.
    let sql = format!(
        "insert or ignore into {} ({}) values (?{})",
        table.name,
        names.join(", "),
        ", ?".repeat(names.len() - 1)
    );
    run_with(database, &sql, values).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Experiments that ran.
const DECLARED: &str = r#"
    insert into experiments (id, name, variants, namespace, status, started_ms, stopped_ms) values
        ('running', 'alpha', '[{"key":"a","weight":0.5}]', '["n",0,1]', 'running', 7, null),
        ('stopped', 'alpha', '[]', null, 'stopped', 7, 8)"#;

/// What the views show: experiment events, and what the events of sessions come down to.
const SHOWN_BY_VIEWS: &str = r#"
    insert into experiment_batches
        (experiment_id, number, writer, received_ms, event_count, duplicates, rejected, ids, events) values
        ('alpha', 0, 'w', 9, 2, 0, 0, x'', '[["É",0,"alpha",null,7,null,null,"p","v","{\"a\":[1,null]}"],
            [null,2,"東京","Beta",8,"m",1.5]]'),
        ('東京', 0, 'w', 9, 1, 1, 1, x'', '[["É",1,"alpha","Beta",7]]');
    insert into experiment_rollups (experiment_id, multi_variant) values ('alpha', 'exclude'), ('東京', 'first');
    insert into session_states values (1, x'00112233445566778899aabbccddeeff', null, null, 0, x'00'),
        (1, x'10112233445566778899aabbccddeeff', 'Beta', 7, 1, x'00'),
        (2, x'00112233445566778899aabbccddeeff', 'alpha', 8, 0, x'00')"#;

/// Fills a database with a small library.
pub(crate) fn fill(database: &Connection, random: &mut Random) {
    for number in 1..=USERS {
        store(database, random, table("users").unwrap(), &[("id", user_id(number).to_string())]);
    }
    for number in 0..usize::try_from(PROMPTS).unwrap() {
        let slug = ("slug", format!("slug{number}"));
        store(database, random, table("prompts").unwrap(), &[("id", prompt_id(number)), slug]);
    }
    for number in 0..usize::try_from(TEMPLATES).unwrap() {
        let prompt = prompt_id(random.below(6));
        store(
            database,
            random,
            table("prompt_templates").unwrap(),
            &[("id", template_id(number)), ("prompt_id", prompt)],
        );
    }
    database.execute_batch(SHOWN_BY_VIEWS).unwrap();
    database.execute_batch(DECLARED).unwrap();
    let first = ["users", "prompts", "prompt_templates"];
    for table in TABLES.iter().filter(|table| !first.contains(&table.name) && is_written(table)) {
        for _ in 0..6 {
            let mut fixed =
                vec![("prompt_id", prompt_id(random.below(6))), ("template_id", template_id(random.below(4)))];
            if table.key == ["id"] {
                fixed.push(("id", Uuid::from_u128(0x0400_0000 + random.below(1000) as u128).to_string()));
            }
            store(database, random, table, &fixed);
        }
    }
}

/// A row: the described columns, in their order.
pub(crate) type Cells = Vec<Cell>;

/// All rows of a table, in the order of their keys.
pub(crate) fn all(database: &Connection, table: &Table) -> Vec<Cells> {
    let columns: Vec<&str> = table.column_names().collect();
    let sql = format!("select {} from {} order by {}", columns.join(", "), table.name, table.key.join(", "));
    run(database, &Statement::new(&sql)).unwrap()
}

/// What a row has in a column.
pub(crate) fn cell<'a>(table: &Table, row: &'a Cells, column: &str) -> &'a Cell {
    &row[table.column_names().position(|name| name == column).unwrap()]
}

fn row_by_id<'a>(table: &Table, rows: &'a [Cells], id: &Cell) -> Option<&'a Cells> {
    rows.iter().find(|row| *id != Cell::Null && cell(table, row, "id") == id)
}

/// The rows of a library that rules look at.
pub(crate) struct Library {
    pub(crate) prompts: Vec<Cells>,
    pub(crate) templates: Vec<Cells>,
}

impl Library {
    pub(crate) fn of(database: &Connection) -> Self {
        Self {
            prompts: all(database, table("prompts").unwrap()),
            templates: all(database, table("prompt_templates").unwrap()),
        }
    }

    fn prompt(&self, table: &Table, row: &Cells) -> Option<&Cells> {
        row_by_id(table_of("prompts"), &self.prompts, cell(table, row, "prompt_id"))
    }

    fn owns_prompt(&self, table: &Table, row: &Cells, me: &Cell) -> bool {
        self.prompt(table, row).is_some_and(|prompt| cell(table_of("prompts"), prompt, "user_id") == me)
    }

    fn sees_prompt(&self, table: &Table, row: &Cells, me: Option<&Cell>) -> bool {
        self.prompt(table, row).is_some_and(|prompt| sees_prompt_row(prompt, me))
    }

    fn sees_template(&self, table: &Table, row: &Cells, me: Option<&Cell>) -> bool {
        let templates = table_of("prompt_templates");
        row_by_id(templates, &self.templates, cell(table, row, "template_id"))
            .is_some_and(|template| self.sees_prompt(templates, template, me))
    }

    /// Whether a caller may do this to a row: select, insert, update (before and after), delete.
    pub(crate) fn may(&self, identity: &Identity, action: char, table: &Table, row: &Cells) -> bool {
        if matches!(identity, Identity::Service(_)) {
            return true;
        }
        let me = identity.user().map(|user| Cell::Text(user.id.to_string()));
        let is_mine = |column: &str| me.as_ref().is_some_and(|me| cell(table, row, column) == me);
        let owns = || me.as_ref().is_some_and(|me| self.owns_prompt(table, row, me));
        match (table.name, action) {
            ("users", 's' | 'u') => is_mine("id"),
            ("prompts", 's') => sees_prompt_row(row, me.as_ref()),
            ("prompts", _)
            | ("test_results" | "template_likes" | "user_favorites" | "prompt_favorites", 's' | 'd')
            | ("prompt_usage" | "prompt_events", 's') => is_mine("user_id"),
            ("prompt_answers" | "prompt_templates" | "prompt_stats", 's') => self.sees_prompt(table, row, me.as_ref()),
            ("prompt_answers" | "prompt_templates", _) => owns(),
            ("test_results" | "prompt_favorites" | "prompt_usage" | "prompt_events", 'i') => {
                is_mine("user_id") && self.sees_prompt(table, row, me.as_ref())
            }
            ("template_likes" | "user_favorites", 'i') => {
                is_mine("user_id") && self.sees_template(table, row, me.as_ref())
            }
            _ => false,
        }
    }
}

pub(crate) fn table_of(name: &str) -> &'static Table {
    table(name).unwrap()
}

fn sees_prompt_row(prompt: &Cells, me: Option<&Cell>) -> bool {
    let prompts = table_of("prompts");
    let is = |column: &str| *cell(prompts, prompt, column) == Cell::Number(1.0);
    me.is_some_and(|me| cell(prompts, prompt, "user_id") == me) || (is("is_public") && is("is_active"))
}

/// A cell as the answer tells it.
pub(crate) fn told(kind: Kind, cell: &Cell) -> serde_json::Value {
    match (kind, cell) {
        (_, Cell::Null) => serde_json::Value::Null,
        (Kind::Boolean, Cell::Number(number)) => (*number > 0.5).into(),
        (_, Cell::Number(number)) => {
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers")]
            let whole = *number as i64;
            whole.into()
        }
        (Kind::Json | Kind::TextArray, Cell::Text(text)) => serde_json::from_str(text).unwrap(),
        (_, Cell::Text(text)) => text.clone().into(),
    }
}

/// A row as the answer to `select=*` tells it.
pub(crate) fn told_row(table: &Table, row: &Cells) -> serde_json::Value {
    let fields = table.columns.iter().zip(row).map(|(column, cell)| (column.name.to_owned(), told(column.kind, cell)));
    serde_json::Value::Object(fields.collect())
}

/// Rows as comparable texts, in any order.
pub(crate) fn sorted(rows: impl IntoIterator<Item = serde_json::Value>) -> Vec<String> {
    let mut texts: Vec<String> = rows.into_iter().map(|row| row.to_string()).collect();
    texts.sort();
    texts
}

/// Now, as a cell.
pub(crate) fn now() -> Cell {
    Cell::Text(NOW.to_owned())
}
