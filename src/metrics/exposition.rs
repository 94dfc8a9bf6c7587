//! The text.

use super::durations::{BOUNDS_MS, Durations, seconds};
use super::meter::{Family, METERS};
use super::readings::Count;
use crate::health::state::State;

/// All that the text tells.
#[derive(Debug, Default)]
pub struct Told<'a> {
    /// All that was counted, in the order of the names.
    pub total: &'a [Count],
    /// What was counted lately.
    pub lately: &'a [Count],
    /// How the database is, where that is known, at an instant in milliseconds since 1970.
    pub state: Option<(State, i64)>,
}

/// The text: of each family what it is and its kind, then its samples.
#[must_use]
pub fn text(told: &Told<'_>) -> String {
    let mut text = Exposition::default();
    meters(&mut text, told.total);
    requests(&mut text, told.total);
    durations(&mut text, told);
    slow_statements(&mut text, told.total);
    if let Some((state, now_ms)) = &told.state {
        rollup_and_storage(&mut text, state, *now_ms);
    }
    if let Some((_, bytes)) = told.total.iter().find(|(name, _)| name == "max_object_bytes") {
        text.family("promptmeter_object_storage_max_bytes", "gauge", "The most that one counter was seen to store.");
        text.sample("promptmeter_object_storage_max_bytes", &[], &bytes.to_string());
    }
    text.0
}

fn meters(text: &mut Exposition, total: &[Count]) {
    let mut told = "";
    for meter in METERS {
        let Family { name, help } = meter.family();
        if name != told {
            text.family(name, "counter", help);
            told = name;
        }
        let kept = meter.kept_name();
        let reading = total.iter().find(|(known, _)| *known == kept).map_or(0, |(_, count)| *count);
        let label = meter.label().map(|value| ("type", value));
        text.sample(name, label.as_slice(), &reading.to_string());
    }
}

fn requests(text: &mut Exposition, total: &[Count]) {
    let of = |(name, count): &'_ Count| {
        let mut parts = name.strip_prefix("requests ")?.split(' ').map(str::to_owned);
        Some((parts.next()?, parts.next()?, parts.next()?, *count))
    };
    let requests: Vec<_> = total.iter().filter_map(of).collect();
    text.family("promptmeter_requests_total", "counter", "Requests that were answered, by route and status.");
    for (method, route, status, count) in &requests {
        let labels = [("method", method.as_str()), ("route", route), ("status", status)];
        text.sample("promptmeter_requests_total", &labels, &count.to_string());
    }
    text.family("promptmeter_request_errors_total", "counter", "Requests that were answered with a 5xx, by route.");
    for group in requests.chunk_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1)) {
        let errors: u64 = group.iter().filter(|(.., status, _)| status.starts_with('5')).map(|(.., count)| count).sum();
        if let Some((method, route, ..)) = group.first() {
            let labels = [("method", method.as_str()), ("route", route)];
            text.sample("promptmeter_request_errors_total", &labels, &errors.to_string());
        }
    }
}

const NAME: &str = "promptmeter_request_duration_seconds";
const QUANTILES: &str = "promptmeter_request_duration_quantile_seconds";

fn durations(text: &mut Exposition, told: &Told<'_>) {
    text.family(NAME, "histogram", "How long requests took, by route, until their answer was ready.");
    for durations in Durations::of_routes(told.total) {
        let (method, route) = &durations.route;
        let labels = [("method", method.as_str()), ("route", route.as_str())];
        let [method, route] = labels;
        let bucket = format!("{NAME}_bucket");
        for bound in BOUNDS_MS {
            text.sample(&bucket, &[method, route, ("le", &seconds(bound))], &durations.below(bound).to_string());
        }
        let count = durations.count().to_string();
        text.sample(&bucket, &[method, route, ("le", "+Inf")], &count);
        text.sample(&format!("{NAME}_sum"), &labels, &seconds(durations.sum_ms));
        text.sample(&format!("{NAME}_count"), &labels, &count);
    }
    text.family(QUANTILES, "gauge", "The time that this share of a route's requests of the last hour did not exceed.");
    for durations in Durations::of_routes(told.lately) {
        let (method, route) = &durations.route;
        for (per_cent, quantile) in [(50, "0.5"), (95, "0.95"), (99, "0.99")] {
            if let Some(ms) = durations.quantile_ms(per_cent) {
                let labels = [("method", method.as_str()), ("route", route.as_str()), ("quantile", quantile)];
                text.sample(QUANTILES, &labels, &seconds(ms));
            }
        }
    }
}

fn slow_statements(text: &mut Exposition, total: &[Count]) {
    let families = [
        ("slow ", "promptmeter_slow_queries_total", "counter", "Statements that took longer than SLOW_QUERY_MS."),
        ("max_slow ", "promptmeter_slow_query_max_seconds", "gauge", "The longest of them."),
        ("max_slow_at ", "promptmeter_slow_query_last_timestamp_seconds", "gauge", "When the last of them was."),
    ];
    for (prefix, family, kind, help) in families {
        text.family(family, kind, help);
        for (name, count) in total {
            if let Some(statement) = name.strip_prefix(prefix) {
                let value = if kind == "counter" { count.to_string() } else { seconds(*count) };
                text.sample(family, &[("statement", statement)], &value);
            }
        }
    }
}

fn rollup_and_storage(text: &mut Exposition, state: &State, now_ms: i64) {
    let lag = seconds(state.rollup_lag_ms(now_ms).unsigned_abs());
    let share = state.storage_per_mille();
    for (name, help, value) in [
        ("promptmeter_rollup_lag_seconds", "How long ago the oldest event came that is not rolled up.", lag),
        ("promptmeter_storage_bytes", "What D1 stores.", state.storage_bytes.to_string()),
        ("promptmeter_storage_limit_bytes", "What D1 may store: STORAGE_LIMIT_BYTES.", state.storage_limit.to_string()),
        ("promptmeter_storage_ratio", "The share of the limit that is used.", seconds(share)),
    ] {
        text.family(name, "gauge", help);
        text.sample(name, &[], &value);
    }
}

/// A text in the format, as far as it is written. Whatever else is measured is written on it family by family.
#[derive(Debug, Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"] {
            self.0.push_str(part);
        }
    }

    /// Labels have values without quotes, backslashes and line breaks.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            for part in [if place == 0 { "{" } else { "," }, label, "=\"", text, "\""] {
                self.0.push_str(part);
            }
        }
        for part in [if labels.is_empty() { " " } else { "} " }, value, "\n"] {
            self.0.push_str(part);
        }
    }
}
