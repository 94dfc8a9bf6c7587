//! The alarm of a counter: snapshots of its counts to D1, when they changed, when the rankings are to be told the rest, and when
//! what was counted leaves one of their windows; and the pace at which a counter that is spread pulls from its shards.

use std::time::Duration;

use uuid::Uuid;
use worker::Result;

use super::counter_object::Counting;
use super::day_storage::{self, EVERY_DAY};
use super::runtime::{log_failure, now_ms};
use super::snapshots::{self, Stored};
use super::{metering, settings};
use crate::counting::snapshot::{SNAPSHOT_DELAY_MS, Snapshot};
use crate::counting::windows::{first_day, spread_ms};
use crate::rankings::standing;
use crate::time::SECOND_MS;

/// How often a counter that is spread pulls from its shards, in milliseconds.
pub(super) const PULL_INTERVAL_MS: i64 = SECOND_MS;

/// A snapshot that is to be stored.
pub(super) struct Begun {
    prompt_id: Uuid,
    pub(super) snapshot: Snapshot,
    /// By itself.
    is_alone: bool,
}

impl Counting {
    /// Does what the alarm is for, and sets it again.
    pub(super) async fn tell(&self) {
        self.note_alarm(None);
        // What comes soonest is set first: then nothing later is set.
        if matches!(self.spread(), Ok(Some(_))) {
            self.ring_by(now_ms() + PULL_INTERVAL_MS).await;
        }
        match self.with(|memory| Ok(memory.pace.early_until_ms(now_ms()))) {
            Ok(Some(due_ms)) => self.ring_by(due_ms).await,
            Ok(None) | Err(_) => self.tell_database().await,
        }
    }

    async fn tell_database(&self) {
        let is_told = self.snapshot().await.unwrap_or_else(|error| {
            log_failure("snapshot", &error.to_string());
            false
        });
        let retry_ms = self.with(|memory| {
            if is_told {
                memory.pace.succeed();
                return Ok(None);
            }
            Ok(Some(memory.pace.fail(now_ms(), memory.prompt_id.map_or(0, spread_ms))))
        });
        // What could not be restored is tried soon.
        if let Some(retry_ms) = retry_ms.unwrap_or_else(|_| Some(now_ms() + SNAPSHOT_DELAY_MS)) {
            self.ring_by(retry_ms).await;
        }
    }

    /// Sees to a snapshot of what changed.
    pub(super) async fn schedule_snapshot(&self) {
        let due_ms = self.with(|memory| Ok(memory.pace.due_ms(memory.counter.version, now_ms())));
        if let Ok(due_ms) = due_ms {
            self.ring_by(due_ms).await;
        }
    }

    /// Sees to it that the alarm rings at an instant at the latest; set in the same turn as the commit before it, so that
    /// both are stored or neither.
    pub(super) async fn ring_by(&self, at_ms: i64) {
        if self.with(|memory| Ok(memory.alarm_ms)).is_ok_and(|alarm_ms| alarm_ms.is_some_and(|set| set <= at_ms)) {
            return;
        }
        self.note_alarm(Some(at_ms));
        metering::alarm();
        let delay = Duration::from_millis((at_ms - now_ms()).max(0).unsigned_abs());
        if let Err(error) = self.storage.set_alarm(delay).await {
            self.note_alarm(None);
            log_failure("alarm", &error.to_string());
        }
    }

    fn note_alarm(&self, alarm_ms: Option<i64>) {
        let _ = self.with(|memory| {
            memory.alarm_ms = alarm_ms;
            Ok(())
        });
    }

    /// Has a snapshot stored, if there is anything to tell; whether nothing is left to be.
    async fn snapshot(&self) -> Result<bool> {
        self.remember().await?;
        let Some(Begun { prompt_id, snapshot, is_alone }) = self.begin_snapshot(now_ms())? else { return Ok(true) };
        metering::object_bytes(self.storage.sql().database_size());
        self.tell_carried(prompt_id, &snapshot).await?;
        let stored = if is_alone {
            snapshots::store_alone(&self.env, prompt_id, &snapshot).await
        } else {
            // What another object sends is not held back until this one's writes are durable.
            self.storage.sync().await?;
            snapshots::store(&self.env, prompt_id, &snapshot).await
        };
        let Some(Stored { at_ms, told_ms }) = stored else { return Ok(false) };
        let changes_ms = snapshot.recent.changes_ms.map(|changes_ms| changes_ms + spread_ms(prompt_id));
        let interval_ms = settings::ranking_interval_ms(&self.env);
        if let Some(due_ms) = standing::due_ms(told_ms, at_ms, interval_ms, changes_ms) {
            self.ring_by(due_ms).await;
        }
        Ok(true)
    }

    /// What a snapshot tells; `None` of a counter that never counted.
    pub(super) fn begin_snapshot(&self, now_ms: i64) -> Result<Option<Begun>> {
        self.with(|memory| {
            let Some(prompt_id) = memory.prompt_id else { return Ok(None) };
            let range = first_day(now_ms)..=*EVERY_DAY.end();
            let days = day_storage::days(&self.storage, &memory.counter, range)?;
            let is_alone = memory.pace.begin(now_ms);
            Ok(Some(Begun { prompt_id, snapshot: memory.counter.snapshot(&days, now_ms), is_alone }))
        })
    }
}
