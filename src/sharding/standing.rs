//! How a counter is spread.

use super::placement::{Place, Spread};

/// How a counter is spread, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Counts up whenever the counter is spread anew.
    pub epoch: u64,
    /// How many shards there are; 1 where the counter counts by itself.
    pub shards: u32,
    /// Whether the epoch is about to end: no shard begins in it any more.
    pub is_folding: bool,
    /// Up to which batch the counter has what each shard accepted.
    pub pulled: Vec<u64>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { epoch: 0, shards: 1, is_folding: false, pulled: Vec::new() }
    }
}

impl Standing {
    /// Over what the counter is spread, if it is.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        (self.shards > 1).then_some(Spread { epoch: self.epoch, shards: self.shards })
    }

    /// Whether a shard may begin.
    #[must_use]
    pub fn admits(&self, place: Place) -> bool {
        !self.is_folding && self.shards > 1 && place.epoch == self.epoch && place.shard < self.shards
    }

    /// Spread over so many shards, in an epoch of its own; or, with 1, not spread.
    #[must_use]
    pub fn over(&self, shards: u32) -> Self {
        let epoch = if shards > 1 { self.epoch + 1 } else { self.epoch };
        let pulled = if shards > 1 { (0..shards).map(|_| 0).collect() } else { Vec::new() };
        Self { epoch, shards, is_folding: false, pulled }
    }

    /// At the end of its epoch.
    #[must_use]
    pub fn folding(&self) -> Self {
        Self { is_folding: true, ..self.clone() }
    }

    /// With what a shard accepted up to a batch.
    #[must_use]
    pub fn with_pulled(&self, shard: u32, through: u64) -> Self {
        let mut standing = self.clone();
        let place = usize::try_from(shard).ok().and_then(|shard| standing.pulled.get_mut(shard));
        if let Some(pulled) = place {
            *pulled = through;
        }
        standing
    }

    /// Up to which batch the counter has what a shard accepted.
    #[must_use]
    pub fn pulled(&self, shard: u32) -> u64 {
        usize::try_from(shard).ok().and_then(|shard| self.pulled.get(shard)).copied().unwrap_or_default()
    }
}
