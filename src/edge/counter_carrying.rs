//! A counter that is carried: it tells its parts, and takes those of another instance.

use std::ops::Range;

use uuid::Uuid;
use worker::{Error, Result};

use super::carried_storage::{self, begin, finish, store};
use super::counter_alarm::Begun;
use super::counter_object::Counting;
use super::runtime::now_ms;
use super::{counter_storage, d1, settings};
use crate::counting::carried::{Piece, Step, Taken, Told};
use crate::counting::protocol::Reply;
use crate::counting::segment::SEGMENTS_AT_ONCE;
use crate::counting::snapshot::{SNAPSHOT_INTERVAL_MS, Snapshot};
use crate::json::json_text;
use crate::rankings::standing::standings;

impl Counting {
    /// Its parts, and of its ids so many full segments.
    pub(super) fn carry(&self, segments: u64) -> Result<Reply> {
        self.with(|memory| {
            let pieces = carried_storage::pieces(&self.storage, &memory.counter, segments)?;
            Ok(Reply::Carried { version: memory.counter.version, pieces })
        })
    }

    /// Ids that [`Counting::carry`] left out.
    pub(super) fn carry_ids(&self, numbers: Range<u64>) -> Result<Reply> {
        self.with(|memory| {
            let has_counted = memory.counter.version > 0;
            let pieces = if has_counted {
                carried_storage::ids(&self.storage, numbers, SEGMENTS_AT_ONCE as u64)?
            } else {
                Vec::new()
            };
            Ok(Reply::CarriedIds { pieces })
        })
    }

    /// Keys of rows that were imported.
    pub(super) fn carry_imported(&self, after: Option<i64>) -> Result<Reply> {
        self.with(|memory| {
            let has_counted = memory.counter.version > 0;
            let keys = if has_counted { carried_storage::imported(&self.storage, after)? } else { Vec::new() };
            Ok(Reply::CarriedImported { keys })
        })
    }

    /// Takes parts that come in. With the whole it is the counter that was carried.
    pub(super) async fn take(&self, prompt_id: Uuid, pieces: &[(u64, Piece)]) -> Result<Reply> {
        let mut taken = Vec::with_capacity(pieces.len());
        for (version, piece) in pieces {
            taken.push(self.take_one((prompt_id, *version), piece)?);
            if matches!((piece, taken.last()), (Piece::Whole(_), Some(Taken::Stored))) {
                // Snapshots tell the rankings, and when what was counted becomes too old for them.
                self.ring_by(now_ms() + SNAPSHOT_INTERVAL_MS).await;
            }
        }
        let is_whole = pieces
            .iter()
            .zip(&taken)
            .any(|((_, piece), taken)| matches!((piece, taken), (Piece::Whole(_), Taken::Stored | Taken::Repeated)));
        let snapshot = if is_whole { self.begin_snapshot(now_ms())? } else { None };
        let told = snapshot.map(|Begun { snapshot, .. }| told(&snapshot));
        Ok(Reply::Taken { taken, told })
    }

    /// Tells what was carried, without a time, before a snapshot would tell it as counted just now. Whoever brought it has done so,
    /// unless that died.
    pub(super) async fn tell_carried(&self, prompt_id: Uuid, snapshot: &Snapshot) -> Result<()> {
        if self.with(|memory| Ok(memory.has_told_carried))? {
            return Ok(());
        }
        if carried_storage::is_untold(&self.storage)? {
            d1::moving::tell(&d1::database(&self.env)?, &[(prompt_id, told(snapshot))], now_ms()).await?;
            carried_storage::note_told(&self.storage)?;
        }
        self.with(|memory| {
            memory.has_told_carried = true;
            Ok(())
        })
    }

    fn take_one(&self, (prompt_id, version): (Uuid, u64), piece: &Piece) -> Result<Taken> {
        self.with(|memory| {
            match carried_storage::standing(&self.storage, &memory.counter)?.step(version) {
                Step::Leave(taken) => return Ok(taken),
                Step::Begin => begin(&self.storage, version)?,
                Step::Store => {}
            }
            match piece {
                Piece::Whole(whole) if !finish(&self.storage, (prompt_id, version), whole)? => Ok(Taken::Incomplete),
                Piece::Whole(_) => {
                    let window_ms = settings::visit_window_ms(&self.env);
                    let restored = counter_storage::restore(&self.storage, window_ms)?;
                    let (_, counter) =
                        restored.ok_or_else(|| Error::from("a counter that was carried is not there"))?;
                    (memory.prompt_id, memory.counter, memory.has_told_carried) = (Some(prompt_id), counter, false);
                    Ok(Taken::Stored)
                }
                piece => store(&self.storage, piece).map(|()| Taken::Stored),
            }
        })
    }
}

fn told(snapshot: &Snapshot) -> Told {
    Told {
        tally: snapshot.tally,
        unique_visitors: snapshot.unique_visitors,
        version: snapshot.version,
        standings: json_text(&standings(snapshot)),
    }
}
