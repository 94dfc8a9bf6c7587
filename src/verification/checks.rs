//! What the database can compare by itself: totals that triggers keep, with the rows that they are of.

use uuid::Uuid;

use crate::json::json_text;
use crate::sql::statement::{Statement, Value};

/// What is compared: its name; what it should be, and what is told, each a JSON object of the same figures of the prompt
/// `p`, whole numbers.
struct Check {
    subject: &'static str,
    expected: &'static str,
    found: &'static str,
}

const CHECKS: &[Check] = &[
    Check {
        subject: "usage",
        expected: "select json_object('uses', count(*), 'successes', coalesce(sum(success), 0), \
            'generation_time_count', count(generation_time_ms), \
            'generation_time_sum_ms', coalesce(sum(generation_time_ms), 0), \
            'last_used', coalesce(cast(unixepoch(max(created_at), 'subsec') * 1000 as integer), 0), \
            'histogram', count(generation_time_ms)) from prompt_usage where prompt_id = p.id",
        found: "select json_object('uses', coalesce(sum(uses), 0), 'successes', coalesce(sum(successes), 0), \
            'generation_time_count', coalesce(sum(generation_time_count), 0), \
            'generation_time_sum_ms', coalesce(sum(generation_time_sum_ms), 0), \
            'last_used', coalesce(cast(unixepoch(max(last_used_at), 'subsec') * 1000 as integer), 0), \
            'histogram', coalesce(sum((select sum(value) from json_each(generation_times))), 0)) \
            from prompt_usage_totals where prompt_id = p.id",
    },
    Check {
        subject: "scenes",
        expected: "select json_object('uses', count(*), 'successes', coalesce(sum(success), 0), \
            'scenes', count(distinct substr(coalesce(scene, ''), 1, 128))) from prompt_usage where prompt_id = p.id",
        found: "select json_object('uses', coalesce(sum(uses), 0), 'successes', coalesce(sum(successes), 0), \
            'scenes', count(*)) from prompt_usage_scenes where prompt_id = p.id",
    },
    // What its snapshots are still to tell of a prompt is not compared.
    Check {
        subject: "rankings",
        expected: "select json_object('view', coalesce(sum(view_count), 0), \
            'visit', coalesce(sum(visit_count), 0), 'copy', coalesce(sum(copy_count), 0), \
            'fork', coalesce(sum(fork_count), 0)) from prompt_stats where prompt_id = p.id \
            having not coalesce(told.is_awaited, 0)",
        found: "select json_object('view', coalesce(sum(iif(metric = 'view', total, 0)), 0), \
            'visit', coalesce(sum(iif(metric = 'visit', total, 0)), 0), \
            'copy', coalesce(sum(iif(metric = 'copy', total, 0)), 0), \
            'fork', coalesce(sum(iif(metric = 'fork', total, 0)), 0)) from prompt_rankings where prompt_id = p.id",
    },
    Check {
        subject: "rankings",
        expected: "select json_object( \
            'like', (select coalesce(sum(likes_count), 0) from prompt_templates where prompt_id = p.id), \
            'use', (select count(*) from prompt_usage where prompt_id = p.id), \
            'success', (select count(*) from prompt_usage where prompt_id = p.id and success), 'wrongly_listed', 0)",
        found: "select json_object('like', coalesce(sum(iif(metric = 'like', total, 0)), 0), \
            'use', coalesce(sum(iif(metric = 'use', total, 0)), 0), \
            'success', coalesce(sum(iif(metric = 'success', total, 0)), 0), \
            'wrongly_listed', coalesce(sum( \
                is_listed <> (metric <> 'success' and p.is_public and p.is_active)), 0)) \
            from prompt_rankings where prompt_id = p.id",
    },
    // Each with the forks right below it: so all agree with all that is below.
    Check {
        subject: "lineage",
        expected: "select json_object('children', coalesce(sum(w.children), 0), \
            'listed_children', coalesce(sum(w.listed_children), 0), 'descendants', coalesce(sum(w.descendants), 0), \
            'listed_descendants', coalesce(sum(w.listed_descendants), 0), 'views', coalesce(sum(w.views), 0), \
            'copies', coalesce(sum(w.copies), 0), 'forks', coalesce(sum(w.forks), 0), \
            'compares', coalesce(sum(w.compares), 0)) \
            from prompt_lineage l join prompt_lineage c on c.parent = l.place \
                join prompt_lineage_weights w on w.place = c.place where l.prompt_id = p.id",
        found: "select json_object('children', coalesce(sum(children), 0), \
            'listed_children', coalesce(sum(listed_children), 0), 'descendants', coalesce(sum(descendants), 0), \
            'listed_descendants', coalesce(sum(listed_descendants), 0), 'views', coalesce(sum(credited_views), 0), \
            'copies', coalesce(sum(credited_copies), 0), 'forks', coalesce(sum(credited_forks), 0), \
            'compares', coalesce(sum(credited_compares), 0)) from prompt_lineage where prompt_id = p.id",
    },
];

/// All snapshots, with what is kept of them by quarters of an hour.
const TOTALS: Check = Check {
    subject: "totals",
    expected: "select json_object('view', coalesce(sum(view_count), 0), 'visit', coalesce(sum(visit_count), 0), \
        'copy', coalesce(sum(copy_count), 0), 'fork', coalesce(sum(fork_count), 0), \
        'compare', coalesce(sum(compare_count), 0)) from prompt_stats",
    found: "select json_object('view', coalesce(sum(view_count), 0), 'visit', coalesce(sum(visit_count), 0), \
        'copy', coalesce(sum(copy_count), 0), 'fork', coalesce(sum(fork_count), 0), \
        'compare', coalesce(sum(compare_count), 0)) from count_totals",
};

/// Whether a row of `prompt_stats` has counts that the rankings were not told since an instant, and may be told yet.
const IS_AWAITED: &str = "unixepoch(updated_at, 'subsec') * 1000 > coalesce(ranked_ms, 0) + 0.5 \
    and coalesce(ranked_ms, unixepoch(updated_at, 'subsec') * 1000) >= ";

/// The statements that find what differs of these prompts: prompt, check, expected, found. `told_since_ms` is how long ago
/// snapshots may have told the rankings last.
#[must_use]
pub fn statements(prompts: &[Uuid], told_since_ms: i64) -> Vec<Statement> {
    let of = |check: &Check| {
        let mut statement = begun(check.subject);
        push_page(&mut statement, prompts, told_since_ms);
        compared(&mut statement, check);
        statement
    };
    CHECKS.iter().map(of).collect()
}

/// The statement that counts of how many of these prompts the rankings are still to be told something.
#[must_use]
pub fn awaited(prompts: &[Uuid], told_since_ms: i64) -> Statement {
    let mut statement = Statement::new("select count(*) from ");
    push_page(&mut statement, prompts, told_since_ms);
    statement.push(" where told.is_awaited");
    statement
}

fn push_page(statement: &mut Statement, prompts: &[Uuid], told_since_ms: i64) {
    statement.push("json_each(").bind_text(json_text(prompts)).push(") page join prompts p on p.id = page.value");
    statement.push(" left join (select prompt_id, ").push(IS_AWAITED).bind(Value::Integer(told_since_ms));
    statement.push(" as is_awaited from prompt_stats) told on told.prompt_id = p.id");
}

/// The statement that finds what differs of all prompts together: likewise, without a prompt.
#[must_use]
pub fn of_all() -> Statement {
    let mut statement = begun(TOTALS.subject);
    statement.push("(select null as id) p");
    compared(&mut statement, &TOTALS);
    statement
}

fn begun(subject: &str) -> Statement {
    let mut statement = Statement::new("select p.id, '");
    statement.push(subject);
    statement.push(".' || expected.key as figure, expected.value as expected, found.value as found from ");
    statement
}

fn compared(statement: &mut Statement, Check { expected, found, .. }: &Check) {
    let figures = |object: &str| format!(" join json_each(({object})) ");
    statement.push(&figures(expected)).push("expected").push(&figures(found)).push("found");
    statement.push(" on found.key = expected.key where found.value is not expected.value");
}
