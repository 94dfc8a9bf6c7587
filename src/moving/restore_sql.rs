//! The statements that store a row which comes in. What the first of them wrote tells whether the row was new.

use super::row::MovedRow;
use super::tables::Way;
use crate::rest::rows::Cell;
use crate::time::{HOUR_MS, timestamp_to_ms};

/// A statement and its parameters. Numbers are bound as they are, with their fraction.
pub type Bound = (String, Vec<Cell>);

/// When rows come in.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// In milliseconds since 1970.
    pub now_ms: i64,
    /// Rows of forks and comparisons from before this instant are not kept, in milliseconds since 1970.
    pub kept_ms: i64,
}

/// How long a row that is to be counted waits for its counter to come in, unless it does, in milliseconds. It is well below the
/// 24 hours for which the counter knows the ids of those that it has counted.
const WAITING_MS: i64 = 12 * HOUR_MS;

/// Stores a row; `now` is the instant as it is stored.
#[must_use]
pub fn restore(row: &MovedRow, now: &str, moment: Moment) -> Vec<Bound> {
    match row.moved.way {
        Way::Over | Way::Once | Way::Rolled => vec![insert(row, now)],
        Way::Like => vec![insert(row, now), (UNCOUNT_LIKE.to_owned(), vec![row.get("template_id")])],
        Way::Event => event(row, moment),
        Way::GonePrompt => vec![(ENTER_GONE.to_owned(), vec![row.get("prompt_id"), row.get("forked_from")])],
        Way::Watermark => vec![(MOVE_WATERMARK.to_owned(), vec![row.get("seq"), row.get("version")])],
        Way::Totals => {
            let counts: Vec<Cell> = TOTALS.iter().map(|column| row.get(column)).collect();
            vec![insert(row, now), (TAKE_FROM_TIMELESS.to_owned(), counts)]
        }
    }
}

/// The trigger has counted the like that was just stored.
const UNCOUNT_LIKE: &str = "update prompt_templates set likes_count = likes_count - 1 where id = ?1 and changes() > 0";

const ENTER_GONE: &str = "insert into enter_lineage (prompt_id, parent_id, user_id, is_listed) select ?1, ?2, null, 0 \
    where not exists (select 1 from prompts where id = ?1) \
        and not exists (select 1 from prompt_lineage l join prompt_lineage above on above.place = l.parent \
            where l.prompt_id = ?1 and above.prompt_id = ?2)";

/// Fails where something else was rolled up.
const MOVE_WATERMARK: &str = "update rollup_watermark set seq = iif(version = 0 and seq = 0 and not exists (select 1 from experiment_batches), ?1, null), version = ?2 \
    where id = 1 and (seq, version) is not (cast(?1 as integer), cast(?2 as integer))";

const TOTALS: [&str; 5] = ["view_count", "visit_count", "copy_count", "fork_count", "compare_count"];

/// Counters have told these counts as some of which nobody knows the time.
const TAKE_FROM_TIMELESS: &str = "insert into count_totals \
        (quarter, view_count, visit_count, copy_count, fork_count, compare_count) \
    select -1, -?1, -?2, -?3, -?4, -?5 where changes() > 0 \
    on conflict (quarter) do update set view_count = view_count + excluded.view_count, \
        visit_count = visit_count + excluded.visit_count, copy_count = copy_count + excluded.copy_count, \
        fork_count = fork_count + excluded.fork_count, compare_count = compare_count + excluded.compare_count";

fn insert(row: &MovedRow, now: &str) -> Bound {
    let (key, table) = (row.moved.table.key, row.moved.table.name);
    let (mut names, mut values, mut parameters) = (Vec::new(), Vec::new(), Vec::new());
    for (column, cell) in &row.told {
        parameters.push(cell.clone());
        names.push(column.name);
        let value = format!("?{}", parameters.len());
        values.push(if row.moved.is_blob(column.name) { format!("unhex({value})") } else { value });
    }
    for (column, cell) in &row.defaults {
        parameters.push(if *cell == Cell::Null { Cell::Text(now.to_owned()) } else { cell.clone() });
        names.push(column.name);
        values.push(format!("?{}", parameters.len()));
    }
    let told: Vec<&str> = row.told.iter().map(|(column, _)| column.name).filter(|name| !key.contains(name)).collect();
    let sql = format!("insert into {table} ({}) values ({})", names.join(", "), values.join(", "));
    let conflict = conflict(row.moved.way, table, key, &told);
    (format!("{sql} on conflict ({}) do {conflict}", key.join(", ")), parameters)
}

/// What becomes of a row whose key is taken; one that is the same is not written.
fn conflict(way: Way, table: &str, key: &[&str], told: &[&str]) -> String {
    if told.is_empty() || way == Way::Like {
        return "nothing".to_owned();
    }
    let list = |before: &str| told.iter().map(|name| format!("{before}{name}")).collect::<Vec<_>>().join(", ");
    let set = match way {
        Way::Over => told.iter().map(|name| format!("{name} = excluded.{name}")).collect::<Vec<_>>().join(", "),
        // A key is never null: the statement fails.
        _ => format!("{} = null", key.first().copied().unwrap_or_default()),
    };
    format!("update set {set} where ({}) is not ({})", list(&format!("{table}.")), list("excluded."))
}

/// Stored as one that is to be counted, then marked as counted, and told what it was part of last: so no trigger counts it,
/// nor pairs it with others. Pairs are exported. One that is too old to be kept comes in once, before its counter: later it was
/// removed, and is among those that are known to be.
fn event(row: &MovedRow, Moment { now_ms, kept_ms }: Moment) -> Vec<Bound> {
    const STORE: &str = "insert into prompt_events (prompt_id, id, user_id, event_type, child_prompt_id, created_at, \
            claimed_by, uncounted_since_ms) \
        select ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1 where ?9 or not exists (select 1 from prompt_stats where prompt_id = ?1) \
        on conflict (prompt_id, id) do update set id = null \
        where (prompt_events.user_id, prompt_events.event_type, prompt_events.child_prompt_id, \
            prompt_events.created_at, prompt_events.comparison_id) \
            is not (excluded.user_id, excluded.event_type, excluded.child_prompt_id, excluded.created_at, ?8)";
    const COUNT: &str =
        "update prompt_events set uncounted_since_ms = ?3 where prompt_id = ?1 and id = ?2 and uncounted_since_ms = 1";
    const COMPARE: &str = "update prompt_events set comparison_id = ?3 \
        where prompt_id = ?1 and id = ?2 and comparison_id is not ?3";
    let [prompt_id, id, comparison_id] = ["prompt_id", "id", "comparison_id"].map(|name| row.get(name));
    let others = ["user_id", "event_type", "child_prompt_id", "created_at", "claimed_by"].map(|name| row.get(name));
    let mut stored = vec![prompt_id.clone(), id.clone()];
    stored.extend(others);
    stored.push(comparison_id.clone());
    let is_counted = row.get("is_counted") == Cell::Number(1.0);
    let at_ms = if let Cell::Text(at) = row.get("created_at") { timestamp_to_ms(&at) } else { None };
    let is_kept = !is_counted || at_ms.is_none_or(|at_ms| at_ms >= kept_ms);
    stored.push(Cell::Number(u8::from(is_kept).into()));
    // The cron counts it, but not before its counter was brought in, which takes nothing once it has counted.
    #[expect(clippy::cast_precision_loss, reason = "an instant")]
    let later = Cell::Number((now_ms + WAITING_MS) as f64);
    let uncounted = if is_counted { Cell::Null } else { later };
    vec![
        (STORE.to_owned(), stored),
        (COUNT.to_owned(), vec![prompt_id.clone(), id.clone(), uncounted]),
        (COMPARE.to_owned(), vec![prompt_id, id, comparison_id]),
    ]
}
