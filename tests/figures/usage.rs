//! Uses of prompts: who may tell them, how they stand once they are stored, and what is told of them.

use std::collections::{BTreeSet, HashMap};

use promptmeter::data::policy::unknown_prompt;
use promptmeter::events::batch::Batch;
use promptmeter::events::event::{Event, Subject};
use promptmeter::events::fate::{Fate, fate_of_use, reused_id};
use promptmeter::http::fields::Fields;
use promptmeter::http::identity::{Identity, User};
use promptmeter::http::problem::{Code, Problem};
use promptmeter::http::query::Query;
use promptmeter::limits::GENERATION_TIME_MS;
use promptmeter::traffic::attribution::Attribution;
use promptmeter::usage::event::Usage;
use promptmeter::usage::histogram::{Bucket, Histogram};
use promptmeter::usage::row::{Found, Standing, Stored, UsageRow};
use promptmeter::usage::scenes::{Page, SceneRow, UsageByScene};
use promptmeter::usage::totals::Sums;
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

const NOW_MS: i64 = 1_800_000_000_000;
const NOW: &str = "2027-01-15T08:00:00.000000+00:00";
const PROMPT: Uuid = Uuid::from_u128(1);
const OTHER_PROMPT: Uuid = Uuid::from_u128(2);
const NEW_ID: Uuid = Uuid::from_u128(4);

fn user(number: u128) -> User {
    User { id: Uuid::from_u128(number), email: None }
}

/// A use with these fields more.
fn usage(more: &serde_json::Value) -> Usage {
    let mut fields = json!({"prompt_id": PROMPT});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Usage::read(&Fields::read(&fields.to_string(), "A use").unwrap()).unwrap()
}

fn event(id: Option<&str>, at_ms: Option<i64>, prompt_id: Uuid) -> Event {
    let usage = Usage { prompt_id, ..usage(&json!({})) };
    Event { id: id.map(str::to_owned), at_ms, subject: Subject::Usage(usage) }
}

fn admit(events: Vec<Event>, identity: &Identity) -> Batch {
    Batch::admit(events.into_iter().map(Ok).collect(), identity, &Attribution::default(), NOW_MS, || NEW_ID)
}

fn places(batch: &Batch) -> Vec<usize> {
    batch.usage.iter().map(|(index, _)| *index).collect()
}

#[test]
fn a_use_is_a_users_or_told_by_the_service() {
    for (identity, expected) in [
        (Identity::User(user(3)), Some(user(3))),
        (Identity::Service(None), None),
        (Identity::Service(Some(user(5))), Some(user(5))),
    ] {
        let batch = admit(vec![event(None, None, PROMPT), event(Some("i"), Some(NOW_MS - 1000), PROMPT)], &identity);
        let row = |id: &str, created_at: &str| {
            UsageRow::of(id.to_owned(), expected.clone(), created_at.to_owned(), usage(&json!({})))
        };
        let rows = [(0, row(&NEW_ID.to_string(), NOW)), (1, row("i", "2027-01-15T07:59:59.000000+00:00"))];
        assert_eq!((batch.usage.as_slice(), batch.unsettled()), (&rows[..], 2), "{identity:?}");
    }
    let batch = admit(vec![event(None, None, PROMPT)], &Identity::Anonymous);
    assert!(batch.is_empty());
    let [Fate::Rejected(problem)] = &batch.into_fates()[..] else { panic!("nobody's use is rejected") };
    assert_eq!(problem.code, Code::UserRequired);
}

#[test]
fn a_use_happens_in_the_range_of_all_events() {
    let batch = admit(vec![event(None, Some(NOW_MS - 48 * 3_600_000 - 1), PROMPT)], &Identity::Service(None));
    assert!(batch.is_empty());
    let [Fate::Rejected(problem)] = &batch.into_fates()[..] else { panic!("an old use is rejected") };
    assert_eq!(problem.code, Code::TimestampOutOfRange);
}

#[test]
fn uses_of_invisible_prompts_are_rejected_and_those_that_are_not_stored_come_again() {
    let events = || vec![event(None, None, OTHER_PROMPT), event(None, None, PROMPT), event(None, None, OTHER_PROMPT)];
    let service = Identity::Service(None);
    let mut batch = admit(events(), &service);
    assert_eq!(batch.prompts(), BTreeSet::from([OTHER_PROMPT, PROMPT]));
    batch.reject_others(|id| id == PROMPT, &unknown_prompt());
    assert_eq!((places(&batch), batch.is_empty()), (vec![1], false));
    let unknown = Fate::Rejected(unknown_prompt());
    batch.settle(1, Fate::Accepted);
    assert_eq!(batch.into_fates(), [unknown.clone(), Fate::Accepted, unknown]);

    let mut batch = admit(events(), &service);
    batch.reject_others(|id| id == PROMPT, &Problem::storage());
    batch.settle(1, Fate::Duplicate);
    assert_eq!(batch.into_fates(), [Fate::Unrecorded, Fate::Duplicate, Fate::Unrecorded]);

    let part = admit(events(), &service).unstored(&[Fate::Accepted, Fate::Unrecorded, Fate::Unrecorded]);
    assert_eq!(places(&part), [1, 2]);
    assert!(part.unstored(&[Fate::Unrecorded, Fate::Duplicate, Fate::Accepted]).is_empty());
}

#[test]
fn the_digest_tells_every_field_and_no_time() {
    let differing = [
        json!({}),
        json!({"success": false}),
        json!({"success": false, "error_message": ""}),
        json!({"success": false, "error_message": "a"}),
        json!({"generation_time_ms": 0}),
        json!({"generation_time_ms": 1}),
        json!({"prompt": ""}),
        json!({"prompt": "a"}),
        json!({"negative_prompt": "a"}),
        json!({"post_id": "a"}),
        json!({"character_id": "a"}),
        json!({"job_id": "a"}),
        json!({"scene": "a"}),
        json!({"environment": "a"}),
        json!({"outfit": "a"}),
        json!({"post_id": "a", "outfit": "a"}),
    ];
    let digests = |user: Option<u128>| {
        differing.iter().map(|more| usage(more).digest("i", user.map(Uuid::from_u128))).collect::<Vec<_>>()
    };
    let mut all = [digests(None), digests(Some(3)), digests(Some(5))].concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 3 * differing.len());
    let row = |created_at: &str| UsageRow::of("i".to_owned(), None, created_at.to_owned(), usage(&json!({})));
    assert_eq!(row(NOW).payload_digest, row("").payload_digest);
}

/// How these uses stand, of which those under `new` were stored just now, and `digests` stand under their ids.
fn check_standings(rows: &[&UsageRow], new: &[&str], digests: &[(&str, Option<&str>)], expected: &[Standing]) {
    let found = |row: &&UsageRow| {
        let is_its = |(id, _): &&(&str, Option<&str>)| row.usage.prompt_id == PROMPT && *id == row.id;
        let digest = digests.iter().find(is_its)?.1;
        Some(Found { payload_digest: digest.map(str::to_owned) })
    };
    let stored = Stored {
        new: new.iter().map(|id| (PROMPT, (*id).to_owned())).collect(),
        found: rows.iter().map(found).collect(),
    };
    let shown = format!("{rows:?} {stored:?}");
    assert_eq!(stored.standings(rows.iter().copied()), expected, "{shown}");
}

#[test]
fn one_of_several_uses_under_an_id_is_new() {
    use Standing::{Gone, New, Repeated, Taken};
    let row =
        |id: &str, scene: &str| UsageRow::of(id.to_owned(), None, NOW.to_owned(), usage(&json!({"scene": scene})));
    let (one, another) = (row("i", "a"), row("i", "b"));
    let digest = Some(one.payload_digest.as_str());
    check_standings(&[&one], &["i"], &[("i", digest)], &[New]);
    check_standings(&[&one, &one, &one], &["i"], &[("i", digest)], &[New, Repeated, Repeated]);
    check_standings(&[&one, &another, &one], &["i"], &[("i", digest)], &[New, Taken, Repeated]);
    check_standings(&[&another, &one], &["i"], &[("i", digest)], &[Taken, New]);
    check_standings(&[&one, &another], &[], &[("i", digest)], &[Repeated, Taken]);
    check_standings(&[&one], &[], &[("i", None)], &[Taken]);
    check_standings(&[&one], &[], &[], &[Gone]);
    let other = row("j", "a");
    let both = [("i", digest), ("j", Some(other.payload_digest.as_str()))];
    check_standings(&[&one, &other, &one, &other], &["j", "i"], &both, &[New, New, Repeated, Repeated]);
    check_standings(&[&row("j", "a")], &["i"], &[("i", digest)], &[Gone]);
    let elsewhere = UsageRow { usage: Usage { prompt_id: OTHER_PROMPT, ..one.usage.clone() }, ..one.clone() };
    check_standings(&[&elsewhere], &["i"], &[("i", digest)], &[Gone]);

    assert_eq!(fate_of_use(New), Fate::Accepted);
    assert_eq!(fate_of_use(Repeated), Fate::Duplicate);
    assert_eq!(fate_of_use(Taken), Fate::Rejected(reused_id()));
    assert_eq!(fate_of_use(Gone), Fate::Rejected(unknown_prompt()));
}

#[test]
fn figures_without_a_value_are_null() {
    let sums = |numbers: [u64; 4]| {
        let [uses, successes, generation_time_count, generation_time_sum_ms] = numbers;
        let sums = Sums { uses, successes, generation_time_count, generation_time_sum_ms };
        (sums.failures(), sums.success_rate(), sums.average_time_ms())
    };
    assert_eq!(sums([0, 0, 0, 0]), (0, None, None));
    assert_eq!(sums([1, 0, 0, 0]), (1, Some(0.0), None));
    assert_eq!(sums([3, 2, 1, 0]), (1, Some(200.0 / 3.0), Some(0.0)));
    assert_eq!(sums([4, 4, 2, 5]), (0, Some(100.0), Some(2.5)));
}

/// A histogram as the database keeps it.
fn histogram(times: &[u64]) -> Histogram {
    let mut buckets = HashMap::<String, u64>::new();
    for time in times {
        *buckets.entry(Bucket::of(*time).lower.to_string()).or_default() += 1;
    }
    Histogram::parse(&serde_json::to_string(&buckets).unwrap()).unwrap()
}

#[test]
fn a_bucket_has_the_times_of_two_digits() {
    for (time, lower, upper, middle) in [
        (0, 0, 0, 0),
        (9, 9, 9, 9),
        (99, 99, 99, 99),
        (100, 100, 109, 104),
        (109, 100, 109, 104),
        (110, 110, 119, 114),
        (999, 990, 999, 994),
        (1000, 1000, 1099, 1049),
        (1234, 1200, 1299, 1249),
        (86_400_000, 86_000_000, 86_999_999, 86_499_999),
    ] {
        assert_eq!((Bucket::of(time), Bucket::of(time).middle()), (Bucket { lower, upper }, middle), "{time}");
    }
}

/// At every end of every bucket, where the middle is farthest away.
#[test]
fn the_middle_of_a_bucket_is_less_than_5_per_cent_off() {
    let mut lower = 0;
    while lower <= GENERATION_TIME_MS.unsigned_abs() {
        let bucket = Bucket::of(lower);
        for time in [bucket.lower, bucket.upper] {
            assert!(bucket.middle().abs_diff(time) * 20 < time.max(1), "{time} is told as {}", bucket.middle());
        }
        lower = bucket.upper + 1;
    }
}

#[test]
fn a_histogram_of_nothing_has_no_quantile() {
    assert_eq!(histogram(&[]).quantile(50), None);
    assert_eq!(Histogram::parse("[]"), None);
    assert_eq!(histogram(&[]), Histogram::default());
    assert_eq!(histogram(&[7]).quantile(0), Some(7));
}

proptest! {
    #[test]
    fn a_quantile_is_less_than_5_per_cent_off_the_exact_one(
        mut times in prop::collection::vec(prop_oneof![0..200_u64, 0..20_000_u64, 0..=86_400_000_u64], 1..300),
        per_cent in 1..=100_u64,
    ) {
        let told = histogram(&times).quantile(per_cent).unwrap();
        times.sort_unstable();
        // The least time that at least so many in a hundred do not exceed.
        let count = times.len() as u64;
        let is_enough = |time: &u64| times.iter().filter(|other| *other <= time).count() as u64 * 100 >= count * per_cent;
        let exact = *times.iter().find(|time| is_enough(time)).unwrap();
        prop_assert!(told.abs_diff(exact) * 20 < exact.max(1), "{} told as {}", exact, told);
        prop_assert_eq!(Bucket::of(told), Bucket::of(exact));
    }
}

fn scene(scene: &str, numbers: [u64; 4]) -> SceneRow {
    let [uses, successes, generation_time_count, generation_time_sum_ms] = numbers;
    SceneRow { scene: scene.to_owned(), sums: Sums { uses, successes, generation_time_count, generation_time_sum_ms } }
}

#[test]
fn uses_are_told_by_scene() {
    let page = Page::parse(&Query::default()).unwrap();
    assert_eq!(page, Page { from: String::new(), limit: 100 });
    let scenes = vec![scene("", [2, 1, 0, 0]), scene("a", [4, 3, 2, 5])];
    let told = UsageByScene::of(PROMPT, 6, &histogram(&[2, 3]), &page, scenes);
    let expected = concat!(
        r#"{"promptId":"00000000-0000-0000-0000-000000000001","usageCount":6,"p50TimeMs":2,"p95TimeMs":3,"scenes":["#,
        r#"{"scene":null,"usageCount":2,"avgTimeMs":null,"successRate":50.0},"#,
        r#"{"scene":"a","usageCount":4,"avgTimeMs":2.5,"successRate":75.0}],"next_cursor":null}"#,
    );
    assert_eq!(serde_json::to_string(&told).unwrap(), expected);
    let told = UsageByScene::of(PROMPT, 0, &Histogram::default(), &page, Vec::new());
    let expected = json!({
        "promptId": PROMPT, "usageCount": 0, "p50TimeMs": null, "p95TimeMs": null, "scenes": [], "next_cursor": null
    });
    assert_eq!(serde_json::to_value(&told).unwrap(), expected);
}

#[test]
fn a_page_ends_with_where_the_next_begins() {
    let page = Page::parse(&Query::parse("limit=2")).unwrap();
    let mut scenes = ["", "a", "é\"b"].map(|name| scene(name, [1, 1, 0, 0])).to_vec();
    let cursor = page.cut(&mut scenes).unwrap();
    assert_eq!(scenes.len(), 2);
    let next = Page::parse(&Query::parse(&format!("cursor={cursor}"))).unwrap();
    assert_eq!(next, Page { from: "é\"b".to_owned(), limit: 100 });
    assert_eq!(page.cut(&mut scenes), None);
    for query in ["limit=0", "limit=101", "limit=a", "cursor=", "cursor=!", "cursor=Nw"] {
        let problem = Page::parse(&Query::parse(query)).unwrap_err();
        assert_eq!(problem.code, Code::InvalidValue, "{query}");
    }
}
