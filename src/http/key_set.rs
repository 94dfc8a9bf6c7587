//! Sets of public keys (JWK sets, RFC 7517) and which key may verify what.
//!
//! A key's type decides its algorithm, once, when the set is read; what a token's header says only selects among keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::json::json_text;

/// Bytes of a key set that is fetched.
pub const SET_BYTES: usize = 64 * 1024;
/// Keys of a set.
pub const SET_KEYS: usize = 64;
/// Bytes of a coordinate on P-256.
const COORDINATE_BYTES: usize = 32;
/// Bits of the shortest RSA modulus that is accepted (RFC 7518, 3.3).
const MODULUS_BITS: usize = 2048;

/// An algorithm that public keys verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// The algorithm of this name (RFC 7518).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Es256, Self::Rs256].into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// How a token names its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// Its `kid`.
    pub kid: String,
    /// Its `alg`.
    pub algorithm: Algorithm,
}

/// A public key; the numbers are big-endian, in base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// A point on P-256.
    Ec {
        /// One coordinate.
        x: String,
        /// The other.
        y: String,
    },
    /// An RSA key.
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

impl PublicKey {
    /// The only algorithm that the key may verify.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ec { .. } => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// The key as a JWK with nothing but its type and numbers.
    #[must_use]
    pub fn jwk(&self) -> String {
        let jwk = match self {
            Self::Ec { x, y } => json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}),
            Self::Rsa { n, e } => json!({"kty": "RSA", "n": n, "e": e}),
        };
        json_text(&jwk)
    }
}

/// The keys of a set that can be used here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<(String, PublicKey)>,
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot be used here are left out, as RFC 7517 asks for.
    ///
    /// # Errors
    /// A sentence that says why this is no key set.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let set: Value = serde_json::from_str(text).map_err(|_| "It is no JSON.")?;
        let keys =
            set.get("keys").and_then(Value::as_array).ok_or("It is no JWK set: an object with an array keys.")?;
        if keys.len() > SET_KEYS {
            return Err("The JWK set has more than 64 keys.");
        }
        Ok(Self { keys: keys.iter().filter_map(usable).collect() })
    }

    /// The key of this name.
    #[must_use]
    pub fn find(&self, name: &KeyName) -> Option<&PublicKey> {
        let is = |kid: &str, key: &PublicKey| kid == name.kid && key.algorithm() == name.algorithm;
        self.keys.iter().find(|(kid, key)| is(kid, key)).map(|(_, key)| key)
    }

    /// Whether there is a key with this `kid`, whatever its algorithm.
    #[must_use]
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|(known, _)| known == kid)
    }
}

fn usable(jwk: &Value) -> Option<(String, PublicKey)> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let number = |name, is_right: fn(&str) -> bool| text(name).filter(|text| is_right(text)).map(str::to_owned);
    let key = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => PublicKey::Ec { x: number("x", is_coordinate)?, y: number("y", is_coordinate)? },
        ("RSA", _) => PublicKey::Rsa { n: number("n", is_long_modulus)?, e: number("e", |_| true)? },
        _ => return None,
    };
    let says = |name, wanted: &str| jwk.get(name).is_none_or(|value| value == wanted);
    let operations =
        jwk.get("key_ops").map(|value| value.as_array().is_some_and(|all| all.iter().any(|it| it == "verify")));
    let may_verify = says("alg", key.algorithm().name()) && says("use", "sig") && operations.unwrap_or(true);
    Some((text("kid")?.to_owned(), key)).filter(|_| may_verify)
}

fn is_coordinate(number: &str) -> bool {
    URL_SAFE_NO_PAD.decode(number).is_ok_and(|bytes| bytes.len() == COORDINATE_BYTES)
}

fn is_long_modulus(number: &str) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(number).unwrap_or_default();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bits = bytes.get(zeros).map_or(0, |first| (bytes.len() - zeros) * 8 - first.leading_zeros() as usize);
    bits >= MODULUS_BITS
}
