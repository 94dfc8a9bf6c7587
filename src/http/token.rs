//! JSON Web Tokens (RFC 7515, RFC 7519): what they say, how they are signed, and whether their claims hold.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::Sha256;

use super::base64_json::decode;
use super::key_set::{Algorithm, KeyName};

/// Clock skew that is forgiven, in seconds.
const SKEW_S: f64 = 30.0;
const UNREADABLE: &str = "It is neither a key nor a token.";

/// What a token must be besides rightly signed.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The `iss` it must have, where configured.
    pub issuer: Option<String>,
    /// The `aud` it must have, where configured.
    pub audience: Option<String>,
}

/// The claims that are read here.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    /// Who the token speaks for.
    pub sub: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// The user's address.
    pub email: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    iss: Option<String>,
    aud: Option<Audience>,
}

/// Whom a token is meant for: a text or an array of texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
struct Audience(Vec<String>);

impl TryFrom<Value> for Audience {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let all = if let Value::Array(all) = value { all } else { vec![value] };
        let texts = all.into_iter().map(|one| if let Value::String(one) = one { Some(one) } else { None });
        texts.collect::<Option<_>>().map(Self).ok_or("an audience is a text")
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// What a token says that it is signed with; nothing else may verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The secret of the instance (HS256).
    Secret,
    /// A public key (ES256, RS256).
    Key(KeyName),
}

/// A token whose signature is not verified yet.
#[derive(Clone, Debug)]
pub struct Token<'a> {
    /// What it is signed with.
    pub signer: Signer,
    /// The signature.
    pub signature: Vec<u8>,
    /// The text that is signed.
    pub signed: &'a str,
    payload: &'a str,
}

impl<'a> Token<'a> {
    /// Reads a token's parts and header.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the token; so below.
    pub fn parse(token: &'a str) -> Result<Self, &'static str> {
        let (signed, signature) = token.rsplit_once('.').ok_or(UNREADABLE)?;
        let (header, payload) = signed.split_once('.').ok_or(UNREADABLE)?;
        let header: Header = decode(header).ok_or("The token's header cannot be read.")?;
        if header.crit {
            return Err("The token has critical headers, and none is known here.");
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "The token's signature cannot be read.")?;
        Ok(Self { signer: signer(&header.alg, header.kid)?, signature, signed, payload })
    }

    /// Verifies the signature of a token that is signed with [`Signer::Secret`].
    ///
    /// # Errors
    /// Also when there is no secret.
    pub fn verify_hs256(&self, secret: Option<&str>) -> Result<(), &'static str> {
        let secret = secret.filter(|secret| !secret.is_empty()).ok_or("Tokens signed with HS256 are not accepted.")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| "No token can be verified.")?;
        mac.update(self.signed.as_bytes());
        mac.verify_slice(&self.signature).map_err(|_| "The token's signature is wrong.")
    }

    /// The claims, which hold at `now_s` (seconds since 1970) if the signature is right.
    ///
    /// # Errors
    /// Claims that cannot be read or do not hold.
    pub fn claims(&self, expected: &Expected, now_s: f64) -> Result<Claims, &'static str> {
        let claims: Claims = decode(self.payload).ok_or("The token's claims cannot be read.")?;
        check(&claims, expected, now_s)?;
        Ok(claims)
    }
}

fn signer(alg: &str, kid: Option<String>) -> Result<Signer, &'static str> {
    if alg == "HS256" {
        return Ok(Signer::Secret);
    }
    let algorithm = Algorithm::named(alg).ok_or("Tokens must be signed with HS256, ES256 or RS256.")?;
    let kid = kid.ok_or("The token does not name its key (kid).")?;
    Ok(Signer::Key(KeyName { kid, algorithm }))
}

fn check(claims: &Claims, expected: &Expected, now_s: f64) -> Result<(), &'static str> {
    if claims.exp.is_some_and(|exp| now_s >= exp + SKEW_S) {
        return Err("The token has expired.");
    }
    if claims.nbf.is_some_and(|nbf| now_s < nbf - SKEW_S) {
        return Err("The token is not valid yet.");
    }
    if expected.issuer.is_some() && claims.iss != expected.issuer {
        return Err("The token has another issuer.");
    }
    let meant = |audience| claims.aud.as_ref().is_some_and(|all| all.0.contains(audience));
    if !expected.audience.as_ref().is_none_or(meant) {
        return Err("The token is meant for another audience.");
    }
    Ok(())
}

fn is_there<'a, D: Deserializer<'a>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}
