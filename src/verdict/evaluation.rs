//! `POST /v1/experiments/evaluate`: the judgement on counts that the caller brings.

use serde_json::value::RawValue;

use super::arm::Arm;
use super::judgement::{Judgement, Needed, judge};
use crate::http::field::Field;
use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::limits::{KEY_CHARS, VARIANT_SESSIONS, VARIANTS, WEIGHTS_TOLERANCE};
use crate::statistics::proportion::sessions_per_variant;
use crate::statistics::sample_ratio::SampleRatio;
use crate::statistics::{ALPHA, count};

/// The chance of finding a difference that sessions are planned for, unless told otherwise.
const POWER: f64 = 0.8;

/// What a caller wants to have judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    arms: Vec<Arm>,
    /// Shares of the sessions, one for each arm.
    weights: Vec<f64>,
    /// The place of the baseline among the arms.
    baseline: usize,
    plan: Option<Plan>,
}

/// What sessions are planned for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plan {
    /// A difference, as a share of the baseline's rate.
    minimum_detectable_effect: f64,
    /// The chance of finding it.
    power: f64,
}

impl Evaluation {
    /// Reads the body: `variants` (each `key`, `sessions`, `conversions`, and `weight`, which all have or none),
    /// `baseline` (the first, unless told), `minimum_detectable_effect`, `power`.
    ///
    /// # Errors
    /// What is wrong with a field.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let fields = Fields::read(text, "The body")?;
        let variants = fields.field("variants");
        let (arms, weights) = read_variants(&variants, variants.required(variants.json)?)?;
        let baseline = read_baseline(&fields.field("baseline"), &arms)?;
        let plan = Plan::read(&fields, rate_of(&arms, baseline))?;
        Ok(Self { arms, weights, baseline, plan })
    }

    /// The judgement. The sample ratio is looked at once.
    #[must_use]
    pub fn answer(&self) -> Judgement<'_> {
        let mut sample_ratio = SampleRatio::new(&self.weights);
        let mut sessions = Vec::with_capacity(self.arms.len());
        for arm in &self.arms {
            sessions.push(count(arm.sessions));
        }
        sample_ratio.look(&sessions);
        let mut judgement = judge(&self.arms, self.baseline, Some(&sample_ratio));
        if let Some(plan) = self.plan {
            let needed = self.needed(plan);
            judgement.sessions_per_variant = Some(Needed(needed.ok()));
            judgement.reason = needed.err();
        }
        judgement
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a whole number up to 10^12")]
    fn needed(&self, plan: Plan) -> Result<u64, &'static str> {
        let rate = rate_of(&self.arms, self.baseline);
        if rate <= 0.0 {
            return Err("The baseline has no conversions.");
        }
        let needed = sessions_per_variant([rate, rate * (1.0 + plan.minimum_detectable_effect)], plan.power);
        if needed <= count(VARIANT_SESSIONS) { Ok(needed as u64) } else { Err("They are more than 10^12.") }
    }
}

/// The rate of the baseline; 0 without sessions.
fn rate_of(arms: &[Arm], baseline: usize) -> f64 {
    arms.get(baseline).map_or(0.0, |arm| arm.measured().sample.mean)
}

impl Plan {
    fn read(fields: &Fields<'_>, rate: f64) -> Result<Option<Self>, Problem> {
        let (effect, power) = (fields.field("minimum_detectable_effect"), fields.field("power"));
        let wanted = power.number()?.unwrap_or(POWER);
        if wanted <= ALPHA || wanted >= 1.0 {
            return Err(refused(&power, "power is above 0.05, which is how often the test errs, and below 1."));
        }
        let Some(minimum_detectable_effect) = effect.number()? else { return Ok(None) };
        if minimum_detectable_effect <= 0.0 || rate * (1.0 + minimum_detectable_effect) >= 1.0 {
            let detail = "minimum_detectable_effect is above 0, and with it the baseline's rate stays below 1.";
            return Err(refused(&effect, detail));
        }
        Ok(Some(Self { minimum_detectable_effect, power: wanted }))
    }
}

fn read_variants(field: &Field<'_>, json: &RawValue) -> Result<(Vec<Arm>, Vec<f64>), Problem> {
    let elements: Vec<&RawValue> = serde_json::from_str(json.get())
        .map_err(|_| field.problem(Code::InvalidType, "variants must be an array of objects."))?;
    if elements.len() < 2 || elements.len() > VARIANTS {
        return Err(field.problem(Code::InvalidLength, format!("There are 2 to {VARIANTS} variants.")));
    }
    let (mut arms, mut weights) = (Vec::with_capacity(elements.len()), Vec::with_capacity(elements.len()));
    for (index, element) in elements.iter().enumerate() {
        let (arm, weight) =
            read_variant(element, &arms).map_err(|problem| problem.below(&format!("/variants/{index}")))?;
        arms.push(arm);
        weights.push(weight);
    }
    check_weights(&mut weights)?;
    Ok((arms, weights))
}

/// Checks the weights, where 0 is a missing one; those of variants that all have none become equal.
fn check_weights(weights: &mut [f64]) -> Result<(), Problem> {
    let sum: f64 = weights.iter().sum();
    if sum <= 0.0 {
        weights.fill(1.0);
    } else if let Some(index) = weights.iter().position(|weight| *weight <= 0.0) {
        let pointer = format!("/variants/{index}/weight");
        return Err(Problem::at(Code::MissingField, pointer, "Either all variants have a weight, or none has."));
    } else if (sum - 1.0).abs() > WEIGHTS_TOLERANCE {
        return Err(Problem::at(Code::InvalidValue, "/variants", "The weights of the variants do not add up to 1."));
    }
    Ok(())
}

fn read_variant(element: &RawValue, before: &[Arm]) -> Result<(Arm, f64), Problem> {
    let fields = Fields::read(element.get(), "A variant")?;
    let key_field = fields.field("key");
    let key = key_field.required(key_field.key(KEY_CHARS)?)?;
    if before.iter().any(|arm| arm.key == key) {
        return Err(refused(&key_field, "Another variant has this key."));
    }
    let sessions = read_count(&fields.field("sessions"), VARIANT_SESSIONS)?;
    let conversions = read_count(&fields.field("conversions"), sessions)?;
    let weight_field = fields.field("weight");
    let weight = weight_field.number()?;
    if weight.is_some_and(|weight| weight <= 0.0) {
        return Err(refused(&weight_field, "weight is above 0."));
    }
    Ok((Arm { key, sessions, conversions, is_compared: true }, weight.unwrap_or(0.0)))
}

fn read_count(field: &Field<'_>, most: u64) -> Result<u64, Problem> {
    let count = field.required(field.integer()?)?;
    let count = u64::try_from(count).ok().filter(|count| *count <= most);
    count.ok_or_else(|| field.problem(Code::InvalidValue, format!("{} is from 0 to {most}.", field.name)))
}

fn read_baseline(field: &Field<'_>, arms: &[Arm]) -> Result<usize, Problem> {
    let Some(key) = field.key(KEY_CHARS)? else { return Ok(0) };
    let unknown = || refused(field, "baseline is the key of none of the variants.");
    arms.iter().position(|arm| arm.key == key).ok_or_else(unknown)
}

/// The problem of a value that is not allowed.
fn refused(field: &Field<'_>, detail: &str) -> Problem {
    field.problem(Code::InvalidValue, detail)
}
