//! Which increments are to be counted: each id once; and of those that have none, what comes again with its delivery, once.

use super::digest_map::DigestMap;
use super::ledger::{Ledger, Recalled};
use super::protocol::{Delivery, IdDigest, Increment, Outcome};

/// Judges deliveries, one behind another, by the ids that are known before the first.
#[derive(Debug)]
pub struct Judging<'a> {
    ledger: &'a Ledger,
    recalled: &'a Recalled,
    payloads: DigestMap<u32>,
    fresh: Vec<IdDigest>,
}

impl<'a> Judging<'a> {
    /// Nothing judged yet, of deliveries whose [keys](Delivery::keys) were recalled.
    #[must_use]
    pub fn by(ledger: &'a Ledger, recalled: &'a Recalled) -> Self {
        Self { ledger, recalled, payloads: DigestMap::default(), fresh: Vec::new() }
    }

    /// Judges the increments of a delivery in their order, and gives those that are to be counted to `accept`. An increment
    /// without an id of a delivery that came before is told as counted, which it is.
    pub fn judge(&mut self, delivery: &Delivery, mut accept: impl FnMut(&Increment)) -> Vec<Outcome> {
        let name = IdDigest { key: delivery.id, payload: 0 };
        let is_new = self.outcome(name) == Outcome::Counted;
        self.payloads.reserve(delivery.increments.len());
        self.fresh.reserve(delivery.increments.len());
        let mut has_nameless = false;
        let mut outcomes = Vec::with_capacity(delivery.increments.len());
        for increment in &delivery.increments {
            let outcome = increment.id.map_or(Outcome::Counted, |id| self.outcome(id));
            match increment.id {
                Some(id) if outcome == Outcome::Counted => {
                    self.note(id);
                    accept(increment);
                }
                None if is_new => {
                    has_nameless = true;
                    accept(increment);
                }
                _ => {}
            }
            outcomes.push(outcome);
        }
        if has_nameless {
            self.note(name);
        }
        outcomes
    }

    /// The ids that are to be remembered, in the order in which they were judged.
    #[must_use]
    pub fn into_fresh(self) -> Vec<IdDigest> {
        self.fresh
    }

    fn outcome(&self, id: IdDigest) -> Outcome {
        match self.payloads.get(&id.key) {
            None => self.ledger.judge(id, self.recalled),
            Some(payload) if *payload == id.payload => Outcome::Repeated,
            Some(_) => Outcome::Conflicting,
        }
    }

    fn note(&mut self, id: IdDigest) {
        self.payloads.insert(id.key, id.payload);
        self.fresh.push(id);
    }
}
