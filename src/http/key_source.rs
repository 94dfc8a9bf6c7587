//! Where the public keys come from that tokens are verified with: the setting `JWKS`.

use super::key_set::{KeyName, KeySet, PublicKey};
use super::remote_keys::RemoteKeys;

/// The key set itself, or where it is.
#[derive(Debug)]
pub enum KeySource {
    /// The set.
    Fixed(KeySet),
    /// A set that is fetched.
    Remote(RemoteKeys),
    /// There is none.
    Nowhere,
}

/// What is to be done for a token that names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Verify its signature with this key.
    Use(PublicKey),
    /// Fetch the key set from this address, and ask again.
    Fetch(String),
    /// The set is being fetched for another: ask again in a moment.
    Wait,
    /// Refuse the token, and say why.
    Refuse(&'static str),
    /// Tell the caller to come back: there is no key set because it could not be fetched.
    Unavailable,
}

impl Step {
    /// Refuse the token: it is signed with a key that is not in the set.
    pub const UNKNOWN: Self = Self::Refuse("The token's key (kid) is not known.");
}

impl KeySource {
    /// Reads the setting: JSON, or an address.
    ///
    /// # Errors
    /// A sentence that says why it cannot be read.
    pub fn parse(setting: &str) -> Result<Self, &'static str> {
        let setting = setting.trim();
        if setting.is_empty() {
            return Ok(Self::Nowhere);
        }
        if setting.starts_with('{') {
            return KeySet::parse(setting).map(Self::Fixed);
        }
        let host = setting.strip_prefix("https://").or_else(|| setting.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
            return Err("It is neither a JWK set nor an address that starts with https:// or http://.");
        }
        Ok(Self::Remote(RemoteKeys::at(setting)))
    }

    /// What is to be done for a token that came at `since_ms`; times are in milliseconds since 1970.
    pub fn ask(&mut self, name: &KeyName, since_ms: i64, now_ms: i64) -> Step {
        match self {
            Self::Fixed(set) => set.find(name).cloned().map_or(Step::UNKNOWN, Step::Use),
            Self::Remote(keys) => keys.ask(name, since_ms, now_ms),
            Self::Nowhere => Step::Refuse("Tokens signed with ES256 or RS256 are not accepted."),
        }
    }

    /// Takes what a fetch from `url` has brought.
    pub fn take(&mut self, url: &str, fetched: Option<KeySet>, now_ms: i64) {
        if let Self::Remote(keys) = self
            && keys.url == url
        {
            keys.take(fetched, now_ms);
        }
    }
}
