//! The statements that read a lineage: the line up to the root, and the tree of forks below a place.
//!
//! Their columns are those of [`Row`](super::tree::Row). A place is told to everyone when its prompt is listed, or one
//! below it is; an owner also sees prompts of their own, and the service all. What the policy table does not allow to see
//! comes without id, and only as a place.

use uuid::Uuid;

use super::request::Ask;
use crate::data::policy::Action;
use crate::data::tables::PROMPTS;
use crate::http::identity::Identity;
use crate::limits::{LINEAGE_NODES, LINEAGE_PROMPTS, LIST_CHARS};
use crate::sql::predicate::allowed;
use crate::sql::statement::Statement;

/// The prompt, and what it comes from, up to the root.
#[must_use]
pub fn line(prompt_id: Uuid, identity: &Identity) -> Statement {
    let mut statement = Statement::new(
        "with recursive above (level, prompt_id, place, parent) as ( \
            select 0, p.id, l.place, l.parent from prompts p left join prompt_lineage l on l.prompt_id = p.id where p.id = ",
    );
    statement.bind_text(prompt_id.to_string());
    statement.push(
        " union all select level + 1, l.prompt_id, l.place, l.parent from above join prompt_lineage l \
            on l.place = above.parent limit ",
    );
    statement.push(&LINEAGE_PROMPTS.to_string());
    statement.push(") select null, ");
    push_columns(&mut statement, identity);
    statement.push(" from above n left join prompt_lineage l on l.place = n.place");
    push_prompt(&mut statement, "n.prompt_id", identity);
    statement.push(" order by n.level");
    statement
}

/// The forks below the prompt, or below the place of the cursor if it is below the prompt and the caller is told of it.
/// Of each place one fork more than is asked for, where there are more; all in all one more than an answer tells. Levels
/// come one after another, forks of one place together and in their order.
#[must_use]
pub fn tree(prompt_id: Uuid, ask: &Ask, identity: &Identity) -> Statement {
    let all = LINEAGE_NODES + 1;
    // A row for each level, with its forks as JSON arrays of parent, place, number among the forks of the parent, and the
    // place after which forks of its own begin.
    let mut statement =
        Statement::new("with recursive levels (level, forks, told) as (select 0, json_array(json_array(");
    statement.push("null, place, 0, ");
    let after = ask.cursor.as_ref().and_then(|cursor| cursor.after.as_ref());
    match after {
        Some(after) => statement.push("cast(").bind_text(after).push(" as integer)"),
        None => statement.push("null"),
    };
    statement.push(")), 0 from (");
    push_start(&mut statement, prompt_id, ask, identity);
    statement.push(
        ") union all select level + 1, ( \
            select json_group_array(json_array(parent, place, number)) from ( \
                select one.value ->> 1 as parent, fork.value as place, fork.key as number \
                from json_each(levels.forks) one cross join json_each((",
    );
    push_forks(
        &mut statement,
        "(one.value ->> 1)",
        "coalesce(one.value ->> 3, -9223372036854775808)",
        ask.breadth + 1,
        identity,
    );
    statement.push(&format!(
        ")) fork where one.value ->> 2 < {} limit {all})), told + json_array_length(forks) \
        from levels where level < {} and told + json_array_length(forks) <= {all}) \
        select cast(fork.value ->> 0 as text), ",
        ask.breadth, ask.depth
    ));
    push_columns(&mut statement, identity);
    statement.push(" from levels cross join json_each(levels.forks) fork cross join prompt_lineage l on l.place = fork.value ->> 1");
    push_prompt(&mut statement, "l.prompt_id", identity);
    statement.push(&format!(" where level > 0 limit {all}"));
    statement
}

/// Adds what selects the place that the tree begins with: one row, or none.
fn push_start(statement: &mut Statement, prompt_id: Uuid, ask: &Ask, identity: &Identity) {
    let prompt_id = prompt_id.to_string();
    let Some(cursor) = &ask.cursor else {
        statement.push("select place from prompt_lineage where prompt_id = ").bind_text(prompt_id);
        return;
    };
    // From the place up to the prompt, as long as all on the way are shown to the caller.
    statement.push("select cast(").bind_text(&cursor.parent).push(" as integer) as place where exists (");
    statement.push("with recursive above (place, parent, prompt_id, is_shown) as (");
    let columns = |statement: &mut Statement| {
        statement.push("l.place, l.parent, l.prompt_id, ");
        push_is_shown(statement, identity);
    };
    columns(statement.push("select "));
    statement.push(" from prompt_lineage l where l.place = cast(").bind_text(&cursor.parent).push(" as integer)");
    columns(statement.push(" union all select "));
    statement.push(
        " from above join prompt_lineage l on l.place = above.parent where above.is_shown and above.prompt_id <> ",
    );
    statement.bind_text(&prompt_id);
    statement
        .push(") select 1 from above join prompts p on p.id = above.prompt_id where p.id = ")
        .bind_text(&prompt_id);
    allowed(&PROMPTS, Action::Select, identity).push_on(statement.push(" and "), "p");
    statement.push(")");
}

/// Adds whether the place `l` has a place in the tree that the caller is told.
fn push_is_shown(statement: &mut Statement, identity: &Identity) {
    match identity {
        Identity::Service(_) => statement.push("1"),
        Identity::Anonymous => statement.push("l.is_shown"),
        Identity::User(user) => statement.push("(l.is_shown or l.user_id = ").bind_text(user.id.to_string()).push(")"),
    };
}

/// What selects the forks of a place that are told to everyone, and those that are told to the caller beside them. SQLite
/// would look for a caller's own among all that are hidden.
fn forks_of<'a>(place: &'a str, identity: &'a Identity) -> Vec<impl Fn(&mut Statement) + use<'a>> {
    let own = match identity {
        Identity::Anonymous => None,
        Identity::User(_) | Identity::Service(_) => Some(0),
    };
    let select = move |is_shown: u8| {
        move |statement: &mut Statement| {
            statement.push("select c.place from prompt_lineage c indexed by ");
            match (is_shown, identity) {
                (0, Identity::User(user)) => {
                    statement.push("prompt_lineage_unshown where c.user_id = ").bind_text(user.id.to_string());
                    statement.push(" and c.parent = ");
                }
                _ => _ = statement.push("prompt_lineage_by_parent where c.parent = "),
            }
            statement.push(place).push(&format!(" and c.is_shown = {is_shown}"));
        }
    };
    [Some(1), own].into_iter().flatten().map(select).collect()
}

/// Adds what selects the first forks of a place after another, as a JSON array of their places.
fn push_forks(statement: &mut Statement, place: &str, after: &str, limit: usize, identity: &Identity) {
    statement.push("select json_group_array(place) from (select place from (");
    for (index, select) in forks_of(place, identity).into_iter().enumerate() {
        statement.push(if index == 0 { "select * from (" } else { " union all select * from (" });
        select(statement);
        statement.push(&format!(" and c.place > {after} order by c.place limit {limit})"));
    }
    statement.push(&format!(") order by place limit {limit})"));
}

/// Adds the columns of a place `l` whose prompt, if the caller may see it, is `p` with its counts `s`.
fn push_columns(statement: &mut Statement, identity: &Identity) {
    statement.push("cast(l.place as text), ");
    for (index, select) in forks_of("l.place", identity).into_iter().enumerate() {
        statement.push(if index == 0 { "exists (" } else { " or exists (" });
        select(statement);
        statement.push(")");
    }
    statement.push(", p.id, p.slug, substr(p.title, 1, ").push(&LIST_CHARS.to_string()).push(")");
    for column in ["s.view_count", "s.copy_count", "s.fork_count", "s.compare_count"] {
        statement.push(", coalesce(").push(column).push(", 0)");
    }
    for column in ["credited_views", "credited_copies", "credited_forks", "credited_compares", "children"] {
        statement.push(", coalesce(l.").push(column).push(", 0)");
    }
    statement.push(", coalesce(l.children - l.listed_children, 0), coalesce(l.descendants, 0)");
}

/// Adds the prompt of this id, if the caller may see it, and its counts.
fn push_prompt(statement: &mut Statement, id: &str, identity: &Identity) {
    statement.push(" left join prompts p on p.id = ").push(id).push(" and ");
    allowed(&PROMPTS, Action::Select, identity).push_on(statement, "p");
    statement.push(" left join prompt_stats s on s.prompt_id = p.id");
}
