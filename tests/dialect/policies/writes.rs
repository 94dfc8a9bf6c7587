//! What callers change, remove and make.

use super::*;

/// Tables of which users may change rows.
const UPDATABLE: [&str; 4] = ["users", "prompts", "prompt_answers", "prompt_templates"];

/// What a new row has in a column that it does not name.
fn unnamed(table: &Table, column: &str) -> Cell {
    match (table.name, column) {
        ("experiments", "coverage") => Cell::Text("1.0".to_owned()),
        ("experiments", "hash_version") => Cell::Number(2.0),
        ("experiments", "status") => Cell::Text("draft".to_owned()),
        _ => Cell::Null,
    }
}

/// Columns that say whose a row is.
const OWNING: [&str; 3] = ["id", "user_id", "prompt_id"];

/// Does a write that is to find `[refused, meant]` rows, and gives those that it tells; or the constraint that it breaks,
/// which changes nothing, and which no write does that is refused.
fn performed(
    database: &Connection,
    write: &Write,
    table: &Table,
    expected: [usize; 2],
    what: &str,
) -> Result<Vec<rows::Row>, String> {
    let before = all(database, table);
    let done = checked(database, write, what);
    if done.is_err() {
        assert_eq!(all(database, table), before, "{what} failed and changed something");
        assert_eq!(expected[0], 0, "{what} is refused, and fails");
    }
    let (refused, meant, returned) = done?;
    assert_eq!([refused, meant].map(|count| usize::try_from(count).unwrap()), expected, "{what}");
    Ok(returned)
}

fn check_update(seed: u64) {
    let (database, mut random) = library(seed);
    let table = if random.below(4) == 0 { random.pick(&written_tables()) } else { table_of(random.pick(&UPDATABLE)) };
    let identity = random.pick(&callers());
    let condition = some_condition(&mut random, table);
    let owning: Vec<&str> = table.column_names().filter(|name| OWNING.contains(name)).collect();
    let columns: Vec<&str> = (0..=random.below(2))
        .map(|_| {
            let is_owning = !owning.is_empty() && random.below(2) == 0;
            let any = || written_columns(table).iter().map(|column| column.name).collect();
            random.pick(&if is_owning { owning.clone() } else { any() })
        })
        .collect();
    let body: serde_json::Map<_, _> =
        columns.iter().map(|name| ((*name).to_owned(), given_value(&mut random, table, name))).collect();
    let body = serde_json::Value::from(body).to_string();
    let payload = Payload::read_changes(table, body.as_bytes(), None, NOW).unwrap();
    let request = request(table.name, &[(condition.column, &condition.parameter)]);
    let is_one = random.below(4) == 0;
    let demand = Demand { identity: &identity, is_one, told: Some(&request.query) };
    let write = write_sql::update(table, &payload, &request.query.conditions, demand);

    let (before, rules) = (all(&database, table), Library::of(&database));
    let is_meant =
        |row: &&Cells| rules.may(&identity, 'u', table, row) && (condition.is_met)(cell(table, row, condition.column));
    let change = |row: &Cells| -> Cells {
        let new = |column: &&str, old: &Cell| {
            given(&payload, &payload.rows[0], column, table.column(column).unwrap().kind).unwrap_or_else(|| old.clone())
        };
        table.column_names().zip(row).map(|(column, old)| new(&column, old)).collect()
    };
    let meant: Vec<Cells> = before.iter().filter(is_meant).cloned().collect();
    let refused = meant.iter().filter(|row| !rules.may(&identity, 'u', table, &change(row))).count();
    let what = format!("{identity:?}: update {} {} {} set {body}", table.name, condition.column, condition.parameter);
    let Ok(returned) = performed(&database, &write, table, [refused, meant.len()], &what) else { return };
    let has_effect = refused == 0 && !(is_one && meant.len() != 1);
    let after: Vec<Cells> =
        before.iter().map(|row| if has_effect && is_meant(&row) { change(row) } else { row.clone() }).collect();
    assert_eq!(by_key(table, all(&database, table)), by_key(table, after), "{what}");
    let changed: Vec<Cells> = meant.iter().filter(|_| has_effect).map(change).collect();
    assert_eq!(told_keys(table, &returned), keys(table, &changed), "{what}: returned");
}

fn check_delete(seed: u64) {
    let (database, mut random) = library(seed);
    let table = random.pick(&written_tables());
    let identity = random.pick(&callers());
    let condition = some_condition(&mut random, table);
    let request = request(table.name, &[(condition.column, &condition.parameter)]);
    let is_one = random.below(4) == 0;
    let demand = Demand { identity: &identity, is_one, told: Some(&request.query) };
    let write = write_sql::delete(table, &request.query.conditions, demand);
    let (before, rules) = (all(&database, table), Library::of(&database));
    let is_meant =
        |row: &&Cells| rules.may(&identity, 'd', table, row) && (condition.is_met)(cell(table, row, condition.column));
    let meant: Vec<Cells> = before.iter().filter(is_meant).cloned().collect();
    let what = format!("{identity:?}: delete {} {} {}", table.name, condition.column, condition.parameter);
    let Ok(returned) = performed(&database, &write, table, [0, meant.len()], &what) else { return };
    let has_effect = !(is_one && meant.len() != 1);
    let after: Vec<Cells> = before.iter().filter(|row| !(has_effect && is_meant(row))).cloned().collect();
    assert_eq!(all(&database, table), after, "{what}");
    assert_eq!(told_keys(table, &returned), keys(table, if has_effect { &meant } else { &[] }), "{what}: returned");
}

fn is_same(table: &Table, key: &[&str], one: &Cells, other: &Cells) -> bool {
    key.iter().all(|name| *cell(table, one, name) != Cell::Null && cell(table, one, name) == cell(table, other, name))
}

fn check_insert(seed: u64) {
    let (database, mut random) = library(seed);
    let is_declared = random.below(4) == 0;
    let table = if is_declared { table_of("experiments") } else { random.pick(&written_tables()) };
    let identity = random.pick(&callers());
    let columns: Vec<&str> = written_columns(table)
        .into_iter()
        .filter(|column| !column.nullable || table.key.contains(&column.name) || random.below(2) == 0)
        .map(|column| column.name)
        .collect();
    let row = |random: &mut Random| {
        let fields = columns.iter().map(|name| ((*name).to_owned(), given_value(random, table, name)));
        serde_json::Value::Object(fields.collect())
    };
    let body = serde_json::Value::from((0..=random.below(3)).map(|_| row(&mut random)).collect::<Vec<_>>()).to_string();
    let mut number = 0x0500_0000;
    let mut new_id = || {
        number += 1;
        Uuid::from_u128(number)
    };
    let mut origin = Origin { now: NOW, caller: identity.user().map(|user| user.id), new_id: &mut new_id };
    let payload = Payload::read_new(table, body.as_bytes(), None, false, &mut origin).unwrap();
    let conflict = random.pick(&[None, Some(Resolution::Merge), Some(Resolution::Ignore)]);
    if conflict == Some(Resolution::Merge) && payload.repeats(table.key) {
        return;
    }
    let request = request(table.name, &[]);
    let demand = Demand { identity: &identity, is_one: false, told: Some(&request.query) };
    let write = insert_sql::insert(table, &payload, conflict.map(|resolution| (resolution, table.key)), demand);

    let (before, rules) = (all(&database, table), Library::of(&database));
    let made = |row: &[String]| -> Cells {
        let new = |column: &Column| {
            given(&payload, row, column.name, column.kind).unwrap_or_else(|| unnamed(table, column.name))
        };
        table.columns.iter().map(new).collect()
    };
    let merged = |old: &Cells, new: &Cells| -> Cells {
        let is_set = |name: &str| payload.columns.iter().any(|column| column.name == name);
        let value = |(name, (old, new)): (&str, (&Cell, &Cell))| match name {
            "updated_at" if !is_set(name) => now(),
            name if is_set(name) && !table.key.contains(&name) => new.clone(),
            _ => old.clone(),
        };
        table.column_names().zip(old.iter().zip(new)).map(value).collect()
    };
    let judged = |old: &Cells, new: &Cells| -> Cells {
        let is_set = |name: &str| payload.columns.iter().any(|column| column.name == name);
        let value = |(name, (old, new)): (&str, (&Cell, &Cell))| if is_set(name) { new.clone() } else { old.clone() };
        table.column_names().zip(old.iter().zip(new)).map(value).collect()
    };
    let new: Vec<Cells> = payload.rows.iter().map(|row| made(row)).collect();
    let mut refused = new.iter().filter(|row| !rules.may(&identity, 'i', table, row)).count();
    let taken = |row: &Cells| before.iter().find(|old| is_same(table, table.key, old, row));
    if conflict == Some(Resolution::Merge) {
        let may_merge = |old: &Cells, row: &Cells| {
            rules.may(&identity, 'u', table, old) && rules.may(&identity, 'u', table, &judged(old, row))
        };
        refused += new.iter().filter(|row| taken(row).is_some_and(|old| !may_merge(old, row))).count();
    }
    let what = format!("{identity:?}: insert {} {conflict:?} {body}", table.name);
    let returned = match performed(&database, &write, table, [refused, new.len()], &what) {
        Ok(returned) => returned,
        Err(failure) => {
            let key = table.key.iter().map(|column| format!("{}.{column}", table.name)).collect::<Vec<_>>().join(", ");
            assert!(
                conflict.is_none() || !failure.ends_with(&format!("UNIQUE constraint failed: {key}")),
                "{what}: {failure}"
            );
            return;
        }
    };
    let (mut after, mut written) = (before.clone(), Vec::new());
    for row in new.iter().filter(|_| refused == 0) {
        let place = after.iter().position(|old| is_same(table, table.key, old, row));
        match (place, conflict) {
            (None, _) => after.push(row.clone()),
            (Some(place), Some(Resolution::Merge)) => after[place] = merged(&after[place], row),
            (Some(_), Some(Resolution::Ignore)) => continue,
            (Some(_), None) => panic!("{what}: a key is there twice"),
        }
        written.push(row.clone());
    }
    assert_eq!(by_key(table, all(&database, table)), by_key(table, after), "{what}");
    assert_eq!(told_keys(table, &returned), keys(table, &written), "{what}: returned");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn callers_change_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_update(seed);
    }

    #[test]
    fn callers_remove_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_delete(seed);
    }

    #[test]
    fn callers_make_the_rows_that_the_rules_let_them(seed in any::<u64>()) {
        check_insert(seed);
    }
}
