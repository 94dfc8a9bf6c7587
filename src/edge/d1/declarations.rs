//! Statements about declared experiments.

use wasm_bindgen::JsValue;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{integer, run, statement, text};
use crate::experiments::experiment::Experiment;

/// The experiment of this id.
pub(in crate::edge) async fn find(database: &D1Database, id: &str) -> Result<Option<Experiment>> {
    let sql = "select json_object('project_id', nullif(project_id, ''), 'name', name, 'hypothesis', hypothesis, \
            'variants', json(variants), 'coverage', json(coverage), 'seed', seed, 'hash_version', hash_version, \
            'namespace', json(namespace), 'status', status, 'multi_variant', multi_variant, \
            'conversion_window_hours', conversion_window_hours, 'started_ms', started_ms, 'stopped_ms', stopped_ms, \
            'version', version) as experiment \
        from experiments where id = ?1";
    let restored = |json: String| Experiment::restore(&json, id).map_err(|problem| problem.detail.into());
    first_text(database, sql, &[text(id)]).await?.map(restored).transpose()
}

/// Stores an experiment, given as [`Experiment::json`], over the version before its own, or as the first version where
/// none is; whether that was so.
pub(in crate::edge) async fn store(
    database: &D1Database,
    id: &str,
    json: &str,
    version: i64,
    now_ms: i64,
) -> Result<bool> {
    let sql = "replace into experiments (id, project_id, name, hypothesis, variants, coverage, seed, hash_version, \
            namespace, status, multi_variant, conversion_window_hours, started_ms, stopped_ms, created_ms, \
            updated_ms, version) \
        select ?1, ?2 ->> 'project_id', ?2 ->> 'name', ?2 ->> 'hypothesis', ?2 -> 'variants', ?2 -> 'coverage', \
            ?2 ->> 'seed', ?2 ->> 'hash_version', nullif(?2 -> 'namespace', 'null'), ?2 ->> 'status', \
            ?2 ->> 'multi_variant', ?2 ->> 'conversion_window_hours', ?2 ->> 'started_ms', ?2 ->> 'stopped_ms', \
            coalesce((select created_ms from experiments where id = ?1), ?4), ?4, ?3 \
        where coalesce((select version from experiments where id = ?1), 0) = ?3 - 1 \
            and not exists (select 1 from experiment_rollups where experiment_id = ?1 and sessions_removed_ms is not null \
                and (?2 ->> 'status', ?2 ->> 'multi_variant', ?2 ->> 'conversion_window_hours') \
                    is not ('stopped', multi_variant, conversion_window_hours)) \
        returning id";
    let parameters = [text(id), text(json), integer(version), integer(now_ms)];
    Ok(first_text(database, sql, &parameters).await?.is_some())
}

/// The text that a statement gives, if it gives a row.
async fn first_text(database: &D1Database, sql: &str, parameters: &[JsValue]) -> Result<Option<String>> {
    Ok(read_all(&run(statement(database, sql, parameters)?).await?, Columns::text)?.pop())
}

/// Whether sessions of an experiment were forgotten, a while after it was stopped.
pub(in crate::edge) async fn is_over(database: &D1Database, id: &str) -> Result<bool> {
    let sql = "select 1 from experiment_rollups where experiment_id = ?1 and sessions_removed_ms is not null";
    let found = run(statement(database, sql, &[text(id)])?).await?;
    Ok(!read_all(&found, Columns::integer)?.is_empty())
}
