//! Which variant a unit has. A hash of the unit says so: the same unit always has the same variant, and nothing is stored.
//!
//! Hashes, ranges and namespaces are those of GrowthBook's SDKs (<https://docs.growthbook.io/lib/build-your-own>), and
//! the sums and products of `f64` are done in their order, so that a unit at the edge of a range is on the same side.

use serde::Serialize;

/// How a unit becomes a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashVersion {
    /// By thousandths. Experiments on the same units influence each other; kept for experiments that have it.
    One,
    /// By ten-thousandths, hashed twice.
    Two,
}

impl HashVersion {
    /// The version of this number.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// The bucket of a unit, from 0 to below 1: a whole number of thousandths or ten-thousandths.
#[must_use]
pub fn bucket(seed: &str, unit: &str, version: HashVersion) -> f64 {
    match version {
        HashVersion::One => f64::from(hash(&[unit, seed]) % 1000) / 1000.0,
        HashVersion::Two => f64::from(hash(&[&hash(&[seed, unit]).to_string()]) % 10_000) / 10_000.0,
    }
}

/// FNV-1a of 32 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>) over texts one after another: not over their bytes
/// but over their UTF-16 code units, each taken in whole, as JavaScript has them.
#[must_use]
pub fn hash(texts: &[&str]) -> u32 {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let units = texts.iter().flat_map(|text| text.encode_utf16());
    units.fold(OFFSET, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(PRIME))
}

/// The buckets of each variant, from the first to before the second. A variant's range starts where the weights before it
/// end, whatever the coverage is, and as much of it is covered: more coverage never moves a unit to another variant.
pub fn ranges(weights: impl Iterator<Item = f64>, coverage: f64) -> impl Iterator<Item = (f64, f64)> {
    weights.scan(0.0, move |end, weight| {
        let start = *end;
        *end += weight;
        Some((start, start + coverage * weight))
    })
}

/// Why a unit has no variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The experiment is a draft, or stopped.
    NotRunning,
    /// The unit is in another part of the namespace.
    OutsideNamespace,
    /// The unit's bucket is in no variant's range.
    OutsideCoverage,
}

impl Absence {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotRunning => "not_running",
            Self::OutsideNamespace => "outside_namespace",
            Self::OutsideCoverage => "outside_coverage",
        }
    }
}

/// A unit's assignment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assignment<'a> {
    /// The unit's bucket, also where it has no variant.
    pub bucket: f64,
    /// The place of its variant, counted from 0, and the variant's key.
    pub variant: Result<(i64, &'a str), Absence>,
}

/// An assignment, as it is told.
#[derive(Debug, Serialize)]
pub struct AssignmentAnswer<'a> {
    /// The experiment.
    pub experiment_id: &'a str,
    /// The unit.
    pub unit: &'a str,
    /// Whether the unit takes part, that is, has a variant.
    pub in_experiment: bool,
    /// The variant's key.
    pub variant: Option<&'a str>,
    /// The variant's place among the declared ones, counted from 0.
    pub variation: Option<i64>,
    /// The unit's bucket, from 0 to below 1.
    pub bucket: f64,
    /// Why it has no variant.
    pub reason: Option<&'static str>,
}

impl<'a> Assignment<'a> {
    /// What a caller is told.
    #[must_use]
    pub fn answer(&self, experiment_id: &'a str, unit: &'a str) -> AssignmentAnswer<'a> {
        let found = self.variant.ok();
        AssignmentAnswer {
            experiment_id,
            unit,
            in_experiment: found.is_some(),
            variant: found.map(|(_, key)| key),
            variation: found.map(|(place, _)| place),
            bucket: self.bucket,
            reason: self.variant.err().map(Absence::name),
        }
    }
}
