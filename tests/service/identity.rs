//! Who is asking: keys and tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use promptmeter::http::identity::{Credentials, Identification, Identity, Keys, User, identify};
use promptmeter::http::key_set::{Algorithm, KeyName};
use promptmeter::http::problem::Code;
use promptmeter::http::token::Expected;
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

const NOW_S: f64 = 1_800_000_000.0;
const SECRET: &str = "a secret of thirty-two characters";
const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const ES256: &str = r#"{"alg":"ES256","kid":"ec-1"}"#;
const RS256: &str = r#"{"alg":"RS256","kid":"rsa-1"}"#;
const SUB: &str = "01234567-89ab-7def-8123-456789abcdef";

fn user(email: Option<&str>) -> User {
    User { id: Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef), email: email.map(str::to_owned) }
}

fn keys() -> Keys {
    Keys {
        publishable: Some("pk_development".to_owned()),
        service: Some("sk_development".to_owned()),
        secret: Some(SECRET.to_owned()),
        expected: Expected::default(),
    }
}

fn expected(issuer: Option<&str>, audience: Option<&str>) -> Expected {
    Expected { issuer: issuer.map(str::to_owned), audience: audience.map(str::to_owned) }
}

fn sign(header: &str, claims: &str, secret: &str) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn token(claims: &Value) -> String {
    sign(HS256, &claims.to_string(), SECRET)
}

fn user_token() -> String {
    token(&json!({"sub": SUB, "role": "authenticated"}))
}

fn check(authorization: Option<&str>, apikey: Option<&str>, keys: &Keys, expected: &Result<Identity, Code>) {
    let actual = identify(Credentials { authorization, apikey }, keys, NOW_S).map_err(|problem| problem.code);
    let actual = actual.map(|identification| match identification {
        Identification::Certain(identity) => identity,
        Identification::IfSigned(..) => panic!("authorization {authorization:?}, apikey {apikey:?}: not certain"),
    });
    assert_eq!(&actual, expected, "authorization {authorization:?}, apikey {apikey:?}");
}

/// Credentials that tell who is asking if the keys of these names (algorithm, kid) verify their signatures.
fn check_if_signed(authorization: &str, apikey: Option<&str>, expected: &Identity, names: &[(Algorithm, &str)]) {
    let credentials = Credentials { authorization: Some(authorization), apikey };
    let Ok(Identification::IfSigned(identity, signed)) = identify(credentials, &keys(), NOW_S) else {
        panic!("{authorization}, {apikey:?}: nothing is left to verify");
    };
    let told: Vec<&KeyName> = signed.iter().map(|signed| &signed.key).collect();
    let names: Vec<KeyName> =
        names.iter().map(|(algorithm, kid)| KeyName { kid: (*kid).to_owned(), algorithm: *algorithm }).collect();
    assert_eq!((&identity, told), (expected, names.iter().collect()), "{authorization}, {apikey:?}");
}

/// A token judged as the bearer under `keys`.
fn check_bearer(token: &str, keys: &Keys, expected: &Result<Identity, Code>) {
    check(Some(&format!("Bearer {token}")), None, keys, expected);
    check(None, Some(token), keys, expected);
}

/// The claims of a user's token together with `more`.
fn check_claims(more: &Value, wanted: Expected, valid: bool) {
    let mut claims = json!({"sub": SUB, "role": "authenticated"});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let expected = if valid { Ok(Identity::User(user(None))) } else { Err(Code::InvalidCredential) };
    let keys = Keys { expected: wanted, ..keys() };
    check_bearer(&token(&claims), &keys, &expected);
    for header in [ES256, RS256] {
        let bearer = format!("Bearer {}", sign(header, &claims.to_string(), SECRET));
        let credentials = Credentials { authorization: Some(&bearer), apikey: None };
        let actual = identify(credentials, &keys, NOW_S).map_err(|problem| problem.code);
        assert_eq!(actual.map(drop), expected.clone().map(drop), "{header} {claims}");
    }
}

#[test]
fn keys_are_taken_as_apikey_and_as_bearer() {
    let (anonymous, service) = (Ok(Identity::Anonymous), Ok(Identity::Service(None)));
    let refused = Err(Code::InvalidCredential);
    for (authorization, apikey, expected) in [
        (None, None, &anonymous),
        (None, Some("pk_development"), &anonymous),
        (Some("Bearer pk_development"), None, &anonymous),
        (Some("Bearer pk_development"), Some("pk_development"), &anonymous),
        (None, Some("sk_development"), &service),
        (Some("Bearer sk_development"), None, &service),
        (Some("bearer sk_development"), None, &service),
        (Some("BEARER  sk_development "), None, &service),
        (Some("Bearer sk_development"), Some("pk_development"), &service),
        (Some("Bearer pk_development"), Some("sk_development"), &anonymous),
        (None, Some(""), &refused),
        (None, Some("sk_developmen"), &refused),
        (None, Some("sk_development2"), &refused),
        (None, Some("SK_DEVELOPMENT"), &refused),
        (None, Some("nobody's key"), &refused),
        (Some("Bearer sk_development"), Some("nobody's key"), &refused),
        (Some("Bearer nobody's key"), Some("sk_development"), &refused),
        (Some(""), None, &refused),
        (Some("Bearer"), None, &refused),
        (Some("Bearer "), None, &refused),
        (Some("sk_development"), None, &refused),
        (Some("Basic c2tfZGV2ZWxvcG1lbnQ="), None, &refused),
        (Some("Basic sk_development"), None, &refused),
    ] {
        check(authorization, apikey, &keys(), expected);
    }
}

#[test]
fn the_bearer_decides_and_the_apikey_must_be_valid_all_the_same() {
    let bearer = format!("Bearer {}", user_token());
    let expected = Ok(Identity::User(user(None)));
    check(Some(&bearer), Some("pk_development"), &keys(), &expected);
    check(Some(&bearer), Some("sk_development"), &keys(), &expected);
    check(Some(&bearer), None, &keys(), &expected);
    check(Some("Bearer pk_development"), Some(&user_token()), &keys(), &Ok(Identity::Anonymous));
    check(Some("Bearer sk_development"), Some(&user_token()), &keys(), &Ok(Identity::Service(None)));
    check(Some(&bearer), Some("nobody's key"), &keys(), &Err(Code::InvalidCredential));
    check(Some("Bearer nobody's key"), Some(&user_token()), &keys(), &Err(Code::InvalidCredential));
}

#[test]
fn an_empty_or_missing_configured_key_matches_nothing() {
    let empty = Keys { publishable: Some(String::new()), service: Some(String::new()), ..Keys::default() };
    for keys in [Keys::default(), empty] {
        check(None, Some(""), &keys, &Err(Code::InvalidCredential));
        check(Some("Bearer "), None, &keys, &Err(Code::InvalidCredential));
        check(None, Some("sk_development"), &keys, &Err(Code::InvalidCredential));
        check_bearer(&user_token(), &keys, &Err(Code::InvalidCredential));
        check(None, None, &keys, &Ok(Identity::Anonymous));
    }
}

#[test]
fn an_empty_secret_signs_nothing() {
    let forged = sign(HS256, &json!({"sub": SUB, "role": "service_role"}).to_string(), "");
    for secret in [None, Some(String::new())] {
        check_bearer(&forged, &Keys { secret, ..keys() }, &Err(Code::InvalidCredential));
    }
}

#[test]
fn an_address_that_is_longer_than_any_is_left_out() {
    for (length, expected) in [(320, true), (321, false), (12_000, false)] {
        let email = "é".repeat(length);
        let token = sign(HS256, &json!({"sub": SUB, "role": "authenticated", "email": email}).to_string(), SECRET);
        check_bearer(&token, &keys(), &Ok(Identity::User(user(expected.then_some(email.as_str())))));
    }
}

#[test]
fn the_role_and_the_sub_say_who_asks() {
    let refused = Err(Code::InvalidCredential);
    for (claims, expected) in [
        (json!({"sub": SUB, "role": "authenticated"}), Ok(Identity::User(user(None)))),
        (json!({"sub": SUB.to_uppercase(), "role": "authenticated"}), Ok(Identity::User(user(None)))),
        (
            json!({"sub": SUB, "role": "authenticated", "email": "a@example.com", "session_id": "s"}),
            Ok(Identity::User(user(Some("a@example.com")))),
        ),
        (json!({"sub": SUB, "role": "authenticated", "email": null}), Ok(Identity::User(user(None)))),
        (json!({"role": "service_role"}), Ok(Identity::Service(None))),
        (json!({"sub": SUB, "role": "service_role"}), Ok(Identity::Service(Some(user(None))))),
        (json!({"sub": "cron", "role": "service_role"}), Ok(Identity::Service(None))),
        (json!({"role": "anon"}), Ok(Identity::Anonymous)),
        (json!({"sub": SUB, "role": "anon"}), Ok(Identity::Anonymous)),
        (json!({"sub": SUB}), Ok(Identity::Anonymous)),
        (json!({}), Ok(Identity::Anonymous)),
        (json!({"sub": SUB, "role": "admin"}), refused.clone()),
        (json!({"sub": SUB, "role": "AUTHENTICATED"}), refused.clone()),
        (json!({"sub": SUB, "role": ""}), refused.clone()),
        (json!({"sub": SUB, "role": ["authenticated"]}), refused.clone()),
        (json!({"role": "authenticated"}), refused.clone()),
        (json!({"sub": "", "role": "authenticated"}), refused.clone()),
        (json!({"sub": "alice", "role": "authenticated"}), refused.clone()),
        (json!({"sub": SUB.replace('-', ""), "role": "authenticated"}), refused.clone()),
        (json!({"sub": 7, "role": "authenticated"}), refused.clone()),
        (json!("authenticated"), refused.clone()),
        (json!(null), refused.clone()),
    ] {
        check_bearer(&token(&claims), &keys(), &expected);
    }
}

#[test]
fn a_token_is_signed_with_hs256_and_the_secret() {
    let claims = json!({"sub": SUB, "role": "authenticated"}).to_string();
    let (header64, claims64) = (URL_SAFE_NO_PAD.encode(HS256), URL_SAFE_NO_PAD.encode(&claims));
    let none64 = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    for bad in [
        sign(HS256, &claims, "another secret"),
        sign(HS256, &claims, ""),
        sign(r#"{"alg":"none"}"#, &claims, SECRET),
        sign(r#"{"alg":"None"}"#, &claims, SECRET),
        sign(r#"{"alg":"hs256"}"#, &claims, SECRET),
        sign(r#"{"alg":"HS512"}"#, &claims, SECRET),
        sign(r#"{"alg":"RS256"}"#, &claims, SECRET),
        sign(r#"{"alg":"ES256"}"#, &claims, SECRET),
        sign(r#"{"alg":["HS256"]}"#, &claims, SECRET),
        sign(r#"{"alg":null}"#, &claims, SECRET),
        sign(r#"{"typ":"JWT"}"#, &claims, SECRET),
        sign(r#"{"alg":"HS256","alg":"none"}"#, &claims, SECRET),
        sign(r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, &claims, SECRET),
        sign(r#"{"alg":"HS256","crit":[]}"#, &claims, SECRET),
        sign(r#"{"alg":"HS256","crit":null}"#, &claims, SECRET),
        sign("HS256", &claims, SECRET),
        sign(HS256, "no claims", SECRET),
        sign(HS256, r#"{"role":"anon","role":"service_role"}"#, SECRET),
        format!("{none64}.{claims64}."),
        format!("{none64}.{claims64}"),
        format!("{header64}.{claims64}."),
        format!("{header64}.{claims64}"),
        format!("{header64}..{claims64}"),
        format!("{}.{claims64}", sign(HS256, &claims, SECRET)),
        String::from(".."),
        String::from("..."),
    ] {
        check_bearer(&bad, &keys(), &Err(Code::InvalidCredential));
    }
    check_bearer(&sign(r#"{"alg":"HS256","kid":"1"}"#, &claims, SECRET), &keys(), &Ok(Identity::User(user(None))));
}

#[test]
fn a_token_signed_by_a_public_key_is_left_to_be_verified_with_exactly_that_key() {
    let token = |header: &str, role: &str| {
        let claims = json!({"sub": SUB, "role": role}).to_string();
        format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    };
    let (ec, rsa) = ((Algorithm::Es256, "ec-1"), (Algorithm::Rs256, "rsa-1"));
    let (someone, service) = (Identity::User(user(None)), Identity::Service(Some(user(None))));
    let bearer = |header, role| format!("Bearer {}", token(header, role));
    check_if_signed(&bearer(ES256, "authenticated"), None, &someone, &[ec]);
    check_if_signed(&bearer(RS256, "authenticated"), None, &someone, &[rsa]);
    check_if_signed(&bearer(ES256, "service_role"), Some("pk_development"), &service, &[ec]);
    check_if_signed(&bearer(ES256, "authenticated"), Some("sk_development"), &someone, &[ec]);
    check_if_signed(&bearer(ES256, "authenticated"), Some(&token(RS256, "anon")), &someone, &[ec, rsa]);
    check_if_signed("Bearer pk_development", Some(&token(RS256, "service_role")), &Identity::Anonymous, &[rsa]);
    check_if_signed(
        &bearer(r#"{"alg":"ES256","kid":""}"#, "anon"),
        None,
        &Identity::Anonymous,
        &[(Algorithm::Es256, "")],
    );

    let signed = token(ES256, "authenticated");
    let credentials = Credentials { authorization: None, apikey: Some(&signed) };
    let Ok(Identification::IfSigned(_, all)) = identify(credentials, &keys(), NOW_S) else { panic!("{signed}") };
    assert_eq!(all[0].text, signed.rsplit_once('.').unwrap().0);
    assert_eq!(all[0].signature, b"signature");
}

#[test]
fn a_token_that_can_never_be_valid_is_refused_before_any_key_is_looked_for() {
    let claims = json!({"sub": SUB, "role": "authenticated"}).to_string();
    for header in [
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"ES256","kid":null}"#,
        r#"{"alg":"ES256","kid":1}"#,
        r#"{"alg":"ES256","kid":["ec-1"]}"#,
        r#"{"alg":"ES256","kid":"ec-1","kid":"ec-2"}"#,
        r#"{"alg":"ES256","kid":"ec-1","crit":["exp"]}"#,
        r#"{"alg":"ES256","kid":"ec-1","crit":[]}"#,
        r#"{"alg":"RS256","kid":"rsa-1","crit":null}"#,
        r#"{"alg":"ES384","kid":"ec-1"}"#,
        r#"{"alg":"ES256K","kid":"ec-1"}"#,
        r#"{"alg":"RS384","kid":"rsa-1"}"#,
        r#"{"alg":"PS256","kid":"rsa-1"}"#,
        r#"{"alg":"EdDSA","kid":"ec-1"}"#,
        r#"{"alg":"es256","kid":"ec-1"}"#,
        r#"{"alg":"none","kid":"ec-1"}"#,
        r#"{"kid":"ec-1"}"#,
        // With HS256 it is the secret that counts, whatever key is named: here it is another one.
        r#"{"alg":"HS256","kid":"ec-1"}"#,
    ] {
        check_bearer(&sign(header, &claims, "another secret"), &keys(), &Err(Code::InvalidCredential));
    }
    for claims in [
        json!({"sub": SUB, "role": "admin"}),
        json!({"role": "authenticated"}),
        json!({"sub": SUB, "role": "authenticated", "exp": NOW_S - 30.0}),
        json!(null),
    ] {
        check_bearer(&sign(ES256, &claims.to_string(), SECRET), &keys(), &Err(Code::InvalidCredential));
    }
    check(
        Some(&format!("Bearer {}", sign(ES256, &claims, SECRET))),
        Some("nobody's key"),
        &keys(),
        &Err(Code::InvalidCredential),
    );
}

#[test]
fn every_character_of_a_token_matters() {
    let good = user_token();
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        // The neighbour in the alphabet: in the last character it differs in bits that decode to nothing.
        bytes[at] = match bytes[at] {
            b'z' => b'y',
            b'Z' => b'Y',
            b'9' => b'8',
            b'-' => b'_',
            b'.' | b'_' => b'-',
            letter => letter + 1,
        };
        check_bearer(&String::from_utf8(bytes).unwrap(), &keys(), &Err(Code::InvalidCredential));
    }
    check_bearer(&good[..good.len() - 1], &keys(), &Err(Code::InvalidCredential));
    check_bearer(&format!("{good}="), &keys(), &Err(Code::InvalidCredential));
    check_bearer(&good, &keys(), &Ok(Identity::User(user(None))));
}

#[test]
fn time_is_checked_with_30_seconds_of_skew() {
    for (claims, valid) in [
        (json!({"exp": NOW_S + 3600.0}), true),
        (json!({"exp": NOW_S}), true),
        (json!({"exp": NOW_S - 29.0}), true),
        (json!({"exp": NOW_S - 29.5}), true),
        (json!({"exp": NOW_S - 30.0}), false),
        (json!({"exp": NOW_S - 31.0}), false),
        (json!({"exp": 1_799_999_971}), true),
        (json!({"exp": 1_799_999_970}), false),
        (json!({"exp": 0}), false),
        (json!({"exp": null}), true),
        (json!({"exp": "1900000000"}), false),
        (json!({"nbf": NOW_S - 3600.0}), true),
        (json!({"nbf": NOW_S + 29.0}), true),
        (json!({"nbf": NOW_S + 30.0}), true),
        (json!({"nbf": NOW_S + 30.5}), false),
        (json!({"nbf": NOW_S + 31.0}), false),
        (json!({"nbf": "now"}), false),
        (json!({"iat": NOW_S + 3600.0}), true),
    ] {
        check_claims(&claims, expected(None, None), valid);
    }
}

#[test]
fn issuer_and_audience_are_checked_where_configured() {
    for (claims, issuer, audience, valid) in [
        (json!({}), None, None, true),
        (json!({"iss": "other", "aud": "other"}), None, None, true),
        (json!({"iss": "https://auth.example.com"}), Some("https://auth.example.com"), None, true),
        (json!({"iss": "https://auth.example.com/"}), Some("https://auth.example.com"), None, false),
        (json!({"iss": null}), Some("https://auth.example.com"), None, false),
        (json!({}), Some("https://auth.example.com"), None, false),
        (json!({"aud": "authenticated"}), None, Some("authenticated"), true),
        (json!({"aud": ["other", "authenticated"]}), None, Some("authenticated"), true),
        (json!({"aud": "other"}), None, Some("authenticated"), false),
        (json!({"aud": "authenticated2"}), None, Some("authenticated"), false),
        (json!({"aud": ["other"]}), None, Some("authenticated"), false),
        (json!({"aud": []}), None, Some("authenticated"), false),
        (json!({"aud": null}), None, Some("authenticated"), false),
        (json!({"aud": 7}), None, Some("authenticated"), false),
        (json!({}), None, Some("authenticated"), false),
        (json!({"iss": "i", "aud": "a"}), Some("i"), Some("a"), true),
        (json!({"iss": "i", "aud": "b"}), Some("i"), Some("a"), false),
        (json!({"iss": "j", "aud": "a"}), Some("i"), Some("a"), false),
    ] {
        check_claims(&claims, expected(issuer, audience), valid);
    }
}

#[test]
fn a_refusal_never_repeats_the_credential() {
    let credentials = Credentials { authorization: Some("Bearer hunter2"), apikey: Some("hunter2") };
    let problem = identify(credentials, &keys(), NOW_S).unwrap_err();
    let told = serde_json::to_string(&problem).unwrap();
    for secret in ["hunter2", SECRET, "sk_development", "pk_development"] {
        assert!(!told.contains(secret), "{told}");
    }
}
