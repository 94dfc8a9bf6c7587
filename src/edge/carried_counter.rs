//! A counter that is exported: the parts that it told, and in their places those that it tells in pages.

use std::collections::VecDeque;

use uuid::Uuid;
use worker::{Env, Error, Result};

use super::counters;
use crate::counting::carried::{IMPORTED_AT_ONCE, Piece, Whole};
use crate::counting::protocol::{Command, Reply};
use crate::moving::counter_lines::CounterLine;

/// A counter, and how far it is exported.
pub(super) struct CarriedCounter {
    env: Env,
    prompt_id: Uuid,
    version: u64,
    has_begun: bool,
    /// How often it was asked since this was looked at.
    calls: i64,
    pieces: VecDeque<Piece>,
    /// The segment from which on older ids are asked for; `None` where all are there.
    older_from: Option<u64>,
    /// Segments of ids so far.
    ids: u64,
    /// Keys of imported rows so far, and the last of them.
    keys: (u64, Option<i64>),
    has_all_keys: bool,
}

impl CarriedCounter {
    /// A counter of which nothing is exported yet. Where the whole has more ids than came with it, they are asked for.
    pub(super) fn new(env: Env, prompt_id: Uuid, version: u64, pieces: Vec<Piece>) -> Self {
        let here = pieces.iter().filter(|piece| matches!(piece, Piece::Ids { .. })).count() as u64;
        let has_older = matches!(pieces.last(), Some(Piece::Whole(whole)) if whole.ids > here);
        let (pieces, older_from) = (pieces.into(), has_older.then_some(0));
        Self {
            env,
            prompt_id,
            version,
            has_begun: false,
            calls: 0,
            pieces,
            older_from,
            ids: 0,
            keys: (0, None),
            has_all_keys: false,
        }
    }

    /// Whether lines of it were told.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// How often it was asked since this was called last.
    pub(super) fn take_calls(&mut self) -> i64 {
        std::mem::take(&mut self.calls)
    }

    /// Its prompt.
    pub(super) fn prompt_id(&self) -> Uuid {
        self.prompt_id
    }

    /// The next lines, those of one page where the counter is asked for them; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<CounterLine>> {
        self.has_begun = true;
        let mut next = Vec::new();
        while let Some(mut piece) = self.pieces.pop_front() {
            match &mut piece {
                Piece::Ids { number, .. } => {
                    if let Some(from) = self.older_from {
                        let before = *number;
                        self.pieces.push_front(piece);
                        next.extend(self.older(from, before).await?);
                        if next.is_empty() {
                            continue;
                        }
                        break;
                    }
                    self.ids += 1;
                }
                Piece::Whole(whole) if whole.imported > 0 && !self.has_all_keys => {
                    let whole = std::mem::take(whole);
                    next.extend(self.imported(&whole).await?);
                    self.pieces.push_front(Piece::Whole(whole));
                    if next.is_empty() {
                        continue;
                    }
                    break;
                }
                // Segments that were forgotten meanwhile are not carried.
                Piece::Whole(whole) => whole.ids = self.ids,
                Piece::Day { .. } | Piece::Imported(_) => {}
            }
            next.push(piece);
        }
        let (prompt_id, version) = (self.prompt_id, self.version);
        Ok(next.into_iter().map(|piece| CounterLine { prompt_id, version, piece }).collect())
    }

    /// Segments of ids from one on and before another, which no counter changes any more.
    async fn older(&mut self, from: u64, before: u64) -> Result<Vec<Piece>> {
        self.calls += 1;
        let reply = counters::ask(&self.env, self.prompt_id, &Command::CarryIds { from, before }).await?;
        let Reply::CarriedIds { pieces } = reply else { return Err(counters::unexpected()) };
        self.older_from = match pieces.last() {
            Some(Piece::Ids { number, .. }) if number + 1 < before => Some(number + 1),
            _ => None,
        };
        self.ids += pieces.len() as u64;
        Ok(pieces)
    }

    /// The next keys of imported rows, if there are more; of all there are as many as the counter said.
    async fn imported(&mut self, whole: &Whole) -> Result<Option<Piece>> {
        let (told, after) = self.keys;
        self.calls += 1;
        let reply = counters::ask(&self.env, self.prompt_id, &Command::CarryImported { after }).await?;
        let Reply::CarriedImported { keys } = reply else { return Err(counters::unexpected()) };
        let told = told + keys.len() as u64 / 8;
        self.keys = (told, keys.last_chunk().map(|key| i64::from_be_bytes(*key)));
        self.has_all_keys = keys.len() / 8 < IMPORTED_AT_ONCE;
        if told > whole.imported || (self.has_all_keys && told < whole.imported) {
            return Err(Error::from("rows were imported meanwhile"));
        }
        Ok((!keys.is_empty()).then_some(Piece::Imported(keys)))
    }
}
