//! JSON Web Tokens signed with HMAC-SHA-256 (RFC 7515, RFC 7519).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

/// Clock skew that is forgiven, in seconds.
const SKEW_S: f64 = 30.0;

/// What a token must be besides rightly signed.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// The secret that tokens are signed with.
    pub secret: String,
    /// The `iss` they must have, where configured.
    pub issuer: Option<String>,
    /// The `aud` they must have, where configured.
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

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    crit: Option<Vec<String>>,
}

/// Verifies a token and gives its claims; `now_s` is in seconds since 1970.
///
/// # Errors
/// A sentence that says what is wrong with the token.
pub fn verify(token: &str, expected: &Expected, now_s: f64) -> Result<Claims, &'static str> {
    if expected.secret.is_empty() {
        return Err("No token can be verified.");
    }
    let (signed, signature) = token.rsplit_once('.').ok_or("It is neither a key nor a token.")?;
    let (header, payload) = signed.split_once('.').ok_or("It is neither a key nor a token.")?;
    let header: Header = decode(header).ok_or("The token's header cannot be read.")?;
    if header.alg != "HS256" || header.crit.is_some() {
        return Err("Tokens must be signed with HS256.");
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "The token's signature cannot be read.")?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(expected.secret.as_bytes()).map_err(|_| "No token can be verified.")?;
    mac.update(signed.as_bytes());
    mac.verify_slice(&signature).map_err(|_| "The token's signature is wrong.")?;
    let claims: Claims = decode(payload).ok_or("The token's claims cannot be read.")?;
    check(&claims, expected, now_s)?;
    Ok(claims)
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
    let meant = |audience: &String| match &claims.aud {
        Some(Audience::One(one)) => one == audience,
        Some(Audience::Many(many)) => many.contains(audience),
        None => false,
    };
    if !expected.audience.as_ref().is_none_or(meant) {
        return Err("The token is meant for another audience.");
    }
    Ok(())
}

fn decode<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}
