//! One slice of a rollup: the events that arrived since the watermark, and what they change.

use std::collections::HashMap;

use super::session::{Occurrence, Rules, Session};
use super::summary::{Figures, Quality, RowKey};

/// Which session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The experiment.
    pub experiment_id: String,
    /// The session.
    pub session_id: String,
}

/// An event that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Whose it is.
    pub session: SessionKey,
    /// What happened.
    pub occurrence: Occurrence,
}

/// The events of a slice: those of each session together, in the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice(Vec<Arrival>);

impl Slice {
    /// The slice of these events, given in the order of arrival.
    #[must_use]
    pub fn of(mut arrivals: Vec<Arrival>) -> Self {
        arrivals.sort_by(|one, other| one.session.cmp(&other.session));
        Self(arrivals)
    }

    /// The events of each session; sessions of the same experiment follow one another.
    pub fn by_session(&self) -> impl Iterator<Item = (&SessionKey, &[Arrival])> {
        let sessions = self.0.chunk_by(|one, other| one.session == other.session);
        sessions.filter_map(|arrivals| Some((&arrivals.first()?.session, arrivals)))
    }
}

/// What a slice changes. To be stored in one transaction, together with the watermark.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The sessions that have new events, as they are now.
    pub sessions: Vec<(SessionKey, Session)>,
    /// What is added to the hourly rows; no difference that is zero.
    pub rows: HashMap<RowKey, Figures>,
    /// What is added to the experiments' quality; no difference that is zero.
    pub quality: HashMap<String, Quality>,
}

/// Rolls up a slice. `stored` holds the sessions of its events that are known, and `rules` the experiments that have
/// other rules than the default.
#[must_use]
pub fn roll(slice: &Slice, mut stored: HashMap<SessionKey, Session>, rules: &HashMap<String, Rules>) -> Changes {
    let mut changes = Changes::default();
    for (key, arrivals) in slice.by_session() {
        let rules = rules.get(&key.experiment_id).copied().unwrap_or_default();
        let mut session = stored.remove(key).unwrap_or_default();
        changes.add(key, &session, rules, -1);
        for arrival in arrivals {
            session.observe(&arrival.occurrence);
        }
        changes.add(key, &session, rules, 1);
        changes.sessions.push((key.clone(), session));
    }
    changes.rows.retain(|_, figures| !figures.is_zero());
    changes.quality.retain(|_, quality| *quality != Quality::default());
    changes
}

impl Changes {
    fn add(&mut self, key: &SessionKey, session: &Session, rules: Rules, times: i64) {
        if let Some((variant_key, figures)) = session.figures(rules) {
            for (hour, figures) in figures {
                let row =
                    RowKey { experiment_id: key.experiment_id.clone(), variant_key: variant_key.to_owned(), hour };
                self.rows.entry(row).or_default().add(&figures, times);
            }
        }
        let quality = self.quality.entry(key.experiment_id.clone()).or_default();
        quality.unexposed_sessions += times * i64::from(session.is_unexposed());
        quality.multi_variant_sessions += times * i64::from(session.is_multi_variant);
    }
}
