//! The closed set of events.

use std::sync::{Arc, OnceLock};

use uuid::Uuid;

use crate::counting::id_digest::{digest_key, digest_payload};
use crate::counting::protocol::IdDigest;
use crate::counting::tally::Metric;
use crate::usage::event::Usage;

/// What happened, as a caller tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The caller's id: the event is counted once under it.
    pub id: Option<String>,
    /// When, in milliseconds since 1970; without it, when it arrives.
    pub at_ms: Option<i64>,
    /// What.
    pub subject: Subject,
}

impl Event {
    /// Whether it is a view or a copy: counted, and not kept.
    #[must_use]
    pub fn is_counted_only(&self) -> bool {
        matches!(&self.subject, Subject::Prompt(about) if !about.kind.is_lineage())
    }
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A prompt.
    Prompt(PromptEvent),
    /// A use of a prompt.
    Usage(Usage),
    /// An experiment.
    Experiment(ExperimentEvent),
}

/// Something that happened to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptEvent {
    /// The prompt.
    pub prompt_id: Uuid,
    /// What happened to it.
    pub kind: PromptEventKind,
    /// Whether the page says that a program steers its browser (`navigator.webdriver`).
    pub is_steered: bool,
}

/// What can happen to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptEventKind {
    /// Somebody looked at it.
    View {
        /// An opaque name of whoever it was.
        visitor: Option<String>,
    },
    /// Somebody copied its text.
    Copy {
        /// An opaque name of whoever it was.
        visitor: Option<String>,
    },
    /// A user made a prompt of their own from it.
    Fork {
        /// That prompt.
        child_prompt_id: Option<Uuid>,
    },
    /// A user put it beside others.
    CompareAdd {
        /// What the prompts that are compared have in common.
        comparison_id: Option<String>,
    },
}

impl PromptEventKind {
    /// What is counted.
    #[must_use]
    pub fn metric(&self) -> Metric {
        match self {
            Self::View { .. } => Metric::View,
            Self::Copy { .. } => Metric::Copy,
            Self::Fork { .. } => Metric::Fork,
            Self::CompareAdd { .. } => Metric::Compare,
        }
    }

    /// Whether it is somebody's act, kept as a row, and not only counted.
    #[must_use]
    pub fn is_lineage(&self) -> bool {
        matches!(self, Self::Fork { .. } | Self::CompareAdd { .. })
    }

    /// Digests an id together with all that makes a repeated event the same event: what happened, to what else, and
    /// whose act it was. The time is not part of it, for a retry may tell it anew.
    #[must_use]
    pub fn digest(&self, id: &str, user: Option<Uuid>) -> IdDigest {
        IdDigest { key: digest_key(id), payload: self.payload(user) }
    }

    fn payload(&self, user: Option<Uuid>) -> u32 {
        /// That of most events.
        static VIEW: OnceLock<u32> = OnceLock::new();
        let user = || user.map(|user| user.to_string()).unwrap_or_default();
        match self {
            Self::View { visitor: None } => *VIEW.get_or_init(|| digest_payload(&["view", ""])),
            Self::View { visitor: Some(visitor) } => digest_payload(&["view", visitor]),
            Self::Copy { visitor } => digest_payload(&["copy", visitor.as_deref().unwrap_or_default()]),
            Self::Fork { child_prompt_id } => {
                let child = child_prompt_id.map(|child| child.to_string()).unwrap_or_default();
                digest_payload(&["fork", &user(), &child])
            }
            Self::CompareAdd { comparison_id } => {
                digest_payload(&["compare_add", &user(), comparison_id.as_deref().unwrap_or_default()])
            }
        }
    }
}

/// Something that happened in an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct ExperimentEvent {
    /// The experiment, declared or not.
    pub experiment_id: String,
    /// What happened.
    pub kind: ExperimentEventKind,
    /// The project it belongs to.
    pub project_id: Option<String>,
    /// Whose events belong together.
    pub session_id: String,
    /// The variant that was shown; always there for an exposure.
    pub variant_key: Option<String>,
    /// The view of the page.
    pub view_id: Option<String>,
    /// Whatever else, as the caller wrote it: the text of a JSON object.
    pub properties: Option<String>,
    /// What a conversion measured, from its properties.
    pub measurement: Option<Measurement>,
}

/// What a conversion is a conversion of, where it is not of what the experiment is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The name of what is measured: `properties.metric`. A session has it once, however often it measured it.
    pub metric: Arc<str>,
    /// How much: `properties.value`.
    pub value: Option<f64>,
}

/// What can happen in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExperimentEventKind {
    /// A page was seen.
    Pageview,
    /// A variant was shown.
    Exposure,
    /// What the experiment is for was reached.
    Conversion,
}

impl ExperimentEventKind {
    /// The name under which it is sent and stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pageview => "pageview",
            Self::Exposure => "exposure",
            Self::Conversion => "conversion",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Pageview, Self::Exposure, Self::Conversion].into_iter().find(|kind| kind.name() == name)
    }
}
