//! A small library of prompts that are ranked.

#![allow(dead_code, reason = "every test uses a part of it")]

use promptmeter::rankings::leaving::Leaving;
use promptmeter::rest::rows::Cell;
use promptmeter::time::timestamp_from_ms;
use rusqlite::Connection;
use uuid::Uuid;

use crate::database::{execute, open, run};

pub(crate) const NOW_MS: i64 = 1_800_000_000_000;
pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const PROMPTS: usize = 3;
pub(crate) const USERS: usize = 3;

pub(crate) fn prompt_id(number: usize) -> String {
    Uuid::from_u128(number as u128).to_string()
}

pub(crate) fn stored(at_ms: i64) -> String {
    timestamp_from_ms(at_ms).unwrap()
}

pub(crate) fn make_prompt(database: &Connection, number: usize, is_public: bool) {
    let sql = "insert into prompts (id, slug, user_id, title, template, category, is_public, is_active, created_at, updated_at) \
        values (?1, ?2, 'u0', ?3, '', 'c', ?4, 1, 'then', 'then')";
    let (slug, title) = (format!("slug-{number}"), format!("Title {number}"));
    execute(database, sql, &[&prompt_id(number), &slug, &title, if is_public { "1" } else { "0" }]);
}

pub(crate) fn library() -> Connection {
    let database = open();
    for number in 0..USERS {
        execute(&database, "insert into users (id, created_at) values (?1, 'then')", &[&format!("u{number}")]);
    }
    (0..PROMPTS).for_each(|number| make_prompt(&database, number, true));
    database
}

/// Does what the cron does; gives how many slices it took.
pub(crate) fn leave_all(database: &Connection, now_ms: i64) -> usize {
    let mut slices = 0;
    for leaving in Leaving::all(now_ms) {
        loop {
            let bound = run(database, &leaving.bound()).unwrap().remove(0);
            let (slice, is_last) = leaving.clone().slice(text(&bound[0]), text(&bound[1]));
            let transaction = database.unchecked_transaction().unwrap();
            for statement in slice.leave() {
                run(&transaction, &statement).unwrap();
            }
            transaction.commit().unwrap();
            slices += 1;
            if is_last {
                break;
            }
        }
    }
    slices
}

pub(crate) fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        Cell::Null | Cell::Number(_) => None,
    }
}
