//! Makes the row of a user when a token names one for the first time.

use std::cell::RefCell;
use std::collections::HashSet;

use uuid::Uuid;
use worker::{Context, Env, Result};

use super::d1;
use super::runtime::log_failure;
use crate::http::identity::User;

/// Users that an isolate remembers at the most; then it starts anew, and asks for rows that are there.
const REMEMBERED_USERS: usize = 10_000;

thread_local! {
    /// Users, and whether their token told their e-mail.
    static SEEN: RefCell<HashSet<(Uuid, bool)>> = RefCell::default();
}

/// Sees to the row of a user, after the answer. What needs the row itself makes it in the same transaction.
pub(super) fn note(env: &Env, context: &Context, user: &User, now_ms: i64) {
    let sight = (user.id, user.email.is_some());
    if is_new(sight) {
        let (env, user) = (env.clone(), user.clone());
        context.wait_until(async move {
            if let Err(error) = make(&env, &user, now_ms).await {
                SEEN.with_borrow_mut(|seen| seen.remove(&sight));
                log_failure("user", &error.to_string());
            }
        });
    }
}

async fn make(env: &Env, user: &User, now_ms: i64) -> Result<()> {
    d1::run(d1::users::make(&d1::database(env)?, &[user], now_ms)?).await.map(drop)
}

fn is_new(sight: (Uuid, bool)) -> bool {
    SEEN.with_borrow_mut(|seen| {
        if seen.len() >= REMEMBERED_USERS {
            seen.clear();
        }
        seen.insert(sight)
    })
}
