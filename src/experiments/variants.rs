//! The variants of an experiment, as they are sent, stored and told: `[{"key": "a", "weight": 0.5}, …]`.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::fields::Fields;
use crate::http::problem::{Code, Problem};
use crate::json::number_text;
use crate::limits::{KEY_CHARS, VARIANTS, WEIGHTS_TOLERANCE};

/// One variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Variant {
    /// Its key, as events name it.
    pub key: String,
    /// Its part of the units, 0 to 1; those of an experiment come to 1.
    pub weight: f64,
}

/// Reads variants. If none has a weight, all have the same.
///
/// # Errors
/// What is wrong with the first bad one, or with all together; the pointer starts at `/variants`.
pub fn read_variants(json: &RawValue) -> Result<Vec<Variant>, Problem> {
    read_list(json).map_err(|problem| problem.below("/variants"))
}

fn read_list(json: &RawValue) -> Result<Vec<Variant>, Problem> {
    let elements: Vec<&RawValue> = serde_json::from_str(json.get())
        .map_err(|_| Problem::at(Code::InvalidType, "", "variants must be an array of objects."))?;
    if elements.is_empty() || elements.len() > VARIANTS {
        let detail = format!("An experiment has 1 to {VARIANTS} variants.");
        return Err(Problem::at(Code::InvalidValue, "", detail));
    }
    let equal = 1.0 / f64::from(u32::try_from(elements.len()).unwrap_or(u32::MAX));
    let (mut variants, mut first_without_weight) = (Vec::<Variant>::with_capacity(elements.len()), None);
    let mut without_weight = 0;
    for (index, element) in elements.into_iter().enumerate() {
        let (key, weight) = read_variant(element).map_err(|problem| problem.below(&format!("/{index}")))?;
        if variants.iter().any(|variant| variant.key == key) {
            return Err(Problem::at(Code::InvalidValue, format!("/{index}/key"), "Another variant has this key."));
        }
        if weight.is_none() {
            first_without_weight = first_without_weight.or(Some(index));
            without_weight += 1;
        }
        variants.push(Variant { key, weight: weight.unwrap_or(equal) });
    }
    match first_without_weight {
        Some(index) if without_weight < variants.len() => {
            let detail = "Give every variant its weight, or none: then all weigh the same.";
            Err(Problem::at(Code::MissingField, format!("/{index}/weight"), detail))
        }
        _ => check_sum(&variants).map(|()| variants),
    }
}

fn read_variant(json: &RawValue) -> Result<(String, Option<f64>), Problem> {
    let fields = Fields::read(json.get(), "A variant")?;
    fields.refuse_unknown(&["key", "weight"])?;
    let key = fields.field("key");
    Ok((key.required(key.key(KEY_CHARS)?)?, fields.field("weight").fraction()?))
}

fn check_sum(variants: &[Variant]) -> Result<(), Problem> {
    let sum: f64 = variants.iter().map(|variant| variant.weight).sum();
    if (sum - 1.0).abs() > WEIGHTS_TOLERANCE {
        return Err(Problem::at(
            Code::InvalidValue,
            "",
            format!("The weights come to {}, and must come to 1.", number_text(sum)),
        ));
    }
    Ok(())
}
