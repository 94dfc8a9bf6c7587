//! Who may do what, and what is remembered about prompts.

use promptmeter::data::policy::{Action, may_see, require_service, require_user, unknown_prompt};
use promptmeter::data::prompt::PromptAccess;
use promptmeter::data::prompt::PromptName;
use promptmeter::data::prompt_cache::{CAPACITY, LIFETIME_MS, PromptCache};
use promptmeter::data::tables::table;
use promptmeter::http::identity::{Identity, User};
use promptmeter::http::problem::Code;
use promptmeter::sql::predicate::allowed;
use uuid::Uuid;

const OWNER: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const NOW_MS: i64 = 1_800_000_000_000;

fn user(id: Uuid) -> User {
    User { id, email: None }
}

fn prompt(is_public: bool, is_active: bool) -> PromptAccess {
    PromptAccess { id: Uuid::from_u128(7), owner: OWNER, is_public, is_active }
}

/// Whether a caller sees a prompt that is public and active, public alone, active alone, neither.
fn check_sight(identity: &Identity, expected: [bool; 4]) {
    let prompts = [prompt(true, true), prompt(true, false), prompt(false, true), prompt(false, false)];
    assert_eq!(prompts.map(|prompt| may_see(identity, &prompt)), expected, "{identity:?}");
}

#[test]
fn owners_and_the_service_see_all_and_others_what_is_public_and_active() {
    check_sight(&Identity::Anonymous, [true, false, false, false]);
    check_sight(&Identity::User(user(OTHER)), [true, false, false, false]);
    check_sight(&Identity::User(user(OWNER)), [true; 4]);
    check_sight(&Identity::Service(None), [true; 4]);
    check_sight(&Identity::Service(Some(user(OTHER))), [true; 4]);
}

fn check_rights(identity: &Identity, as_user: Result<Uuid, Code>, as_service: Result<(), Code>) {
    let user = require_user(identity).map(|user| user.id).map_err(|problem| problem.code);
    assert_eq!(user, as_user, "{identity:?}");
    assert_eq!(require_service(identity).map_err(|problem| problem.code), as_service, "{identity:?}");
}

#[test]
fn acts_are_a_users_and_data_is_the_services() {
    check_rights(&Identity::Anonymous, Err(Code::UserRequired), Err(Code::CredentialRequired));
    check_rights(&Identity::User(user(OTHER)), Ok(OTHER), Err(Code::ServiceRequired));
    check_rights(&Identity::Service(None), Err(Code::UserRequired), Ok(()));
    check_rights(&Identity::Service(Some(user(OTHER))), Ok(OTHER), Ok(()));
}

#[test]
fn an_unknown_prompt_and_an_invisible_one_are_told_alike() {
    let problem = unknown_prompt();
    assert_eq!((problem.code, problem.pointer), (Code::UnknownPrompt, None));
}

fn name(number: usize) -> PromptName {
    PromptName::Slug(number.to_string())
}

fn check_known(cache: &PromptCache, number: usize, now_ms: i64, expected: Option<&PromptAccess>) {
    assert_eq!(cache.get(&name(number), now_ms), expected, "{number} at {now_ms}");
}

#[test]
fn a_prompt_is_remembered_for_a_minute() {
    assert_eq!(LIFETIME_MS, 60_000);
    let found = prompt(true, true);
    let mut cache = PromptCache::default();
    cache.insert(name(1), found.clone(), NOW_MS);
    check_known(&cache, 1, NOW_MS, Some(&found));
    check_known(&cache, 1, NOW_MS + 59_999, Some(&found));
    check_known(&cache, 1, NOW_MS + 60_000, None);
    check_known(&cache, 1, NOW_MS + 1_000_000, None);
}

#[test]
fn a_prompt_that_is_found_again_is_remembered_anew_and_as_it_is_now() {
    let (before, now) = (prompt(true, true), prompt(false, true));
    let mut cache = PromptCache::default();
    cache.insert(name(1), before, NOW_MS);
    cache.insert(name(1), now.clone(), NOW_MS + 30_000);
    check_known(&cache, 1, NOW_MS + 30_000, Some(&now));
    cache.insert(name(2), now.clone(), NOW_MS + 60_000);
    check_known(&cache, 1, NOW_MS + 89_999, Some(&now));
    check_known(&cache, 1, NOW_MS + 90_000, None);
}

#[test]
fn what_was_not_found_is_not_remembered() {
    let found = prompt(true, true);
    let mut cache = PromptCache::default();
    check_known(&cache, 1, NOW_MS, None);
    cache.insert(name(2), found.clone(), NOW_MS);
    check_known(&cache, 1, NOW_MS, None);
    assert_eq!(cache.get(&PromptName::Id(Uuid::from_u128(7)), NOW_MS), None);
    cache.insert(name(1), found.clone(), NOW_MS);
    check_known(&cache, 1, NOW_MS, Some(&found));
}

#[test]
fn beyond_its_capacity_the_oldest_go_first() {
    let found = prompt(true, true);
    let mut cache = PromptCache::default();
    for number in 0..CAPACITY + 2 {
        cache.insert(name(number), found.clone(), NOW_MS);
    }
    for number in [0, 1] {
        check_known(&cache, number, NOW_MS, None);
    }
    for number in [2, 3, CAPACITY / 2, CAPACITY + 1] {
        check_known(&cache, number, NOW_MS, Some(&found));
    }
    let known = (0..CAPACITY + 2).filter(|&number| cache.get(&name(number), NOW_MS).is_some()).count();
    assert_eq!(known, CAPACITY);
}

#[test]
fn what_is_allowed_depends_on_the_columns_that_the_rules_name() {
    let user = Identity::User(user(OWNER));
    for (name, action, identity, columns, expected) in [
        ("prompts", Action::Update, &user, &["user_id"][..], true),
        ("prompts", Action::Update, &user, &["title", "is_public"], false),
        ("prompts", Action::Select, &user, &["title", "is_public"], true),
        ("prompts", Action::Select, &user, &["is_active"], true),
        ("prompts", Action::Select, &user, &["title", "id"], false),
        ("prompts", Action::Select, &Identity::Anonymous, &["user_id"], false),
        ("prompts", Action::Select, &Identity::Service(None), &["user_id", "is_public"], false),
        ("prompt_answers", Action::Update, &user, &["prompt_id"], true),
        ("prompt_answers", Action::Update, &user, &["answer", "user_id"], false),
        ("test_results", Action::Insert, &user, &["prompt_id"], true),
        ("test_results", Action::Insert, &user, &["user_id"], true),
        ("test_results", Action::Insert, &user, &["output"], false),
        ("experiments", Action::Select, &user, &["id"], false),
    ] {
        let allowed = allowed(table(name).unwrap(), action, identity);
        assert_eq!(allowed.reads(columns), expected, "{action:?} {name} {columns:?} {identity:?}");
        assert!(!allowed.reads(&[]), "{action:?} {name}");
    }
}
