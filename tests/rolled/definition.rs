//! The rollup by a brute force that is written from its definition alone.
//!
//! Over all accepted events of an experiment in the order of their time (ties: order of arrival), a session's variant is
//! the one of its first exposure, all its events belong to that variant, and an hourly row counts its hour's distinct
//! sessions and totals, the sessions whose first exposure is in the hour, and those whose first conversion at or after it
//! and inside the window is. A session with two variants leaves the rows (`exclude`) or stays with its first (`first`).
//!
//! A conversion that names a metric is a conversion of this metric alone. A session counts for a metric once, if one
//! such conversion lies at or after its first exposure and inside the window, with the sum of the values of those.

use std::collections::{BTreeMap, BTreeSet};

use promptmeter::events::event::ExperimentEventKind::{self, Conversion, Exposure, Pageview};
use promptmeter::experiments::session::{MultiVariant, Rules};
use promptmeter::limits::{SESSION_MEASUREMENTS, SESSION_METRICS};

pub(crate) const HOUR_MS: i64 = 3_600_000;
/// 2027-01-01T00:00:00Z: the edge of an hour, a day and a year.
pub(crate) const EDGE_MS: i64 = 1_798_761_600_000;
/// Experiments, and the numbers that stand for them.
pub(crate) const EXPERIMENTS: [(&str, i64); 2] = [("checkout", 7), ("pricing", 2)];
pub(crate) const SESSIONS: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
pub(crate) const VARIANTS: [&str; 3] = ["control", "green", "red"];

/// What a conversion measured: a metric and perhaps a value.
pub(crate) type Measured = Option<(&'static str, Option<f64>)>;

/// An event, with its time in milliseconds since [`EDGE_MS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) experiment: &'static str,
    pub(crate) session: &'static str,
    pub(crate) kind: ExperimentEventKind,
    pub(crate) at_ms: i64,
    pub(crate) variant: Option<&'static str>,
    pub(crate) measured: Measured,
}

/// How many events came together, when, in milliseconds since [`EDGE_MS`], and how many duplicates and refused ones
/// with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    pub(crate) events: usize,
    pub(crate) received_ms: i64,
    pub(crate) left_out: (i64, i64),
}

impl Delivered {
    /// Events on time and nothing else.
    pub(crate) fn on_time(events: usize) -> Self {
        Self { events, received_ms: -1000 * HOUR_MS, left_out: (0, 0) }
    }
}

/// What arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) events: Vec<Sent>,
    /// Late events, duplicates and refused ones, by experiment.
    pub(crate) noted: BTreeMap<String, [i64; 3]>,
}

impl Arrived {
    pub(crate) fn deliver(&mut self, events: &[Sent], delivered: Delivered) {
        self.events.extend(events);
        for sent in events {
            let noted = self.noted.entry(sent.experiment.to_owned()).or_default();
            noted[0] += i64::from(delivered.received_ms - sent.at_ms > HOUR_MS);
        }
        for (experiment, _) in EXPERIMENTS {
            let noted = self.noted.entry(experiment.to_owned()).or_default();
            noted[1] += delivered.left_out.0;
            noted[2] += delivered.left_out.1;
        }
    }
}

/// sessions, pageviews, their sessions, exposures, their sessions, conversions, their sessions, newly exposed, newly
/// converted.
pub(crate) type Columns = [i64; 9];

/// Rows that have something in them, by experiment, variant and hour since [`EDGE_MS`].
pub(crate) type Rows = BTreeMap<(String, String, i64), Columns>;

/// Sessions, those with a value, the sum of the values and of the squares of the sessions' sums, by experiment, variant
/// and metric.
pub(crate) type Metrics = BTreeMap<(String, String, String), (i64, i64, f64, f64)>;

/// late, duplicates, unexposed, multi-variant, rejected, unmeasured, by experiment, where there are any.
pub(crate) type Qualities = BTreeMap<String, [i64; 6]>;

pub(crate) type Everything = (Rows, Metrics, Qualities);

#[derive(Default)]
pub(crate) struct BruteRow {
    pub(crate) sessions: BTreeSet<&'static str>,
    pub(crate) of_kind: BTreeMap<&'static str, (i64, BTreeSet<&'static str>)>,
    pub(crate) new_exposed: i64,
    pub(crate) new_converted: i64,
}

impl BruteRow {
    pub(crate) fn columns(&self) -> Columns {
        let distinct = |sessions: &BTreeSet<_>| i64::try_from(sessions.len()).unwrap();
        let of_kind = |kind: ExperimentEventKind| {
            self.of_kind.get(kind.name()).map_or((0, 0), |(total, sessions)| (*total, distinct(sessions)))
        };
        let ((pageviews, viewing), (exposures, exposed), (conversions, converting)) =
            (of_kind(Pageview), of_kind(Exposure), of_kind(Conversion));
        [
            distinct(&self.sessions),
            pageviews,
            viewing,
            exposures,
            exposed,
            conversions,
            converting,
            self.new_exposed,
            self.new_converted,
        ]
    }
}

#[derive(Default)]
pub(crate) struct Brute {
    pub(crate) rows: BTreeMap<(String, String, i64), BruteRow>,
    pub(crate) metrics: Metrics,
    pub(crate) qualities: Qualities,
}

/// The figures of the definition; `rules_of` gives the rules for a session of an experiment.
pub(crate) fn brute_force(arrived: &Arrived, rules_of: impl Fn(&str, &str) -> Rules) -> Everything {
    let mut by_session: BTreeMap<(&str, &'static str), Vec<Sent>> = BTreeMap::new();
    for sent in &arrived.events {
        by_session.entry((sent.experiment, sent.session)).or_default().push(*sent);
    }
    let mut brute = Brute::default();
    for (experiment, [late, duplicates, rejected]) in &arrived.noted {
        brute.qualities.insert(experiment.clone(), [*late, *duplicates, 0, 0, *rejected, 0]);
    }
    for ((experiment, session), events) in by_session {
        brute.add(experiment, session, events, rules_of(experiment, session));
    }
    brute.qualities.retain(|_, quality| *quality != [0; 6]);
    (brute.rows.into_iter().map(|(key, row)| (key, row.columns())).collect(), brute.metrics, brute.qualities)
}

impl Brute {
    /// Adds a session, whose events come in the order of arrival.
    pub(crate) fn add(&mut self, experiment: &str, session: &'static str, mut events: Vec<Sent>, rules: Rules) {
        let quality = self.qualities.entry(experiment.to_owned()).or_default();
        let (mut kept, mut metrics) = (Vec::new(), BTreeSet::new());
        for event in &events {
            let Some((metric, _)) = event.measured else { continue };
            let has_room = metrics.contains(metric) || metrics.len() < SESSION_METRICS;
            if kept.len() < SESSION_MEASUREMENTS && has_room {
                kept.push(*event);
                metrics.insert(metric);
            } else {
                quality[5] += 1;
            }
        }
        events.sort_by_key(|event| event.at_ms);
        let exposures: Vec<&Sent> = events.iter().filter(|event| event.kind == Exposure).collect();
        let Some(&&Sent { at_ms: exposed_ms, variant, .. }) = exposures.first() else {
            quality[2] += 1;
            return;
        };
        if exposures.iter().any(|exposure| exposure.variant != variant) {
            quality[3] += 1;
            if rules.multi_variant == MultiVariant::Exclude {
                return;
            }
        }
        let counts = |at_ms: i64| {
            let in_window = |hours| at_ms - exposed_ms <= hours * HOUR_MS;
            at_ms >= exposed_ms && rules.conversion_window_hours.is_none_or(in_window)
        };
        let variant = variant.unwrap().to_owned();
        let row_of = |at_ms: i64| (experiment.to_owned(), variant.clone(), at_ms.div_euclid(HOUR_MS));
        for event in &events {
            let row = self.rows.entry(row_of(event.at_ms)).or_default();
            row.sessions.insert(session);
            if event.measured.is_none() {
                let (total, sessions) = row.of_kind.entry(event.kind.name()).or_default();
                *total += 1;
                sessions.insert(session);
            }
        }
        self.rows.entry(row_of(exposed_ms)).or_default().new_exposed += 1;
        let is_plain = |event: &&Sent| event.kind == Conversion && event.measured.is_none();
        let converted = events.iter().filter(is_plain).find(|event| event.at_ms >= exposed_ms);
        if let Some(converted) = converted.filter(|event| counts(event.at_ms)) {
            self.rows.entry(row_of(converted.at_ms)).or_default().new_converted += 1;
        }
        let mut measured: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (metric, value) in kept.iter().filter(|event| counts(event.at_ms)).filter_map(|event| event.measured) {
            measured.entry(metric).or_default().extend(value);
        }
        for (metric, values) in measured {
            let key = (experiment.to_owned(), variant.clone(), metric.to_owned());
            let (sessions, value_sessions, sum, squares) = self.metrics.entry(key).or_default();
            let total: f64 = values.iter().sum();
            *sessions += 1;
            *value_sessions += i64::from(!values.is_empty());
            *sum += total;
            *squares += total * total;
        }
    }
}
