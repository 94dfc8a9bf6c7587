//! What `prompt_lineage` holds after any sequence of changes, against its definition: a walk over all prompts.

use std::collections::BTreeMap;

use promptmeter::limits::LINEAGE_PROMPTS;
use promptmeter::rest::rows::Cell;
use promptmeter::sql::statement::{Statement, Value};
use rusqlite::Connection;
use uuid::Uuid;

use crate::database;
use crate::database::library::Random;

/// A prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Prompt {
    parent: Option<usize>,
    owner: usize,
    is_public: bool,
    is_active: bool,
    counts: Option<[i64; 4]>,
}

/// Prompts, by their numbers, and where those that are gone stood.
#[derive(Clone, Default)]
struct Library {
    prompts: BTreeMap<usize, Prompt>,
    gone: BTreeMap<usize, Option<usize>>,
}

/// A place by its definition: parent, owner, listed, levels, then children, listed children, descendants, listed
/// descendants and the four credited counts.
type Place = (Option<usize>, Option<usize>, bool, usize, [i64; 8]);

impl Library {
    fn parent(&self, prompt: usize) -> Option<usize> {
        self.prompts.get(&prompt).map_or_else(|| self.gone.get(&prompt).copied().flatten(), |prompt| prompt.parent)
    }

    /// Each prompt that is there, or stood somewhere, with its parent.
    fn parents(&self) -> BTreeMap<usize, Option<usize>> {
        self.prompts.keys().chain(self.gone.keys()).map(|prompt| (*prompt, self.parent(*prompt))).collect()
    }

    /// The forks of each prompt that has some.
    fn forks(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut forks: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (prompt, parent) in self.parents() {
            if let Some(parent) = parent {
                forks.entry(parent).or_default().push(prompt);
            }
        }
        forks
    }

    /// Prompts from this one to the root; too many where there is no end.
    fn line(&self, prompt: usize) -> usize {
        std::iter::successors(Some(prompt), |at| self.parent(*at)).take(LINEAGE_PROMPTS + 1).count()
    }

    fn longest_line(&self) -> usize {
        self.parents().into_keys().map(|prompt| self.line(prompt)).max().unwrap_or_default()
    }

    /// Notes the places of prompts that were never there, and forgets those that nothing is below.
    fn settle(&mut self) {
        for parent in self.forks().into_keys().filter(|parent| !self.prompts.contains_key(parent)) {
            self.gone.entry(parent).or_default();
        }
        let prompts = &self.prompts;
        self.gone.retain(|prompt, _| !prompts.contains_key(prompt));
        loop {
            let (forks, before) = (self.forks(), self.gone.len());
            self.gone.retain(|gone, _| forks.contains_key(gone));
            if self.gone.len() == before {
                break;
            }
        }
    }

    fn places(&self) -> BTreeMap<usize, Place> {
        let (mut places, forks, none) = (BTreeMap::new(), self.forks(), Vec::new());
        for (prompt, parent) in self.parents() {
            let children = forks.get(&prompt).unwrap_or(&none);
            if parent.is_none() && children.is_empty() {
                continue;
            }
            let (mut levels, mut sums) = (0, [0; 8]);
            let mut below: Vec<(usize, usize)> = children.iter().map(|child| (*child, 1)).collect();
            while let Some((fork, level)) = below.pop() {
                levels = levels.max(level);
                below.extend(forks.get(&fork).unwrap_or(&none).iter().map(|child| (*child, level + 1)));
                let Some(found) = self.prompts.get(&fork) else { continue };
                let (is_child, is_listed) = (i64::from(level == 1), i64::from(found.is_public && found.is_active));
                let own =
                    [is_child, is_listed * is_child, 1, is_listed].into_iter().chain(found.counts.unwrap_or_default());
                sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
            let found = self.prompts.get(&prompt);
            let is_listed = found.is_some_and(|prompt| prompt.is_public && prompt.is_active);
            places.insert(prompt, (parent, found.map(|prompt| prompt.owner), is_listed, levels, sums));
        }
        places
    }
}

fn id(prompt: usize) -> String {
    database::library::prompt_id(prompt)
}

/// The number of which an id was made; the first of its kind is `first`.
fn number(id: &Cell, first: &str) -> Option<usize> {
    let number = |text: &str| Uuid::try_parse(text).unwrap().as_u128();
    match id {
        Cell::Text(text) => Some(usize::try_from(number(text) - number(first)).unwrap()),
        _ => None,
    }
}

fn owner_id(owner: usize) -> String {
    database::user_id(owner as u128).to_string()
}

#[expect(clippy::cast_possible_truncation, reason = "a count")]
fn count(cell: &Cell) -> i64 {
    match cell {
        Cell::Number(number) => *number as i64,
        other => panic!("{other:?}"),
    }
}

fn stored(database: &Connection) -> BTreeMap<usize, Place> {
    let sql = "select l.prompt_id, above.prompt_id, l.user_id, l.is_listed, l.levels, l.children, l.listed_children, \
        l.descendants, l.listed_descendants, l.credited_views, l.credited_copies, l.credited_forks, l.credited_compares \
        from prompt_lineage l left join prompt_lineage above on above.place = l.parent";
    let rows = database::rows_of(database, sql);
    assert_eq!(
        database::rows_of(
            database,
            "select 1 from prompt_lineage where parent not in (select place from prompt_lineage)"
        ),
        [] as [Vec<Cell>; 0]
    );
    let place = |row: &Vec<Cell>| {
        let sums: Vec<i64> = row[5..].iter().map(count).collect();
        let levels = usize::try_from(count(&row[4])).unwrap();
        let place = (
            number(&row[1], &id(0)),
            number(&row[2], &owner_id(0)),
            count(&row[3]) == 1,
            levels,
            sums.try_into().unwrap(),
        );
        (number(&row[0], &id(0)).unwrap(), place)
    };
    rows.iter().map(place).collect()
}

/// A change as SQL, with the values of its parameters.
type Sql = (&'static str, Vec<Value>);

const IMPORT: &str = "insert into prompts (id, user_id, title, template, is_public, is_active, forked_from, created_at, updated_at) \
    values (?1, ?2, 't', 't', ?3, ?4, ?5, 'now', 'now') on conflict (id) do update set \
    user_id = excluded.user_id, is_public = excluded.is_public, is_active = excluded.is_active, forked_from = excluded.forked_from";

/// Counts of a prompt, if it is there; the columns are those before and after visits were among them.
const COUNT: &str = "insert into prompt_stats (prompt_id, view_count, copy_count, fork_count, compare_count, version, updated_at) \
    select id, ?2, ?3, ?4, ?5, 1, 'now' from prompts where id = ?1 \
    on conflict (prompt_id) do update set view_count = excluded.view_count, copy_count = excluded.copy_count, \
    fork_count = excluded.fork_count, compare_count = excluded.compare_count";

fn of(prompt: Option<usize>) -> Value {
    prompt.map_or(Value::Null, |prompt| Value::Text(id(prompt)))
}

/// What `IMPORT` binds.
fn imported(number: usize, Prompt { parent, owner, is_public, is_active, .. }: Prompt) -> Vec<Value> {
    let [is_public, is_active] = [is_public, is_active].map(|is_set| Value::Integer(is_set.into()));
    vec![of(Some(number)), Value::Text(owner_id(owner)), is_public, is_active, of(parent)]
}

/// What `COUNT` binds.
fn counted(number: usize, counts: [i64; 4]) -> Vec<Value> {
    std::iter::once(of(Some(number))).chain(counts.map(Value::Integer)).collect()
}

/// A change, as SQL and as what it does to the library.
fn change(random: &mut Random, library: &mut Library, numbers: usize, deep: bool) -> Sql {
    let existing: Vec<usize> = library.prompts.keys().copied().collect();
    let some = random.below(numbers);
    let parent = match random.below(6) {
        0 => None,
        1 => Some(random.below(numbers)),
        _ if deep => existing.iter().copied().max_by_key(|prompt| library.line(*prompt)),
        _ => existing.get(random.below(existing.len())).copied(),
    };
    let (is_public, is_active) = (random.below(2) > 0, random.below(4) > 0);
    let target = if existing.is_empty() { some } else { random.pick(&existing) };
    let counts = [0; 4].map(|_| i64::try_from(random.below(50)).unwrap());
    match random.below(if deep { 14 } else { 12 }) {
        0 if library.prompts.contains_key(&target) => {
            let stands = library.prompts.remove(&target).unwrap();
            library.gone.insert(target, stands.parent);
            ("delete from prompts where id = ?1", vec![of(Some(target))])
        }
        1 => {
            library.prompts.entry(target).and_modify(|prompt| prompt.parent = parent);
            ("update prompts set forked_from = ?2 where id = ?1", vec![of(Some(target)), of(parent)])
        }
        2 | 3 => {
            library
                .prompts
                .entry(target)
                .and_modify(|prompt| *prompt = Prompt { is_public, is_active, owner: 1, ..*prompt });
            let prompt = Prompt { parent: None, owner: 1, is_public, is_active, counts: None };
            let sql = "update prompts set user_id = ?2, is_public = ?3, is_active = ?4 where id = ?1";
            (sql, imported(target, prompt)[..4].to_vec())
        }
        4..=6 => {
            library.prompts.entry(target).and_modify(|prompt| prompt.counts = Some(counts));
            (COUNT, counted(target, counts))
        }
        7 => {
            library.prompts.entry(target).and_modify(|prompt| prompt.counts = None);
            ("delete from prompt_stats where prompt_id = ?1", vec![of(Some(target))])
        }
        // An import: over what is there, or new.
        _ => {
            let counts = library.prompts.get(&some).and_then(|prompt| prompt.counts);
            let prompt = Prompt { parent, owner: 2, is_public, is_active, counts };
            library.prompts.insert(some, prompt);
            (IMPORT, imported(some, prompt))
        }
    }
}

fn users(database: &Connection) {
    for owner in 1..3 {
        database::execute(database, "insert into users values (?1, null, 'now')", &[&owner_id(owner)]);
    }
}

/// Changes of a library, each checked; gives how many were refused and the longest line there was.
fn check(seed: u64, steps: usize, numbers: usize, deep: bool) -> (usize, usize) {
    let database = database::borrow();
    users(&database);
    let (mut random, mut library) = (Random(seed), Library::default());
    let (mut refused, mut longest) = (0, 0);
    for step in 0..steps {
        let mut changed = library.clone();
        let (sql, values) = change(&mut random, &mut changed, numbers, deep);
        let outcome = database::run_with(&database, sql, values);
        changed.settle();
        if changed.longest_line() <= LINEAGE_PROMPTS {
            outcome.unwrap_or_else(|error| panic!("seed {seed} step {step}: {sql}: {error}"));
            library = changed;
        } else {
            let error = outcome.expect_err(sql).to_string();
            assert_eq!(error, "CHECK constraint failed: forked_from", "seed {seed} step {step}: {sql}");
            refused += 1;
        }
        assert_eq!(stored(&database), library.places(), "seed {seed} step {step}: {sql}");
        longest = library.longest_line().max(longest);
    }
    (refused, longest)
}

#[test]
fn every_place_holds_what_is_below_it() {
    let refused: usize = (0..20).map(|seed| check(seed, 150, 4 + usize::try_from(seed).unwrap() % 12, false).0).sum();
    assert!(refused > 30, "circles were refused: {refused}");
}

#[test]
fn a_line_ends_at_its_limit() {
    for seed in 100..102 {
        let (refused, longest) = check(seed, 700, 150, true);
        assert_eq!(longest, LINEAGE_PROMPTS);
        assert!(refused > 10, "{refused}");
    }
}

/// No change walks over the forks beside a prompt, or over those below it.
#[test]
fn a_change_takes_no_longer_among_many() {
    const STATS: &str = "prompt_id, view_count, copy_count, fork_count, compare_count, version, updated_at";
    let steps = |forks: usize| {
        let database = database::open();
        users(&database);
        database.execute_batch("begin").unwrap();
        let sql = "insert into prompts (id, user_id, title, template, is_public, is_active, forked_from, created_at, updated_at) \
            values (?1, ?2, 't', 't', 1, 1, ?3, 'now', 'now')";
        let mut prepared = database.prepare(sql).unwrap();
        let mut insert = |number: usize, parent: Option<usize>| {
            prepared.execute((id(number), owner_id(1), parent.map(id))).unwrap();
        };
        insert(0, None);
        insert(1, Some(0));
        insert(2, Some(1));
        insert(3, Some(2));
        (0..forks).for_each(|fork| insert(100 + fork, Some(fork % 3)));
        drop(prepared);
        database.execute_batch("commit").unwrap();
        let changes = [
            format!("insert into prompt_stats ({STATS}) values ('{}', 1, 2, 3, 4, 5, 'now')", id(3)),
            format!("update prompts set is_public = 0 where id = '{}'", id(2)),
            format!("update prompts set forked_from = '{}' where id = '{}'", id(0), id(2)),
            format!("update prompts set forked_from = null where id = '{}'", id(1)),
            format!("delete from prompts where id = '{}'", id(3)),
            format!("delete from prompts where id = '{}'", id(1)),
        ];
        changes.map(|sql| database::machine_steps(&database, &Statement::new(&sql)))
    };
    let (few, many) = (steps(15), steps(1500));
    for (few, many) in few.into_iter().zip(many) {
        assert!(f64::from(many) < f64::from(few) * 1.1, "{few} steps, then {many}");
    }
}

/// Prompts that were there before their places were kept: the same places, whatever the order; a circle has none, and a
/// line that is too long goes on as another.
#[test]
fn prompts_that_were_there_get_their_places() {
    for seed in 0..6 {
        let database = database::open_at(database::migration("0009_lineage.sql"));
        users(&database);
        let (mut random, mut library) = (Random(seed), Library::default());
        for _ in 0..60 {
            change(&mut random, &mut library, 20, false);
        }
        library.gone.clear();
        library.settle();
        let circle = |prompt: &usize| library.line(*prompt) > LINEAGE_PROMPTS;
        let circular: Vec<usize> = library.prompts.keys().copied().filter(circle).collect();
        // A line of 150: its 65th and its 129th prompt begin lines of their own.
        for number in 100..250 {
            let parent = (number > 100).then(|| number - 1);
            library
                .prompts
                .insert(number, Prompt { parent, owner: 1, is_public: true, is_active: true, counts: Some([1; 4]) });
        }
        for (number, prompt) in library.prompts.iter().rev() {
            database::run_with(&database, IMPORT, imported(*number, *prompt)).unwrap();
            if let Some(counts) = prompt.counts {
                database::run_with(&database, COUNT, counted(*number, counts)).unwrap();
            }
        }
        database::migrate(&database, database::migration("0009_lineage.sql")..usize::MAX);
        for cut in circular.into_iter().chain([164, 228]) {
            library.prompts.entry(cut).and_modify(|prompt| prompt.parent = None);
        }
        library.gone.clear();
        library.settle();
        assert_eq!(stored(&database), library.places(), "seed {seed}");
    }
}
