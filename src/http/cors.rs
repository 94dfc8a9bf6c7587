//! Which pages may call: cross-origin resource sharing without credentials.

use super::route::{Found, Sharing};

const ALLOWED_HEADERS: &str = "accept-profile, authorization, apikey, content-profile, content-type, \
    idempotency-key, if-none-match, last-event-id, prefer, range, range-unit, x-client-info, x-retry-count, x-supabase-api-version";
const EXPOSED_HEADERS: &str = "content-range, etag, location, preference-applied, retry-after, \
    x-promptmeter-dropped, x-request-id";

/// The origins whose pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Every origin.
    Any,
    /// These, as browsers write them: `https://example.com`.
    Listed(Vec<String>),
}

impl AllowedOrigins {
    /// Reads the setting `ALLOWED_ORIGINS`: origins with commas between them; nothing or `*` is every origin.
    #[must_use]
    pub fn parse(setting: Option<&str>) -> Self {
        let listed: Vec<String> = setting
            .unwrap_or("*")
            .split(',')
            .map(|origin| origin.trim().trim_end_matches('/').to_owned())
            .filter(|origin| !origin.is_empty())
            .collect();
        if listed.is_empty() || listed.iter().any(|origin| origin == "*") { Self::Any } else { Self::Listed(listed) }
    }
}

/// The headers that let the page of `origin` read an answer of this path.
#[must_use]
pub fn headers(sharing: Sharing, allowed: &AllowedOrigins, origin: Option<&str>) -> Vec<(&'static str, String)> {
    if sharing == Sharing::SameOrigin {
        return Vec::new();
    }
    let mut headers = Vec::new();
    let allowed_origin = match allowed {
        // Also where no page asks: what is kept may be given to one.
        AllowedOrigins::Any => Some("*"),
        AllowedOrigins::Listed(listed) => {
            headers.push(("Vary", "Origin".to_owned()));
            origin.filter(|origin| listed.iter().any(|known| known == origin))
        }
    };
    if let Some(allowed_origin) = allowed_origin {
        headers.push(("Access-Control-Allow-Origin", allowed_origin.to_owned()));
        headers.push(("Access-Control-Expose-Headers", EXPOSED_HEADERS.to_owned()));
    }
    headers
}

/// The headers that answer `OPTIONS`, beside those of [`headers`].
#[must_use]
pub fn preflight_headers(found: &Found) -> Vec<(&'static str, String)> {
    let mut headers = vec![("Allow", found.allow())];
    if found.sharing() == Sharing::CrossOrigin {
        headers.push(("Access-Control-Allow-Methods", found.allow()));
        headers.push(("Access-Control-Allow-Headers", ALLOWED_HEADERS.to_owned()));
        headers.push(("Access-Control-Max-Age", "86400".to_owned()));
    }
    headers
}
