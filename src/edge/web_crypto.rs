//! Verifies signatures with the runtime's own cryptography.

use std::cell::RefCell;

use js_sys::{Array, JSON, Object, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CryptoKey, SubtleCrypto, WorkerGlobalScope};
use worker::wasm_bindgen_futures::JsFuture;

use super::runtime::log_failure;
use crate::http::key_set::{PublicKey, SET_KEYS};

/// Keys that an isolate remembers at the most; then it starts anew.
const REMEMBERED_KEYS: usize = 2 * SET_KEYS;

thread_local! {
    /// Imported keys; `None` for one that cannot be imported.
    static IMPORTED: RefCell<Vec<(PublicKey, Option<CryptoKey>)>> = const { RefCell::new(Vec::new()) };
}

/// Whether `signature` is what the owner of `key` signed `text` with.
pub(super) async fn verifies(key: &PublicKey, signature: &[u8], text: &[u8]) -> bool {
    let known =
        IMPORTED.with_borrow(|keys| keys.iter().find(|(known, _)| known == key).map(|(_, imported)| imported.clone()));
    let imported = match known {
        Some(imported) => imported,
        None => import_and_remember(key).await,
    };
    let Some(imported) = imported else { return false };
    verify(key, &imported, signature, text).await.is_ok_and(|verdict| verdict.is_truthy())
}

async fn import_and_remember(key: &PublicKey) -> Option<CryptoKey> {
    let imported = import(key).await.inspect_err(|error| log_failure("JWKS key", &format!("{error:?}"))).ok();
    IMPORTED.with_borrow_mut(|keys| {
        if keys.len() >= REMEMBERED_KEYS {
            keys.clear();
        }
        keys.push((key.clone(), imported.clone()));
    });
    imported
}

async fn import(key: &PublicKey) -> Result<CryptoKey, JsValue> {
    let usages = Array::of1(&"verify".into());
    let jwk = object(&key.jwk())?;
    let imported = subtle()?.import_key_with_object("jwk", &jwk, &parameters(key)?, false, &usages)?;
    JsFuture::from(imported).await?.dyn_into()
}

async fn verify(key: &PublicKey, imported: &CryptoKey, signature: &[u8], text: &[u8]) -> Result<JsValue, JsValue> {
    let (signature, text) = (Uint8Array::from(signature), Uint8Array::from(text));
    let parameters = parameters(key)?;
    let verdict =
        subtle()?.verify_with_object_and_js_u8_array_and_js_u8_array(&parameters, imported, &signature, &text)?;
    JsFuture::from(verdict).await
}

/// What importing and verifying want to know, in one.
fn parameters(key: &PublicKey) -> Result<Object, JsValue> {
    object(match key {
        PublicKey::Ec { .. } => r#"{"name":"ECDSA","namedCurve":"P-256","hash":"SHA-256"}"#,
        PublicKey::Rsa { .. } => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#,
    })
}

fn object(json: &str) -> Result<Object, JsValue> {
    JSON::parse(json)?.dyn_into()
}

fn subtle() -> Result<SubtleCrypto, JsValue> {
    js_sys::global().unchecked_into::<WorkerGlobalScope>().crypto().map(|crypto| crypto.subtle())
}
