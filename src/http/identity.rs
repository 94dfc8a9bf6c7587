//! Who is asking. The only place where credentials are judged.

use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::key_set::KeyName;
use super::problem::{Code, Problem};
use super::token::{Claims, Expected, Signer, Token};
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
    /// The secret that tokens are signed with by HS256; without it no such token is valid.
    pub secret: Option<String>,
    /// What tokens must be besides rightly signed.
    pub expected: Expected,
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

/// Who is asking, as far as the keys of [`Keys`] tell.
#[derive(Clone, Debug)]
pub enum Identification<'a> {
    /// There is nothing left to verify.
    Certain(Identity),
    /// This, if public keys verify the signatures of all these tokens.
    IfSigned(Identity, Vec<Signed<'a>>),
}

/// A token's signature by a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The key, as the token names it.
    pub key: KeyName,
    /// The signature.
    pub signature: Vec<u8>,
    /// The text that is signed.
    pub text: &'a str,
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
pub fn identify<'a>(credentials: Credentials<'a>, keys: &Keys, now_s: f64) -> Result<Identification<'a>, Problem> {
    let by_apikey = credentials.apikey.map(|key| judge(key, keys, now_s)).transpose()?;
    let bearer = credentials.authorization.map(bearer).transpose()?;
    let by_bearer = bearer.map(|bearer| judge(bearer, keys, now_s)).transpose()?;
    let (identities, signed): (Vec<_>, Vec<_>) = by_bearer.into_iter().chain(by_apikey).unzip();
    let identity = identities.into_iter().next().unwrap_or(Identity::Anonymous);
    let signed: Vec<Signed<'a>> = signed.into_iter().flatten().collect();
    if signed.is_empty() {
        return Ok(Identification::Certain(identity));
    }
    Ok(Identification::IfSigned(identity, signed))
}

fn bearer(authorization: &str) -> Result<&str, Problem> {
    let (scheme, credential) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if scheme.eq_ignore_ascii_case("bearer") && !credential.trim().is_empty() {
        return Ok(credential.trim());
    }
    Err(invalid("Send Authorization: Bearer, followed by a key or a token."))
}

/// Who has this credential; if it is a token with a signature by a public key, provided that this is right.
fn judge<'a>(credential: &'a str, keys: &Keys, now_s: f64) -> Result<(Identity, Option<Signed<'a>>), Problem> {
    let is = |key: &Option<String>| {
        key.as_ref().is_some_and(|key| !key.is_empty() && bool::from(key.as_bytes().ct_eq(credential.as_bytes())))
    };
    if is(&keys.service) {
        return Ok((Identity::Service(None), None));
    }
    if is(&keys.publishable) {
        return Ok((Identity::Anonymous, None));
    }
    let token = Token::parse(credential).map_err(invalid)?;
    if token.signer == Signer::Secret {
        token.verify_hs256(keys.secret.as_deref()).map_err(invalid)?;
    }
    let identity = of_claims(&token.claims(&keys.expected, now_s).map_err(invalid)?)?;
    let signed = match token.signer {
        Signer::Secret => None,
        Signer::Key(key) => Some(Signed { key, signature: token.signature, text: token.signed }),
    };
    Ok((identity, signed))
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

/// The credential is not valid.
#[must_use]
pub fn invalid(detail: &str) -> Problem {
    Problem::new(Code::InvalidCredential, detail)
}
