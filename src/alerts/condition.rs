//! When there is something to tell.

use super::kind::Kind;
use crate::health::check::{ROLLUP_LAG_MS, STORAGE_PER_MILLE, duration, megabytes, per_cent};
use crate::health::state::State;
use crate::metrics::meter::Meter;
use crate::metrics::readings::Count;
use crate::time::MINUTE_MS;

/// Over what time requests are looked at, in milliseconds.
pub const LATELY_MS: i64 = 20 * MINUTE_MS;
/// The share of requests that may fail, in thousandths, of at least [`REQUESTS`].
const ERRORS_PER_MILLE: u64 = 50;
/// Fewer requests say nothing.
const REQUESTS: u64 = 100;
/// Credentials that may be wrong.
const FAILED_AUTHENTICATIONS: u64 = 100;

/// What was counted of requests lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that were answered.
    pub requests: u64,
    /// Those with a 5xx.
    pub errors: u64,
    /// Credentials that are not valid.
    pub failed_authentications: u64,
}

impl Traffic {
    /// Of what was counted, by name. What tells of health is no sign of it.
    #[must_use]
    pub fn of(counts: &[Count]) -> Self {
        let mut traffic = Self::default();
        let failed = Meter::FailedAuthentications.kept_name();
        let refused = Meter::RefusedRequests.kept_name();
        for (name, count) in counts {
            let parts: Vec<&str> = name.split(' ').collect();
            match parts[..] {
                ["requests", _, path, status] if path != "/healthz" => {
                    traffic.requests += count;
                    traffic.errors += if status.starts_with('5') { *count } else { 0 };
                }
                [name] if name == failed => traffic.failed_authentications += count,
                [name] if name == refused => {
                    traffic.requests += count;
                    traffic.errors += count;
                }
                _ => {}
            }
        }
        traffic
    }
}

/// What there is to tell of a kind, in a sentence; `None` when all is well.
#[must_use]
pub fn detail(kind: Kind, state: &State, traffic: &Traffic, now_ms: i64) -> Option<String> {
    match kind {
        Kind::RollupLag => {
            let lag_ms = state.rollup_lag_ms(now_ms);
            let detail = || format!("The oldest experiment event that is not rolled up came {} ago.", duration(lag_ms));
            (lag_ms > ROLLUP_LAG_MS).then(detail)
        }
        Kind::Storage => {
            let share = state.storage_per_mille();
            let detail = || format!("D1 uses {} % of {}.", per_cent(share), megabytes(state.storage_limit));
            (share > STORAGE_PER_MILLE).then(detail)
        }
        Kind::Errors => {
            let Traffic { requests, errors, .. } = *traffic;
            let is_much = requests >= REQUESTS && errors * 1000 > requests * ERRORS_PER_MILLE;
            is_much.then(|| format!("{errors} of the last {requests} requests were answered with a 5xx."))
        }
        Kind::FailedAuthentication => {
            let failed = traffic.failed_authentications;
            (failed >= FAILED_AUTHENTICATIONS).then(|| format!("{failed} of the last requests had a wrong credential."))
        }
    }
}
