//! The requests that a prompt library is known to send, as `@supabase/supabase-js` writes them.

#![allow(dead_code, reason = "every target uses a part of it")]

use promptmeter::http::identity::{Identity, User};
use promptmeter::http::query::Query as Parameters;
use promptmeter::rest::error::DataError;
use promptmeter::rest::function::{Arguments, Function};
use promptmeter::rest::function_sql::{self, Caller, ForkCall};
use promptmeter::rest::insert_sql;
use promptmeter::rest::payload::{Origin, Payload};
use promptmeter::rest::preference::RequestHeaders;
use promptmeter::rest::read_sql;
use promptmeter::rest::request::Request;
use promptmeter::rest::write_sql::{self, Demand, Write};
use promptmeter::sql::statement::Statement;
use uuid::Uuid;

const NOW: &str = "2026-11-20T12:00:00.000000+00:00";

/// A request.
pub(crate) struct Listed {
    /// What it is, as an application writes it.
    pub(crate) name: &'static str,
    pub(crate) call: Call,
}

/// What is asked for: the name of a table or function, the query string, `Prefer`, the body.
pub(crate) enum Call {
    Read(&'static str, &'static str, &'static str),
    Insert(&'static str, &'static str, &'static str, &'static str),
    Update(&'static str, &'static str, &'static str),
    Delete(&'static str, &'static str),
    Function(&'static str, &'static str),
}

use Call::{Delete, Function as Rpc, Insert, Read, Update};

const fn listed(name: &'static str, call: Call) -> Listed {
    Listed { name, call }
}

/// The requests.
pub(crate) const REQUESTS: &[Listed] = &[
    listed("rpc increment_fork_count", Rpc("increment_fork_count", PROMPT_ARGUMENT)),
    listed("rpc increment_likes_count", Rpc("increment_likes_count", TEMPLATE_ARGUMENT)),
    listed("rpc increment_uses_count", Rpc("increment_uses_count", TEMPLATE_ARGUMENT)),
    listed("rpc get_popular_templates", Rpc("get_popular_templates", r#"{"limit_count":10}"#)),
    listed(
        "rpc get_popular_templates of a category",
        Rpc("get_popular_templates", r#"{"limit_count":10,"category_filter":"category3"}"#),
    ),
    listed(
        "insert a fork",
        Insert(
            "prompt_events",
            "columns=%22prompt_id%22%2C%22user_id%22%2C%22event_type%22",
            "",
            r#"[{"prompt_id":"00000000-0000-0000-0000-000000000007","user_id":"00000000-0000-0000-0000-0000abcd0001","event_type":"fork"}]"#,
        ),
    ),
    listed(
        "insert a use",
        Insert(
            "prompt_usage",
            "columns=%22prompt_id%22%2C%22scene%22%2C%22success%22%2C%22generation_time_ms%22",
            "",
            r#"[{"prompt_id":"00000000-0000-0000-0000-000000000007","scene":"cafe","success":true,"generation_time_ms":1200}]"#,
        ),
    ),
    listed(
        "a user's prompts with their answers",
        Read(
            "prompts",
            "select=*%2Cprompt_answers(*)&user_id=eq.00000000-0000-0000-0000-0000abcd0001&order=created_at.desc",
            "",
        ),
    ),
    listed(
        "insert a prompt, and tell it",
        Insert(
            "prompts",
            "select=*",
            "return=representation",
            r#"{"user_id":"00000000-0000-0000-0000-0000abcd0001","title":"A title","template":"Say {{word}}","tags":["a","b"],"is_public":true}"#,
        ),
    ),
    listed(
        "insert its answers",
        Insert(
            "prompt_answers",
            "columns=%22prompt_id%22%2C%22question%22%2C%22answer%22",
            "",
            r#"[{"prompt_id":"00000000-0000-0000-0000-000000000007","question":"Who?","answer":"You"},{"prompt_id":"00000000-0000-0000-0000-000000000007","question":"What?","answer":"This"}]"#,
        ),
    ),
    listed(
        "search templates of a category",
        Read(
            "prompt_templates",
            "select=*%2Cprompts!inner(title%2Cgoal%2Ctemplate)&category=eq.category3&or=(prompts.title.ilike.%25word%25%2Cprompts.goal.ilike.%25word%25)&order=likes_count.desc&limit=20",
            "",
        ),
    ),
    listed(
        "the same through the referenced table",
        Read(
            "prompt_templates",
            "select=*%2Cprompts!inner(title%2Cgoal%2Ctemplate)&category=eq.category3&prompts.or=(title.ilike.%25word%25%2Cgoal.ilike.%25word%25)&order=likes_count.desc&limit=20",
            "",
        ),
    ),
    listed(
        "search templates of every category",
        Read(
            "prompt_templates",
            "select=*%2Cprompts!inner(title%2Cgoal%2Ctemplate)&or=(prompts.title.ilike.%25word%25%2Cprompts.goal.ilike.%25word%25)&order=likes_count.desc&limit=20",
            "",
        ),
    ),
    listed(
        "upsert a prompt",
        Insert(
            "prompts",
            "on_conflict=id&select=*",
            "return=representation,resolution=merge-duplicates",
            r#"{"id":"00000000-0000-0000-0000-000000000007","user_id":"00000000-0000-0000-0000-0000abcd0001","title":"Another","template":"Say {{word}}"}"#,
        ),
    ),
    listed(
        "keep a prompt at hand, once",
        Insert(
            "prompt_favorites",
            "on_conflict=user_id%2Cprompt_id",
            "resolution=ignore-duplicates",
            r#"{"user_id":"00000000-0000-0000-0000-0000abcd0001","prompt_id":"00000000-0000-0000-0000-000000000007"}"#,
        ),
    ),
    listed(
        "change a prompt",
        Update(
            "prompts",
            "id=eq.00000000-0000-0000-0000-000000000007&select=*",
            r#"{"title":"New","is_public":false}"#,
        ),
    ),
    listed(
        "change the owner of a prompt",
        Update(
            "prompts",
            "id=eq.00000000-0000-0000-0000-000000000007",
            r#"{"user_id":"00000000-0000-0000-0000-0000abcd0002"}"#,
        ),
    ),
    listed(
        "change a template",
        Update("prompt_templates", "id=eq.00000000-0000-0000-0000-000001000007", r#"{"category":"category4"}"#),
    ),
    listed("remove a prompt", Delete("prompts", "id=eq.00000000-0000-0000-0000-000000000007")),
    listed("remove a user's prompts", Delete("prompts", "user_id=eq.00000000-0000-0000-0000-0000abcd0001")),
    listed("remove a template", Delete("prompt_templates", "id=eq.00000000-0000-0000-0000-000001000007")),
    listed("one prompt, perhaps", Read("prompts", "select=*&id=eq.00000000-0000-0000-0000-000000000007", "")),
    listed("a prompt by its slug", Read("prompts", "select=*&slug=eq.slug7", "")),
    listed(
        "count a user's prompts",
        Read("prompts", "select=*&user_id=eq.00000000-0000-0000-0000-0000abcd0001", "count=exact"),
    ),
    listed(
        "a page of the newest public prompts",
        Read("prompts", "select=*&is_public=eq.true&is_active=is.true&order=created_at.desc&offset=20&limit=20", ""),
    ),
    listed(
        "some prompts",
        Read(
            "prompts",
            "select=id%2Ctitle&id=in.(00000000-0000-0000-0000-000000000007%2C00000000-0000-0000-0000-000000000008)",
            "",
        ),
    ),
    listed(
        "prompts of a category",
        Read("prompts", "select=*&category=eq.category3&order=created_at.desc&limit=20", ""),
    ),
    listed(
        "a user's forks",
        Read(
            "prompt_events",
            "select=*&user_id=eq.00000000-0000-0000-0000-0000abcd0001&event_type=eq.fork&order=created_at.desc",
            "",
        ),
    ),
    listed(
        "a prompt's events",
        Read("prompt_events", "select=*&prompt_id=eq.00000000-0000-0000-0000-000000000007", ""),
    ),
    listed(
        "a user's uses, newest first",
        Read(
            "prompt_usage",
            "select=*&user_id=eq.00000000-0000-0000-0000-0000abcd0001&order=created_at.desc&limit=50",
            "",
        ),
    ),
    listed(
        "a user's uses of a prompt that failed",
        Read(
            "prompt_usage",
            "select=scene%2Cerror_message&prompt_id=eq.00000000-0000-0000-0000-000000000007&success=is.false&order=created_at.desc",
            "",
        ),
    ),
    listed(
        "a user's prompts with their uses",
        Read(
            "prompts",
            "select=id%2Ctitle%2Cprompt_usage(scene%2Csuccess)&user_id=eq.00000000-0000-0000-0000-0000abcd0001",
            "",
        ),
    ),
    listed(
        "a user's favourites",
        Read(
            "user_favorites",
            "select=*%2Cprompt_templates(*%2Cprompts(title))&user_id=eq.00000000-0000-0000-0000-0000abcd0001",
            "",
        ),
    ),
    listed(
        "a prompt's template and figures",
        Read(
            "prompts",
            "select=id%2Cprompt_stats(*)%2Cprompt_templates(*)&id=eq.00000000-0000-0000-0000-000000000007",
            "",
        ),
    ),
    listed(
        "the most viewed prompts",
        Read(
            "prompt_stats",
            "select=prompt_id%2Cview_count%2Ccopy_count%2Cfork_count&order=view_count.desc&limit=10",
            "",
        ),
    ),
];

const PROMPT_ARGUMENT: &str = r#"{"prompt_id":"00000000-0000-0000-0000-000000000007"}"#;
const TEMPLATE_ARGUMENT: &str = r#"{"template_id":"00000000-0000-0000-0000-000001000007"}"#;

/// The user whose ids stand in the requests.
pub(crate) fn caller() -> Identity {
    Identity::User(User { id: Uuid::from_u128(0xabcd_0001), email: None })
}

impl Listed {
    /// From the request to SQL.
    pub(crate) fn compile(&self, identity: &Identity) -> Result<Vec<Statement>, DataError> {
        match self.call {
            Read(table, query, prefer) => {
                let request = read(table, query, prefer)?;
                let read = read_sql::read(&request.query, identity, request.preferences.counts)?;
                Ok([read.rows]
                    .into_iter()
                    .chain(read.children.into_iter().map(|child| child.0))
                    .chain(read.count)
                    .collect())
            }
            Insert(table, query, prefer, body) => {
                let request = read(table, query, prefer)?;
                insert(&request, body, identity).map(both)
            }
            Update(table, query, body) => {
                let request = read(table, query, "")?;
                let payload = Payload::read_changes(request.query.table, body.as_bytes(), None, NOW)?;
                let conditions = request.written_conditions("UPDATE")?;
                Ok(both(write_sql::update(request.query.table, &payload, conditions, demand(&request, identity))))
            }
            Delete(table, query) => {
                let request = read(table, query, "")?;
                let conditions = request.written_conditions("DELETE")?;
                Ok(both(write_sql::delete(request.query.table, conditions, demand(&request, identity))))
            }
            Rpc(name, body) => function(name, body, identity),
        }
    }
}

fn both(write: Write) -> Vec<Statement> {
    vec![write.check, write.write]
}

fn read(table: &str, query: &str, prefer: &str) -> Result<Request, DataError> {
    let headers = RequestHeaders { prefer: Some(prefer.to_owned()), ..RequestHeaders::default() };
    Request::read(table, &Parameters::parse(query), &headers)
}

fn demand<'a>(request: &'a Request, identity: &'a Identity) -> Demand<'a> {
    Demand { identity, is_one: false, told: Some(&request.query) }
}

fn insert(request: &Request, body: &str, identity: &Identity) -> Result<Write, DataError> {
    let caller = identity.user().map(|user| user.id);
    let mut origin = Origin { now: NOW, caller, new_id: &mut || Uuid::from_u128(0x1234) };
    let (table, preferences) = (request.query.table, request.preferences);
    let columns = request.columns.as_deref();
    let payload = Payload::read_new(table, body.as_bytes(), columns, preferences.missing_is_default, &mut origin)?;
    let conflict = match preferences.resolution {
        Some(resolution) => Some((resolution, request.conflict_target()?)),
        None => None,
    };
    Ok(insert_sql::insert(table, &payload, conflict, demand(request, identity)))
}

fn function(name: &str, body: &str, identity: &Identity) -> Result<Vec<Statement>, DataError> {
    let caller = Caller { identity, now: NOW };
    let user = identity.user().map(|user| user.id);
    Ok(match Function::read(name, &Arguments::of_body(body.as_bytes())?)? {
        Function::IncrementPromptViews(_) | Function::IncrementPromptCopies(_) => Vec::new(),
        Function::IncrementForkCount(prompt_id) => {
            let call = ForkCall { prompt_id, user, key: "key".to_owned(), event_id: Uuid::from_u128(0x1234) };
            function_sql::count_fork(&call, caller).into()
        }
        Function::IncrementLikesCount(template) => {
            user.map(|user| function_sql::like(template, user, caller)).into_iter().collect()
        }
        Function::IncrementUsesCount(template) => vec![function_sql::count_use(template, identity)],
        Function::GetPopularTemplates { limit, category } => {
            vec![function_sql::popular_templates(limit, category.as_deref(), identity).0]
        }
    })
}
