//! How many commands a counter gets, over how many shards they are to be spread, and whether more are expected soon.

use crate::time::SECOND_MS;

/// Over how long commands are counted, in milliseconds.
pub const WINDOW_MS: i64 = 2 * SECOND_MS;
/// Shards of one counter at the most.
pub const SHARDS: u32 = 32;
/// How close behind one another commands come that are steady, in milliseconds.
const STEADY_MS: i64 = SECOND_MS;
/// Windows of little load after which a counter that is spread folds back.
const COLD_WINDOWS: u32 = 5;

/// The commands of a window, and how they follow one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    since_ms: i64,
    commands: u64,
    cold_windows: u32,
    noted_ms: Option<i64>,
    is_steady: bool,
}

impl Load {
    /// Notes commands that came together.
    pub fn note(&mut self, commands: u64, now_ms: i64) {
        self.commands = self.commands.saturating_add(commands);
        self.is_steady = self.noted_ms.is_some_and(|noted_ms| now_ms - noted_ms <= STEADY_MS);
        self.noted_ms = Some(now_ms);
    }

    /// Whether those that came last came soon behind others, so that more may be expected soon.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.is_steady
    }

    /// At the end of a window tells over how many shards a counter is to be spread that is spread over `shards` now (1 where
    /// it is not), if that is another number. `limit` is how many commands a second one object is to get at the most: beyond
    /// it there are as many shards as each of them gets half of that, and below half of it for some time none.
    pub fn decide(&mut self, now_ms: i64, shards: u32, limit: u64) -> Option<u32> {
        let passed_ms = now_ms - self.since_ms;
        if passed_ms < WINDOW_MS {
            return None;
        }
        let a_second = self.commands.saturating_mul(1000) / passed_ms.unsigned_abs().max(1);
        let is_cold = a_second < limit / 2;
        let cold_windows = if is_cold { self.cold_windows.saturating_add(1) } else { 0 };
        (self.since_ms, self.commands, self.cold_windows) = (now_ms, 0, cold_windows);
        if a_second > limit.saturating_mul(shards.into()) {
            let wanted = a_second.saturating_mul(2).div_ceil(limit.max(1));
            let wanted = u32::try_from(wanted).unwrap_or(SHARDS).clamp(2, SHARDS);
            return (wanted > shards).then_some(wanted);
        }
        (shards > 1 && cold_windows >= COLD_WINDOWS).then_some(1)
    }
}
