//! JWK sets: which keys are used, for which algorithm; and what the setting `JWKS` may be.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use promptmeter::http::key_set::{Algorithm, KeyName, KeySet, PublicKey, SET_KEYS};
use promptmeter::http::key_source::{KeySource, Step};
use serde_json::{Value, json};

const EC_X: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
const EC_Y: &str = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// A number of this many bits.
fn modulus(bits: usize) -> String {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    bytes[0] >>= bits.div_ceil(8) * 8 - bits;
    URL_SAFE_NO_PAD.encode(bytes)
}

fn with(mut key: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        key.as_object_mut().unwrap().insert(name.clone(), value.clone());
    }
    key
}

fn ec(more: &Value) -> Value {
    with(json!({"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y, "kid": "k"}), more)
}

fn rsa(more: &Value) -> Value {
    with(json!({"kty": "RSA", "n": modulus(2048), "e": "AQAB", "kid": "k"}), more)
}

fn name(kid: &str, algorithm: Algorithm) -> KeyName {
    KeyName { kid: kid.to_owned(), algorithm }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(&json!({"keys": keys}).to_string()).unwrap()
}

/// A set of one key with the kid `k`, which verifies this algorithm and no other, or none.
fn check(key: &Value, verifies: Option<Algorithm>) {
    let set = set(std::slice::from_ref(key));
    for algorithm in ALGORITHMS {
        assert_eq!(set.find(&name("k", algorithm)).is_some(), verifies == Some(algorithm), "{key} {algorithm:?}");
        for kid in ["", "K", "k ", "kk"] {
            assert_eq!(set.find(&name(kid, algorithm)), None, "{key} {kid}");
        }
    }
    assert_eq!(set.knows("k"), verifies.is_some(), "{key}");
}

#[test]
fn the_type_of_a_key_decides_its_only_algorithm() {
    for more in [
        json!({}),
        json!({"use": "sig"}),
        json!({"key_ops": ["verify"]}),
        json!({"key_ops": ["sign", "verify"], "ext": true, "x5c": ["AAAA"], "extra": {"deep": [1]}}),
    ] {
        check(&ec(&more), Some(Algorithm::Es256));
        check(&rsa(&more), Some(Algorithm::Rs256));
    }
    check(&ec(&json!({"alg": "ES256"})), Some(Algorithm::Es256));
    check(&rsa(&json!({"alg": "RS256"})), Some(Algorithm::Rs256));
    check(&rsa(&json!({"crv": "P-256", "x": EC_X, "y": EC_Y})), Some(Algorithm::Rs256));
    check(&ec(&json!({"n": modulus(2048), "e": "AQAB"})), Some(Algorithm::Es256));
}

#[test]
fn a_key_that_is_meant_for_something_else_is_not_used() {
    for more in [
        json!({"use": "enc"}),
        json!({"use": "SIG"}),
        json!({"use": ["sig"]}),
        json!({"key_ops": ["encrypt"]}),
        json!({"key_ops": []}),
        json!({"key_ops": "verify"}),
        json!({"alg": "HS256"}),
        json!({"alg": "none"}),
        json!({"alg": "ES384"}),
        json!({"alg": "PS256"}),
        json!({"alg": 7}),
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "OKP"}),
        json!({"kty": "ec"}),
        json!({"kty": null}),
        json!({"kid": null}),
        json!({"kid": 7}),
    ] {
        check(&ec(&more), None);
        check(&rsa(&more), None);
    }
    check(&ec(&json!({"alg": "RS256"})), None);
    check(&rsa(&json!({"alg": "ES256"})), None);
}

#[test]
fn numbers_have_the_size_that_their_algorithm_wants() {
    for more in [
        json!({"crv": "P-384"}),
        json!({"crv": "P-521"}),
        json!({"crv": "secp256k1"}),
        json!({"crv": null}),
        json!({"x": null}),
        json!({"y": ""}),
        json!({"x": EC_X[..42]}),
        json!({"y": format!("{EC_Y}=")}),
        json!({"x": URL_SAFE_NO_PAD.encode([7; 33])}),
        json!({"y": URL_SAFE_NO_PAD.encode([7; 31])}),
    ] {
        check(&ec(&more), None);
    }
    for (bits, used) in [(1024, false), (2040, false), (2047, false), (2048, true), (3072, true), (4096, true)] {
        check(&rsa(&json!({"n": modulus(bits)})), used.then_some(Algorithm::Rs256));
    }
    let padded = URL_SAFE_NO_PAD.encode([vec![0; 256], vec![0xff; 128]].concat());
    for more in [json!({"n": padded}), json!({"n": ""}), json!({"n": null}), json!({"n": "++"}), json!({"e": null})] {
        check(&rsa(&more), None);
    }
}

#[test]
fn a_key_is_found_by_kid_and_algorithm_among_others() {
    let other = json!({"kid": "other"});
    let keys = set(&[rsa(&other), json!(7), json!({"kty": "new"}), rsa(&json!({})), ec(&json!({})), ec(&other)]);
    for kid in ["k", "other"] {
        for algorithm in ALGORITHMS {
            assert_eq!(keys.find(&name(kid, algorithm)).map(PublicKey::algorithm), Some(algorithm));
        }
    }
}

#[test]
fn what_is_imported_has_nothing_but_type_and_numbers() {
    let key = |jwk: Value, algorithm| set(&[jwk]).find(&name("k", algorithm)).unwrap().jwk();
    let more = json!({"d": "c2VjcmV0", "key_ops": ["sign", "verify"], "use": "sig"});
    let imported: Value = serde_json::from_str(&key(ec(&more), Algorithm::Es256)).unwrap();
    assert_eq!(imported, json!({"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y}));
    let imported: Value = serde_json::from_str(&key(rsa(&more), Algorithm::Rs256)).unwrap();
    assert_eq!(imported, json!({"kty": "RSA", "n": modulus(2048), "e": "AQAB"}));
}

#[test]
fn a_set_is_an_object_with_at_most_64_keys() {
    let keys = |count| json!({"keys": vec![ec(&json!({})); count]}).to_string();
    for (text, is_set) in [
        (keys(0), true),
        (keys(1), true),
        (keys(SET_KEYS), true),
        (keys(SET_KEYS + 1), false),
        (String::from("{}"), false),
        (String::from(r#"{"keys":{}}"#), false),
        (String::from(r#"{"keys":null}"#), false),
        (String::from("[]"), false),
        (String::from("{\"keys\":["), false),
        (ec(&json!({})).to_string(), false),
        (String::new(), false),
    ] {
        assert_eq!(KeySet::parse(&text).is_ok(), is_set, "{text}");
    }
}

#[test]
fn the_setting_is_a_set_or_an_address() {
    let ask = |setting: &str| {
        KeySource::parse(setting).map(|mut source| source.ask(&name("k", Algorithm::Es256), 0, 0)).map_err(drop)
    };
    let fixed = json!({"keys": [ec(&json!({}))]}).to_string();
    for (setting, expected) in [
        (fixed.as_str(), Ok("Use")),
        (&format!("\n {fixed}\n"), Ok("Use")),
        (r#"{"keys":[]}"#, Ok("Refuse")),
        ("", Ok("Refuse")),
        (" ", Ok("Refuse")),
        ("https://auth.example/jwks.json", Ok("Fetch")),
        ("http://127.0.0.1:9/", Ok("Fetch")),
        ("{", Err(())),
        (r#"{"kty":"EC"}"#, Err(())),
        ("[]", Err(())),
        ("https://", Err(())),
        ("https://auth.example/a b", Err(())),
        ("ftp://auth.example/", Err(())),
        ("file:///etc/passwd", Err(())),
        ("auth.example/jwks.json", Err(())),
    ] {
        let told = ask(setting).map(|step| match step {
            Step::Use(_) => "Use",
            Step::Fetch(url) if url == setting => "Fetch",
            Step::Refuse(_) => "Refuse",
            other => panic!("{setting}: {other:?}"),
        });
        assert_eq!(told, expected, "{setting}");
    }
}
