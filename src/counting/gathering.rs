//! What several bring is done together: who does it, and when.

/// How long whoever is to do it may take to begin, in milliseconds: then it is taken for gone.
pub const BEGINNING_MS: i64 = 2000;

/// What was brought, and is not done yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Gathering<T> {
    brought: Vec<T>,
    /// Since when somebody is to do it, in milliseconds since 1970.
    since_ms: Option<i64>,
}

impl<T> Default for Gathering<T> {
    fn default() -> Self {
        Self { brought: Vec::new(), since_ms: None }
    }
}

impl<T> Gathering<T> {
    /// Brings something; whether who brings it is to do all of it: nobody else is, or whoever was is gone.
    pub fn bring(&mut self, one: T, now_ms: i64) -> bool {
        self.brought.push(one);
        let is_carrier = self.since_ms.is_none_or(|since_ms| now_ms - since_ms > BEGINNING_MS);
        if is_carrier {
            self.since_ms = Some(now_ms);
        }
        is_carrier
    }

    /// Takes all of it, in its order, to be done; what is brought from now on is somebody else's.
    pub fn take(&mut self) -> Vec<T> {
        self.since_ms = None;
        std::mem::take(&mut self.brought)
    }
}
