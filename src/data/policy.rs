//! Who may do what: one table. Everything that reads or writes rows for a caller asks here.
//!
//! The meaning is that of PostgreSQL's row-level security: a row passes when one of the rules for the action passes; a
//! row that the caller may not see is not there; the service passes everywhere.

use super::prompt::PromptAccess;
use super::schema::Table;
use super::tables;
use crate::http::identity::{Identity, User};
use crate::http::problem::{Code, Problem};

/// What is done to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They are read.
    Select,
    /// They are made.
    Insert,
    /// They are changed: the rule holds for the row before and after.
    Update,
    /// They are removed.
    Delete,
}

/// What a row must be for an action to be allowed on it.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// This column holds the id of the user who asks.
    Own(&'static str),
    /// This column is true.
    True(&'static str),
    /// The row that this column refers to allows the caller this action by the rules of its own table.
    Parent(&'static str, Action),
    /// It satisfies all of these.
    All(&'static [Rule]),
}

/// The rules of one table. Of each list one rule must hold; an empty one holds for the service alone.
#[derive(Debug)]
pub struct Policy {
    /// The table.
    pub table: &'static Table,
    /// Rows that are there for a caller.
    pub select: &'static [Rule],
    /// Rows that a caller may make.
    pub insert: &'static [Rule],
    /// Rows that a caller may change, before and after.
    pub update: &'static [Rule],
    /// Rows that a caller may remove.
    pub delete: &'static [Rule],
    /// Columns that the service alone may set.
    pub service_columns: &'static [&'static str],
    /// Whether nobody may write it as a table, not even the service: what writes its rows has a route of its own.
    pub is_read_only: bool,
    /// The column in which the service alone may tell an instant that is ahead, of a table whose rows are events: they are
    /// counted, or stand in lists until they are too old.
    pub happened: Option<&'static str>,
    /// Columns that nobody may set in the data dialect: they are declared, by `PUT /v1/experiments/{id}`.
    pub declared_columns: &'static [&'static str],
}

const OWN: &[Rule] = &[Rule::Own("user_id")];
const SELF: &[Rule] = &[Rule::Own("id")];
const WITH_ITS_PROMPT: &[Rule] = &[Rule::Parent("prompt_id", Action::Select)];
const OWNER_OF_THE_PROMPT: &[Rule] = &[Rule::Parent("prompt_id", Action::Update)];
const OWN_ON_A_VISIBLE_PROMPT: &[Rule] =
    &[Rule::All(&[Rule::Own("user_id"), Rule::Parent("prompt_id", Action::Select)])];
const OWN_ON_A_VISIBLE_TEMPLATE: &[Rule] =
    &[Rule::All(&[Rule::Own("user_id"), Rule::Parent("template_id", Action::Select)])];
const NOBODY: &[Rule] = &[];

/// The policy table: the rules of every table that callers may name.
pub const POLICIES: &[Policy] = &[
    policy(&tables::USERS, SELF, NOBODY, SELF, NOBODY),
    PROMPTS,
    policy(&tables::PROMPT_ANSWERS, WITH_ITS_PROMPT, OWNER_OF_THE_PROMPT, OWNER_OF_THE_PROMPT, OWNER_OF_THE_PROMPT),
    policy(&tables::TEST_RESULTS, OWN, OWN_ON_A_VISIBLE_PROMPT, NOBODY, OWN),
    Policy {
        service_columns: &["likes_count", "uses_count"],
        ..policy(
            &tables::PROMPT_TEMPLATES,
            WITH_ITS_PROMPT,
            OWNER_OF_THE_PROMPT,
            OWNER_OF_THE_PROMPT,
            OWNER_OF_THE_PROMPT,
        )
    },
    Policy {
        happened: Some("created_at"),
        ..policy(&tables::TEMPLATE_LIKES, OWN, OWN_ON_A_VISIBLE_TEMPLATE, NOBODY, OWN)
    },
    policy(&tables::USER_FAVORITES, OWN, OWN_ON_A_VISIBLE_TEMPLATE, NOBODY, OWN),
    policy(&tables::PROMPT_FAVORITES, OWN, OWN_ON_A_VISIBLE_PROMPT, NOBODY, OWN),
    Policy {
        happened: Some("created_at"),
        ..policy(&tables::PROMPT_USAGE, OWN, OWN_ON_A_VISIBLE_PROMPT, NOBODY, NOBODY)
    },
    Policy {
        happened: Some("created_at"),
        ..policy(&tables::PROMPT_EVENTS, OWN, OWN_ON_A_VISIBLE_PROMPT, NOBODY, NOBODY)
    },
    policy(&tables::PROMPT_STATS, WITH_ITS_PROMPT, NOBODY, NOBODY, NOBODY),
    Policy {
        declared_columns: &[
            "hypothesis",
            "variants",
            "coverage",
            "seed",
            "hash_version",
            "namespace",
            "status",
            "started_ms",
            "stopped_ms",
            "created_ms",
            "updated_ms",
        ],
        ..policy(&tables::EXPERIMENTS, NOBODY, NOBODY, NOBODY, NOBODY)
    },
    Policy { is_read_only: true, ..policy(&tables::ANALYTICS_EVENTS, NOBODY, NOBODY, NOBODY, NOBODY) },
    Policy { is_read_only: true, ..policy(&tables::EXPERIMENT_SESSIONS, NOBODY, NOBODY, NOBODY, NOBODY) },
    policy(&tables::EXPERIMENT_ANALYTICS_SUMMARY, NOBODY, NOBODY, NOBODY, NOBODY),
];

const PROMPTS: Policy = policy(
    &tables::PROMPTS,
    &[Rule::Own("user_id"), Rule::All(&[Rule::True("is_public"), Rule::True("is_active")])],
    OWN,
    OWN,
    OWN,
);

const fn policy(
    table: &'static Table,
    select: &'static [Rule],
    insert: &'static [Rule],
    update: &'static [Rule],
    delete: &'static [Rule],
) -> Policy {
    let (service_columns, happened, declared_columns): (&[&str], _, &[&str]) = (&[], None, &[]);
    Policy { table, select, insert, update, delete, service_columns, is_read_only: false, happened, declared_columns }
}

/// The rules of a table; a table without any is the service's.
#[must_use]
pub fn policy_of(table: &Table) -> Option<&'static Policy> {
    POLICIES.iter().find(|policy| policy.table.name == table.name)
}

impl Policy {
    /// The rules for an action.
    #[must_use]
    pub fn rules(&self, action: Action) -> &'static [Rule] {
        match action {
            Action::Select => self.select,
            Action::Insert => self.insert,
            Action::Update => self.update,
            Action::Delete => self.delete,
        }
    }
}

/// Whether a prompt is there for this caller.
#[must_use]
pub fn may_see(identity: &Identity, prompt: &PromptAccess) -> bool {
    matches!(identity, Identity::Service(_)) || PROMPTS.select.iter().any(|rule| holds(rule, identity, prompt))
}

fn holds(rule: &Rule, identity: &Identity, prompt: &PromptAccess) -> bool {
    match rule {
        Rule::Own("user_id") => identity.user().is_some_and(|user| user.id == prompt.owner),
        Rule::True("is_public") => prompt.is_public,
        Rule::True("is_active") => prompt.is_active,
        Rule::All(rules) => rules.iter().all(|rule| holds(rule, identity, prompt)),
        Rule::Own(_) | Rule::True(_) | Rule::Parent(..) => false,
    }
}

/// The user whose event this is: forks and comparisons are somebody's.
///
/// # Errors
/// [`Code::UserRequired`].
pub fn require_user(identity: &Identity) -> Result<&User, Problem> {
    let refused = || Problem::new(Code::UserRequired, "Send a user's token: Authorization: Bearer, then the token.");
    identity.user().ok_or_else(refused)
}

/// Lets the service pass, who reads experiments and moves data.
///
/// # Errors
/// [`Code::CredentialRequired`] for an anonymous caller, [`Code::ServiceRequired`] for a user.
pub fn require_service(identity: &Identity) -> Result<(), Problem> {
    match identity {
        Identity::Service(_) => Ok(()),
        Identity::Anonymous => {
            Err(Problem::new(Code::CredentialRequired, "Send the service key: Authorization: Bearer, then the key."))
        }
        Identity::User(_) => Err(Problem::new(Code::ServiceRequired, "Only the service key may do this.")),
    }
}

/// The problem of a prompt that is not there for the caller, whether or not it exists.
#[must_use]
pub fn unknown_prompt() -> Problem {
    Problem::new(Code::UnknownPrompt, "No prompt that you may see has this id.")
}
