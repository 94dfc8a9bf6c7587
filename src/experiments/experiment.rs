//! An experiment as it is stored and told: its declaration, and what came of it.

use serde::Serialize;

use super::declaration::{Declaration, Status};
use super::namespace::Namespace;
use super::session::MultiVariant;
use super::variants::Variant;
use crate::http::fields::Fields;
use crate::http::problem::Problem;

/// An experiment as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Its declaration.
    pub declaration: Declaration,
    /// When it first ran, in milliseconds since 1970; never for a draft.
    pub started_ms: Option<i64>,
    /// When it was stopped, in milliseconds since 1970; only while it is.
    pub stopped_ms: Option<i64>,
    /// How often it was stored, at least 1: of two who change the same version, one does.
    pub version: i64,
}

#[derive(Serialize)]
struct Told<'a> {
    experiment_id: &'a str,
    project_id: Option<&'a str>,
    name: &'a str,
    hypothesis: Option<&'a str>,
    variants: &'a [Variant],
    coverage: f64,
    seed: &'a str,
    hash_version: i64,
    namespace: Option<&'a Namespace>,
    status: &'static str,
    conversion_window_hours: Option<i64>,
    multi_variant: MultiVariant,
    started_ms: Option<i64>,
    stopped_ms: Option<i64>,
}

impl Experiment {
    /// Reads an experiment as it is stored: JSON with the fields of [`Self::json`], and `version`. One of which only the
    /// rules are known has no variants.
    ///
    /// # Errors
    /// What is wrong with a field.
    pub fn restore(json: &str, experiment_id: &str) -> Result<Self, Problem> {
        let fields = Fields::read(json, "An experiment")?;
        let version = fields.field("version");
        Ok(Self {
            started_ms: fields.field("started_ms").integer()?,
            stopped_ms: fields.field("stopped_ms").integer()?,
            version: version.required(version.integer()?)?,
            declaration: Declaration::of_fields(&fields, experiment_id, Status::Draft)?,
        })
    }

    /// The experiment as JSON, as it is told: the fields of a declaration, none of them left out, with
    /// `experiment_id`, `started_ms` and `stopped_ms`.
    #[must_use]
    pub fn json(&self, experiment_id: &str) -> String {
        let declaration = &self.declaration;
        let told = Told {
            experiment_id,
            project_id: declaration.project_id.as_deref(),
            name: &declaration.name,
            hypothesis: declaration.hypothesis.as_deref(),
            variants: &declaration.variants,
            coverage: declaration.coverage,
            seed: &declaration.seed,
            hash_version: declaration.hash_version.number(),
            namespace: declaration.namespace.as_ref(),
            status: declaration.status.name(),
            conversion_window_hours: declaration.rules.conversion_window_hours,
            multi_variant: declaration.rules.multi_variant,
            started_ms: self.started_ms,
            stopped_ms: self.stopped_ms,
        };
        // Texts and finite numbers can be written.
        serde_json::to_string(&told).unwrap_or_default()
    }
}
