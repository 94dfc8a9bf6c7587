//! One slice of a rollup: the events that arrived since the watermark, and what they change.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::session::{Occurrence, Rules, Session};
use super::summary::{Figures, MetricFigures, MetricKey, Quality, RowKey, Sign};
use crate::recording::event_row::EventRow;
use crate::time::HOUR_MS;

/// How long after it happened an event is late, in milliseconds.
const LATE_MS: i64 = HOUR_MS;

/// A session's id as it is stored: 128 bits of its SHA-256. Of 100 million sessions two are the same with a probability
/// of 10^16 / 2^129, or 1 in 10^22.
pub type SessionDigest = [u8; 16];

/// The digest of a session's id.
#[must_use]
pub fn digest(session_id: &str) -> SessionDigest {
    let mut digest = SessionDigest::default();
    for (mine, byte) in digest.iter_mut().zip(Sha256::digest(session_id.as_bytes())) {
        *mine = byte;
    }
    digest
}

/// Which session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The number of the experiment.
    pub experiment: i64,
    /// The session.
    pub session: SessionDigest,
}

/// An event that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Whose it is.
    pub session: SessionKey,
    /// What happened.
    pub occurrence: Occurrence,
}

/// The events of a slice: those of each session together, in the order of arrival.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    arrivals: Vec<Arrival>,
    quality: HashMap<i64, Quality>,
}

impl Slice {
    /// Takes in the events of a stored batch; batches come in the order of arrival.
    pub fn take(&mut self, experiment: i64, received_ms: i64, rows: Vec<EventRow>) {
        let late = rows.iter().filter(|row| received_ms - row.at_ms > LATE_MS).count();
        self.quality(experiment).late += i64::try_from(late).unwrap_or(i64::MAX);
        self.arrivals.extend(rows.into_iter().map(|row| {
            let EventRow { kind, session_id, variant_key, at_ms, measurement } = row;
            let session = SessionKey { experiment, session: digest(&session_id) };
            Arrival { session, occurrence: Occurrence { kind, at_ms, variant_key, measurement } }
        }));
    }

    /// Notes events that came with a batch and are not in it.
    pub fn note(&mut self, experiment: i64, duplicates: i64, rejected: i64) {
        let quality = self.quality(experiment);
        quality.duplicates += duplicates;
        quality.rejected += rejected;
    }

    fn quality(&mut self, experiment: i64) -> &mut Quality {
        self.quality.entry(experiment).or_default()
    }

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// Whether it has no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Puts the events of each session together.
    pub fn sort(&mut self) {
        self.arrivals.sort_by_key(|arrival| arrival.session);
    }

    /// The events of each session of a sorted slice, in the order of the sessions' keys.
    pub fn by_session(&self) -> impl Iterator<Item = (SessionKey, &[Arrival])> {
        let sessions = self.arrivals.chunk_by(|one, other| one.session == other.session);
        sessions.filter_map(|arrivals| Some((arrivals.first()?.session, arrivals)))
    }
}

/// Under which rules an experiment's sessions are judged. While new rules come into force, sessions up to one are judged
/// by them already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RulesInForce {
    /// The rules.
    pub rules: Rules,
    /// The next rules, and the last session that is judged by them.
    pub next: Option<(Rules, Option<SessionDigest>)>,
}

impl RulesInForce {
    /// The rules by which this session is judged.
    #[must_use]
    pub fn of(&self, session: &SessionDigest) -> Rules {
        match &self.next {
            Some((next, Some(judged_to))) if session <= judged_to => *next,
            _ => self.rules,
        }
    }
}

/// What a slice changes. To be stored in one transaction, together with the watermark.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// The sessions that have new events, as they are now.
    pub sessions: Vec<(SessionKey, Session)>,
    /// What is added to the hourly rows; no difference that is zero.
    pub rows: HashMap<RowKey, Figures>,
    /// What is added to the metrics; no difference that is zero.
    pub metrics: HashMap<MetricKey, MetricFigures>,
    /// What is added to the experiments' quality, by their numbers; no difference that is zero.
    pub quality: HashMap<i64, Quality>,
}

/// Rolls up a sorted slice. `stored` holds the sessions of its events that are known, and `rules` the rules by the
/// numbers of experiments.
#[must_use]
pub fn roll(slice: &Slice, mut stored: HashMap<SessionKey, Session>, rules: &HashMap<i64, RulesInForce>) -> Changes {
    let mut changes = Changes { quality: slice.quality.clone(), ..Changes::default() };
    for (key, arrivals) in slice.by_session() {
        let rules = rules.get(&key.experiment).map(|rules| rules.of(&key.session)).unwrap_or_default();
        let before = stored.remove(&key);
        let mut session = before.clone().unwrap_or_default();
        for arrival in arrivals {
            session.observe(&arrival.occurrence);
        }
        changes.exchange(key.experiment, (&before.unwrap_or_default(), rules), (&session, rules));
        changes.sessions.push((key, session));
    }
    changes.retain_differences();
    changes
}

/// What changes when these sessions of an experiment are judged by other rules.
#[must_use]
pub fn judge_anew(experiment: i64, sessions: &[Session], from: Rules, to: Rules) -> Changes {
    let mut changes = Changes::default();
    for session in sessions {
        changes.exchange(experiment, (session, from), (session, to));
    }
    changes.retain_differences();
    changes
}

/// A variant, and what a session measured of it by the names of metrics.
type Measured<'a> = Option<&'a (&'a str, Vec<(&'a str, MetricFigures)>)>;

impl Changes {
    /// Takes away what a session adds as it was judged before, and adds what it adds now.
    fn exchange(&mut self, experiment: i64, before: (&Session, Rules), now: (&Session, Rules)) {
        let measured = (before.0.metrics(before.1), now.0.metrics(now.1));
        for ((session, rules), sign) in [(before, Sign::Minus), (now, Sign::Plus)] {
            self.count_hours(experiment, session.figures(rules), sign);
            self.count_quality(experiment, session, sign);
        }
        // Sums of fractions are left alone where nothing changes: they would not come back to what they were.
        self.count_metrics(experiment, measured.0.as_ref(), measured.1.as_ref(), Sign::Minus);
        self.count_metrics(experiment, measured.1.as_ref(), measured.0.as_ref(), Sign::Plus);
    }

    fn count_hours(&mut self, experiment: i64, counted: Option<(&str, Vec<(i64, Figures)>)>, sign: Sign) {
        let Some((variant_key, figures)) = counted else { return };
        for (hour, figures) in figures {
            let row = RowKey { experiment, variant_key: variant_key.to_owned(), hour };
            self.rows.entry(row).or_default().add(&figures, sign);
        }
    }

    /// Counts what was measured of a variant, but for metrics of which the `other` judgement says the same.
    fn count_metrics(&mut self, experiment: i64, measured: Measured<'_>, other: Measured<'_>, sign: Sign) {
        let Some((variant_key, metrics)) = measured else { return };
        let same = other.filter(|(other_key, _)| other_key == variant_key).map(|(_, metrics)| metrics);
        for (metric, figures) in metrics {
            if !same.is_some_and(|same| same.contains(&(*metric, *figures))) {
                let (variant_key, metric) = ((*variant_key).to_owned(), (*metric).to_owned());
                let key = MetricKey { experiment, variant_key, metric };
                self.metrics.entry(key).or_default().add(figures, sign);
            }
        }
    }

    fn count_quality(&mut self, experiment: i64, session: &Session, sign: Sign) {
        let quality = self.quality.entry(experiment).or_default();
        quality.unexposed_sessions += sign.times() * i64::from(session.is_unexposed());
        quality.multi_variant_sessions += sign.times() * i64::from(session.is_multi_variant);
        quality.unmeasured += sign.times() * i64::from(session.unmeasured);
    }

    fn retain_differences(&mut self) {
        self.rows.retain(|_, figures| !figures.is_zero());
        self.metrics.retain(|_, figures| *figures != MetricFigures::default());
        self.quality.retain(|_, quality| *quality != Quality::default());
    }
}
