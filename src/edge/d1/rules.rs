//! Statements about the rules under which experiments are rolled up.

use std::collections::HashSet;

use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{Prepared, arrays, integer, optional_integer, run, statement, text, transact};
use crate::experiments::rollup::{RulesInForce, SessionDigest};
use crate::experiments::session::{MultiVariant, Rules};
use crate::sql::hex::{hex, unhex};

/// An experiment that is rolled up.
pub(in crate::edge) struct Rolled {
    /// Its number.
    pub(in crate::edge) experiment: i64,
    /// Its id.
    pub(in crate::edge) experiment_id: String,
    /// How its sessions are judged.
    pub(in crate::edge) rules: RulesInForce,
}

const COLUMNS: &str = "r.experiment, r.experiment_id, r.multi_variant, r.conversion_window_hours, \
    r.next_multi_variant, r.next_conversion_window_hours, hex(r.judged_to)";

fn rolled(columns: &mut Columns) -> Option<Rolled> {
    let (experiment, experiment_id) = (columns.integer()?, columns.text()?);
    let rules = rules(columns)?;
    let next = (columns.optional_text()?, columns.optional_integer()?);
    let judged_to = unhex(&columns.text()?)?.try_into().ok();
    let next = match next {
        (Some(multi_variant), conversion_window_hours) => {
            let multi_variant = MultiVariant::of_name(&multi_variant)?;
            Some((Rules { multi_variant, conversion_window_hours }, judged_to))
        }
        (None, _) => None,
    };
    Some(Rolled { experiment, experiment_id, rules: RulesInForce { rules, next } })
}

fn rules(columns: &mut Columns) -> Option<Rules> {
    let multi_variant = MultiVariant::of_name(&columns.text()?)?;
    Some(Rules { multi_variant, conversion_window_hours: columns.optional_integer()? })
}

/// These experiments, each with a number and rules: those under which it is rolled up; of one that is new, those that
/// are declared, or else the default.
pub(in crate::edge) async fn of(database: &D1Database, experiment_ids: &HashSet<&str>) -> Result<Vec<Rolled>> {
    let number = "insert into experiment_rollups (experiment_id, multi_variant, conversion_window_hours) \
        select k.value, coalesce(e.multi_variant, 'exclude'), e.conversion_window_hours \
        from json_each(?1) k left join experiments e on e.id = k.value \
        where not exists (select 1 from experiment_rollups r where r.experiment_id = k.value) \
        on conflict (experiment_id) do nothing";
    let select =
        format!("select {COLUMNS} from json_each(?1) k join experiment_rollups r on r.experiment_id = k.value");
    let mut batch = Vec::new();
    for ids in arrays(experiment_ids)? {
        batch.push(statement(database, number, std::slice::from_ref(&ids))?);
        batch.push(statement(database, &select, &[ids])?);
    }
    let mut found = Vec::new();
    for result in transact(database, batch).await? {
        found.extend(read_all(&result, rolled)?);
    }
    Ok(found)
}

/// The experiments whose rules are not those that are declared, with these; but not those whose sessions are gone. Where the
/// declaration is gone, what was begun is ended.
pub(in crate::edge) async fn outdated(database: &D1Database) -> Result<Vec<(Rolled, Rules)>> {
    let sql = format!(
        "select {COLUMNS}, coalesce(e.multi_variant, r.next_multi_variant) as declared_multi_variant, \
            iif(e.id is null, r.next_conversion_window_hours, e.conversion_window_hours) as declared_window_hours \
        from experiment_rollups r left join experiments e on e.id = r.experiment_id \
        where r.sessions_removed_ms is null and (r.next_multi_variant is not null or e.id is not null and ( \
            r.multi_variant <> e.multi_variant or r.conversion_window_hours is not e.conversion_window_hours))"
    );
    let found = run(statement(database, &sql, &[])?).await?;
    read_all(&found, |columns| Some((rolled(columns)?, rules(columns)?)))
}

/// The statement that notes how far new rules are in force.
pub(in crate::edge) fn advance(
    database: &D1Database,
    experiment: i64,
    next: Rules,
    judged_to: &SessionDigest,
) -> Result<Prepared> {
    let sql = "update experiment_rollups set next_multi_variant = ?2, next_conversion_window_hours = ?3, \
        judged_to = unhex(?4) where experiment = cast(?1 as integer)";
    let parameters = [
        integer(experiment),
        text(next.multi_variant.name()),
        optional_integer(next.conversion_window_hours),
        text(&hex(judged_to)),
    ];
    statement(database, sql, &parameters)
}

/// The statement that notes that new rules are in force for all sessions.
pub(in crate::edge) fn settle(database: &D1Database, experiment: i64, rules: Rules) -> Result<Prepared> {
    let sql = "update experiment_rollups set multi_variant = ?2, conversion_window_hours = ?3, \
        next_multi_variant = null, next_conversion_window_hours = null, judged_to = null \
        where experiment = cast(?1 as integer)";
    let window = optional_integer(rules.conversion_window_hours);
    statement(database, sql, &[integer(experiment), text(rules.multi_variant.name()), window])
}
