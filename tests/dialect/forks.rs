//! Forks: who may copy which prompt, and what the copy is.

use promptmeter::http::identity::Identity;
use promptmeter::rest::rows::Cell;
use promptmeter::sql::fork::{Fork, fork};
use rusqlite::Connection;
use uuid::Uuid;

use crate::database::{NOW, execute, open, rows_of, run, user, user_id};

const PARENT: Uuid = Uuid::from_u128(1);
const CHILD: Uuid = Uuid::from_u128(2);

/// A prompt of user 1.
fn library(is_public: bool, is_active: bool) -> Connection {
    let database = open();
    for number in [1, 2] {
        execute(&database, "insert into users (id, created_at) values (?1, 'then')", &[&user_id(number).to_string()]);
    }
    let sql = "insert into prompts (id, slug, user_id, title, goal, template, variables, negative_prompt, category, tags, \
        is_public, is_active, created_at, updated_at) values \
        (?1, 'slug', ?2, 'title', 'goal', 'template', '{}', 'no', 'c', '[\"a\"]', ?3, ?4, 'then', 'then')";
    let flag = |is: bool| if is { "1" } else { "0" };
    execute(&database, sql, &[&PARENT.to_string(), &user_id(1).to_string(), flag(is_public), flag(is_active)]);
    database
}

/// Forks for user 2, as somebody asks; whether there is a copy, of which an event tells.
fn is_forked(database: &Connection, identity: &Identity) -> bool {
    let wanted = Fork { parent: PARENT, child: CHILD, owner: user_id(2), now: NOW };
    let [copy, event] = fork(&wanted, identity);
    run(database, &copy).unwrap();
    let told = run(database, &event).unwrap();
    assert!(told.is_empty() || told == [[Cell::Text(CHILD.to_string())]]);
    !told.is_empty()
}

#[test]
fn who_sees_a_prompt_may_fork_it_while_it_is_active() {
    let service = Identity::Service(None);
    for (is_public, is_active, identity, expected) in [
        (true, true, Identity::Anonymous, true),
        (true, true, user(2), true),
        (true, true, service.clone(), true),
        (false, true, Identity::Anonymous, false),
        (false, true, user(2), false),
        (false, true, user(1), true),
        (false, true, service.clone(), true),
        (true, false, user(1), false),
        (true, false, service, false),
    ] {
        let database = library(is_public, is_active);
        let what = format!("public {is_public}, active {is_active}: {identity:?}");
        assert_eq!(is_forked(&database, &identity), expected, "{what}");
        let copies = rows_of(&database, "select 1 from prompts where forked_from is not null");
        let events = rows_of(&database, "select 1 from prompt_events");
        assert_eq!((copies.len(), events.len()), (usize::from(expected), usize::from(expected)), "{what}");
    }
    let empty = open();
    assert!(!is_forked(&empty, &Identity::Service(None)));
}

#[test]
fn a_copy_is_private_to_its_owner_and_has_all_but_the_slug() {
    let database = library(true, true);
    assert!(is_forked(&database, &user(2)));
    let columns = "title, goal, template, variables, negative_prompt, category, tags";
    let texts = |id: Uuid| rows_of(&database, &format!("select {columns} from prompts where id = '{id}'"));
    assert_eq!(texts(CHILD), texts(PARENT));
    let own =
        "select slug, user_id, is_public, is_active, forked_from, created_at, updated_at from prompts where id = ";
    let text = |text: &str| Cell::Text(text.to_owned());
    let (owner, parent) = (text(&user_id(2).to_string()), text(&PARENT.to_string()));
    let expected =
        [Cell::Null, owner.clone(), Cell::Number(0.0), Cell::Number(1.0), parent.clone(), text(NOW), text(NOW)];
    assert_eq!(rows_of(&database, &format!("{own}'{CHILD}'")), [expected]);
    let event =
        rows_of(&database, "select id, prompt_id, user_id, event_type, child_prompt_id, created_at from prompt_events");
    let child = text(&CHILD.to_string());
    assert_eq!(event, [[child.clone(), parent, owner, text("fork"), child, text(NOW)]]);
}
