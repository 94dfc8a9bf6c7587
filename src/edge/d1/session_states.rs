//! Statements about the states of sessions. They are read as JSON arrays of a few sessions each: a row of its own for
//! each costs more to pass on than to find. An array has at most 16, and half of what SQLite takes for a text.

use serde::Deserialize;
use worker::{D1Database, Result};

use super::rows::{Columns, read_all};
use super::{Prepared, arrays, integer, run, statement, text};
use crate::experiments::rollup::{SessionDigest, SessionKey};
use crate::experiments::session::Session;
use crate::experiments::session_state::{pack, unpack};
use crate::sql::hex::{hex, unhex};

/// A session as it is read: experiment, session, variant, first exposure, whether it has two variants, activity.
#[derive(Deserialize)]
struct Stored(i64, String, Option<String>, Option<i64>, u8, String);

impl Stored {
    fn read(self) -> Option<(SessionKey, Session)> {
        let Self(experiment, session, variant_key, first_exposure_ms, is_multi_variant, activity) = self;
        let key = SessionKey { experiment, session: unhex(&session)?.try_into().ok()? };
        let session = unpack(&unhex(&activity)?, first_exposure_ms.zip(variant_key), is_multi_variant == 1)?;
        Some((key, session))
    }
}

fn read_pages(result: &worker::worker_sys::D1Result) -> Result<Vec<(SessionKey, Session)>> {
    let pages = read_all(result, |columns: &mut Columns| {
        let stored: Vec<Stored> = serde_json::from_str(&columns.text()?).ok()?;
        stored.into_iter().map(Stored::read).collect::<Option<Vec<_>>>()
    })?;
    Ok(pages.into_iter().flatten().collect())
}

/// Those of these sessions that are known.
pub(in crate::edge) async fn find(
    database: &D1Database,
    keys: impl IntoIterator<Item = SessionKey>,
) -> Result<Vec<(SessionKey, Session)>> {
    let sql = "select json_group_array(json_array(experiment, hex(session), variant_key, first_exposure_ms, \
            is_multi_variant, hex(activity))) \
        from (select s.*, k.key / 16 as part, sum(length(s.activity)) over (order by k.key) / 400000 as page \
            from json_each(?1) k \
                join session_states s on s.experiment = k.value ->> 0 and s.session = unhex(k.value ->> 1)) \
        group by part, page";
    let mut sessions = Vec::new();
    for array in arrays(keys.into_iter().map(|key| (key.experiment, hex(&key.session))))? {
        sessions.extend(read_pages(&run(statement(database, sql, &[array])?).await?)?);
    }
    Ok(sessions)
}

/// Up to `limit` sessions of an experiment after one, in the order of their digests.
pub(in crate::edge) async fn after(
    database: &D1Database,
    experiment: i64,
    after: Option<&SessionDigest>,
    limit: usize,
) -> Result<Vec<(SessionKey, Session)>> {
    let sql = "select json_group_array(json_array(experiment, hex(session), variant_key, first_exposure_ms, \
            is_multi_variant, hex(activity)) order by session) \
        from (select *, row_number() over (order by session) / 16 as part, \
                sum(length(activity)) over (order by session) / 400000 as page from session_states \
            where experiment = cast(?1 as integer) and session > unhex(?2) order by session limit cast(?3 as integer)) \
        group by part, page order by part, page";
    let after = after.map(|session| hex(session)).unwrap_or_default();
    let limit = integer(i64::try_from(limit).unwrap_or(i64::MAX));
    read_pages(&run(statement(database, sql, &[integer(experiment), text(&after), limit])?).await?)
}

/// Statements that store sessions, whole.
pub(super) fn store(database: &D1Database, sessions: &[(SessionKey, Session)]) -> Result<Vec<Prepared>> {
    let sql = "insert into session_states \
            (experiment, session, variant_key, first_exposure_ms, is_multi_variant, activity) \
        select value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, unhex(value ->> 5) \
            from json_each(?1) where true \
        on conflict (experiment, session) do update set variant_key = excluded.variant_key, \
            first_exposure_ms = excluded.first_exposure_ms, is_multi_variant = excluded.is_multi_variant, \
            activity = excluded.activity";
    let rows = sessions.iter().map(|(key, session)| {
        let (first_exposure_ms, variant_key) =
            session.first_exposure.as_ref().map(|(at, variant)| (at, variant)).unzip();
        let is_multi_variant = u8::from(session.is_multi_variant);
        (key.experiment, hex(&key.session), variant_key, first_exposure_ms, is_multi_variant, hex(&pack(session)))
    });
    arrays(rows)?.into_iter().map(|array| statement(database, sql, &[array])).collect()
}
