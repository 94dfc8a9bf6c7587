//! Declarations: what is read, what is refused and where, and what a declaration does to the experiment that is stored.

mod changes;

use promptmeter::data::policy::policy_of;
use promptmeter::data::tables::EXPERIMENTS;
use promptmeter::experiments::assignment::HashVersion;
use promptmeter::experiments::decision::{Decision, decide};
use promptmeter::experiments::declaration::{Declaration, Status};
use promptmeter::experiments::declaring::{check_id, read_unit};
use promptmeter::experiments::experiment::Experiment;
use promptmeter::experiments::session::{MultiVariant, Rules};
use promptmeter::http::problem::Code;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_800_000_000_000;
const LATER_MS: i64 = NOW_MS + 60_000;

/// A declaration with two variants and these fields.
fn body(fields: &Value) -> Value {
    let mut body = json!({"variants": [{"key": "a", "weight": 0.5}, {"key": "b", "weight": 0.5}]});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn read(body: &Value) -> Declaration {
    Declaration::read(&body.to_string(), "title", Status::Draft).unwrap_or_else(|problem| panic!("{body}: {problem:?}"))
}

#[test]
fn what_is_missing_has_its_default() {
    let declaration = read(&body(&json!({"seed": null, "name": null, "coverage": null, "hypothesis": null})));
    assert_eq!(declaration, read(&body(&json!({}))));
    assert_eq!((declaration.name.as_str(), declaration.seed.as_str()), ("title", "title"));
    assert_eq!((declaration.project_id, declaration.hypothesis, declaration.namespace), (None, None, None));
    assert_eq!((declaration.coverage, declaration.hash_version), (1.0, HashVersion::Two));
    assert_eq!(declaration.status, Status::Draft);
    assert_eq!(declaration.rules, Rules { multi_variant: MultiVariant::Exclude, conversion_window_hours: None });
}

#[test]
fn every_field_is_read_and_told() {
    let sent = json!({
        "project_id": "shop",
        "name": "Short titles",
        "hypothesis": "Shorter titles\nare copied more.",
        "variants": [{"key": "control", "weight": 0.25}, {"key": "kürzer 😀", "weight": 0.75}],
        "coverage": 0.1,
        "seed": "s",
        "hash_version": 1,
        "namespace": ["layer", 0.25, 0.5],
        "status": "running",
        "conversion_window_hours": 8760,
        "multi_variant": "first",
    });
    let Ok(Decision::Store(experiment)) = decide(None, read(&sent), false, NOW_MS) else { panic!("it is new") };
    let mut told: Value = serde_json::from_str(&experiment.json("title")).unwrap();
    let own = ["experiment_id", "started_ms", "stopped_ms"].map(|name| told[name].take());
    assert_eq!(own, [json!("title"), json!(NOW_MS), Value::Null]);
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(told[name], *value, "{name}");
    }
    assert_eq!(told.as_object().unwrap().len(), sent.as_object().unwrap().len() + own.len());
}

#[test]
fn what_is_told_can_be_declared_again() {
    for fields in [
        json!({}),
        json!({"variants": [{"key": "a"}, {"key": "b"}, {"key": "c"}, {"key": "d"}, {"key": "e"}, {"key": "f"}]}),
        json!({"namespace": "all of it", "coverage": 1.0 / 6.0, "conversion_window_hours": 1}),
    ] {
        let Ok(Decision::Store(experiment)) = decide(None, read(&body(&fields)), false, NOW_MS) else {
            panic!("it is new")
        };
        let mut told: Value = serde_json::from_str(&experiment.json("title")).unwrap();
        told.as_object_mut()
            .unwrap()
            .retain(|name, _| !["experiment_id", "started_ms", "stopped_ms"].contains(&name.as_str()));
        assert_eq!(read(&told), experiment.declaration, "{told}");
    }
}

#[test]
fn without_weights_all_weigh_the_same() {
    for count in [1, 2, 3, 7, 100] {
        let variants: Vec<Value> = (0..count).map(|place| json!({"key": place.to_string()})).collect();
        let declaration = read(&json!({ "variants": variants }));
        assert!(
            declaration.variants.iter().all(|variant| variant.weight.to_bits() == (1.0 / f64::from(count)).to_bits()),
            "{count}"
        );
    }
}

/// Weights that are taken, or the place of what is refused.
fn check_weights(weights: &str, expected: Result<(), (Code, &str)>) {
    let weights: Vec<&str> = weights.split(' ').collect();
    let variants: Vec<String> = weights
        .iter()
        .enumerate()
        .map(|(place, weight)| match *weight {
            "-" => format!(r#"{{"key":"{place}"}}"#),
            weight => format!(r#"{{"key":"{place}","weight":{weight}}}"#),
        })
        .collect();
    check(&format!(r#"{{"variants":[{}]}}"#, variants.join(",")), expected);
}

fn check(body: &str, expected: Result<(), (Code, &str)>) {
    let actual = Declaration::read(body, "title", Status::Draft)
        .and_then(|declaration| decide(None, declaration, false, NOW_MS))
        .map(drop);
    let actual = actual.map_err(|problem| (problem.code, problem.pointer.unwrap_or_default()));
    assert_eq!(actual, expected.map_err(|(code, pointer)| (code, pointer.to_owned())), "{body}");
}

#[test]
fn weights_come_to_1() {
    use Code::{InvalidType, InvalidValue, MissingField};
    for weights in ["1", "0.5 0.5", "0.1 0.2 0.7", "0 1", "0.5 0.499999", "0.5 0.500001", "0.5 4.999995e-1", "1.0 0.0"]
    {
        check_weights(weights, Ok(()));
    }
    check_weights(&["0.01"; 100].join(" "), Ok(()));
    for weights in ["0", "0.5", "0.5 0.4", "0.5 0.6", "0.5 0.499998", "0.5 0.500002", "1 1", "0.9999989"] {
        check_weights(weights, Err((InvalidValue, "/variants")));
    }
    check_weights("1.5 0", Err((InvalidValue, "/variants/0/weight")));
    check_weights("1 -0.5 0.5", Err((InvalidValue, "/variants/1/weight")));
    check_weights("1e400", Err((InvalidType, "/variants/0/weight")));
    for weight in [r#""1""#, "true", "[]", "{}"] {
        check_weights(&format!("0.5 {weight}"), Err((InvalidType, "/variants/1/weight")));
    }
    check_weights("- -", Ok(()));
    check_weights("null null", Ok(()));
    check_weights("0.5 -", Err((MissingField, "/variants/1/weight")));
    check_weights("- 1", Err((MissingField, "/variants/0/weight")));
    check_weights("0.5 null 0.5", Err((MissingField, "/variants/1/weight")));
}

#[test]
fn variants_are_1_to_100_with_keys_of_their_own() {
    use Code::{InvalidJson, InvalidLength, InvalidType, InvalidValue, MissingField, UnknownColumn};
    let keys = |count: usize| (0..count).map(|place| json!({"key": place.to_string()})).collect::<Vec<_>>();
    let long = "😀".repeat(129);
    for (variants, expected) in [
        (json!([{"key": "a"}]), Ok(())),
        (json!(keys(100)), Ok(())),
        (json!(keys(101)), Err((InvalidValue, "/variants"))),
        (json!([]), Err((InvalidValue, "/variants"))),
        (json!(null), Err((MissingField, "/variants"))),
        (json!("a"), Err((InvalidType, "/variants"))),
        (json!({"a": 1}), Err((InvalidType, "/variants"))),
        (json!(["a", "b"]), Err((InvalidType, "/variants/0"))),
        (json!([{"key": "a"}, null]), Err((InvalidType, "/variants/1"))),
        (json!([{"key": "a"}, {"weight": 1}]), Err((MissingField, "/variants/1/key"))),
        (json!([{"key": 1}]), Err((InvalidType, "/variants/0/key"))),
        (json!([{"key": ""}]), Err((InvalidLength, "/variants/0/key"))),
        (json!([{"key": &long[4..]}]), Ok(())),
        (json!([{"key": long}]), Err((InvalidLength, "/variants/0/key"))),
        (json!([{"key": "a\n"}]), Err((InvalidValue, "/variants/0/key"))),
        (json!([{"key": "a"}, {"key": "b"}, {"key": "a"}]), Err((InvalidValue, "/variants/2/key"))),
        (json!([{"key": "a"}, {"key": "A"}]), Ok(())),
        (json!([{"key": "a", "name": "A"}]), Err((UnknownColumn, "/variants/0/name"))),
    ] {
        check(&json!({ "variants": variants }).to_string(), expected);
    }
    check("{}", Err((MissingField, "/variants")));
    let none = Declaration::read(r#"{"variants":[]}"#, "title", Status::Draft).unwrap_err();
    assert_eq!(none.detail, "An experiment has 1 to 100 variants.");
    check(r#"{"variants":[{"key":"a","key":"b"}]}"#, Err((InvalidJson, "/variants/0")));
    check(r#"{"variants":[{"key":"a"}],"variants":[]}"#, Err((InvalidJson, "")));
}

#[test]
fn fields_are_refused_with_a_pointer() {
    use Code::{InvalidJson, InvalidLength, InvalidType, InvalidValue, UnknownColumn};
    let of = |length: usize| "é".repeat(length);
    for (name, value, expected) in [
        ("project_id", json!(of(128)), Ok(())),
        ("project_id", json!(of(129)), Err((InvalidLength, "/project_id"))),
        ("project_id", json!(""), Err((InvalidLength, "/project_id"))),
        ("project_id", json!(1), Err((InvalidType, "/project_id"))),
        ("name", json!(of(200)), Ok(())),
        ("name", json!(of(201)), Err((InvalidLength, "/name"))),
        ("name", json!(""), Err((InvalidLength, "/name"))),
        ("name", json!("a\0b"), Err((InvalidValue, "/name"))),
        ("name", json!(["a"]), Err((InvalidType, "/name"))),
        ("hypothesis", json!(of(2000)), Ok(())),
        ("hypothesis", json!(of(2001)), Err((InvalidLength, "/hypothesis"))),
        ("hypothesis", json!(true), Err((InvalidType, "/hypothesis"))),
        ("coverage", json!(0), Ok(())),
        ("coverage", json!(1), Ok(())),
        ("coverage", json!(1.01), Err((InvalidValue, "/coverage"))),
        ("coverage", json!(-0.01), Err((InvalidValue, "/coverage"))),
        ("coverage", json!("0.5"), Err((InvalidType, "/coverage"))),
        ("seed", json!(of(128)), Ok(())),
        ("seed", json!(of(129)), Err((InvalidLength, "/seed"))),
        ("seed", json!(""), Err((InvalidLength, "/seed"))),
        ("seed", json!("a\u{7f}"), Err((InvalidValue, "/seed"))),
        ("hash_version", json!(1), Ok(())),
        ("hash_version", json!(0), Err((InvalidValue, "/hash_version"))),
        ("hash_version", json!(3), Err((InvalidValue, "/hash_version"))),
        ("hash_version", json!(2.0), Err((InvalidType, "/hash_version"))),
        ("hash_version", json!("2"), Err((InvalidType, "/hash_version"))),
        ("namespace", json!(of(128)), Ok(())),
        ("namespace", json!(["n", 0, 1]), Ok(())),
        ("namespace", json!(["n", 0.5, 0.5 + 1e-6]), Ok(())),
        ("namespace", json!(""), Err((InvalidLength, "/namespace"))),
        ("namespace", json!(1), Err((InvalidType, "/namespace"))),
        ("namespace", json!({}), Err((InvalidType, "/namespace"))),
        ("namespace", json!([]), Err((InvalidType, "/namespace"))),
        ("namespace", json!(["n", 0]), Err((InvalidType, "/namespace"))),
        ("namespace", json!(["n", 0, 1, 1]), Err((InvalidType, "/namespace"))),
        ("namespace", json!([1, 0, 1]), Err((InvalidType, "/namespace/0"))),
        ("namespace", json!(["", 0, 1]), Err((InvalidLength, "/namespace/0"))),
        ("namespace", json!([null, 0, 1]), Err((InvalidType, "/namespace/0"))),
        ("namespace", json!(["n", "0", 1]), Err((InvalidType, "/namespace/1"))),
        ("namespace", json!(["n", -0.1, 1]), Err((InvalidValue, "/namespace/1"))),
        ("namespace", json!(["n", 0, 1.1]), Err((InvalidValue, "/namespace/2"))),
        ("namespace", json!(["n", 0, null]), Err((InvalidType, "/namespace/2"))),
        ("namespace", json!(["n", 0.5, 0.5]), Err((InvalidValue, "/namespace"))),
        ("namespace", json!(["n", 0.6, 0.5]), Err((InvalidValue, "/namespace"))),
        ("status", json!("running"), Ok(())),
        ("status", json!("Running"), Err((InvalidValue, "/status"))),
        ("status", json!("paused"), Err((InvalidValue, "/status"))),
        ("status", json!(1), Err((InvalidType, "/status"))),
        ("conversion_window_hours", json!(1), Ok(())),
        ("conversion_window_hours", json!(8760), Ok(())),
        ("conversion_window_hours", json!(0), Err((InvalidValue, "/conversion_window_hours"))),
        ("conversion_window_hours", json!(8761), Err((InvalidValue, "/conversion_window_hours"))),
        ("conversion_window_hours", json!(-1), Err((InvalidValue, "/conversion_window_hours"))),
        ("conversion_window_hours", json!(1.5), Err((InvalidType, "/conversion_window_hours"))),
        ("multi_variant", json!("first"), Ok(())),
        ("multi_variant", json!("both"), Err((InvalidValue, "/multi_variant"))),
        ("multi_variant", json!(null), Ok(())),
        ("id", json!("title"), Err((UnknownColumn, "/id"))),
        ("Variants", json!([]), Err((UnknownColumn, "/Variants"))),
        ("started_ms", json!(1), Err((UnknownColumn, "/started_ms"))),
    ] {
        check(&body(&json!({ name: value })).to_string(), expected);
    }
    check("[]", Err((InvalidType, "")));
    check("", Err((InvalidJson, "")));
    check(r#"{"variants":[{"key":"a"}],"name":"\ud800"}"#, Err((InvalidJson, "/name")));
}

#[test]
fn ids_and_units_are_keys() {
    let long = "é".repeat(129);
    for (key, expected) in [
        ("a", Ok(())),
        (&long[2..], Ok(())),
        ("a/b é", Ok(())),
        ("", Err(Code::InvalidLength)),
        (&long, Err(Code::InvalidLength)),
        ("a\n", Err(Code::InvalidValue)),
        ("\0", Err(Code::InvalidValue)),
    ] {
        assert_eq!(check_id(key).map_err(|problem| problem.code), expected, "{key:?}");
        assert_eq!(read_unit(Some(key)).map(drop).map_err(|problem| problem.code), expected, "{key:?}");
    }
    assert_eq!(read_unit(None).unwrap_err().code, Code::MissingField);
}

#[test]
fn where_no_variants_are_declared_nobody_is_assigned() {
    let undeclared = Experiment::restore(r#"{"variants":null,"version":1}"#, "title").unwrap().declaration;
    assert_eq!(undeclared.assign("unit").variant.ok(), None);
}
