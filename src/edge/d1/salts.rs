//! Statements about the salts of visitors.

use worker::{D1Database, Error, Result};

use super::retention::removed;
use super::rows::{Columns, read_all};
use super::{integer, run, statement, text, transact};
use crate::sql::hex::{hex, unhex};
use crate::traffic::salts::{Salt, Salts};

/// The salts of a day and of the day before, as whoever asked first has drawn them; or from these random bytes.
pub(in crate::edge) async fn draw(database: &D1Database, today: i64, random: &[u8; 64]) -> Result<Salts> {
    let draw = "insert or ignore into visitor_salts (day, salt) \
        values (?1 - 1, unhex(substr(?2, 1, 64))), (?1, unhex(substr(?2, 65)))";
    let read =
        "select hex(a.salt), hex(b.salt) from visitor_salts a, visitor_salts b where a.day = ?1 - 1 and b.day = ?1";
    let statements = vec![
        statement(database, draw, &[integer(today), text(&hex(random))])?,
        statement(database, read, &[integer(today)])?,
    ];
    let lacking = || Error::from("there are no salts");
    let drawn = transact(database, statements).await?.pop().ok_or_else(lacking)?;
    let salts = |columns: &mut Columns| Some(Salts { today, of_yesterday: salt(columns)?, of_today: salt(columns)? });
    read_all(&drawn, salts)?.pop().ok_or_else(lacking)
}

fn salt(columns: &mut Columns) -> Option<Salt> {
    unhex(&columns.text()?)?.try_into().ok()
}

/// Destroys the salts of the days before `day`; gives how many.
pub(in crate::edge) async fn destroy_before(database: &D1Database, day: i64) -> Result<i64> {
    let sql = "delete from visitor_salts where day < ?1 returning 1";
    removed(&run(statement(database, sql, &[integer(day)])?).await?)
}
