//! The figures of a funnel.

use promptmeter::counting::tally::Tally;
use promptmeter::series::funnel::Funnel;
use promptmeter::series::zone::Zone;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const DAY: i64 = 96;

/// A funnel over days of UTC since 1970.
fn funnel(days: i64, counted: &[(usize, Tally)]) -> Value {
    let zone = Zone::observe(&(0..days * DAY), &mut |_| Some(0)).unwrap();
    let bounds: Vec<i64> = (0..=days).map(|day| day * DAY).collect();
    serde_json::to_value(Funnel::new(Uuid::nil(), "UTC", &zone, &bounds, counted)).unwrap()
}

fn tally([views, copies, forks, compares]: [u64; 4]) -> Tally {
    Tally { views, copies, forks, compares, ..Tally::default() }
}

fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Wilson's interval as it is defined: the rates from which the observed one is 1.96 standard errors away, found by
/// halving.
fn interval_by_definition(part: u64, whole: u64) -> [f64; 2] {
    let (part, whole) = (number(part), number(whole));
    let observed = part / whole;
    let is_within = |rate: f64| (observed - rate).abs() <= 1.959_963_984_540_054 * (rate * (1.0 - rate) / whole).sqrt();
    [0.0, 1.0].map(|outside: f64| {
        let (mut outside, mut within) = (outside, observed);
        if is_within(outside) {
            return outside;
        }
        for _ in 0..200 {
            let middle = f64::midpoint(outside, within);
            if is_within(middle) { within = middle } else { outside = middle }
        }
        within
    })
}

fn check_share(share: &Value, part: u64, whole: u64) {
    let expected_reason = if whole == 0 {
        json!("Nothing was counted that this would be a share of.")
    } else if part > whole {
        json!("More was counted than what this would be a share of.")
    } else {
        Value::Null
    };
    assert_eq!(share["reason"], expected_reason, "{part} of {whole}");
    if !expected_reason.is_null() {
        assert_eq!([&share["rate"], &share["interval"]], [&Value::Null, &Value::Null], "{part} of {whole}");
        return;
    }
    let figures = [&share["rate"], &share["interval"][0], &share["interval"][1]].map(|figure| figure.as_f64().unwrap());
    let [low, high] = interval_by_definition(part, whole);
    for (figure, expected) in figures.into_iter().zip([number(part) / number(whole), low, high]) {
        assert!((figure - expected).abs() < 1e-9, "{part} of {whole}: {figures:?}, not {expected}");
    }
}

#[test]
fn a_funnel_tells_steps_and_days() {
    let answer = funnel(3, &[(0, tally([100, 20, 10, 3])), (2, tally([50, 10, 0, 1]))]);
    let share = |rate, low, high| json!({"rate": rate, "interval": [low, high]});
    let rounded = |value: &Value| (value.as_f64().unwrap() * 1e4).round() / 1e4;
    let round =
        |given: &Value| share(rounded(&given["rate"]), rounded(&given["interval"][0]), rounded(&given["interval"][1]));
    let none = |reason: &str| json!({"rate": null, "interval": null, "reason": reason});
    let nothing = none("Nothing was counted that this would be a share of.");

    assert_eq!(answer.as_object().unwrap().len(), 6);
    assert_eq!(answer["promptId"], json!(Uuid::nil()));
    assert_eq!(
        [&answer["tz"], &answer["from"], &answer["to"]],
        ["UTC", "1970-01-01T00:00:00+00:00", "1970-01-04T00:00:00+00:00"]
    );

    let steps = answer["steps"].as_array().unwrap();
    assert_eq!(steps[0], json!({"step": "view", "count": 150}));
    let named: Vec<_> = steps.iter().map(|step| (&step["step"], step["count"].as_u64().unwrap())).collect();
    assert_eq!(named, [(&json!("view"), 150), (&json!("copy"), 30), (&json!("fork"), 10), (&json!("compare"), 4)]);
    // Agresti and Coull's reckoning of Wilson's interval.
    assert_eq!(round(&steps[1]["ofPrevious"]), share(0.2, 0.1438, 0.2711));
    assert_eq!(steps[1]["ofPrevious"], steps[1]["ofViews"]);
    assert_eq!(round(&steps[2]["ofViews"]), share(0.0667, 0.0366, 0.1184));

    let days = answer["days"].as_array().unwrap();
    assert_eq!(days.len(), 3);
    assert_eq!(
        days[1],
        json!({
            "start": "1970-01-02T00:00:00+00:00", "views": 0, "copies": 0, "forks": 0, "compares": 0,
            "copiesOfViews": nothing, "forksOfCopies": nothing, "comparesOfForks": nothing,
        })
    );
    assert_eq!([&days[2]["views"], &days[2]["copies"], &days[2]["forks"], &days[2]["compares"]], [50, 10, 0, 1]);
    assert_eq!(days[2]["comparesOfForks"], nothing);
}

proptest! {
    #[test]
    fn every_share_is_wilsons(counts in prop::collection::vec(prop::array::uniform4(0u64..2000), 1..6)) {
        let counted: Vec<(usize, Tally)> = counts.iter().map(|counts| tally(*counts)).enumerate().collect();
        let answer = funnel(i64::try_from(counts.len()).unwrap(), &counted);
        for (day, [views, copies, forks, compares]) in answer["days"].as_array().unwrap().iter().zip(&counts) {
            check_share(&day["copiesOfViews"], *copies, *views);
            check_share(&day["forksOfCopies"], *forks, *copies);
            check_share(&day["comparesOfForks"], *compares, *forks);
        }
        let totals = [0, 1, 2, 3].map(|step| counts.iter().map(|counts| counts[step]).sum::<u64>());
        for (index, step) in answer["steps"].as_array().unwrap().iter().enumerate() {
            prop_assert_eq!(step["count"].as_u64(), Some(totals[index]));
            if index > 0 {
                check_share(&step["ofPrevious"], totals[index], totals[index - 1]);
                check_share(&step["ofViews"], totals[index], totals[0]);
            }
        }
    }
}
