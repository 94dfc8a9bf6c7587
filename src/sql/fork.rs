//! A fork as SQL: a copy of a prompt under a new owner, and the event that tells of it.

use uuid::Uuid;

use super::predicate::allowed;
use super::statement::Statement;
use crate::data::policy::Action;
use crate::data::tables::PROMPTS;
use crate::http::identity::Identity;

/// A fork to make.
#[derive(Clone, Copy, Debug)]
pub struct Fork<'a> {
    /// The prompt to copy.
    pub parent: Uuid,
    /// The id of the copy.
    pub child: Uuid,
    /// The owner of the copy.
    pub owner: Uuid,
    /// When, as stored.
    pub now: &'a str,
}

/// Copies the prompt, unless it is gone, not active, or not to be seen; then notes the event, if there is a copy. Two
/// statements of one transaction. The copy is private and has no slug, which stays its parent's.
#[must_use]
pub fn fork(fork: &Fork<'_>, identity: &Identity) -> [Statement; 2] {
    let (child, owner) = (fork.child.to_string(), fork.owner.to_string());
    let mut copy = Statement::new(
        "insert into prompts (id, user_id, title, goal, template, variables, negative_prompt, category, tags, \
            is_public, is_active, forked_from, created_at, updated_at) select ",
    );
    copy.bind_text(&child).push(", ").bind_text(&owner);
    copy.push(", title, goal, template, variables, negative_prompt, category, tags, 0, 1, id, ");
    copy.bind_text(fork.now).push(", ").bind_text(fork.now).push(" from prompts p where p.id = ");
    copy.bind_text(fork.parent.to_string()).push(" and p.is_active = 1 and ");
    allowed(&PROMPTS, Action::Select, identity).push_on(&mut copy, "p");
    let mut event = Statement::new(
        "insert into prompt_events (id, prompt_id, user_id, event_type, child_prompt_id, created_at) \
            select id, forked_from, user_id, 'fork', id, created_at from prompts where id = ",
    );
    event.bind_text(&child).push(" returning id as c0");
    [copy, event]
}
