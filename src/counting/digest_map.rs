//! Maps by keys that are digests, or random: their bits are spread already, so they are hashed no more. Whoever wants ids that fall
//! together has to try digests until some do; that he would have to with the standard hasher, too, whose keys are the same
//! in every instance of WebAssembly.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by such keys.
pub type DigestMap<V> = HashMap<u64, V, BuildHasherDefault<DigestHasher>>;

/// Takes a key as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
