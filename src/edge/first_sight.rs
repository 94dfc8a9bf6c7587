//! Makes the row of a user when a token names one for the first time.

use std::cell::RefCell;
use std::collections::HashMap;

use uuid::Uuid;
use worker::{Context, Env, Result};

use super::d1;
use super::runtime::log_failure;
use crate::http::identity::User;

/// Users that an isolate remembers at the most; then it starts anew, and asks for rows that are there.
const REMEMBERED_USERS: usize = 10_000;

/// A user, and whether the token told the e-mail.
type Sight = (Uuid, bool);

thread_local! {
    /// Whether the row of a user is there; it is being made of those for whom it is not.
    static SEEN: RefCell<HashMap<Sight, bool>> = RefCell::default();
}

/// Sees to the row of a user, after the answer. What needs the row itself makes it in the same transaction, or
/// [waits](wait_for_row) for it.
pub(super) fn note(env: &Env, context: &Context, user: &User, now_ms: i64) {
    if is_new(sight(user)) {
        let (env, user) = (env.clone(), user.clone());
        context.wait_until(async move {
            if let Err(error) = make(&env, &user, now_ms).await {
                SEEN.with_borrow_mut(|seen| seen.remove(&sight(&user)));
                log_failure("user", &error.to_string());
            }
        });
    }
}

/// Sees to it that the row of a user is there.
pub(super) async fn wait_for_row(env: &Env, user: &User, now_ms: i64) -> Result<()> {
    let is_there = SEEN.with_borrow(|seen| seen.get(&sight(user)).is_some_and(|is_there| *is_there));
    if is_there { Ok(()) } else { make(env, user, now_ms).await }
}

async fn make(env: &Env, user: &User, now_ms: i64) -> Result<()> {
    d1::run(d1::users::make(&d1::database(env)?, &[user], now_ms)?).await?;
    SEEN.with_borrow_mut(|seen| seen.insert(sight(user), true));
    Ok(())
}

fn sight(user: &User) -> Sight {
    (user.id, user.email.is_some())
}

fn is_new(sight: Sight) -> bool {
    SEEN.with_borrow_mut(|seen| {
        if seen.len() >= REMEMBERED_USERS {
            seen.clear();
        }
        let is_new = !seen.contains_key(&sight);
        if is_new {
            seen.insert(sight, false);
        }
        is_new
    })
}
