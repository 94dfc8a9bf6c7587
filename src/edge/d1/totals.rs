//! Statements about what all counters together counted.

use worker::{Env, Result};

use super::rows::{Columns, read_all};
use super::{database, prepared, run};
use crate::sql::statement::Statement;

/// The numbers that a statement gives, one a row.
pub(in crate::edge) async fn read(env: &Env, statement: &Statement) -> Result<Vec<i64>> {
    let found = run(prepared(&database(env)?, statement)?).await?;
    read_all(&found, Columns::integer)
}
