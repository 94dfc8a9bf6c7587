//! Who is asking. The only place where credentials are judged.

use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::problem::{Code, Problem};
use super::token::{self, Claims, Expected};
use crate::http::field::uuid_of;
use crate::limits::EMAIL_CHARS;

/// The credentials of a request, as its headers hold them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credentials<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `apikey` header.
    pub apikey: Option<&'a str>,
}

/// What credentials are judged by.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// The key of pages: whoever has it is anonymous.
    pub publishable: Option<String>,
    /// The key of servers: whoever has it may do everything.
    pub service: Option<String>,
    /// What tokens must be; without it no token is valid.
    pub tokens: Option<Expected>,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Nobody in particular.
    Anonymous,
    /// A user.
    User(User),
    /// The owner of the library; with a user, where a token names one.
    Service(Option<User>),
}

/// A user, as a token names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The token's `sub`.
    pub id: Uuid,
    /// The token's `email`, unless it is longer than any.
    pub email: Option<String>,
}

impl Identity {
    /// The user who is asking, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Anonymous => None,
            Self::User(user) => Some(user),
            Self::Service(user) => user.as_ref(),
        }
    }
}

/// Tells who is asking. The bearer decides where there is one, as Supabase's clients send both; the `apikey` must be
/// valid all the same. Without any credential the caller is anonymous. `now_s` is in seconds since 1970.
///
/// # Errors
/// [`Code::InvalidCredential`].
pub fn identify(credentials: Credentials<'_>, keys: &Keys, now_s: f64) -> Result<Identity, Problem> {
    let by_apikey = credentials.apikey.map(|key| judge(key, keys, now_s)).transpose()?;
    let bearer = credentials.authorization.map(bearer).transpose()?;
    let by_bearer = bearer.map(|bearer| judge(bearer, keys, now_s)).transpose()?;
    Ok(by_bearer.or(by_apikey).unwrap_or(Identity::Anonymous))
}

fn bearer(authorization: &str) -> Result<&str, Problem> {
    let (scheme, credential) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if scheme.eq_ignore_ascii_case("bearer") && !credential.trim().is_empty() {
        return Ok(credential.trim());
    }
    Err(invalid("Send Authorization: Bearer, followed by a key or a token."))
}

fn judge(credential: &str, keys: &Keys, now_s: f64) -> Result<Identity, Problem> {
    let is = |key: &Option<String>| {
        key.as_ref().is_some_and(|key| !key.is_empty() && bool::from(key.as_bytes().ct_eq(credential.as_bytes())))
    };
    if is(&keys.service) {
        return Ok(Identity::Service(None));
    }
    if is(&keys.publishable) {
        return Ok(Identity::Anonymous);
    }
    let expected = keys.tokens.as_ref().ok_or_else(|| invalid("The key is not known, and no tokens are accepted."))?;
    let claims = token::verify(credential, expected, now_s).map_err(invalid)?;
    of_claims(&claims)
}

fn of_claims(claims: &Claims) -> Result<Identity, Problem> {
    let user = claims.sub.as_deref().map(|sub| {
        let id = uuid_of(sub).ok_or_else(|| invalid("The token's sub is no UUID."))?;
        let email = claims.email.clone().filter(|email| email.chars().count() <= EMAIL_CHARS);
        Ok(User { id, email })
    });
    match claims.role.as_deref() {
        Some("service_role") => Ok(Identity::Service(user.and_then(Result::ok))),
        Some("authenticated") => user.unwrap_or_else(|| Err(invalid("The token names no user."))).map(Identity::User),
        Some("anon") | None => Ok(Identity::Anonymous),
        Some(_) => Err(invalid("The token's role is not known.")),
    }
}

fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidCredential, detail)
}
