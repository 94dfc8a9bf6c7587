//! What the owner of an instance sets: variables and secrets of the worker.

use worker::Env;

use crate::http::cors::AllowedOrigins;
use crate::http::identity::Keys;
use crate::http::token::Expected;

/// The settings of this instance.
pub(super) struct Settings {
    /// `PUBLISHABLE_KEY`, `SERVICE_KEY`, `JWT_SECRET`, `JWT_ISSUER`, `JWT_AUDIENCE`.
    pub(super) keys: Keys,
    /// `ALLOWED_ORIGINS`.
    pub(super) allowed_origins: AllowedOrigins,
}

impl Settings {
    /// Reads the settings; one that is empty is not set.
    pub(super) fn read(env: &Env) -> Self {
        let setting = |name: &str| env.var(name).ok().map(|value| value.to_string()).filter(|value| !value.is_empty());
        let tokens = setting("JWT_SECRET").map(|secret| Expected {
            secret,
            issuer: setting("JWT_ISSUER"),
            audience: setting("JWT_AUDIENCE"),
        });
        Self {
            keys: Keys { publishable: setting("PUBLISHABLE_KEY"), service: setting("SERVICE_KEY"), tokens },
            allowed_origins: AllowedOrigins::parse(setting("ALLOWED_ORIGINS").as_deref()),
        }
    }
}
