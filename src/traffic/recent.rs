//! A bounded table of what was used last.

use std::collections::HashMap;
use std::mem;

/// Numbers by keys: at most twice as many as one generation has. When a generation is full, the one before it is forgotten
/// as a whole, so what is used is there at least until one generation of other keys was used after it.
pub struct Recent {
    generation: usize,
    young: HashMap<u64, i64>,
    old: HashMap<u64, i64>,
}

impl Recent {
    /// An empty table with generations of this size.
    #[must_use]
    pub fn with_generation(generation: usize) -> Self {
        Self { generation, young: HashMap::new(), old: HashMap::new() }
    }

    /// The number of a key, which is thereby used; what `make` gives for one that is not there.
    pub fn get_or_insert_with(&mut self, key: u64, make: impl FnOnce() -> i64) -> i64 {
        if let Some(number) = self.young.get(&key) {
            return *number;
        }
        let number = self.old.remove(&key).unwrap_or_else(make);
        self.insert(key, number);
        number
    }

    /// Sets the number of a key.
    pub fn insert(&mut self, key: u64, number: i64) {
        if self.young.len() >= self.generation && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, number);
    }

    /// How many keys are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Whether none is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
