//! Stored and wire formats, as literal text: data and other versions of the worker depend on every byte of them.

mod problems;
mod stored_events;

use std::fmt::Debug;

use promptmeter::counting::id_digest::{digest, digest_key};
use promptmeter::counting::protocol::IdDigest;
use promptmeter::counting::segment::Segment;
use promptmeter::counting::sources::Sources;
use promptmeter::counting::stats::{Counted, Counts, Stats};
use promptmeter::counting::tally::Tally;
use promptmeter::counting::visitors::Visitors;
use promptmeter::counting::visits::{NewVisits, Visits};
use promptmeter::data::prompt::PromptAccess;
use promptmeter::events::event::{ExperimentEvent, ExperimentEventKind, Measurement, PromptEventKind};
use promptmeter::experiments::rollup;
use promptmeter::experiments::session::MultiVariant;
use promptmeter::experiments::summary::{Figures, Quality};
use promptmeter::http::fields::Fields;
use promptmeter::http::problem::{Code, Problem};
use promptmeter::recording::event_row::{EventRow, NewRow};
use promptmeter::usage::event::Usage;
use promptmeter::usage::totals::{Sums, Totals};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::bare_event::bare_event;

const PROMPT: Uuid = Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef);

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), expected);
    assert_eq!(&serde_json::from_str::<T>(expected).unwrap(), value);
}

#[test]
fn counts_and_stats() {
    let counts =
        Counts::of(PROMPT, &Tally { views: 1, copies: 2, forks: 3, compares: 4, visits: 6, ..Tally::default() });
    let text = concat!(
        r#""promptId":"01234567-89ab-7def-8123-456789abcdef","#,
        r#""viewCount":1,"copyCount":2,"forkCount":3,"compareCount":4"#,
    );
    for duplicate in [false, true] {
        let counted = serde_json::to_string(&Counted { counts, duplicate }).unwrap();
        assert_eq!(counted, format!(r#"{{{text},"duplicate":{duplicate}}}"#));
    }
    let unused = concat!(
        r#""likeCount":0,"uniqueVisitors":0,"visitCount":6,"totalUsage":0,"successCount":0,"failureCount":0,"#,
        r#""successRate":null,"avgGenerationTimeMs":null,"lastUsedAt":null"#,
    );
    let told = |visitors, likes, usage| serde_json::to_string(&Stats::of(counts, visitors, likes, usage)).unwrap();
    assert_eq!(told(0, 0, Totals::default()), format!("{{{text},{unused}}}"));
    let sums = Sums { uses: 8, successes: 5, generation_time_count: 4, generation_time_sum_ms: 10 };
    let used = concat!(
        r#""likeCount":7,"uniqueVisitors":5,"visitCount":6,"totalUsage":8,"successCount":5,"failureCount":3,"#,
        r#""successRate":62.5,"avgGenerationTimeMs":2.5,"lastUsedAt":"2026-11-20T12:00:00.000000+00:00""#,
    );
    let last_used_at = Some("2026-11-20T12:00:00.000000+00:00".to_owned());
    assert_eq!(told(5, 7, Totals { sums, last_used_at }), format!("{{{text},{used}}}"));
}

/// The expected digits are the first 4 bytes of SHA-256 over the names and values of what is told, each followed by 0xff,
/// as another program computes them.
#[test]
fn the_digest_of_a_use() {
    let usage = |more: &str| {
        let json = format!(r#"{{"prompt_id":"{PROMPT}","success":false{more}}}"#);
        Usage::read(&Fields::read(&json, "A use").unwrap()).unwrap()
    };
    assert_eq!(usage("").digest("event-1", None), "e3b0c442");
    let all = usage(concat!(
        r#","post_id":"a","character_id":"b","job_id":"c","scene":"d","environment":"e","outfit":"f","prompt":"g","#,
        r#""negative_prompt":"","generation_time_ms":1234,"error_message":"h""#,
    ));
    assert_eq!(all.digest("event-1", Some(PROMPT)), "0549711e");
    assert_eq!(Usage { success: true, error_message: None, ..all }.digest("event-1", None), "a3b40784");
}

#[test]
fn a_segment_of_the_ledger() {
    let entries =
        vec![IdDigest { key: 0x0102_0304_0506_0708, payload: 0x090a_0b0c }, IdDigest { key: u64::MAX, payload: 1 }];
    let segment = Segment { number: 3, newest_ms: 1_800_000_000_000, entries };
    let packed = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, // one entry
        255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 1, // another
    ];
    assert_eq!(segment.pack(), packed);
    assert_eq!(Segment::unpack(3, 1_800_000_000_000, &packed), segment);
    assert_eq!(Segment::unpack(3, 1_800_000_000_000, &packed[..23]).entries, segment.entries[..1]);
    assert_eq!(Segment::unpack(3, 1_800_000_000_000, &[]).entries, []);
}

/// The key of a visit is the visitor's digest, xored with the number of the window since 1970 times 0x9e3779b97f4a7c15.
#[test]
fn a_visit() {
    let known = Visits::within(1_800_000, 0);
    let mut visits = NewVisits::beside(&known);
    assert!(visits.note(0x0102_0304_0506_0708, 1_800_000 + 1999));
    let change = visits.change(1_800_000_000_000);
    let key: u64 = 0x0102_0304_0506_0708 ^ 0x9e37_79b9_7f4a_7c15;
    assert_eq!(change.written[0].pack(), [&key.to_be_bytes()[..], &[0, 0, 7, 9]].concat());
}

#[test]
fn visitors() {
    let mut visitors = Visitors::default();
    assert_eq!(visitors.pack(), [1]);
    visitors.insert(u64::MAX);
    visitors.insert(0x0102_0304_0506_0708);
    let packed = [1, 1, 2, 3, 4, 5, 6, 7, 8, 255, 255, 255, 255, 255, 255, 255, 255];
    assert_eq!(visitors.pack(), packed);
    assert_eq!(Visitors::unpack(&packed), Some(visitors));
    // The register is the first 12 bits, what it holds the place of the first 1 behind them, or 53.
    let mut sketch = Visitors::default();
    for register in 0..511_u64 {
        sketch.insert(register << 52 | 1 << 51);
    }
    sketch.insert(511 << 52 | 1);
    sketch.insert(4095 << 52);
    let registers = [vec![1; 511], vec![52], vec![0; 3583], vec![53]].concat();
    assert_eq!(sketch.pack(), [vec![2], registers].concat());
    assert_eq!(Visitors::unpack(&sketch.pack()), Some(sketch));
}

#[test]
fn sources() {
    let mut sources = Sources::default();
    assert!(sources.pack().is_empty());
    sources.add(u64::MAX, 95, &Tally { views: 300, copies: 1, visits: 2, ..Tally::default() }, 128);
    sources.add(0x0102_0304_0506_0708, 96 * 20_000, &Tally { copies: 1, ..Tally::default() }, 0);
    sources.add(u64::MAX, 1, &Tally { views: 1, ..Tally::default() }, 0);
    let packed = [
        255, 255, 255, 255, 255, 255, 255, 255, 128, 1, 2, // a source, its visitors, its quarters
        1, 1, 0, 0, // a quarter, its views, copies, visits
        95, 172, 2, 1, 2, // another
        1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0, 0, 1, 0, // another source
    ];
    assert_eq!(sources.pack(), packed);
    assert_eq!(Sources::unpack(&packed), Some(sources));
}

fn check_digest(actual: IdDigest, key: u64, payload: u32) {
    assert_eq!(actual, IdDigest { key, payload });
}

/// The expected numbers are the first 8 and 4 bytes of SHA-256, big-endian, as another program computes them.
#[test]
fn digests() {
    const EVENT_1: u64 = 14_859_211_627_067_521_785;
    check_digest(digest("", &[]), 16_406_829_232_824_261_652, 3_820_012_610);
    check_digest(digest("event-1", &["view", ""]), EVENT_1, 568_245_503);
    check_digest(digest("😀", &["view", ""]), 17_313_026_863_276_160_327, 568_245_503);
    assert_eq!(digest_key("event-1"), EVENT_1);

    let text = |text: &str| Some(text.to_owned());
    let child = Some(Uuid::from_u128(0x1111_1111_2222_7333_8444_5555_5555_5555));
    for (kind, user, payload) in [
        (PromptEventKind::View { visitor: None }, None, 568_245_503),
        (PromptEventKind::View { visitor: text("v") }, None, 1_999_944_582),
        (PromptEventKind::Copy { visitor: text("v") }, None, 3_134_142_108),
        (PromptEventKind::Fork { child_prompt_id: None }, Some(PROMPT), 4_093_912_030),
        (PromptEventKind::Fork { child_prompt_id: None }, None, 1_690_100_394),
        (PromptEventKind::Fork { child_prompt_id: child }, Some(PROMPT), 4_100_939_251),
        (PromptEventKind::CompareAdd { comparison_id: text("c") }, Some(PROMPT), 2_968_283_955),
    ] {
        check_digest(kind.digest("event-1", user), EVENT_1, payload);
    }
}

#[test]
fn no_two_payloads_run_together() {
    let payloads: [&[&str]; 6] = [&["a", "bc"], &["ab", "c"], &["abc"], &["abc", ""], &["", "abc"], &["a", "b", "c"]];
    let mut digests: Vec<u32> = payloads.iter().map(|payload| digest("", payload).payload).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), payloads.len());
}

/// The first 16 bytes of SHA-256, as another program computes them.
#[test]
fn the_digest_of_a_session() {
    for (id, expected) in [
        ("", 0xe3b0_c442_98fc_1c14_9afb_f4c8_996f_b924_u128),
        ("abc", 0xba78_16bf_8f01_cfea_4141_40de_5dae_2223),
        ("😀", 0xf044_3a34_2c5e_f547_83a1_11b5_1ba5_6c93),
    ] {
        assert_eq!(rollup::digest(id), expected.to_be_bytes(), "{id}");
    }
}

#[test]
fn rows_and_rules() {
    let figures = Figures {
        sessions: 1,
        pageviews: 2,
        pageview_sessions: 3,
        exposures: 4,
        exposure_sessions: 5,
        conversions: 6,
        conversion_sessions: 7,
        new_exposed_sessions: 8,
        new_converted_sessions: -9,
    };
    check(
        &figures,
        concat!(
            r#"{"sessions":1,"pageviews":2,"pageview_sessions":3,"exposures":4,"exposure_sessions":5,"#,
            r#""conversions":6,"conversion_sessions":7,"new_exposed_sessions":8,"new_converted_sessions":-9}"#,
        ),
    );
    let quality = Quality {
        late: 1,
        duplicates: 2,
        unexposed_sessions: 3,
        multi_variant_sessions: -4,
        rejected: 5,
        unmeasured: 6,
    };
    assert_eq!(
        serde_json::to_string(&quality).unwrap(),
        concat!(
            r#"{"late":1,"duplicates":2,"unexposed_sessions":3,"multi_variant_sessions":-4,"rejected":5,"#,
            r#""unmeasured":6}"#,
        ),
    );
    check(&MultiVariant::Exclude, r#""exclude""#);
    check(&MultiVariant::First, r#""first""#);
    assert_eq!(MultiVariant::of_name("exclude"), Some(MultiVariant::Exclude));
    assert_eq!(MultiVariant::of_name("first"), Some(MultiVariant::First));
    assert_eq!(MultiVariant::of_name("First"), None);
    check(
        &PromptAccess { id: PROMPT, owner: Uuid::nil(), is_public: true, is_active: false },
        concat!(
            r#"{"id":"01234567-89ab-7def-8123-456789abcdef","owner":"00000000-0000-0000-0000-000000000000","#,
            r#""is_public":true,"is_active":false}"#,
        ),
    );
}
