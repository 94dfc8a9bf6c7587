//! D1: how statements are run, and all statements, by what they are about. Values of a request are bound parameters.

pub(super) mod creations;
pub(super) mod experiments;
pub(super) mod lineage;
pub(super) mod prompts;
pub(super) mod rollup;
pub(super) mod rows;
pub(super) mod search;
pub(super) mod snapshots;
pub(super) mod templates;
pub(super) mod users;

use js_sys::JsString;
use serde::Serialize;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env, Error, Result};

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
    database(env)?.prepare("select 1").run().await.map(drop)
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
