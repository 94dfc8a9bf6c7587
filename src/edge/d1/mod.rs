//! D1: how statements are run, and all statements, by what they are about. Values of a request are bound parameters.

pub(super) mod ancestry;
pub(super) mod batches;
pub(super) mod creations;
pub(super) mod declarations;
pub(super) mod lineage;
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

/// The D1 binding in `wrangler.toml`.
const BINDING: &str = "DB";

/// The database.
pub(super) fn database(env: &Env) -> Result<D1Database> {
    env.d1(BINDING)
}

/// Whether the database answers.
pub(super) async fn check(env: &Env) -> Result<()> {
    run(database(env)?.prepare("select 1")).await.map(drop)
}

/// Runs a statement. One future for all: what waits for it does not have to hold all that running one takes.
pub(super) fn run(statement: D1PreparedStatement) -> LocalBoxFuture<'static, Result<D1Result>> {
    Box::pin(async move {
        let result = JsFuture::from(statement.inner().all()?).await?.unchecked_into();
        metering::database_rows(&result);
        Ok(result)
    })
}

/// Runs statements in one transaction; gives the result of each.
pub(super) fn transact(
    database: &D1Database,
    statements: Vec<D1PreparedStatement>,
) -> LocalBoxFuture<'_, Result<Vec<D1Result>>> {
    let database: &worker_sys::D1Database = database.as_ref().unchecked_ref();
    Box::pin(async move {
        let statements: Array = statements.iter().map(D1PreparedStatement::inner).collect();
        let results: Array = JsFuture::from(database.batch(statements)?).await?.unchecked_into();
        let results: Vec<D1Result> = results.iter().map(JsValue::unchecked_into).collect();
        results.iter().for_each(metering::database_rows);
        Ok(results)
    })
}

/// A statement with its parameters bound.
fn statement(database: &D1Database, sql: &str, parameters: &[JsValue]) -> Result<D1PreparedStatement> {
    database.prepare(sql).bind(parameters)
}

/// A statement that was composed.
pub(super) fn prepared(database: &D1Database, statement: &Statement) -> Result<D1PreparedStatement> {
    let parameters: Vec<JsValue> = statement.parameters().iter().map(bound).collect();
    database.prepare(statement.text()).bind(&parameters)
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
