//! Searches for words as conditions: which rows they find, beside the words that the rows have.

use promptmeter::http::identity::Identity;

use crate::database::{self, answer_json, request};

/// Goals, one of each prompt.
const GOALS: [Option<&str>; 6] =
    [Some("calm kernel"), Some("kernel calm"), Some("calm"), Some("a mouse"), Some(""), None];

/// The places of the goals that a condition finds.
fn found(database: &rusqlite::Connection, name: &str, condition: &str) -> Vec<u64> {
    let request = request("prompts", &[("select", "slug"), (name, condition), ("order", "slug")])
        .unwrap_or_else(|error| panic!("{condition}: {error:?}"));
    let told = answer_json(database, &Identity::Anonymous, &request);
    let place = |row: &serde_json::Value| row["slug"].as_str().unwrap()[1..].parse().unwrap();
    told.as_array().unwrap().iter().map(place).collect()
}

#[test]
fn conditions_find_the_rows_that_have_the_words() {
    let database = database::open();
    let me = database::user_id(1).to_string();
    database::execute(&database, "insert into users values (?1, null, '2026')", &[&me]);
    for (place, goal) in GOALS.iter().enumerate() {
        let sql = "insert into prompts (id, slug, user_id, title, goal, template, is_public, is_active, created_at, updated_at) \
            values ('00000000-0000-4000-8000-00000000000' || ?1, 's' || ?1, ?2, 'a title', ?3, 't', 1, 1, '2026', '2026')";
        database.execute(sql, (place.to_string(), &me, goal)).unwrap();
    }
    for (name, condition, expected) in [
        ("goal", "plfts.calm", &[0, 1, 2][..]),
        ("goal", "plfts.kernel calm", &[0, 1]),
        ("goal", "phfts.kernel calm", &[1]),
        ("goal", "fts.calm & !kernel", &[2]),
        ("goal", "fts.mouse | kernel", &[0, 1, 3]),
        ("goal", "wfts.-calm", &[3, 4]),
        ("goal", "wfts.calm -kernel", &[2]),
        ("goal", "wfts.mouse or \"calm kernel\"", &[0, 3]),
        // A null has no words, and does not lack any.
        ("goal", "not.plfts.calm", &[3, 4]),
        ("goal", "not.fts.!calm", &[0, 1, 2]),
        ("goal", "plfts.", &[]),
        ("goal", "not.plfts.", &[0, 1, 2, 3, 4]),
        ("title", "plfts.calm", &[]),
        ("title", "plfts.title", &[0, 1, 2, 3, 4, 5]),
        ("or", "(goal.plfts.mouse,goal.phfts.calm kernel)", &[0, 3]),
        ("or", "(goal.not.plfts.calm,goal.is.null)", &[3, 4, 5]),
    ] {
        assert_eq!(found(&database, name, condition), expected, "{name}={condition}");
    }
}
