//! An event of an experiment that says no more than it has to.

use promptmeter::events::event::{ExperimentEvent, ExperimentEventKind};

/// An event of this kind in the session `s` of the experiment `e`.
pub(crate) fn bare_event(kind: ExperimentEventKind) -> ExperimentEvent {
    ExperimentEvent {
        experiment_id: "e".to_owned(),
        kind,
        project_id: None,
        session_id: "s".to_owned(),
        variant_key: None,
        view_id: None,
        properties: None,
        measurement: None,
    }
}
