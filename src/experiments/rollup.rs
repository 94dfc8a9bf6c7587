//! One slice of a rollup: the events that arrived since the watermark, and what they change.

use std::collections::BTreeMap;

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

/// An event in the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Whose it is.
    pub session: SessionKey,
    /// What happened.
    pub occurrence: Occurrence,
}

/// What a slice changes. To be stored in one transaction, together with the watermark.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The sessions that have new events, as they are now.
    pub sessions: BTreeMap<SessionKey, Session>,
    /// What is added to the hourly rows; no difference that is zero.
    pub rows: BTreeMap<RowKey, Figures>,
    /// What is added to the experiments' quality; no difference that is zero.
    pub quality: BTreeMap<String, Quality>,
}

/// Rolls up `arrivals`, given in the order of arrival. `stored` holds the sessions of these events that are known, and
/// `rules` the experiments that have other rules than the default.
#[must_use]
pub fn roll(
    arrivals: &[Arrival],
    mut stored: BTreeMap<SessionKey, Session>,
    rules: &BTreeMap<String, Rules>,
) -> Changes {
    let mut by_session: BTreeMap<&SessionKey, Vec<&Occurrence>> = BTreeMap::new();
    for arrival in arrivals {
        by_session.entry(&arrival.session).or_default().push(&arrival.occurrence);
    }
    let mut changes = Changes::default();
    for (key, occurrences) in by_session {
        let rules = rules.get(&key.experiment_id).copied().unwrap_or_default();
        let mut session = stored.remove(key).unwrap_or_default();
        changes.add(key, &session, rules, -1);
        for occurrence in occurrences {
            session.observe(occurrence);
        }
        changes.add(key, &session, rules, 1);
        changes.sessions.insert(key.clone(), session);
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
