//! The alarm of a counter, step for step as `edge/counter_alarm` has it; but that each snapshot is stored by itself. Of those that are stored
//! with it a counter sees only when its own is, and that it was not, which delays and failures of the database bring about here.

use super::*;

impl Counting {
    pub(super) async fn tell(&self, world: &World) {
        self.note_alarm(None);
        if matches!(self.spread(), Ok(Some(_))) {
            self.ring_by(world, world.now_ms.get() + PULL_INTERVAL_MS);
        }
        match self.with(|memory| Ok(memory.pace.early_until_ms(world.now_ms.get()))) {
            Ok(Some(due_ms)) => self.ring_by(world, due_ms),
            Ok(None) | Err(_) => self.tell_database(world).await,
        }
    }

    async fn tell_database(&self, world: &World) {
        let is_told = self.snapshot(world).await.is_ok();
        let now_ms = world.now_ms.get();
        let retry_ms = self.with(|memory| {
            if is_told {
                memory.pace.succeed();
                return Ok(None);
            }
            Ok(Some(memory.pace.fail(now_ms, spread_ms(prompt_id(self.prompt)))))
        });
        if let Some(retry_ms) = retry_ms.unwrap_or(Some(now_ms + SNAPSHOT_DELAY_MS)) {
            self.ring_by(world, retry_ms);
        }
    }

    pub(super) fn schedule_snapshot(&self, world: &World) {
        let due_ms = self.with(|memory| Ok(memory.pace.due_ms(memory.counter.version, world.now_ms.get())));
        if let Ok(due_ms) = due_ms {
            self.ring_by(world, due_ms);
        }
    }

    pub(super) fn ring_by(&self, world: &World, at_ms: i64) {
        if self.with(|memory| Ok(memory.alarm_ms)).is_ok_and(|alarm_ms| alarm_ms.is_some_and(|set| set <= at_ms)) {
            return;
        }
        self.note_alarm(Some(at_ms));
        self.disk.write_alarm(|tables| tables.alarm_ms = Some(at_ms));
        world.note("alarm set");
    }

    pub(super) fn note_alarm(&self, alarm_ms: Option<i64>) {
        let _ = self.with(|memory| {
            memory.alarm_ms = alarm_ms;
            Ok(())
        });
    }

    pub(super) async fn snapshot(&self, world: &World) -> Result<(), Failure> {
        self.remember();
        let now_ms = world.now_ms.get();
        let taken = self.with(|memory| {
            if !memory.is_known {
                return Ok(None);
            }
            let first = first_day(now_ms);
            let mut days = self.disk.read().days();
            days.retain(|(number, _)| *number >= first);
            memory.pace.begin(now_ms);
            Ok(Some(memory.counter.snapshot(&days, now_ms)))
        })?;
        let Some(snapshot) = taken else { return Ok(()) };
        let prompt = self.prompt;
        self.disk.flushed(world).await;
        let store = move |world: &World, database: &mut crate::database::Database| {
            Ok(database.store_snapshot(world, prompt, &snapshot, (now_ms, RANKING_INTERVAL_MS)))
        };
        let told_ms = world.ask_database("a snapshot", store).await?;
        let told_ms = if world.has(Defect::KeepsTheRestFromRankings) { None } else { told_ms };
        let changes_ms = snapshot.recent.changes_ms.map(|changes_ms| changes_ms + spread_ms(prompt_id(prompt)));
        if let Some(due_ms) = standing::due_ms(told_ms, now_ms, RANKING_INTERVAL_MS, changes_ms) {
            self.ring_by(world, due_ms);
        }
        Ok(())
    }
}
