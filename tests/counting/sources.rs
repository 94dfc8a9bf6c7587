//! What sources added: remembered within bounds, and taken back.

use std::collections::BTreeMap;

use promptmeter::counting::counter::Counter;
use promptmeter::counting::day_change::DayChange;
use promptmeter::counting::protocol::Increment;
use promptmeter::counting::sources::{SOURCES, SourcedDay, Sources};
use promptmeter::counting::tally::{Metric, Tally};
use promptmeter::data::prompt::PromptName;
use promptmeter::http::problem::Code;
use promptmeter::retraction::{Answer, Flagged, Request, Taken};
use promptmeter::time::{DAY_MS, DAY_QUARTERS};
use promptmeter::traffic::address::AddressPrefix;
use promptmeter::traffic::digests::Digests;
use promptmeter::traffic::salts::Salts;
use promptmeter::traffic::sender::Sender;
use proptest::prelude::*;
use uuid::Uuid;

use crate::counted::count;

const NOW_MS: i64 = 1_800_000_000_000;

fn views(views: u64) -> Tally {
    Tally { views, ..Tally::default() }
}

#[test]
fn the_source_that_added_the_least_makes_room() {
    let mut sources = Sources::default();
    sources.add(7, 0, &views(3), 0);
    for digest in 1000..2000 {
        sources.add(digest, 0, &views(2), 0);
    }
    sources.add(7, 1, &views(1), 0);
    sources.add(5, 0, &views(1), 0);
    assert_eq!((sources.len(), sources.is_empty()), (SOURCES, false));
    let mut known = sources.clone();
    assert_eq!(known.forget(7).unwrap().counts.quarters(0).map(|(_, tally)| tally.views).collect::<Vec<_>>(), [3, 1]);
    // The oldest of those that added as little went, the newest came in.
    assert!((1000..1746).all(|digest| known.forget(digest).is_none()));
    assert!((1746..2000).all(|digest| known.forget(digest).is_some()));
    assert!(known.forget(5).is_some() && known.is_empty());
    assert_eq!(known.forget(5), None);
}

#[test]
fn copies_weigh_what_views_do() {
    let mut sources = Sources::default();
    sources.add(1, 0, &Tally { copies: 2, ..views(1) }, 0);
    (0..SOURCES as u64).for_each(|digest| sources.add(1000 + digest, 0, &views(2), 0));
    assert!(sources.forget(1).is_some() && sources.forget(1000).is_none());
}

#[test]
fn a_day_is_among_the_days_once() {
    let mut days = Vec::new();
    for number in [3, 4, 3, 4, 5] {
        assert_eq!(SourcedDay::among(&mut days, number).map(|day| day.number), Some(number));
    }
    assert_eq!(days.iter().map(|day| day.number).collect::<Vec<_>>(), [3, 4, 5]);
}

#[test]
fn the_newest_day_is_being_counted_unless_it_is_in_the_future() {
    let day = |number| SourcedDay { number, ..SourcedDay::default() };
    for (number, open, opens) in [
        (20_000, None, true),
        (19_000, None, true),
        (20_001, None, true),
        (20_002, None, false),
        (20_000, Some(19_999), true),
        (20_001, Some(20_000), true),
        (20_000, Some(20_000), false),
        (19_999, Some(20_000), false),
        (20_000, Some(20_001), false),
        (20_002, Some(20_000), false),
    ] {
        let open = open.map(day);
        assert_eq!(day(number).opens_after(open.as_ref(), 20_000), opens, "{number} after {open:?}");
    }
}

#[test]
fn what_is_no_sources_is_none() {
    for packed in
        [&[1][..], &[0; 8], &[0; 9], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 5, 1, 1]]
    {
        assert_eq!(Sources::unpack(packed), None, "{packed:?}");
    }
    assert_eq!(Sources::unpack(&[]), Some(Sources::default()));
}

proptest! {
    /// However many there are: what is known is at most what was added, it is what is packed, and a source that added more
    /// than all others together is always known, with all that it added since it came.
    #[test]
    fn what_is_known_is_at_most_what_was_added(
        added in prop::collection::vec((0..600_u64, 0..DAY_QUARTERS, 1..4_u64), 0..900),
        cut in 0..900_usize,
    ) {
        let mut real: BTreeMap<u64, u64> = BTreeMap::new();
        let (mut before, mut after) = (Sources::default(), Sources::default());
        for (place, (source, quarter, count)) in added.iter().enumerate() {
            *real.entry(*source).or_default() += count;
            let part = if place < cut { &mut before } else { &mut after };
            part.add(*source, *quarter, &views(*count), *count);
            part.add(9999, *quarter, &views(100), 0);
        }
        before.add_all(&after);
        prop_assert!(before.len() <= SOURCES);
        prop_assert_eq!(Sources::unpack(&before.pack()), Some(before.clone()));
        if !added.is_empty() {
            let inflating = before.forget(9999).unwrap();
            let sum: u64 = inflating.counts.quarters(0).map(|(_, tally)| tally.views).sum();
            prop_assert_eq!(sum, 100 * added.len() as u64);
        }
        for (source, count) in &real {
            if let Some(known) = before.forget(*source) {
                let sum: u64 = known.counts.quarters(0).map(|(_, tally)| tally.views).sum();
                prop_assert!((1..=*count).contains(&sum) && known.visitors == sum);
            } else {
                prop_assert!(real.len() > SOURCES - 1);
            }
        }
        prop_assert!(before.is_empty());
    }
}

/// Counts views and copies `(metric, visitor, source)` one by one, so many milliseconds apart, and gives the counter and the day.
fn counted(increments: &[(Metric, Option<u64>, Option<u64>)], apart_ms: usize) -> (Counter, SourcedDay) {
    let (mut counter, mut day) = (Counter::default(), SourcedDay::default());
    for (place, (metric, visitor, source)) in increments.iter().enumerate() {
        let now_ms = NOW_MS + i64::try_from(place * apart_ms).unwrap();
        let increment = Increment { visitor: *visitor, source: *source, ..Increment::of(*metric, now_ms, None) };
        let (_, commit) = count(&counter, place as u64, &[increment], now_ms);
        let commit = commit.unwrap();
        for added in &commit.days {
            day.number = added.number;
            day.add_all(added);
        }
        counter.keep(commit, DayChange::default());
    }
    (counter, day)
}

/// Takes back what `sources` added; gives that, what is left, and how many visitors are.
fn check_retraction(
    increments: &[(Metric, Option<u64>, Option<u64>)],
    sources: &[u64],
    expected: Option<(Tally, u64)>,
    left: (Tally, u64),
) {
    let (mut counter, day) = counted(increments, 0);
    counter.open_day = Some(day.clone());
    let retraction = counter.retract(vec![day.clone()], sources);
    let day = retraction.as_ref().map_or(day, |retraction| retraction.days[0].clone());
    let mut sum = Tally::default();
    if let Some(day) = retraction.as_ref().and_then(|retraction| retraction.days.first()) {
        day.counts.quarters(0).for_each(|(_, tally)| sum.add_all(tally));
        assert_eq!(sum, left.0);
        assert_eq!(counter.retract(vec![day.clone()], sources), None);
    }
    let version = counter.version;
    let taken = retraction.as_ref().map(|retraction| counter.keep_retraction(retraction));
    assert_eq!(taken, expected, "{increments:?}");
    assert_eq!(counter.open_day, Some(day), "what is counted next is added to what is left");
    assert_eq!((counter.tally, counter.unique_visitors()), left, "{increments:?}");
    assert_eq!(counter.version, version + u64::from(expected.is_some()));
}

#[test]
fn what_a_source_added_is_taken_back_and_nothing_else() {
    use Metric::{Bot, Copy, View};
    let tally = |views, copies, visits| Tally { views, copies, visits, ..Tally::default() };
    let (one, other) = (Some(1), Some(2));
    let honest = [(View, Some(10), one), (Copy, Some(10), one), (View, None, None), (Bot, None, other)];
    let honest_tally = Tally { bots: 1, ..tally(2, 1, 1) };
    check_retraction(&honest, &[2, 3], None, (honest_tally, 1));
    let inflated = [&honest[..], &[(View, Some(20), other), (View, Some(20), other), (View, Some(21), other)]].concat();
    check_retraction(&inflated, &[2], Some((tally(3, 0, 2), 2)), (honest_tally, 1));
    check_retraction(&inflated, &[2, 1, 2], Some((tally(4, 1, 3), 3)), (Tally { bots: 1, ..tally(1, 0, 0) }, 0));
    // A visitor that another source brought first stays; so does one that has no name.
    let shared = [(View, Some(10), one), (View, Some(10), other), (View, None, other)];
    check_retraction(&shared, &[2], Some((tally(2, 0, 0), 0)), (tally(1, 0, 1), 1));
}

/// There are no more visitors than visits; here there are fewer.
#[test]
fn visitors_go_with_the_source_that_brought_them_though_there_are_visits() {
    let view = |visitor, source| (Metric::View, Some(visitor), Some(source));
    let (mut counter, day) =
        counted(&[view(10, 1), view(10, 1), view(10, 1), view(20, 2), view(21, 2), view(30, 3)], 3_600_000);
    assert_eq!((counter.tally.visits, counter.unique_visitors()), (6, 4));
    let first = counter.retract(vec![day], &[2]).unwrap();
    assert_eq!(counter.keep_retraction(&first).1, 2);
    assert_eq!((counter.tally.visits, counter.unique_visitors()), (4, 2));
    let second = counter.retract(first.days, &[3]).unwrap();
    assert_eq!((counter.keep_retraction(&second).1, counter.unique_visitors(), counter.tally.visits), (1, 1, 3));
}

/// Inflated far beyond what is counted exactly: what stays is about what would have been there without it.
#[test]
fn visitors_of_a_source_are_taken_back_about_as_many_as_there_were() {
    let digest = |number: u64| promptmeter::counting::id_digest::digest_key(&number.to_string());
    let visit = |number: u64| (Metric::View, Some(digest(number)), Some(u64::from(number.is_multiple_of(3))));
    let increments: Vec<_> = (0..6000).map(visit).collect();
    let (mut counter, day) = counted(&increments, 0);
    let retraction = counter.retract(vec![day], &[1]).unwrap();
    let (taken, visitors) = counter.keep_retraction(&retraction);
    assert_eq!((taken.views, taken.visits, counter.tally.visits), (2000, 2000, 4000));
    assert!(visitors.abs_diff(2000) < 300, "{visitors}");
    assert!(counter.unique_visitors().abs_diff(4000) < 300 && counter.unique_visitors() <= 4000);
}

fn check_request(json: &str, expected: Result<Request, (Code, Option<&str>)>) {
    let actual = Request::read(json).map_err(|problem| (problem.code, problem.pointer));
    assert_eq!(actual, expected.map_err(|(code, pointer)| (code, pointer.map(str::to_owned))), "{json}");
}

#[test]
fn requests() {
    let address = |text: &str| Flagged::Address(AddressPrefix::of(Some(text)));
    let request = |flagged, prompts| Ok(Request { flagged, prompts });
    check_request(r#"{"ip":"203.0.113.7"}"#, request(address("203.0.113.7"), None));
    check_request(r#"{"ip":"2001:db8::1","visitor":null}"#, request(address("2001:db8::1"), None));
    let id = Uuid::from_u128(7);
    let names = vec![PromptName::Slug("a-slug".to_owned()), PromptName::Id(id)];
    let json = format!(r#"{{"visitor":"somebody","prompt_ids":["a-slug","{id}"]}}"#);
    check_request(&json, request(Flagged::Visitor("somebody".to_owned()), Some(names)));
    let ids = |count| format!(r#"{{"ip":"1.2.3.4","prompt_ids":[{}]}}"#, vec![r#""a""#; count].join(","));
    assert_eq!(Request::read(&ids(100)).unwrap().prompts.unwrap().len(), 100);
    for (json, code, pointer) in [
        ("[]", Code::InvalidType, None),
        ("{}", Code::MissingField, Some("/ip")),
        (r#"{"ip":"1.2.3.4","visitor":"a"}"#, Code::InvalidValue, Some("/visitor")),
        (r#"{"ip":"1.2.3"}"#, Code::InvalidValue, Some("/ip")),
        (r#"{"ip":"1.2.3.4/24"}"#, Code::InvalidValue, Some("/ip")),
        (r#"{"ip":7}"#, Code::InvalidType, Some("/ip")),
        (r#"{"visitor":""}"#, Code::InvalidLength, Some("/visitor")),
        (r#"{"ip":"1.2.3.4","prompt":"a"}"#, Code::InvalidValue, Some("/prompt")),
        (r#"{"ip":"1.2.3.4","prompt_ids":"a"}"#, Code::InvalidType, Some("/prompt_ids")),
        (r#"{"ip":"1.2.3.4","prompt_ids":[1]}"#, Code::InvalidType, Some("/prompt_ids")),
        (&ids(0), Code::InvalidLength, Some("/prompt_ids")),
        (&ids(101), Code::InvalidLength, Some("/prompt_ids")),
    ] {
        check_request(json, Err((code, pointer)));
    }
    let long = format!(r#"{{"ip":"1.2.3.4","prompt_ids":["a","{}"]}}"#, "b".repeat(129));
    check_request(&long, Err((Code::UnknownPrompt, Some("/prompt_ids/1"))));
}

#[test]
fn a_flagged_source_is_the_one_that_was_counted() {
    let salts = Salts { today: 20_000, of_today: [1; 32], of_yesterday: [2; 32] };
    let check = |flagged: Flagged, address: Option<&str>, name: Option<&str>, is_source: bool| {
        let sender = Sender {
            address: AddressPrefix::of(address),
            agent: "an agent".to_owned(),
            is_ahead: false,
            objects: false,
        };
        let digests = Digests::of(sender, salts);
        let counted = [20_000, 19_999].map(|day| digests.at(day * DAY_MS + 7, name).source);
        assert_eq!(flagged.sources(salts) == counted, is_source, "{flagged:?}, {address:?}, {name:?}");
        assert_ne!(counted[0], counted[1]);
    };
    let address = |text: &str| Flagged::Address(AddressPrefix::of(Some(text)));
    check(address("203.0.113.7"), Some("203.0.113.7"), None, true);
    check(address("203.0.113.7"), Some("203.0.113.8"), None, false);
    check(address("2001:db8::1"), Some("2001:db8::2"), None, true);
    check(Request::read(r#"{"ip":"unknown"}"#).unwrap().flagged, None, None, true);
    check(Flagged::Visitor("v".to_owned()), Some("203.0.113.7"), Some("v"), true);
    check(Flagged::Visitor("w".to_owned()), Some("203.0.113.7"), Some("v"), false);
    check(address("203.0.113.7"), Some("203.0.113.7"), Some("203.0.113.7"), false);
}

#[test]
fn answers_tell_the_sum_and_what_was_changed() {
    let mut answer = Answer { next_cursor: Some("c".to_owned()), ..Answer::default() };
    let tally = Tally { views: 3, copies: 1, visits: 2, ..Tally::default() };
    answer.add(Uuid::from_u128(1), Taken::of(&tally, 2));
    answer.add(Uuid::from_u128(2), Taken::default());
    answer.add(Uuid::from_u128(3), Taken::of(&views(4), 0));
    let expected = concat!(
        r#"{"prompts":3,"retracted":["#,
        r#"{"prompt_id":"00000000-0000-0000-0000-000000000001","taken":{"views":3,"copies":1,"visits":2,"unique_visitors":2}},"#,
        r#"{"prompt_id":"00000000-0000-0000-0000-000000000003","taken":{"views":4,"copies":0,"visits":0,"unique_visitors":0}}],"#,
        r#""sum":{"views":7,"copies":1,"visits":2,"unique_visitors":2},"next_cursor":"c"}"#,
    );
    assert_eq!(serde_json::to_string(&answer).unwrap(), expected);
}
