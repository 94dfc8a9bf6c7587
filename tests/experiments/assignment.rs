//! Who is assigned to what: against known hashes, against ranges that a brute force of whole numbers finds, and against
//! what GrowthBook's SDK answered.

use promptmeter::experiments::assignment::{Absence, Assignment, HashVersion, bucket, hash, ranges};
use promptmeter::experiments::declaration::{Declaration, Status};
use promptmeter::experiments::namespace::Namespace;
use promptmeter::http::field::Field;
use proptest::prelude::*;
use serde_json::json;

const VERSIONS: [HashVersion; 2] = [HashVersion::One, HashVersion::Two];

/// A running experiment of this id.
fn running(id: &str, body: &serde_json::Value) -> Declaration {
    let mut declaration = Declaration::read(&body.to_string(), id, Status::Draft).unwrap();
    declaration.status = Status::Running;
    declaration
}

/// One with these weights, whose variants are called by their places.
fn weighted(id: &str, weights: &[f64]) -> Declaration {
    let variants =
        weights.iter().enumerate().map(|(place, weight)| json!({"key": place.to_string(), "weight": weight}));
    running(id, &json!({ "variants": variants.collect::<Vec<_>>() }))
}

fn place_of(assignment: &Assignment<'_>) -> Option<usize> {
    assignment.variant.ok().map(|(place, _)| usize::try_from(place).unwrap())
}

#[test]
fn the_hash_is_fnv_1a() {
    for (text, expected) in [
        // From the list of the algorithm's authors.
        ("", 0x811c_9dc5),
        ("a", 0xe40c_292c),
        ("b", 0xe70c_2de5),
        ("fo", 0x6222_e842),
        ("foo", 0xa9f3_7ed7),
        ("foobar", 0xbf9c_f968),
        ("chongo was here!\n", 0xd499_30d5),
    ] {
        assert_eq!(hash(&[text]), expected, "{text:?}");
        for middle in 0..=text.len() {
            assert_eq!(hash(&[&text[..middle], &text[middle..]]), expected, "{text:?} in two");
        }
    }
}

#[test]
fn code_units_are_hashed_and_not_bytes() {
    for text in ["é", "日本語", "😀", "e\u{301}", "\u{ffff}", "a\u{10000}b"] {
        let mut expected = 0x811c_9dc5_u64;
        for unit in text.encode_utf16() {
            expected = (expected ^ u64::from(unit)) * 16_777_619 % (1 << 32);
        }
        assert_eq!(u64::from(hash(&[text])), expected, "{text}");
    }
    assert_ne!(hash(&["é"]), hash(&["e\u{301}"]), "no text is normalised");
}

#[test]
fn buckets_are_thousandths_and_ten_thousandths_of_differently_joined_texts() {
    for unit in ["1", "user-42", "müller", "😀"] {
        let one = f64::from(hash(&[&format!("{unit}seed")]) % 1000) / 1000.0;
        assert_eq!(bucket("seed", unit, HashVersion::One).to_bits(), one.to_bits(), "{unit}");
        let inner = hash(&[&format!("seed{unit}")]).to_string();
        let two = f64::from(hash(&[&inner]) % 10_000) / 10_000.0;
        assert_eq!(bucket("seed", unit, HashVersion::Two).to_bits(), two.to_bits(), "{unit}");
    }
}

#[test]
fn buckets_and_variations_are_those_of_the_oracle() {
    const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/oracles/bucketing.json");
    let Ok(text) = std::fs::read_to_string(ORACLE) else {
        eprintln!("skipped: no {ORACLE}");
        return;
    };
    let oracle: serde_json::Value = serde_json::from_str(&text).unwrap();
    let weights: Vec<f64> = serde_json::from_value(oracle["experiment"]["weights"].clone()).unwrap();
    let vectors = oracle["vectors"].as_array().unwrap();
    for vector in vectors {
        let mut declaration = weighted("any", &weights);
        declaration.coverage = oracle["experiment"]["coverage"].as_f64().unwrap();
        declaration.seed = vector["seed"].as_str().unwrap().to_owned();
        declaration.hash_version = HashVersion::of_number(vector["version"].as_i64().unwrap()).unwrap();
        let assignment = declaration.assign(vector["value"].as_str().unwrap());
        let variation = place_of(&assignment).map_or(-1, |place| i64::try_from(place).unwrap());
        assert_eq!(json!(variation), vector["variation"], "{vector}");
        assert_eq!(json!(variation >= 0), vector["inExperiment"], "{vector}");
        if let Some(bucket) = vector["bucket"].as_f64() {
            assert_eq!(assignment.bucket.to_bits(), bucket.to_bits(), "{vector}");
        }
    }
    assert_eq!(vectors.len(), 40);
}

#[test]
fn a_hundred_thousand_units_are_divided_by_the_weights() {
    const UNITS: u32 = 100_000;
    let weights = [0.1, 0.2, 0.7];
    for (version, coverage) in VERSIONS.into_iter().flat_map(|version| [(version, 1.0), (version, 0.4)]) {
        let mut declaration = weighted("shares", &weights);
        (declaration.hash_version, declaration.coverage) = (version, coverage);
        let mut counts = [0_u32; 3];
        for unit in 0..UNITS {
            if let Some(place) = place_of(&declaration.assign(&format!("user-{unit}"))) {
                counts[place] += 1;
            }
        }
        for (count, weight) in counts.into_iter().zip(weights) {
            let share = f64::from(count) / f64::from(UNITS);
            // Five standard deviations of a share near a half.
            assert!((share - weight * coverage).abs() < 0.008, "{version:?} {coverage}: {share} of {weight}");
        }
    }
}

#[test]
fn more_coverage_moves_no_unit_and_less_moves_none_either() {
    for version in VERSIONS {
        let mut declaration = weighted("ramp", &[0.2, 0.3, 0.5]);
        declaration.hash_version = version;
        let mut before: Vec<Option<usize>> = vec![None; 5000];
        let mut assigned = 0;
        for percent in 0..=100 {
            declaration.coverage = f64::from(percent) / 100.0;
            let after: Vec<Option<usize>> =
                (0..before.len()).map(|unit| place_of(&declaration.assign(&unit.to_string()))).collect();
            for (before, after) in before.iter().zip(&after) {
                assert!(before.is_none() || before == after, "{version:?} {percent}: {before:?} became {after:?}");
            }
            let now = after.iter().flatten().count();
            assert!(now >= assigned, "{percent}");
            (before, assigned) = (after, now);
        }
        assert_eq!(assigned, before.len(), "all are covered in the end");
    }
}

#[test]
fn without_coverage_nobody_is_assigned_and_a_variant_without_weight_has_nobody() {
    let mut declaration = weighted("none", &[0.5, 0.0, 0.5]);
    let places = |declaration: &Declaration| -> Vec<Option<usize>> {
        (0..2000).map(|unit| place_of(&declaration.assign(&unit.to_string()))).collect()
    };
    let all = places(&declaration);
    assert!(!all.contains(&Some(1)) && !all.contains(&None));
    declaration.coverage = 0.0;
    assert!(places(&declaration).iter().all(Option::is_none));
}

#[test]
fn what_stands_in_the_way_of_an_assignment_is_told() {
    let whole = json!({"variants": [{"key": "a"}], "namespace": "layer"});
    let mut declaration = running("e", &whole);
    let reason = |declaration: &Declaration| declaration.assign("unit").variant.err();
    assert_eq!(declaration.assign("unit").variant, Ok((0, "a")));
    declaration.coverage = 0.0;
    assert_eq!(reason(&declaration), Some(Absence::OutsideCoverage));
    let place = bucket("__layer", "unit", HashVersion::One);
    declaration.namespace = Some(Namespace { id: "layer".to_owned(), start: place + 0.0001, end: 1.0 });
    assert_eq!(reason(&declaration), Some(Absence::OutsideNamespace));
    for status in [Status::Draft, Status::Stopped] {
        declaration.status = status;
        assert_eq!(reason(&declaration), Some(Absence::NotRunning));
        assert_eq!(declaration.assign("unit").bucket.to_bits(), bucket("e", "unit", HashVersion::Two).to_bits());
    }
}

#[test]
fn parts_of_a_namespace_that_do_not_overlap_share_no_unit() {
    let part = |start, end| Namespace { id: "layer".to_owned(), start, end };
    let parts = [part(0.0, 0.25), part(0.25, 0.5), part(0.5, 1.0)];
    let mut counts = [0; 3];
    for unit in 0..20_000 {
        let unit = format!("u{unit}");
        let including: Vec<usize> = (0..3).filter(|&place| parts[place].includes(&unit)).collect();
        assert_eq!(including.len(), 1, "{unit}");
        counts[including[0]] += 1;
        let place = f64::from(hash(&[&unit, "__layer"]) % 1000) / 1000.0;
        assert_eq!(parts[0].includes(&unit), place < 0.25, "{unit}");
    }
    assert!(counts[0] > 4500 && counts[1] > 4500 && counts[2] > 9500, "{counts:?}");
}

proptest! {
    /// Weights and coverages of whole hundredths, and buckets away from the edges, where sums of binary fractions and sums
    /// of whole numbers agree.
    #[test]
    fn ranges_are_those_of_whole_numbers(
        cuts in prop::collection::vec(0_u32..=100, 0..6),
        coverage in 0_u32..=100,
        ten_thousandth in 0_u32..10_000,
    ) {
        let mut cuts = cuts;
        cuts.extend([0, 100]);
        cuts.sort_unstable();
        let parts: Vec<(u32, u32)> = cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let weights = parts.iter().map(|(start, end)| f64::from(end - start) / 100.0);
        let found = ranges(weights, f64::from(coverage) / 100.0)
            .position(|(start, end)| (start..end).contains(&(f64::from(ten_thousandth) / 10_000.0)));
        // A hundredth of a hundredth is a ten-thousandth.
        let covered: Vec<_> = parts.iter().map(|(start, end)| start * 100..start * 100 + (end - start) * coverage).collect();
        prop_assume!(!covered.iter().any(|range| range.start == ten_thousandth || range.end == ten_thousandth));
        let expected = covered.iter().position(|range| range.contains(&ten_thousandth));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn fractions_are_read_as_the_standard_library_reads_them(bits in 1e-18_f64.to_bits()..=1.0_f64.to_bits()) {
        let number = f64::from_bits(bits);
        for text in [number.to_string(), format!("{number:e}"), format!("{number:.19}"), format!("{number:.17}000")] {
            let expected: f64 = text.parse().unwrap();
            prop_assert_eq!(fraction(&text).map(f64::to_bits), Some(expected.to_bits()), "{}", text);
        }
    }
}

/// What a field with this JSON is read as.
fn fraction(json: &str) -> Option<f64> {
    let json = serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
    Field { name: "weight", json: Some(&json) }.fraction().ok().flatten()
}

#[test]
fn a_fraction_is_a_number_from_0_to_1() {
    for (text, expected) in [
        ("0", Some(0.0)),
        ("0.0", Some(0.0)),
        ("0e400", Some(0.0)),
        ("0.000000000000000000000000000000000000000000000000", Some(0.0)),
        ("1", Some(1.0)),
        ("1.0", Some(1.0)),
        ("1.00000000000000000000000000000000000000000000000000", Some(1.0)),
        ("1E0", Some(1.0)),
        ("100e-2", Some(1.0)),
        ("0.1e+1", Some(1.0)),
        ("0.5", Some(0.5)),
        ("5E-1", Some(0.5)),
        ("0.1", Some(0.1)),
        ("0.3333333333333333", Some(1.0 / 3.0)),
        ("0.16666666666666666", Some(1.0 / 6.0)),
        ("0.14285714285714285", Some(1.0 / 7.0)),
        ("1e-7", Some(1e-7)),
        ("1.0000000000000003", None),
        ("1.1", None),
        ("2", None),
        ("10", None),
        ("1e5", None),
        ("1e400", None),
        ("-0.5", None),
        ("-0", Some(0.0)),
        ("1e-39", Some(1e-39)),
        ("0.33333333333333333333333333", Some(1.0 / 3.0)),
        ("1e99999999999999999999", None),
    ] {
        assert_eq!(fraction(text), expected, "{text}");
    }
}
