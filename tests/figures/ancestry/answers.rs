//! What is told of a lineage, to whom.

use super::*;

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
