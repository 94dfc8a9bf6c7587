//! What goes wrong in a simulation.

use super::*;

impl Sim {
    /// Something fails.
    pub(super) fn fail(self: &Rc<Self>) {
        match self.random.below(19) {
            0..=4 => self.disturb_message(),
            5 => {
                let place = self.random.below(ISOLATES);
                self.fault("isolate stopped");
                self.oracle.borrow_mut().may_lose_queued = true;
                let process = self.isolates.borrow()[place].process;
                self.end_tasks(process, false);
                let isolate = Isolate::start(self);
                self.isolates.borrow_mut()[place] = isolate;
            }
            6 => {
                self.fault("request cancelled");
                self.oracle.borrow_mut().may_lose_queued = true;
                let process = self.isolates.borrow()[self.random.below(ISOLATES)].process;
                self.end_tasks(process, true);
            }
            7 | 8 => self.end_counter(self.random.below(PROMPTS), true),
            9 => self.end_counter(self.random.below(PROMPTS), false),
            10 | 11 => {
                let names: Vec<_> = self.shards.borrow().keys().copied().collect();
                if !names.is_empty() {
                    self.end_shard(self.random.one_of(&names), self.random.once_in(2));
                }
            }
            12 => {
                let place = self.random.below(EXPERIMENTS.len());
                self.fault("recorder stopped");
                let process = self.recorders.borrow()[place].process;
                self.end_tasks(process, false);
                let recorder = ExperimentRecorder::start(self, EXPERIMENTS[place].0);
                self.recorders.borrow_mut()[place] = recorder;
            }
            13 => {
                self.fault("write failed");
                self.writes_to_fail.set(1);
            }
            14 => {
                self.fault("cron ran beside");
                for _ in 0..=self.random.below(3) {
                    crate::cron::start(self);
                }
            }
            15..=17 => {
                self.fault("burst of load");
                let counter = Rc::clone(&self.counters.borrow()[self.random.below(PROMPTS)]);
                counter.load_more(8 + self.random.below(20) as u64);
            }
            _ => {
                let jump_ms = self.random.one_of(&[
                    SECOND_MS,
                    11 * SECOND_MS,
                    31 * SECOND_MS,
                    2 * MINUTE_MS,
                    40 * MINUTE_MS,
                    3 * HOUR_MS,
                ]);
                // Ids are remembered for a day.
                if self.jumped_ms.get() + jump_ms < 15 * HOUR_MS {
                    self.fault("time jumped");
                    self.jumped_ms.set(self.jumped_ms.get() + jump_ms);
                    self.now_ms.set(self.now_ms.get() + jump_ms);
                }
            }
        }
    }

    pub(super) fn fault(&self, what: &'static str) {
        self.note(what);
        self.tell(|| format!("FAULT {what}"));
    }

    pub(super) fn disturb_message(&self) {
        let mut network = self.network.borrow_mut();
        if network.is_empty() {
            return;
        }
        let place = self.random.below(network.len());
        let kind = self.random.below(4);
        let message = network[place].clone();
        let what = match (kind, message.is_reply) {
            (0 | 1, false) => "request lost",
            (0 | 1, true) => "answer lost",
            (2, false) => "request given up, and arrives later",
            (3, false) if message.may_repeat => "request repeated",
            _ => return,
        };
        self.note(what);
        self.tell(|| format!("FAULT {what}: {}", message.name));
        match kind {
            0 | 1 => drop(network.swap_remove(place)),
            3 => network.push(message),
            _ => {
                drop(network);
                (message.give_up)();
                return;
            }
        }
        drop(network);
    }

    /// Ends the object of a counter; another one starts from its disk, or from what had reached it.
    pub(crate) fn end_counter(self: &Rc<Self>, prompt: usize, crashes: bool) {
        self.fault(if crashes { "counter crashed" } else { "counter evicted" });
        let counter = Rc::clone(&self.counters.borrow()[prompt]);
        let mut tables: Rc<CounterTables> = counter.disk().end(crashes);
        if counter.is_ringing() {
            // An alarm that did not end rings again.
            let alarm_ms = tables.alarm_ms.map_or(self.now_ms.get(), |at_ms| at_ms.min(self.now_ms.get()));
            Rc::make_mut(&mut tables).alarm_ms = Some(alarm_ms);
        }
        let process = counter.process();
        drop(counter);
        let next = PromptCounter::start(self, prompt, tables);
        self.counters.borrow_mut()[prompt] = next;
        self.end_tasks(process, false);
    }

    pub(super) fn end_shard(self: &Rc<Self>, name: (usize, u32), crashes: bool) {
        self.fault(if crashes { "shard crashed" } else { "shard evicted" });
        let Some(shard) = self.shards.borrow_mut().remove(&name) else { return };
        let next = CounterShard::start(self, name, shard.disk.end(crashes));
        self.shards.borrow_mut().insert(name, next);
        self.end_tasks(shard.process, false);
    }
}
