//! Batches of events, and how they are written.

use super::protocol::{Delivery, Entry, Outcome};
use crate::counting::protocol::IdDigest;
use crate::data::json_rows::ARRAY_BYTES;

/// A batch that is to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewBatch {
    /// Its place among the experiment's batches.
    pub number: i64,
    /// When its events arrived, in milliseconds since 1970.
    pub received_ms: i64,
    /// How many events it has.
    pub event_count: usize,
    /// Its events: a JSON array of rows, see [`super::event_row`].
    pub events: String,
    /// The ids of its events.
    pub ids: Vec<IdDigest>,
    /// The ids of deliveries whose events it has or counts.
    pub deliveries: Vec<IdDigest>,
    /// Events that were stored before.
    pub duplicates: u32,
    /// Events that are refused.
    pub rejected: u32,
}

/// Batches while they are written.
pub(super) struct Writing {
    batch: NewBatch,
    full: Vec<NewBatch>,
}

impl Writing {
    /// Batches from this number on, received at this time.
    pub(super) fn new(number: i64, received_ms: i64) -> Self {
        Self { batch: NewBatch { number, received_ms, ..NewBatch::default() }, full: Vec::new() }
    }

    /// Notes a delivery, and events that came with it and were refused.
    pub(super) fn note(&mut self, delivery: &Delivery) {
        self.batch.deliveries.extend(delivery.id.map(|key| IdDigest { key, payload: 0 }));
        self.batch.rejected += delivery.rejected;
    }

    /// Takes in an event, or counts it, by what became of it.
    pub(super) fn add(&mut self, entry: &Entry, outcome: Outcome) {
        match outcome {
            Outcome::Recorded => self.record(entry),
            Outcome::Repeated => self.batch.duplicates += 1,
            _ => self.batch.rejected += 1,
        }
    }

    fn record(&mut self, entry: &Entry) {
        if self.batch.event_count > 0 && self.batch.events.len() + entry.row.len() + 2 > ARRAY_BYTES {
            self.close();
        }
        self.batch.events.push(if self.batch.event_count == 0 { '[' } else { ',' });
        self.batch.events.push_str(&entry.row);
        self.batch.event_count += 1;
        self.batch.ids.extend(entry.id);
    }

    fn close(&mut self) {
        let NewBatch { number, received_ms, .. } = self.batch;
        let next = NewBatch { number: number + 1, received_ms, ..NewBatch::default() };
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.events.push_str(if batch.event_count == 0 { "[]" } else { "]" });
        self.full.push(batch);
    }

    /// The batches, in their order.
    pub(super) fn finish(mut self) -> Vec<NewBatch> {
        let NewBatch { event_count, duplicates, rejected, .. } = self.batch;
        if event_count > 0 || duplicates > 0 || rejected > 0 {
            self.close();
        }
        self.full
    }
}
