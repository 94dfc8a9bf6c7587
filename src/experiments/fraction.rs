//! Numbers from 0 to 1, read exactly: weights decide to the last bit where a bucket ends.

use crate::http::field::Field;
use crate::http::problem::{Code, Problem};

/// Bits of a quotient: those of an `f64`, one to round by, and one that tells whether there is more.
const QUOTIENT_BITS: u32 = 53 + 2;
/// Decimals of a number: ten to this power, doubled, fits 128 bits.
const DECIMALS: u32 = 38;

/// A number from 0 to 1.
///
/// # Errors
/// [`Code::InvalidType`], [`Code::InvalidValue`] for another number, or one of more digits than [`parse`] reads.
pub fn read(field: &Field<'_>) -> Result<Option<f64>, Problem> {
    let Some(json) = field.json else { return Ok(None) };
    if !json.get().starts_with(|sign: char| sign == '-' || sign.is_ascii_digit()) {
        return Err(field.problem(Code::InvalidType, format!("{} must be a number.", field.name)));
    }
    let detail = || format!("{} must be a number from 0 to 1, of at most 19 digits and 38 decimals.", field.name);
    parse(json.get()).map(Some).ok_or_else(|| field.problem(Code::InvalidValue, detail()))
}

/// The `f64` that is nearest to a JSON number from 0 to 1, the even one of two, as JavaScript reads it. `None` for any
/// other number, and for one whose digits exceed 64 bits or whose decimals are more than 38.
///
/// That is long division in binary. Neither reader at hand will do: the one of `serde_json` may be off by the last bit,
/// and the one of the standard library brings tables of 10 KB.
#[must_use]
pub fn parse(json: &str) -> Option<f64> {
    let (digits, exponent) = json.split_once(['e', 'E']).unwrap_or((json, "0"));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = decimals.trim_end_matches('0');
    let dividend: u64 = format!("{whole}{decimals}").parse().ok()?;
    if dividend == 0 {
        return Some(0.0);
    }
    let scale = i64::try_from(decimals.len()).ok()? - exponent.parse::<i64>().ok()?;
    let divisor = 10_u128.pow(u32::try_from(scale).ok().filter(|scale| *scale <= DECIMALS)?);
    let dividend = u128::from(dividend);
    if dividend >= divisor {
        return (dividend == divisor).then_some(1.0);
    }
    Some(divide(dividend, divisor))
}

/// A quotient below 1, of a dividend above 0.
fn divide(dividend: u128, divisor: u128) -> f64 {
    let (mut rest, mut quotient, mut halvings) = (dividend, 0_u64, 0_u64);
    while quotient >> (QUOTIENT_BITS - 1) == 0 {
        rest <<= 1;
        let bit = u64::from(rest >= divisor);
        rest -= divisor * u128::from(bit);
        quotient = quotient << 1 | bit;
        halvings += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "this is where it is rounded, once")]
    let rounded = (quotient | u64::from(rest > 0)) as f64;
    rounded * power_of_two(halvings)
}

/// Two to the power of `-halvings`, of which there are fewer than 200.
fn power_of_two(halvings: u64) -> f64 {
    const BIAS: u64 = 1023;
    const MANTISSA_BITS: u32 = 52;
    f64::from_bits(BIAS.saturating_sub(halvings) << MANTISSA_BITS)
}
