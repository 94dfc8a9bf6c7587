//! How a message is signed: Standard Webhooks, version 1 of its symmetric signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::decision::Message;

/// The headers of a message that is sent in this second since 1970. A secret that begins with `whsec_` is base64, as the
/// libraries that verify want it; another one is taken as it is.
#[must_use]
pub fn headers(message: &Message, secret: &str, second: i64) -> [(&'static str, String); 4] {
    let key = secret.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let signed = format!("{}.{second}.{}", message.id, message.body);
    let signature = Hmac::<Sha256>::new_from_slice(&key).map(|mut mac| {
        mac.update(signed.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    [
        ("Content-Type", "application/json".to_owned()),
        ("webhook-id", message.id.clone()),
        ("webhook-timestamp", second.to_string()),
        ("webhook-signature", format!("v1,{}", signature.unwrap_or_default())),
    ]
}
