//! A declared experiment: its variants, who is assigned to them, and how its sessions are judged.

use super::assignment::{Absence, Assignment, HashVersion, bucket, ranges};
use super::namespace::Namespace;
use super::session::Rules;
use super::variants::Variant;

/// What is declared. In a declaration that a caller makes, there are variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The project.
    pub project_id: Option<String>,
    /// The name for people.
    pub name: String,
    /// What is to be found out.
    pub hypothesis: Option<String>,
    /// The variants, in the order of their ranges. Empty for an experiment of which only the rules are known.
    pub variants: Vec<Variant>,
    /// Which part of each variant's range is assigned, 0 to 1.
    pub coverage: f64,
    /// What makes the buckets of this experiment other than those of another.
    pub seed: String,
    /// How buckets are computed.
    pub hash_version: HashVersion,
    /// Which units take part; all without one.
    pub namespace: Option<Namespace>,
    /// Whether it runs.
    pub status: Status,
    /// How its sessions are judged.
    pub rules: Rules,
}

/// Whether an experiment runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not yet.
    #[default]
    Draft,
    /// It does: units are assigned.
    Running,
    /// No more.
    Stopped,
}

impl Status {
    /// The status of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "draft" => Some(Self::Draft),
            "running" => Some(Self::Running),
            "stopped" => Some(Self::Stopped),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

impl Declaration {
    /// The assignment of a unit.
    #[must_use]
    pub fn assign(&self, unit: &str) -> Assignment<'_> {
        let bucket = bucket(&self.seed, unit, self.hash_version);
        let variant = if self.status != Status::Running {
            Err(Absence::NotRunning)
        } else if self.namespace.as_ref().is_some_and(|namespace| !namespace.includes(unit)) {
            Err(Absence::OutsideNamespace)
        } else {
            self.variant_of(bucket).ok_or(Absence::OutsideCoverage)
        };
        Assignment { bucket, variant }
    }

    fn variant_of(&self, bucket: f64) -> Option<(i64, &str)> {
        let ranges = ranges(self.variants.iter().map(|variant| variant.weight), self.coverage);
        let mut places = (0_i64..).zip(self.variants.iter().zip(ranges));
        let found = places.find(|(_, (_, (start, end)))| (*start..*end).contains(&bucket));
        found.map(|(place, (variant, _))| (place, variant.key.as_str()))
    }
}
