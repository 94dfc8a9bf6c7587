//! Properties of experiment events, and what they measured.

use super::*;

fn check_properties(properties: &str, expected: Result<(), Code>) {
    let event = format!(r#"{{"type":"pageview","experiment_id":"e","session_id":"s","properties":{properties}}}"#);
    let kept =
        ExperimentEvent { properties: Some(properties.to_owned()), ..experiment(ExperimentEventKind::Pageview, None) };
    check_event(&event, expected.map(|()| of_experiment(kept)).map_err(|code| (code, "/properties")));
}

#[test]
fn properties_are_kept_byte_for_byte() {
    for properties in [
        "{}",
        "{ }",
        r#"{ "b" : 1 ,"a":[ 1,2 ]}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"a":"\u00e9é\u0000\ud83d\ude00😀\/"}"#,
        r#"{"a":1.0,"b":1e3,"c":123456789012345678901234567890,"d":-0}"#,
        "{\n\t\"a\": null\r\n}",
    ] {
        check_properties(properties, Ok(()));
    }
    for properties in ["[]", "7", "\"{}\"", "true"] {
        check_properties(properties, Err(Code::InvalidType));
    }
    let of_bytes = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "é".repeat((bytes - 8) / 2));
    check_properties(&of_bytes(4096), Ok(()));
    check_properties(&of_bytes(4098), Err(Code::TooLarge));
    check_properties(&format!("{} }}", &of_bytes(4096)[..4095]), Err(Code::TooLarge));
}

/// A metric and perhaps a value.
type Measured<'a> = Option<(&'a str, Option<f64>)>;

/// An event of this type with these properties: what it measured, or what is wrong and where.
fn check_measurement(kind: &str, properties: &str, expected: Result<Measured<'_>, (Code, &str)>) {
    let event = format!(
        r#"{{"type":"{kind}","experiment_id":"e","session_id":"s","variant_key":"a","properties":{properties}}}"#
    );
    let with = |measured: Measured<'_>| {
        let measurement = measured.map(|(metric, value)| Measurement { metric: metric.into(), value });
        let plain = experiment(ExperimentEventKind::of_name(kind).unwrap(), Some("a"));
        of_experiment(ExperimentEvent { properties: Some(properties.to_owned()), measurement, ..plain })
    };
    check_event(&event, expected.map(with));
}

#[test]
fn a_conversion_may_name_what_it_measured() {
    for (properties, metric, value) in [
        (r#"{"metric":"m"}"#, "m", None),
        (r#"{"metric":"m","value":null}"#, "m", None),
        (r#"{"value":1,"metric":"m"}"#, "m", Some(1.0)),
        (r#"{ "a":{"metric":7,"value":"x"} , "metric" : "m" , "value" : 12.25 }"#, "m", Some(12.25)),
        (r#"{"m\u0065tric":"\u00e9\ud83d\ude00\"","v\u0061lue":-3}"#, "é😀\"", Some(-3.0)),
        (r#"{"metric":"m","value":0}"#, "m", Some(0.0)),
        (r#"{"metric":"m","value":-0.0}"#, "m", Some(0.0)),
        (r#"{"metric":"m","value":1e3}"#, "m", Some(1000.0)),
        (r#"{"metric":"m","value":1.5E-2}"#, "m", Some(0.015)),
        (r#"{"metric":"m","value":25e-1}"#, "m", Some(2.5)),
        (r#"{"metric":"m","value":0.1}"#, "m", Some(0.1)),
        (r#"{"metric":"m","value":1e-400}"#, "m", Some(0.0)),
        (r#"{"metric":"m","value":1000000000}"#, "m", Some(1e9)),
        (r#"{"metric":"m","value":1e9}"#, "m", Some(1e9)),
        (r#"{"metric":"m","value":-1000000000.0}"#, "m", Some(-1e9)),
        (r#"{"metric":"m","other":1,"other":2}"#, "m", None),
    ] {
        check_measurement("conversion", properties, Ok(Some((metric, value))));
        check_measurement("pageview", properties, Ok(None));
        check_measurement("exposure", properties, Ok(None));
    }
    let longest = "é".repeat(64);
    check_measurement("conversion", &format!(r#"{{"metric":"{longest}"}}"#), Ok(Some((&longest, None))));
}

#[test]
fn a_conversion_without_a_metric_measured_nothing() {
    for properties in [
        "{}",
        r#"{"value":1}"#,
        r#"{"value":"much"}"#,
        r#"{"metric":null}"#,
        r#"{"metric":null,"value":"much"}"#,
        r#"{"Metric":"m","metric ":"m","a":{"metric":"m"}}"#,
    ] {
        check_measurement("conversion", properties, Ok(None));
    }
    for properties in ["null", "[]", r#""metric""#] {
        let event =
            format!(r#"{{"type":"conversion","experiment_id":"e","session_id":"s","properties":{properties}}}"#);
        let none = of_experiment(experiment(ExperimentEventKind::Conversion, None));
        check_event(&event, if properties == "null" { Ok(none) } else { Err((Code::InvalidType, "/properties")) });
    }
}

#[test]
fn a_bad_measurement_is_told_with_its_field() {
    let metric = "/properties/metric";
    let value = "/properties/value";
    let too_long = format!(r#"{{"metric":"{}"}}"#, "é".repeat(65));
    for (properties, code, pointer) in [
        (r#"{"metric":7}"#, Code::InvalidType, metric),
        (r#"{"metric":true}"#, Code::InvalidType, metric),
        (r#"{"metric":["m"]}"#, Code::InvalidType, metric),
        (r#"{"metric":{},"value":1}"#, Code::InvalidType, metric),
        (r#"{"metric":""}"#, Code::InvalidLength, metric),
        (&too_long, Code::InvalidLength, metric),
        (r#"{"metric":"a\u0000"}"#, Code::InvalidValue, metric),
        (r#"{"metric":"a\nb"}"#, Code::InvalidValue, metric),
        (r#"{"metric":"m","value":"1"}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":true}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":[1]}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":{}}"#, Code::InvalidType, value),
        (r#"{"metric":"m","value":1000000000.0000002}"#, Code::InvalidValue, value),
        (r#"{"metric":"m","value":1000000001}"#, Code::InvalidValue, value),
        (r#"{"metric":"m","value":-1e10}"#, Code::InvalidValue, value),
        (r#"{"metric":"m","value":1e300}"#, Code::InvalidValue, value),
    ] {
        check_measurement("conversion", properties, Err((code, pointer)));
        check_measurement("pageview", properties, Ok(None));
    }
    // What is no number of JSON at all is none in any event.
    for kind in ["conversion", "pageview"] {
        check_measurement(kind, r#"{"metric":"m","value":1e400}"#, Err((Code::InvalidJson, "/properties")));
    }
}

/// A reader of JSON takes the first of two, or the last: what is meant is not known.
#[test]
fn a_metric_or_value_that_stands_twice_is_refused() {
    for properties in [
        r#"{"metric":"m","metric":"m"}"#,
        r#"{"metric":null,"metric":"m"}"#,
        r#"{"value":1,"metric":"m","value":2}"#,
        r#"{"metric":"m","m\u0065tric":"n"}"#,
    ] {
        let event =
            format!(r#"{{"type":"conversion","experiment_id":"e","session_id":"s","properties":{properties}}}"#);
        let refused = read(format!("[{event}]").as_bytes()).unwrap();
        assert!(
            matches!(refused.as_slice(), [Err((Code::InvalidJson, Some(place)))] if place == "/properties"),
            "{properties}: {refused:?}"
        );
    }
}
