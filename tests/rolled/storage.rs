//! What the rollup has stored, as the worker stores it, compared with the definition.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use promptmeter::events::event::Measurement;
use promptmeter::experiments::rollup::{Changes, RulesInForce, SessionKey, Slice, digest, judge_anew, roll};
use promptmeter::experiments::session::{MultiVariant, Rules, Session};
use promptmeter::experiments::session_state::{pack, unpack};
use promptmeter::experiments::summary::{Figures, MetricFigures, MetricKey, Quality, RowKey};
use promptmeter::recording::event_row::EventRow;

use super::definition::*;

/// A session as it is stored: its first exposure, whether it has two variants, its activity.
pub(crate) type StoredSession = (Option<(i64, String)>, bool, Vec<u8>);

/// What the rollup has stored so far.
#[derive(Default)]
pub(crate) struct Storage {
    pub(crate) sessions: BTreeMap<SessionKey, StoredSession>,
    pub(crate) rows: BTreeMap<RowKey, Columns>,
    pub(crate) metrics: BTreeMap<MetricKey, MetricFigures>,
    pub(crate) qualities: BTreeMap<i64, [i64; 6]>,
    pub(crate) rules: HashMap<i64, RulesInForce>,
    pub(crate) arrived: Arrived,
}

pub(crate) fn number_of(experiment: &str) -> i64 {
    EXPERIMENTS.iter().find(|(name, _)| *name == experiment).unwrap().1
}

pub(crate) fn name_of(experiment: i64) -> String {
    EXPERIMENTS.iter().find(|(_, number)| *number == experiment).unwrap().0.to_owned()
}

pub(crate) fn key_of(sent: &Sent) -> SessionKey {
    SessionKey { experiment: number_of(sent.experiment), session: digest(sent.session) }
}

pub(crate) fn row_of(sent: &Sent) -> EventRow {
    let measurement = sent.measured.map(|(metric, value)| Measurement { metric: metric.into(), value });
    EventRow {
        kind: sent.kind,
        session_id: sent.session.to_owned(),
        variant_key: sent.variant.map(str::to_owned),
        at_ms: EDGE_MS + sent.at_ms,
        measurement,
    }
}

/// A slice of one batch for each experiment after the other, as they come.
pub(crate) fn slice_of(sent: &[Sent], delivered: Delivered) -> Slice {
    let mut slice = Slice::default();
    for batch in sent.chunk_by(|one, other| one.experiment == other.experiment) {
        let rows = batch.iter().map(row_of).collect();
        slice.take(number_of(batch[0].experiment), EDGE_MS + delivered.received_ms, rows);
    }
    for (_, experiment) in EXPERIMENTS {
        slice.note(experiment, delivered.left_out.0, delivered.left_out.1);
    }
    slice.sort();
    slice
}

impl Storage {
    pub(crate) fn with_rules(rules: impl IntoIterator<Item = (&'static str, Rules)>) -> Self {
        let in_force = |rules| RulesInForce { rules, next: None };
        let rules = rules.into_iter().map(|(name, rules)| (number_of(name), in_force(rules)));
        Self { rules: rules.collect(), ..Self::default() }
    }

    /// Rolls up what arrived, as the worker does: with the sessions of these events alone, in their stored form.
    pub(crate) fn roll(&mut self, sent: &[Sent], delivered: Delivered) {
        self.arrived.deliver(sent, delivered);
        let slice = slice_of(sent, delivered);
        assert_eq!((slice.len(), slice.is_empty()), (sent.len(), sent.is_empty()));
        let keys: BTreeSet<SessionKey> = sent.iter().map(key_of).collect();
        assert!(slice.by_session().map(|(key, _)| key).eq(keys.iter().copied()));
        let stored = keys.iter().filter_map(|key| Some((*key, self.session(key)?))).collect();
        let changes = roll(&slice, stored, &self.rules);
        assert!(changes.sessions.iter().map(|(key, _)| *key).eq(keys.iter().copied()));
        self.apply(changes);
    }

    pub(crate) fn session(&self, key: &SessionKey) -> Option<Session> {
        let (first_exposure, is_multi_variant, activity) = self.sessions.get(key)?.clone();
        Some(unpack(&activity, first_exposure, is_multi_variant).unwrap())
    }

    pub(crate) fn apply(&mut self, changes: Changes) {
        for (key, session) in changes.sessions {
            let stored = (session.first_exposure.clone(), session.is_multi_variant, pack(&session));
            self.sessions.insert(key, stored);
            assert_eq!(self.session(&key), Some(session));
        }
        for (key, difference) in changes.rows {
            assert_ne!(columns(&difference), Columns::default(), "{key:?} is written and does not change");
            let row = self.rows.entry(key).or_default();
            for (column, difference) in row.iter_mut().zip(columns(&difference)) {
                *column += difference;
            }
            // Only where a difference takes sessions away, the worker looks for rows that are empty.
            assert!(*row != Columns::default() || difference.sessions < 0);
            assert!(row[0] > 0 || *row == Columns::default(), "{row:?} is dropped");
        }
        self.rows.retain(|_, row| row[0] != 0);
        for (key, difference) in changes.metrics {
            assert_ne!(difference, MetricFigures::default(), "{key:?} is written and does not change");
            let figures = self.metrics.entry(key).or_default();
            figures.sessions += difference.sessions;
            figures.value_sessions += difference.value_sessions;
            figures.value_sum += difference.value_sum;
            figures.value_sum_of_squares += difference.value_sum_of_squares;
            assert!(*figures != MetricFigures::default() || difference.sessions < 0);
            assert!(figures.sessions > 0 || *figures == MetricFigures::default(), "{figures:?} is dropped");
        }
        self.metrics.retain(|_, figures| figures.sessions != 0);
        for (experiment, difference) in changes.quality {
            assert_ne!(difference, Quality::default(), "{experiment} is written and does not change");
            let quality = self.qualities.entry(experiment).or_default();
            for (figure, difference) in quality.iter_mut().zip(quality_columns(difference)) {
                *figure += difference;
            }
        }
        self.qualities.retain(|_, quality| *quality != [0; 6]);
    }

    pub(crate) fn figures(&self) -> Everything {
        let place = |key: &RowKey| (name_of(key.experiment), key.variant_key.clone(), key.hour - EDGE_MS / HOUR_MS);
        let named = |key: &MetricKey| (name_of(key.experiment), key.variant_key.clone(), key.metric.clone());
        let sums = |figures: &MetricFigures| {
            (figures.sessions, figures.value_sessions, figures.value_sum, figures.value_sum_of_squares)
        };
        (
            self.rows.iter().map(|(key, row)| (place(key), *row)).collect(),
            self.metrics.iter().map(|(key, figures)| (named(key), sums(figures))).collect(),
            self.qualities.iter().map(|(experiment, quality)| (name_of(*experiment), *quality)).collect(),
        )
    }

    /// Compares what is stored with the brute force, each session judged by the rules that are in force for it.
    pub(crate) fn check(&self, when: &str) {
        let rules_of = |experiment: &str, session: &str| {
            self.rules.get(&number_of(experiment)).map(|rules| rules.of(&digest(session))).unwrap_or_default()
        };
        assert_eq!(self.figures(), brute_force(&self.arrived, rules_of), "{when}");
    }

    /// Judges the next sessions of an experiment as the worker does, `portion` at a time; tells whether any are left.
    pub(crate) fn judge(&mut self, experiment: i64, declared: Rules, portion: usize) -> bool {
        let Some(in_force) = self.rules.get_mut(&experiment) else { return false };
        if in_force.next.is_none() && in_force.rules == declared {
            return false;
        }
        let (next, judged_to) = in_force.next.unwrap_or((declared, None));
        let mut keys = self.sessions.keys().filter(|key| key.experiment == experiment).copied().collect::<Vec<_>>();
        keys.retain(|key| judged_to.is_none_or(|judged_to| key.session > judged_to));
        keys.truncate(portion);
        let from = in_force.rules;
        *in_force = match keys.last() {
            Some(last) if keys.len() == portion => RulesInForce { rules: from, next: Some((next, Some(last.session))) },
            _ => RulesInForce { rules: next, next: None },
        };
        let sessions: Vec<Session> = keys.iter().filter_map(|key| self.session(key)).collect();
        let changes = judge_anew(experiment, &sessions, from, next);
        assert_eq!((changes.sessions.len(), changes.quality.len()), (0, 0));
        self.apply(changes);
        true
    }
}

pub(crate) fn columns(figures: &Figures) -> Columns {
    [
        figures.sessions,
        figures.pageviews,
        figures.pageview_sessions,
        figures.exposures,
        figures.exposure_sessions,
        figures.conversions,
        figures.conversion_sessions,
        figures.new_exposed_sessions,
        figures.new_converted_sessions,
    ]
}

pub(crate) fn quality_columns(quality: Quality) -> [i64; 6] {
    let Quality { late, duplicates, unexposed_sessions, multi_variant_sessions, rejected, unmeasured } = quality;
    [late, duplicates, unexposed_sessions, multi_variant_sessions, rejected, unmeasured]
}

pub(crate) fn rules(multi_variant: MultiVariant, conversion_window_hours: Option<i64>) -> Rules {
    Rules { multi_variant, conversion_window_hours }
}
