//! D1: how statements are run, and all statements, by what they are about. Values of a request are bound parameters.

pub(super) mod alerts;
pub(super) mod ancestry;
pub(super) mod batches;
pub(super) mod creations;
pub(super) mod cron_runs;
pub(super) mod declarations;
pub(super) mod instance_metrics;
pub(super) mod lineage;
pub(super) mod moving;
pub(super) mod prompts;
pub(super) mod rankings;
pub(super) mod results;
pub(super) mod retention;
pub(super) mod rollup;
pub(super) mod rows;
pub(super) mod rules;
pub(super) mod runs;
pub(super) mod salts;
pub(super) mod search;
pub(super) mod session_states;
pub(super) mod snapshots;
pub(super) mod state;
pub(super) mod stats;
pub(super) mod summary;
pub(super) mod totals;
pub(super) mod usage;
pub(super) mod users;
pub(super) mod verification;

use futures_util::future::LocalBoxFuture;
use js_sys::futures::JsFuture;
use js_sys::{Array, JsString};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::{self, D1Result};
use worker::{D1Database, D1PreparedStatement, Env, Error, Result};

use super::metering;
use crate::data::json_rows::json_arrays;
use crate::sql::statement::{Statement, Value};
use crate::sql::statement_name::statement_name;

/// The D1 binding in `wrangler.toml`.
const BINDING: &str = "DB";

/// The database.
pub(super) fn database(env: &Env) -> Result<D1Database> {
    env.d1(BINDING)
}

/// A statement that can be run, with the name under which it is metered.
pub(super) struct Prepared {
    statement: D1PreparedStatement,
    name: String,
}

/// Runs a statement. One future for all: what waits for it does not have to hold all that running one takes.
pub(super) fn run(Prepared { statement, name }: Prepared) -> LocalBoxFuture<'static, Result<D1Result>> {
    Box::pin(async move {
        let result = JsFuture::from(statement.inner().all()?).await?.unchecked_into();
        metering::statement(&name, &result);
        Ok(result)
    })
}

/// Runs statements in one transaction; gives the result of each.
pub(super) fn transact(database: &D1Database, statements: Vec<Prepared>) -> LocalBoxFuture<'_, Result<Vec<D1Result>>> {
    let database: &worker_sys::D1Database = database.as_ref().unchecked_ref();
    Box::pin(async move {
        let batch: Array = statements.iter().map(|prepared| prepared.statement.inner()).collect();
        let results: Array = JsFuture::from(database.batch(batch)?).await?.unchecked_into();
        let results: Vec<D1Result> = results.iter().map(JsValue::unchecked_into).collect();
        for (prepared, result) in statements.iter().zip(&results) {
            metering::statement(&prepared.name, result);
        }
        Ok(results)
    })
}

/// A statement with its parameters bound.
fn statement(database: &D1Database, sql: &str, parameters: &[JsValue]) -> Result<Prepared> {
    Ok(Prepared { statement: database.prepare(sql).bind(parameters)?, name: statement_name(sql) })
}

/// A statement that was composed.
pub(super) fn prepared(database: &D1Database, composed: &Statement) -> Result<Prepared> {
    let parameters: Vec<JsValue> = composed.parameters().iter().map(bound).collect();
    statement(database, composed.text(), &parameters)
}

fn bound(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Integer(number) => integer(*number),
        Value::Text(value) => text(value),
    }
}

fn text(value: &str) -> JsValue {
    JsString::from(value).into()
}

fn optional_text(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::NULL, text)
}

/// Numbers are bound as REAL, which holds whole numbers to 2^53 exactly; INTEGER columns take them back as whole ones,
/// and an expression must cast them.
#[expect(clippy::cast_precision_loss, reason = "counts, versions and instants stay below 2^53")]
fn integer(value: i64) -> JsValue {
    JsValue::from_f64(value as f64)
}

fn optional_integer(value: Option<i64>) -> JsValue {
    value.map_or(JsValue::NULL, integer)
}

fn boolean(value: bool) -> JsValue {
    integer(i64::from(value))
}

/// Rows as parameters for `json_each`, few enough bytes each.
fn arrays<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Result<Vec<JsValue>> {
    let arrays = json_arrays(rows).map_err(Error::from)?;
    Ok(arrays.iter().map(|array| text(array)).collect())
}

/// Rows as one parameter for `json_each`, for rows that are known to be few.
fn array<T: Serialize>(rows: &[T]) -> Result<JsValue> {
    Ok(text(&serde_json::to_string(rows)?))
}
