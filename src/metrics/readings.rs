//! What one isolate has counted since it started.

use super::meter::{METERS, Meter};
use crate::http::route::RouteName;
use crate::usage::histogram::Bucket;

/// Statements that are known by name to have been slow; further ones are counted as [`OTHERS`].
const SLOW_STATEMENTS: usize = 100;
const OTHERS: &str = "others";

/// A count by its name. Names that begin with `max_` are of the largest, all others of a sum.
pub type Count = (String, u64);

/// What is known of one route.
#[derive(Clone, Debug)]
struct RouteReadings {
    route: RouteName,
    /// How many answers had each status.
    statuses: Vec<(u16, u64)>,
    /// How many took how long, by the lower bound of the bucket in milliseconds, in its order.
    durations: Vec<(u64, u64)>,
    sum_ms: u64,
}

/// What is known of a statement that was slow.
#[derive(Clone, Debug)]
struct SlowStatement {
    name: String,
    times: u64,
    longest_ms: u64,
    last_ms: u64,
}

/// What one isolate has counted since it started.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    meters: [u64; METERS.len()],
    routes: Vec<RouteReadings>,
    slow: Vec<SlowStatement>,
    object_bytes: u64,
}

impl Readings {
    /// Nothing yet.
    pub const NONE: Self = Self { meters: [0; METERS.len()], routes: Vec::new(), slow: Vec::new(), object_bytes: 0 };

    /// Counts a meter `times` more.
    pub fn add(&mut self, meter: Meter, times: u64) {
        let place = METERS.iter().position(|known| *known == meter);
        if let Some(reading) = place.and_then(|place| self.meters.get_mut(place)) {
            *reading = reading.saturating_add(times);
        }
    }

    /// Counts a request that was answered.
    pub fn request(&mut self, route: RouteName, status: u16, duration_ms: u64) {
        let known = match self.routes.iter_mut().find(|known| known.route == route) {
            Some(known) => known,
            None => {
                self.routes.push_mut(RouteReadings { route, statuses: Vec::new(), durations: Vec::new(), sum_ms: 0 })
            }
        };
        increment(&mut known.statuses, status);
        increment(&mut known.durations, Bucket::of(duration_ms).lower);
        known.sum_ms = known.sum_ms.saturating_add(duration_ms);
    }

    /// Counts a statement that took so long, at `now_ms`.
    pub fn slow_statement(&mut self, name: &str, duration_ms: u64, now_ms: i64) {
        let is_known = self.slow.len() < SLOW_STATEMENTS || self.slow.iter().any(|known| known.name == name);
        let name = if is_known { name } else { OTHERS };
        let known = match self.slow.iter_mut().find(|known| known.name == name) {
            Some(known) => known,
            None => self.slow.push_mut(SlowStatement { name: name.to_owned(), times: 0, longest_ms: 0, last_ms: 0 }),
        };
        known.times += 1;
        known.longest_ms = known.longest_ms.max(duration_ms);
        known.last_ms = now_ms.unsigned_abs();
    }

    /// Notes how many bytes an object stores.
    pub fn object_bytes(&mut self, bytes: u64) {
        self.object_bytes = self.object_bytes.max(bytes);
    }

    /// All counts that are not zero, by their names, in the order of these.
    #[must_use]
    pub fn counts(&self) -> Vec<Count> {
        // Put in its place one by one: sorting is a lot of code.
        let mut counts: Vec<Count> = Vec::new();
        let mut put = |name: String, count: u64| {
            if count > 0 {
                let place = counts.partition_point(|(known, _)| *known < name);
                counts.insert(place, (name, count));
            }
        };
        for (meter, reading) in METERS.iter().zip(self.meters) {
            put(meter.kept_name(), reading);
        }
        for RouteReadings { route: RouteName { method, path }, statuses, durations, sum_ms } in &self.routes {
            for (status, times) in statuses {
                put(format!("requests {method} {path} {status}"), *times);
            }
            for (lower, times) in durations {
                put(format!("duration {method} {path} {lower}"), *times);
            }
            put(format!("duration_sum {method} {path}"), *sum_ms);
        }
        for SlowStatement { name, times, longest_ms, last_ms } in &self.slow {
            put(format!("slow {name}"), *times);
            put(format!("max_slow {name}"), *longest_ms);
            put(format!("max_slow_at {name}"), *last_ms);
        }
        put("max_object_bytes".to_owned(), self.object_bytes);
        counts
    }
}

/// Counts a key once more, in the order of the keys.
fn increment<K: Ord + Copy>(counts: &mut Vec<(K, u64)>, key: K) {
    match counts.binary_search_by_key(&key, |(known, _)| *known) {
        Ok(place) => {
            if let Some((_, times)) = counts.get_mut(place) {
                *times += 1;
            }
        }
        Err(place) => counts.insert(place, (key, 1)),
    }
}
