//! The policy table as conditions of SQL.

use super::statement::Statement;
use crate::data::policy::{Action, Rule, policy_of};
use crate::data::schema::Table;
use crate::data::tables::table;
use crate::http::identity::Identity;

/// What is allowed of a table, before any row is looked at.
#[derive(Clone, Debug)]
pub enum Allowed {
    /// Every row.
    All,
    /// No row.
    None,
    /// The rows that satisfy one of these.
    Some(Vec<Condition>),
}

/// What a row must satisfy, for one caller.
#[derive(Clone, Debug)]
pub enum Condition {
    /// This column is this user's id.
    Own(&'static str, String),
    /// This column is true.
    True(&'static str),
    /// The row that this column refers to, in this table, is allowed.
    Parent(&'static str, &'static Table, Vec<Condition>),
    /// All of these.
    All(Vec<Condition>),
}

/// What of `table` a caller is allowed.
#[must_use]
pub fn allowed(table: &Table, action: Action, identity: &Identity) -> Allowed {
    if matches!(identity, Identity::Service(_)) {
        return Allowed::All;
    }
    let rules = policy_of(table).map_or(&[][..], |policy| policy.rules(action));
    let conditions: Vec<Condition> = rules.iter().filter_map(|rule| condition(table, rule, identity)).collect();
    if conditions.is_empty() { Allowed::None } else { Allowed::Some(conditions) }
}

/// `None` when no row can satisfy it.
fn condition(of: &Table, rule: &Rule, identity: &Identity) -> Option<Condition> {
    match rule {
        Rule::Own(column) => identity.user().map(|user| Condition::Own(column, user.id.to_string())),
        Rule::True(column) => Some(Condition::True(column)),
        Rule::Parent(column, action) => {
            let parent = of.column(column).and_then(|column| column.references).and_then(table)?;
            match allowed(parent, *action, identity) {
                Allowed::Some(conditions) => Some(Condition::Parent(column, parent, conditions)),
                Allowed::All | Allowed::None => None,
            }
        }
        Rule::All(rules) => {
            rules.iter().map(|rule| condition(of, rule, identity)).collect::<Option<Vec<_>>>().map(Condition::All)
        }
    }
}

impl Allowed {
    /// Adds the condition; `column` adds a column of the row that is judged.
    pub fn push(&self, statement: &mut Statement, column: &mut dyn FnMut(&mut Statement, &str)) {
        match self {
            Self::All => _ = statement.push("1"),
            Self::None => _ = statement.push("0"),
            Self::Some(conditions) => push_joined(statement, conditions, " or ", Sought::Maybe, column),
        }
    }

    /// Adds the condition on the rows of `alias`.
    pub fn push_on(&self, statement: &mut Statement, alias: &str) {
        self.push(statement, &mut |statement, name| push_column(statement, alias, name));
    }

    /// Those of which a row must satisfy one, each by itself.
    #[must_use]
    pub fn rules(self) -> Vec<Self> {
        match self {
            Self::Some(conditions) => conditions.into_iter().map(|condition| Self::Some(vec![condition])).collect(),
            Self::All | Self::None => vec![self],
        }
    }

    /// Whether it depends on one of these columns.
    #[must_use]
    pub fn reads(&self, columns: &[&str]) -> bool {
        match self {
            Self::All | Self::None => false,
            Self::Some(conditions) => conditions.iter().any(|condition| condition.reads(columns)),
        }
    }
}

impl Condition {
    fn reads(&self, columns: &[&str]) -> bool {
        match self {
            Self::Own(column, _) | Self::True(column) | Self::Parent(column, ..) => columns.contains(column),
            Self::All(conditions) => conditions.iter().any(|condition| condition.reads(columns)),
        }
    }

    fn push(&self, statement: &mut Statement, sought: Sought, column: &mut dyn FnMut(&mut Statement, &str)) {
        match self {
            Self::Own(name, user) => {
                column(statement, name);
                statement.push(" = ").bind_text(user);
            }
            // SQLite is told that half of the rows pass: then it looks for them by this only where nothing else finds fewer.
            Self::True(name) if sought == Sought::Maybe => {
                statement.push("likelihood(");
                column(statement, name);
                statement.push(" = 1, 0.5)");
            }
            Self::True(name) => {
                column(statement, name);
                statement.push(" = 1");
            }
            Self::Parent(name, parent, conditions) => {
                let alias = statement.alias();
                statement.push("exists (select 1 from ").push(parent.name).push(" ").push(&alias).push(" where ");
                push_column(statement, &alias, "id");
                statement.push(" = ");
                column(statement, name);
                statement.push(" and ");
                // The plus keeps SQLite from looking for the row by anything but its id.
                push_joined(statement, conditions, " or ", Sought::Never, &mut |statement, name| {
                    push_column(statement.push("+"), &alias, name);
                });
                statement.push(")");
            }
            Self::All(conditions) => {
                push_joined(statement, conditions, " and ", sought, column);
            }
        }
    }
}

/// Whether SQLite may look for rows by what they must satisfy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sought {
    Maybe,
    Never,
}

fn push_joined(
    statement: &mut Statement,
    conditions: &[Condition],
    separator: &str,
    sought: Sought,
    column: &mut dyn FnMut(&mut Statement, &str),
) {
    statement.push("(");
    for (index, condition) in conditions.iter().enumerate() {
        if index > 0 {
            statement.push(separator);
        }
        condition.push(statement, sought, column);
    }
    statement.push(")");
}

fn push_column(statement: &mut Statement, alias: &str, name: &str) {
    statement.push(alias).push(".").push(name);
}
