//! What a caller is told of a lineage, page by page, against its definition: a walk over all prompts.

mod answers;
mod walks;

use std::collections::{BTreeMap, BTreeSet};

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

use crate::database;
use crate::database::library::{Random, callers, prompt_id};

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
