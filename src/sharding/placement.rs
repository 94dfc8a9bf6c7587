//! Where increments go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::counting::protocol::Increment;

/// Over what a counter is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Counts up whenever the counter is spread anew.
    pub epoch: u64,
    /// How many shards there are, two at least.
    pub shards: u32,
}

/// A shard in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The epoch.
    pub epoch: u64,
    /// The number of the shard, from 0.
    pub shard: u32,
}

impl Spread {
    /// The shard that an id falls to, by the digest of the id. An id falls to the same one as long as the epoch lasts, so a
    /// repeated one is known where it comes again.
    #[must_use]
    pub fn shard_of(self, key: u64) -> u32 {
        // The upper half: the lower one decides where ids stand in tables.
        let upper = (key >> 32) % u64::from(self.shards.max(1));
        u32::try_from(upper).unwrap_or_default()
    }

    /// Every shard.
    pub fn places(self) -> impl Iterator<Item = Place> {
        (0..self.shards).map(move |shard| Place { epoch: self.epoch, shard })
    }

    /// The places in `increments` of those that fall to each shard. Those without an id go where their delivery goes, by
    /// which they are known.
    #[must_use]
    pub fn parts(self, delivery: u64, increments: &[Increment]) -> BTreeMap<u32, Vec<usize>> {
        let mut parts: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (index, increment) in increments.iter().enumerate() {
            let key = increment.id.map_or(delivery, |id| id.key);
            parts.entry(self.shard_of(key)).or_default().push(index);
        }
        parts
    }
}
