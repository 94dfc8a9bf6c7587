//! Statements about what isolates counted.

use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{integer, run, statement, text, transact};
use crate::json::json_object;
use crate::metrics::life::Writing;
use crate::metrics::readings::Count;

/// Sums, of the largest the largest.
const TOTAL: &str = "iif(key glob 'max_*', max(value), sum(value))";

/// Writes what was counted in a life over what was written before it.
pub(in crate::edge) async fn keep(database: &D1Database, writing: &Writing) -> Result<()> {
    let sql = "insert into instance_metrics (life, begun_ms, version, counts) values (?1, ?2, ?3, ?4) \
        on conflict (life) do update set version = excluded.version, counts = excluded.counts \
        where excluded.version > version";
    let Writing { life, begun_ms, version, counts } = writing;
    let id = text(&format!("{life:016x}"));
    let parameters = [id, integer(*begun_ms), integer((*version).into()), text(&json_object(counts))];
    run(statement(database, sql, &parameters)?).await.map(drop)
}

/// What all isolates counted, in lives that began since `since_ms`; with 0, ever. In the order of the names.
pub(in crate::edge) async fn counts(database: &D1Database, since_ms: i64) -> Result<Vec<Count>> {
    let sql = format!(
        "select key, {TOTAL} from instance_metrics, json_each(counts) where begun_ms >= ?1 group by key order by key"
    );
    let found = run(statement(database, &sql, &[integer(since_ms)])?).await?;
    read_all(&found, |columns: &mut Columns| Some((columns.text()?, columns.count()?)))
}

/// Folds the lives that began before `before_ms` into one row.
pub(in crate::edge) async fn fold(database: &D1Database, before_ms: i64) -> Result<()> {
    let fold = format!(
        "insert into instance_metrics (life, begun_ms, version, counts) \
        select 'over', 0, 0, json_group_object(key, total) from ( \
            select key, {TOTAL} as total from instance_metrics, json_each(counts) where begun_ms < ?1 group by key) \
        where exists (select 1 from instance_metrics where begun_ms < ?1 and life <> 'over') \
        having count(*) > 0 on conflict (life) do update set counts = excluded.counts"
    );
    let remove = "delete from instance_metrics where begun_ms < ?1 and life <> 'over'";
    let batch =
        vec![statement(database, &fold, &[integer(before_ms)])?, statement(database, remove, &[integer(before_ms)])?];
    transact(database, batch).await.map(drop)
}
