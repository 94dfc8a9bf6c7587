//! What the functions do in the database, as SQL.

use uuid::Uuid;

use super::columns::bound_bytes;
use super::rows::{Shape, Slot};
use crate::data::policy::Action;
use crate::data::schema::Kind;
use crate::data::tables::{PROMPT_TEMPLATES, PROMPTS};
use crate::http::identity::Identity;
use crate::limits::ANSWER_BYTES;
use crate::sql::predicate::allowed;
use crate::sql::statement::{Statement, Value};

/// Who calls, and when.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Who.
    pub identity: &'a Identity,
    /// When, as stored.
    pub now: &'a str,
}

/// The columns of `get_popular_templates`: the table's name in the statement, the column, what it holds.
const POPULAR_COLUMNS: &[(&str, &str, Kind)] = &[
    ("t", "id", Kind::Uuid),
    ("t", "prompt_id", Kind::Uuid),
    ("p", "title", Kind::Text),
    ("p", "goal", Kind::Text),
    ("p", "template", Kind::Text),
    ("t", "category", Kind::Text),
    ("t", "tags", Kind::TextArray),
    ("t", "likes_count", Kind::Integer),
    ("t", "uses_count", Kind::Integer),
    ("t", "created_at", Kind::Timestamp),
];

/// The places of those that may be large: title, goal, template.
const POPULAR_LARGE: &[usize] = &[2, 3, 4];

/// The templates that are liked most, and among those the most used.
#[must_use]
pub fn popular_templates(limit: i64, category: Option<&str>, identity: &Identity) -> (Statement, Shape) {
    let mut statement = Statement::new("select ");
    let mut shape = Shape::default();
    for (place, (alias, name, kind)) in POPULAR_COLUMNS.iter().enumerate() {
        statement.push(if place == 0 { "" } else { ", " }).push(alias).push(".").push(name);
        statement.push(" as c").push(&place.to_string());
        shape.fields.push(((*name).to_owned(), Slot::Cell(place, *kind)));
    }
    statement.push(" from prompt_templates t cross join prompts p where p.id = t.prompt_id and ");
    allowed(&PROMPT_TEMPLATES, Action::Select, identity).push_on(&mut statement, "t");
    if let Some(category) = category {
        statement.push(" and t.category = ").bind_text(category);
    }
    statement.push(" order by t.likes_count desc, t.uses_count desc limit ").bind(Value::Integer(limit));
    shape.bytes = bound_bytes(&mut statement, POPULAR_COLUMNS.len(), POPULAR_LARGE, ANSWER_BYTES);
    (statement, shape)
}

/// Notes that a user likes a template, once.
#[must_use]
pub fn like(template: Uuid, user: Uuid, caller: Caller<'_>) -> Statement {
    let mut statement = Statement::new("insert into template_likes (template_id, user_id, created_at) select t.id, ");
    statement.bind_text(user.to_string()).push(", ").bind_text(caller.now);
    push_template(&mut statement, " from prompt_templates t where t.id = ", template, caller.identity);
    statement.push(" on conflict do nothing");
    statement
}

/// Counts a use of a template.
#[must_use]
pub fn count_use(template: Uuid, identity: &Identity) -> Statement {
    let mut statement = Statement::default();
    let update = "update prompt_templates as t set uses_count = uses_count + 1 where t.id = ";
    push_template(&mut statement, update, template, identity);
    statement
}

fn push_template(statement: &mut Statement, text: &str, template: Uuid, identity: &Identity) {
    statement.push(text).bind_text(template.to_string()).push(" and ");
    allowed(&PROMPT_TEMPLATES, Action::Select, identity).push_on(statement, "t");
}

/// A call of `increment_fork_count`.
#[derive(Clone, Debug)]
pub struct ForkCall {
    /// The prompt.
    pub prompt_id: Uuid,
    /// The user whose fork it is, where one is known.
    pub user: Option<Uuid>,
    /// Names the call: made again under it, it does nothing more.
    pub key: String,
    /// The id of the event that is made where there is none to claim.
    pub event_id: Uuid,
}

/// Claims the user's, or without one anybody's, oldest fork event of the prompt that no call has claimed, or else makes one, of which it gives the
/// id. Two statements of one transaction.
#[must_use]
pub fn count_fork(call: &ForkCall, caller: Caller<'_>) -> [Statement; 2] {
    let (prompt_id, user) = (call.prompt_id.to_string(), call.user.map(|user| user.to_string()));
    let push_unknown_call = |statement: &mut Statement| {
        statement.push(" and not exists (select 1 from prompt_events where prompt_id = ").bind_text(&prompt_id);
        statement.push(" and claimed_by = ").bind_text(&call.key).push(")");
    };
    let user = user.map_or(Value::Null, Value::Text);
    let mut claim = Statement::new("update prompt_events set claimed_by = ");
    claim.bind_text(&call.key).push(" where prompt_id = ").bind_text(&prompt_id);
    claim.push(" and id = (select id from prompt_events where prompt_id = ").bind_text(&prompt_id);
    // The service that names no user acts for whoever's event it stored.
    if call.user.is_some() {
        claim.push(" and user_id = ").bind(user.clone());
    }
    claim.push(" and event_type = 'fork' and claimed_by is null order by created_at, id limit 1)");
    push_unknown_call(&mut claim);
    let mut make = Statement::new(
        "insert into prompt_events (id, prompt_id, user_id, event_type, created_at, claimed_by) select ",
    );
    make.bind_text(call.event_id.to_string()).push(", p.id, ").bind(user).push(", 'fork', ").bind_text(caller.now);
    make.push(", ").bind_text(&call.key).push(" from prompts p where p.id = ").bind_text(&prompt_id).push(" and ");
    allowed(&PROMPTS, Action::Select, caller.identity).push_on(&mut make, "p");
    push_unknown_call(&mut make);
    make.push(" returning id as c0");
    [claim, make]
}
