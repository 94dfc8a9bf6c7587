//! What a caller is told of a lineage, page by page, against its definition: a walk over all prompts.

#![cfg(test)]

mod database;

use std::collections::{BTreeMap, BTreeSet};

use database::library::{Random, callers, prompt_id};
use promptmeter::ancestry::answer::LineageAnswer;
use promptmeter::ancestry::read_sql;
use promptmeter::ancestry::request::{Ask, Cursor};
use promptmeter::ancestry::tree::{Forks, Row, Seen};
use promptmeter::counting::tally::Tally;
use promptmeter::http::identity::Identity;
use promptmeter::http::problem::Code;
use promptmeter::limits::{LINEAGE_BREADTH, LINEAGE_DEPTH, LINEAGE_NODES};
use promptmeter::rest::rows::Cell;
use promptmeter::sql::statement::Statement;
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a count")]
fn count(cell: &Cell) -> i64 {
    match cell {
        Cell::Number(number) => *number as i64,
        other => panic!("{other:?}"),
    }
}

fn tally(cells: &[Cell]) -> Tally {
    let [views, copies, forks, compares] = [0, 1, 2, 3].map(|place| count(&cells[place]).unsigned_abs());
    Tally { views, copies, forks, compares, ..Tally::default() }
}

fn row(cells: &[Cell]) -> Row {
    let seen = |id: String| Seen {
        id: id.parse().unwrap(),
        slug: text(&cells[4]),
        title: text(&cells[5]).unwrap(),
        counts: tally(&cells[6..10]),
        credited: tally(&cells[10..14]),
        children: count(&cells[14]),
        private_children: count(&cells[15]),
        descendants: count(&cells[16]),
    };
    Row {
        parent: text(&cells[0]),
        place: text(&cells[1]),
        has_forks: count(&cells[2]) == 1,
        prompt: text(&cells[3]).map(seen),
    }
}

fn rows(database: &Connection, statement: &Statement) -> Vec<Row> {
    let found = database::run(database, statement);
    found.unwrap_or_else(|error| panic!("{error}: {}", statement.text())).iter().map(|cells| row(cells)).collect()
}

/// What the route answers; null for a prompt that the caller may not see.
fn get(database: &Connection, identity: &Identity, prompt: usize, pairs: &[(&str, &str)]) -> Value {
    let id: Uuid = prompt_id(prompt).parse().unwrap();
    let ask = Ask::parse(&database::parameters(pairs)).unwrap();
    let tree = rows(database, &read_sql::tree(id, &ask, identity));
    match &ask.cursor {
        Some(cursor) => serde_json::to_value(Forks::of(Some(&cursor.parent), false, &ask, tree)),
        None => serde_json::to_value(LineageAnswer::of(&ask, rows(database, &read_sql::line(id, identity)), tree)),
    }
    .unwrap()
}

/// A prompt as it stands.
struct Prompt {
    id: String,
    parent: Option<String>,
    owner: String,
    is_listed: bool,
    counts: [i64; 4],
}

/// All prompts, and where those that are gone stood.
struct Library {
    prompts: BTreeMap<String, Prompt>,
    gone: BTreeMap<String, Option<String>>,
}

impl Library {
    fn parent(&self, id: &str) -> Option<&String> {
        self.prompts.get(id).map_or_else(|| self.gone.get(id)?.as_ref(), |prompt| prompt.parent.as_ref())
    }

    fn forks(&self, id: &str) -> Vec<&String> {
        let all = self.prompts.keys().chain(self.gone.keys());
        all.filter(|fork| self.parent(fork).is_some_and(|parent| parent == id)).collect()
    }

    fn below(&self, id: &str) -> Vec<&Prompt> {
        let mut found = Vec::new();
        for fork in self.forks(id) {
            found.extend(self.prompts.get(fork));
            found.extend(self.below(fork));
        }
        found
    }

    fn sees(&self, identity: &Identity, id: &str) -> bool {
        let is_own = |owner: &str| identity.user().is_some_and(|user| user.id.to_string() == owner);
        let is_service = matches!(identity, Identity::Service(_));
        self.prompts.get(id).is_some_and(|prompt| is_service || prompt.is_listed || is_own(&prompt.owner))
    }

    fn is_told(&self, identity: &Identity, id: &str) -> bool {
        let is_service = matches!(identity, Identity::Service(_));
        is_service || self.sees(identity, id) || self.below(id).iter().any(|prompt| prompt.is_listed)
    }

    /// The prompt, or that it is hidden, as it is told.
    fn told(&self, identity: &Identity, id: &str) -> Value {
        if !self.sees(identity, id) {
            return json!({"id": null, "hidden": true});
        }
        let (prompt, below) = (&self.prompts[id], self.below(id));
        let children: Vec<&Prompt> = self.forks(id).into_iter().filter_map(|fork| self.prompts.get(fork)).collect();
        let [views, copies, forks, compares] = prompt.counts;
        let credited = |place: usize| below.iter().map(|prompt| prompt.counts[place]).sum::<i64>();
        json!({
            "id": prompt.id, "slug": null, "title": format!("title of {id}"),
            "viewCount": views, "copyCount": copies, "forkCount": forks, "compareCount": compares,
            "credited": {
                "viewCount": credited(0), "copyCount": credited(1), "forkCount": credited(2), "compareCount": credited(3)
            },
            "children": children.len(),
            "privateChildren": children.iter().filter(|child| !child.is_listed).count(),
            "descendants": below.len(),
        })
    }

    /// The whole tree, as texts that can be compared.
    fn tree(&self, identity: &Identity, id: &str) -> String {
        let forks = self.forks(id).into_iter().filter(|fork| self.is_told(identity, fork));
        written(&self.told(identity, id), forks.map(|fork| self.tree(identity, fork)).collect())
    }
}

/// A place and what is below it, in any order.
fn written(place: &Value, mut below: Vec<String>) -> String {
    below.sort();
    format!("{place}[{}]", below.join(","))
}

/// What a node tells of itself.
fn own_fields(node: &Value) -> Value {
    let fields = node.as_object().unwrap().clone();
    fields.into_iter().filter(|(name, _)| !["forks", "next_cursor"].contains(&name.as_str())).collect()
}

/// Follows every cursor below a prompt.
struct Reader<'a> {
    database: &'a Connection,
    identity: &'a Identity,
    prompt: usize,
    depth: i64,
    breadth: i64,
    answers: usize,
}

impl Reader<'_> {
    fn get(&mut self, cursor: Option<&str>) -> Value {
        let (depth, breadth) = (self.depth.to_string(), self.breadth.to_string());
        let mut pairs = vec![("depth", depth.as_str()), ("breadth", breadth.as_str())];
        pairs.extend(cursor.map(|cursor| ("cursor", cursor)));
        self.answers += 1;
        let answer = get(self.database, self.identity, self.prompt, &pairs);
        let top = if cursor.is_some() { &answer } else { &answer["prompt"] };
        assert!(self.check(top, 0) <= LINEAGE_NODES);
        if cursor.is_some() {
            assert!(!answer["forks"].as_array().unwrap().is_empty(), "a cursor leads to something");
        }
        answer
    }

    /// How many nodes are below; depth and breadth are what was asked for.
    fn check(&self, node: &Value, level: i64) -> usize {
        let forks = node["forks"].as_array().unwrap();
        assert!(i64::try_from(forks.len()).unwrap() <= self.breadth && (level < self.depth || forks.is_empty()));
        forks.iter().map(|fork| 1 + self.check(fork, level + 1)).sum()
    }

    fn forks(&mut self, node: &Value) -> Vec<String> {
        let mut found: Vec<String> = node["forks"].as_array().unwrap().iter().map(|fork| self.tree(fork)).collect();
        if let Some(cursor) = node["next_cursor"].as_str() {
            let next = self.get(Some(cursor));
            found.extend(self.forks(&next));
        }
        found
    }

    fn tree(&mut self, node: &Value) -> String {
        let forks = self.forks(node);
        written(&own_fields(node), forks)
    }
}

const OWNERS: u128 = 3;

fn insert(database: &Connection, id: &str, owner: u128, is_public: bool, is_active: bool, parent: Option<&str>) {
    let sql = format!(
        "insert into prompts (id, user_id, title, template, is_public, is_active, forked_from, created_at, updated_at) \
        values (?1, ?2, 'title of ' || ?1, 't', {is_public}, {is_active}, ?3, 'now', 'now')"
    );
    let mut prepared = database.prepare_cached(&sql).unwrap();
    prepared.execute((id, database::user_id(owner).to_string(), parent)).unwrap();
}

fn open() -> Connection {
    let database = database::open();
    for owner in 1..=OWNERS {
        database::execute(
            &database,
            "insert into users values (?1, null, 'now')",
            &[&database::user_id(owner).to_string()],
        );
    }
    database
}

/// Prompts of which some were forked from others, some are gone, and few are seen by all.
fn fill(database: &Connection, random: &mut Random, prompts: usize) -> Library {
    let mut library = Library { prompts: BTreeMap::new(), gone: BTreeMap::new() };
    for number in 0..prompts {
        let id = prompt_id(number);
        let parent = (random.below(8) > 0 && number > 0).then(|| prompt_id(random.below(number)));
        let (owner, is_public, is_active) = (1 + random.below(3) as u128, random.below(2) > 0, random.below(5) > 0);
        insert(database, &id, owner, is_public, is_active, parent.as_deref());
        let counts = [0; 4].map(|_| i64::try_from(random.below(50)).unwrap());
        let [views, copies, forks, compares] = counts;
        let sql = format!(
            "insert into prompt_stats values (?1, {views}, {copies}, {forks}, {compares}, 1, 'now', 0, 0, null)"
        );
        database::execute(database, &sql, &[&id]);
        let owner = database::user_id(owner).to_string();
        let prompt = Prompt { id: id.clone(), parent, owner, is_listed: is_public && is_active, counts };
        library.prompts.insert(id, prompt);
    }
    for _ in 0..prompts / 5 {
        let id = prompt_id(random.below(prompts));
        if let Some(prompt) = library.prompts.remove(&id) {
            database::execute(database, "delete from prompts where id = ?1", &[&id]);
            library.gone.insert(id, prompt.parent);
        }
    }
    while let Some(bare) = library.gone.keys().find(|gone| library.forks(gone).is_empty()).cloned() {
        library.gone.remove(&bare);
    }
    library
}

#[test]
fn everyone_is_told_what_they_may_see_and_all_of_it() {
    for seed in 0..12 {
        let (database, mut random) = (open(), Random(seed));
        let prompts = 6 + random.below(30);
        let library = fill(&database, &mut random, prompts);
        for (identity, prompt) in
            callers().iter().flat_map(|identity| (0..prompts).map(move |prompt| (identity, prompt)))
        {
            let (depth, breadth) = (1 + random.below(5), 1 + random.below(4));
            let (depth, breadth) = (i64::try_from(depth).unwrap(), i64::try_from(breadth).unwrap());
            let id = prompt_id(prompt);
            if !library.sees(identity, &id) {
                assert_eq!(get(&database, identity, prompt, &[]), Value::Null);
                continue;
            }
            let mut reader = Reader { database: &database, identity, prompt, depth, breadth, answers: 0 };
            let answer = reader.get(None);
            let what = format!("seed {seed}, {identity:?}, {id}, depth {depth}, breadth {breadth}");
            assert_eq!(reader.tree(&answer["prompt"]), library.tree(identity, &id), "{what}");
            let above = std::iter::successors(library.parent(&id), |at| library.parent(at));
            let ancestors: Vec<Value> = above.map(|above| library.told(identity, above)).collect();
            assert_eq!(answer["ancestors"], Value::from(ancestors), "{what}");
        }
    }
}

/// A cursor leads only below the prompt it is used at, and only where the caller is told of everything on the way.
#[test]
fn a_cursor_that_was_made_up_tells_nothing_more() {
    let (database, mut random) = (open(), Random(7));
    let library = fill(&database, &mut random, 40);
    let places = database::rows_of(&database, "select cast(place as text), prompt_id from prompt_lineage");
    let (mut empty, mut full) = (0, 0);
    for (identity, prompt) in callers().iter().flat_map(|identity| (0..40).map(move |prompt| (identity, prompt))) {
        for (place, id) in places.iter().map(|row| (text(&row[0]).unwrap(), text(&row[1]).unwrap())) {
            let cursor = Cursor { parent: place, after: None }.encode();
            let answer = get(&database, identity, prompt, &[("cursor", &cursor), ("depth", "1"), ("breadth", "50")]);
            let root = prompt_id(prompt);
            let way: Vec<&String> =
                std::iter::successors(Some(&id), |at| library.parent(at).filter(|_| **at != root)).collect();
            let may = library.sees(identity, &root)
                && way.last() == Some(&&root)
                && way.iter().all(|at| **at == root || library.is_told(identity, at));
            let forks = library.forks(&id).into_iter().filter(|fork| may && library.is_told(identity, fork));
            let expected: BTreeSet<String> = forks.map(|fork| library.told(identity, fork).to_string()).collect();
            let told: BTreeSet<String> =
                answer["forks"].as_array().unwrap().iter().map(|fork| own_fields(fork).to_string()).collect();
            assert_eq!(told, expected, "{identity:?} {root} {id}");
            *(if told.is_empty() { &mut empty } else { &mut full }) += 1;
        }
    }
    assert!(empty > 100 && full > 30, "{empty} {full}");
}

#[test]
fn an_answer_is_bounded_and_goes_on() {
    let database = open();
    insert(&database, &prompt_id(0), 1, true, true, None);
    database.execute_batch("begin").unwrap();
    for number in 1..=60 {
        insert(&database, &prompt_id(number), 1, number != 7, true, Some(&prompt_id(0)));
        for below in 0..40 {
            insert(&database, &prompt_id(1000 * number + below), 2, true, true, Some(&prompt_id(number)));
        }
    }
    database.execute_batch("commit").unwrap();
    for (depth, breadth) in [(2, 50), (5, 50), (2, 40), (1, 50), (2, 3)] {
        let mut reader =
            Reader { database: &database, identity: &Identity::Anonymous, prompt: 0, depth, breadth, answers: 0 };
        let answer = reader.get(None);
        let told = reader.check(&answer["prompt"], 0);
        let asked = usize::try_from(if depth == 1 { breadth } else { breadth + breadth * breadth.min(40) }).unwrap();
        assert!(told <= asked && (told + 60 > asked.min(LINEAGE_NODES)), "{told} of {asked}");
        let whole = reader.tree(&answer["prompt"]);
        assert_eq!(whole.matches(r#""title""#).count(), 60 + 60 * 40, "one of the 60 is hidden, and the root is told");
    }
}

fn check_refused(pairs: &[(&str, &str)]) {
    assert_eq!(Ask::parse(&database::parameters(pairs)).unwrap_err().code, Code::InvalidValue, "{pairs:?}");
}

#[test]
fn what_is_asked_for_is_checked() {
    let ask = Ask::parse(&database::parameters(&[])).unwrap();
    assert_eq!(ask, Ask { depth: 2, breadth: 20, cursor: None });
    for (name, longest) in [("depth", LINEAGE_DEPTH), ("breadth", LINEAGE_BREADTH)] {
        for bad in ["0", "-1", "x", "", "1.5", &(longest + 1).to_string()] {
            check_refused(&[(name, bad)]);
        }
        Ask::parse(&database::parameters(&[(name, &longest.to_string())])).unwrap();
    }
    let encode = |json: Value| promptmeter::http::base64_json::encode(&json);
    for bad in [
        String::new(),
        "x".to_owned(),
        encode(json!({})),
        encode(json!([])),
        encode(json!([1])),
        encode(json!(["1 or 1"])),
        encode(json!(["1", "x"])),
        encode(json!(["1", null])),
        encode(json!(["1", "2", "3"])),
        encode(json!(["9223372036854775808"])),
    ] {
        check_refused(&[("cursor", &bad)]);
    }
}

/// No matter how many forks are hidden from a caller, finding those that are not takes no longer.
#[test]
fn hidden_forks_are_not_walked_over() {
    let steps = |hidden: usize| {
        let database = open();
        database.execute_batch("begin").unwrap();
        insert(&database, &prompt_id(0), 1, true, true, None);
        for number in 1..=10 {
            insert(&database, &prompt_id(number), 1, number < 9, true, Some(&prompt_id(0)));
        }
        for number in 0..hidden {
            insert(&database, &prompt_id(100 + number), 2, false, true, Some(&prompt_id(0)));
        }
        database.execute_batch("commit").unwrap();
        let id: Uuid = prompt_id(0).parse().unwrap();
        let ask = Ask::parse(&database::parameters(&[("breadth", "5"), ("depth", "5")])).unwrap();
        let callers = [Identity::Anonymous, database::user(1), database::user(3), Identity::Service(None)];
        callers.map(|identity| {
            let statements = [read_sql::tree(id, &ask, &identity), read_sql::line(id, &identity)];
            statements.map(|statement| database::machine_steps(&database, &statement))
        })
    };
    let (few, many) = (steps(5), steps(1500));
    for (few, many) in few.iter().flatten().zip(many.iter().flatten()) {
        assert!(f64::from(*many) < f64::from(*few) * 1.1, "{few} steps, then {many}");
    }
}

#[test]
fn every_place_is_found_by_an_index() {
    let database = open();
    let id: Uuid = prompt_id(0).parse().unwrap();
    let cursor = Cursor { parent: "1".to_owned(), after: Some("2".to_owned()) }.encode();
    for identity in callers() {
        for pairs in [vec![("depth", "5")], vec![("cursor", cursor.as_str()), ("depth", "5")]] {
            let ask = Ask::parse(&database::parameters(&pairs)).unwrap();
            for statement in [read_sql::tree(id, &ask, &identity), read_sql::line(id, &identity)] {
                let plan = database::plan(&database, &statement);
                let tables = ["l", "c", "p", "s", "prompt_lineage", "prompts", "prompt_stats"];
                let is_scan = |step: &&String| {
                    let mut words = step.split(' ');
                    words.next() == Some("SCAN") && words.next().is_some_and(|name| tables.contains(&name))
                };
                let scans: Vec<&String> = plan.iter().filter(is_scan).collect();
                assert!(scans.is_empty(), "{scans:?} {}\n{}", statement.text(), plan.join("\n"));
            }
        }
    }
}
