//! Judgements on counts that a caller brings.

use super::*;

fn evaluated(body: &Value) -> Result<Value, (Code, Option<String>)> {
    let evaluation = Evaluation::read(&body.to_string()).map_err(|problem| (problem.code, problem.pointer))?;
    Ok(serde_json::to_value(evaluation.answer()).unwrap())
}

fn two() -> Value {
    json!({"variants": [{"key": "control", "sessions": 10_000, "conversions": 1000}, {"key": "green", "sessions": 10_000, "conversions": 1400}]})
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut body = two();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap();
        match (parent, value) {
            (Value::Array(list), _) => list[name.parse::<usize>().unwrap()] = value.clone(),
            (Value::Object(fields), Value::String(gone)) if gone == "-" => drop(fields.remove(name)),
            (parent, _) => parent[name] = value.clone(),
        }
    }
    body
}

#[test]
fn an_evaluation_is_the_judgement_on_its_counts() {
    let expected = judged(&[(10_000, 1000), (10_000, 1400)], 0);
    let actual = evaluated(&two()).unwrap();
    assert_eq!(actual["verdict"], "green is better");
    assert_eq!(actual["comparisons"][0]["absolute"], expected["comparisons"][0]["absolute"]);
    assert_eq!(names(&actual), ["comparisons", "sample_ratio", "variants", "verdict"]);

    let reversed = evaluated(&with(&[("/baseline", json!("green"))])).unwrap();
    assert_eq!(
        (&reversed["verdict"], &reversed["comparisons"][0]["variant"]),
        (&json!("green is better"), &json!("control"))
    );
    let worse = evaluated(&with(&[("/variants/1/conversions", json!(600))])).unwrap();
    assert_eq!(worse["verdict"], "control is better");

    let weighted = |weights: [f64; 2]| {
        with(&[("/variants/0/weight", json!(weights[0])), ("/variants/1/weight", json!(weights[1]))])
    };
    assert_eq!(evaluated(&weighted([0.5, 0.5])).unwrap(), actual);
    assert_eq!(evaluated(&weighted([0.5, 0.500_000_5])).unwrap()["verdict"], "green is better");
    assert_eq!(evaluated(&weighted([0.9, 0.1])).unwrap()["verdict"], "do not trust: sample ratio");
}

#[test]
fn an_evaluation_says_how_many_sessions_are_needed() {
    for (changes, needed, reason) in [
        (vec![("/minimum_detectable_effect", json!(0.1))], json!(14_749), None),
        (vec![("/minimum_detectable_effect", json!(0.1)), ("/power", json!(0.9))], json!(19_744), None),
        (vec![("/minimum_detectable_effect", json!(0.1)), ("/baseline", json!("green"))], json!(10_039), None),
        (
            vec![("/minimum_detectable_effect", json!(0.1)), ("/variants/0/conversions", json!(0))],
            Value::Null,
            Some("The baseline has no conversions."),
        ),
        (
            vec![
                ("/minimum_detectable_effect", json!(0.1)),
                ("/variants/0/conversions", json!(0)),
                ("/variants/0/sessions", json!(0)),
            ],
            Value::Null,
            Some("The baseline has no conversions."),
        ),
        (vec![("/minimum_detectable_effect", json!(1e-9))], Value::Null, Some("They are more than 10^12.")),
        (vec![("/minimum_detectable_effect", json!(1e-300))], Value::Null, Some("They are more than 10^12.")),
    ] {
        let answer = evaluated(&with(&changes)).unwrap();
        assert_eq!((&answer["sessions_per_variant"], &answer["reason"]), (&needed, &json!(reason)), "{changes:?}");
        assert!(names(&answer).contains(&"sessions_per_variant"));
    }
    assert!(!names(&evaluated(&with(&[("/power", json!(0.9))])).unwrap()).contains(&"sessions_per_variant"));
}

fn check_refused(body: &Value, code: Code, pointer: Option<&str>) {
    assert_eq!(evaluated(body), Err((code, pointer.map(str::to_owned))), "{body}");
}

#[test]
fn what_cannot_be_evaluated_is_told_with_its_place() {
    use Code::{InvalidLength, InvalidType, InvalidValue, MissingField};
    let variants = |count: usize| {
        let all: Vec<Value> =
            (0..count).map(|index| json!({"key": index.to_string(), "sessions": 1, "conversions": 0})).collect();
        json!({ "variants": all })
    };
    assert!(evaluated(&variants(100)).is_ok());
    for (count, code) in [(0, InvalidLength), (1, InvalidLength), (101, InvalidLength)] {
        check_refused(&variants(count), code, Some("/variants"));
    }
    check_refused(&json!([]), InvalidType, None);
    check_refused(&json!({}), MissingField, Some("/variants"));
    check_refused(&json!({"variants": null}), MissingField, Some("/variants"));
    check_refused(&json!({"variants": {}}), InvalidType, Some("/variants"));
    check_refused(&json!({"variants": [1, 2]}), InvalidType, Some("/variants/0"));
    let (first, second) = ("/variants/0", "/variants/1");
    for (field, value, code) in [
        ("key", json!("-"), MissingField),
        ("key", json!(1), InvalidType),
        ("key", json!(""), InvalidLength),
        ("key", json!("x".repeat(129)), InvalidLength),
        ("key", json!("control"), InvalidValue),
        ("sessions", json!("-"), MissingField),
        ("sessions", json!(1.5), InvalidType),
        ("sessions", json!("10000"), InvalidType),
        ("sessions", json!(-1), InvalidValue),
        ("sessions", json!(1_000_000_000_001_u64), InvalidValue),
        ("conversions", json!("-"), MissingField),
        ("conversions", json!(-1), InvalidValue),
        ("conversions", json!(10_001), InvalidValue),
        ("conversions", json!(null), MissingField),
        ("weight", json!("half"), InvalidType),
    ] {
        let pointer = format!("{second}/{field}");
        check_refused(&with(&[(&pointer, value)]), code, Some(&pointer));
    }
    for (weights, code, pointer) in [
        ([json!(0.5), json!("-")], MissingField, "/variants/1/weight"),
        ([json!("-"), json!(0.5)], MissingField, "/variants/0/weight"),
        ([json!(0.5), json!(null)], MissingField, "/variants/1/weight"),
        ([json!(0), json!(1)], InvalidValue, "/variants/0/weight"),
        ([json!(1.5), json!(-0.5)], InvalidValue, "/variants/1/weight"),
        ([json!(0.5), json!(0.500_002)], InvalidValue, "/variants"),
        ([json!(0.5), json!(0.499_998)], InvalidValue, "/variants"),
        ([json!(1), json!(1)], InvalidValue, "/variants"),
        ([json!(true), json!(0.5)], InvalidType, "/variants/0/weight"),
    ] {
        let [a, b] = weights;
        check_refused(&with(&[(&format!("{first}/weight"), a), (&format!("{second}/weight"), b)]), code, Some(pointer));
    }
    for (field, value, code) in [
        ("baseline", json!("blue"), InvalidValue),
        ("baseline", json!(0), InvalidType),
        ("baseline", json!(""), InvalidLength),
        ("power", json!(0), InvalidValue),
        ("power", json!(0.05), InvalidValue),
        ("power", json!(1), InvalidValue),
        ("power", json!("0.8"), InvalidType),
        ("minimum_detectable_effect", json!(0), InvalidValue),
        ("minimum_detectable_effect", json!(-0.1), InvalidValue),
        ("minimum_detectable_effect", json!(9), InvalidValue),
        ("minimum_detectable_effect", json!([0.1]), InvalidType),
    ] {
        let pointer = format!("/{field}");
        check_refused(&with(&[(&pointer, value)]), code, Some(&pointer));
    }
    assert!(evaluated(&with(&[("/minimum_detectable_effect", json!(8.99))])).is_ok());
    let beyond = two().to_string().replace("10000", "1e400");
    assert_eq!(Evaluation::read(&beyond).map_err(|problem| problem.code), Err(InvalidType));
    let effect = r#"{"minimum_detectable_effect": 1e400,"#.to_owned() + &two().to_string()[1..];
    assert_eq!(Evaluation::read(&effect).map_err(|problem| problem.code), Err(InvalidType));
}
