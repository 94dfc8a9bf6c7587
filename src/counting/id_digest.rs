//! Digests of ids, and of what is known under them.

use sha2::{Digest, Sha256};

use super::protocol::IdDigest;

/// Digests an id, and whatever makes another event under the same id another event.
#[must_use]
pub fn digest(id: &str, payload: &[&str]) -> IdDigest {
    IdDigest { key: digest_key(id), payload: digest_payload(payload) }
}

/// Digests what makes an event another event to 32 bits.
#[must_use]
pub fn digest_payload(payload: &[&str]) -> u32 {
    let mut hash = Sha256::new();
    for part in payload {
        hash.update(part.as_bytes());
        hash.update([0xff]); // never part of UTF-8, so that no two payloads run together
    }
    payload_of(&hash.finalize())
}

/// Digests an id to the 64 bits under which it is remembered.
#[must_use]
pub fn digest_key(id: &str) -> u64 {
    key_of(&Sha256::digest(id.as_bytes()))
}

fn key_of(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn payload_of(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}
