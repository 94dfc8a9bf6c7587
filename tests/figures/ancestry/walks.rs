//! How a lineage is found.

use super::*;

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
