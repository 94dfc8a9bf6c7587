//! Tells who is asking: judges the credentials of a request, and has signatures verified that need a public key.

use worker::{Context, Env};

use super::{public_keys, web_crypto};
use crate::http::head::Head;
use crate::http::identity::{Credentials, Identification, Identity, Keys, Signed, identify, invalid};
use crate::http::problem::Problem;
use crate::time::SECOND_MS;

/// Who sent a request that came at `now_ms`.
pub(super) async fn of(
    head: &Head,
    env: &Env,
    context: &Context,
    keys: &Keys,
    now_ms: i64,
) -> Result<Identity, Problem> {
    let credentials = Credentials { authorization: head.header("Authorization"), apikey: head.header("apikey") };
    match identify(credentials, keys, seconds(now_ms))? {
        Identification::Certain(identity) => Ok(identity),
        Identification::IfSigned(identity, all) => {
            for signed in all {
                verify(env, context, &signed, now_ms).await?;
            }
            Ok(identity)
        }
    }
}

async fn verify(env: &Env, context: &Context, signed: &Signed<'_>, now_ms: i64) -> Result<(), Problem> {
    let key = public_keys::find(env, context, &signed.key, now_ms).await?;
    if web_crypto::verifies(&key, &signed.signature, signed.text.as_bytes()).await {
        return Ok(());
    }
    Err(invalid("The token's signature is wrong."))
}

fn seconds(now_ms: i64) -> f64 {
    u32::try_from(now_ms / SECOND_MS).map_or(f64::INFINITY, f64::from)
}
