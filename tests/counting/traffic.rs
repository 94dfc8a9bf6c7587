//! Who sends events: addresses, user agents, digests, and what they make of views and copies.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use promptmeter::counting::protocol::{Increment, Outcome};
use promptmeter::counting::tally::Metric;
use promptmeter::events::batch::Batch;
use promptmeter::events::event::{Event, PromptEvent, PromptEventKind as Kind, Subject};
use promptmeter::events::fate::Fate;
use promptmeter::http::head::Head;
use promptmeter::http::identity::{Identity, User};
use promptmeter::limits::USER_AGENT_BYTES;
use promptmeter::traffic::address::AddressPrefix::{self, Unknown, V4, V6};
use promptmeter::traffic::attribution::Attribution;
use promptmeter::traffic::digests::Digests;
use promptmeter::traffic::reason::{Reason, header};
use promptmeter::traffic::salts::{Salt, Salts};
use promptmeter::traffic::sender::Sender;
use proptest::prelude::*;
use uuid::Uuid;

const DAY_MS: i64 = 86_400_000;
const TODAY: i64 = 20_000;
const NOW_MS: i64 = TODAY * DAY_MS + DAY_MS / 2;
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";

#[test]
fn a_prefix_is_an_ipv4_address_or_the_network_of_an_ipv6_address() {
    let home = V6([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2]);
    let v4 = V4([192, 0, 2, 1]);
    for (address, expected) in [
        (None, Unknown),
        (Some(""), Unknown),
        (Some("unknown"), Unknown),
        (Some("192.0.2"), Unknown),
        (Some("192.0.2.1, 192.0.2.2"), Unknown),
        (Some("192.0.2.1"), v4),
        (Some("::ffff:192.0.2.1"), v4),
        (Some("::ffff:c000:201"), v4),
        (Some("2001:db8:1:2::"), home),
        (Some("2001:db8:1:2:ffff:ffff:ffff:ffff"), home),
        (Some("2001:DB8:1:2::7"), home),
        (Some("2001:db8:1:3::"), V6([0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 3])),
        (Some("::1"), V6([0; 8])),
        (Some("::"), V6([0; 8])),
        (Some("64:ff9b::192.0.2.1"), V6([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0])),
    ] {
        assert_eq!(AddressPrefix::of(address), expected, "{address:?}");
    }
}

#[test]
fn no_two_prefixes_have_one_key() {
    let prefixes = [Unknown, V4([0; 4]), V4([0, 0, 0, 1]), V4([1, 0, 0, 0]), V6([0; 8]), V6([0, 0, 0, 1, 0, 0, 0, 0])];
    let keys: BTreeSet<String> = prefixes.iter().map(|prefix| prefix.key()).collect();
    assert_eq!(keys.len(), prefixes.len());
    assert_eq!((Unknown.key().as_str(), V4([192, 0, 2, 1]).key().as_str()), ("unknown", "c0000201"));
}

/// The standard library's opinion of a text.
fn prefix_by_the_library(text: &str) -> AddressPrefix {
    match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Err(_) => Unknown,
        Ok(IpAddr::V4(address)) => V4(address.octets()),
        Ok(IpAddr::V6(address)) => V6(*address.octets().first_chunk().unwrap()),
    }
}

proptest! {
    #[test]
    fn addresses_are_read_as_the_library_reads_them(v4: [u8; 4], v6: [u8; 16], zeros in 0usize..16, mapped: bool) {
        let mut octets = v6;
        octets[zeros..].fill(0);
        let v6 = if mapped { Ipv4Addr::from(v4).to_ipv6_mapped() } else { Ipv6Addr::from(octets) };
        for text in [Ipv4Addr::from(v4).to_string(), v6.to_string(), Ipv6Addr::from(octets).to_string()] {
            prop_assert_ne!(AddressPrefix::of(Some(&text)), Unknown);
            prop_assert_eq!(AddressPrefix::of(Some(&text)), prefix_by_the_library(&text), "{}", text);
        }
    }

    #[test]
    fn what_the_library_does_not_read_is_no_address(text in "[0-9a-fA-F:.+]{0,24}|([0-9a-f]{0,5}:){2,9}[0-9.]{0,9}") {
        let is_lenient = text.split('.').any(|octet| octet.len() > 1 && octet.starts_with('0'));
        prop_assume!(!is_lenient);
        prop_assert_eq!(AddressPrefix::of(Some(&text)), prefix_by_the_library(&text), "{}", text);
    }
}

fn sent_by(headers: &[(&str, &str)]) -> Sender {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
    Sender::of(&Head::of(format!("POST https://example.com/v1/events{}", lines.concat())))
}

fn sender(agent: &str, purposes: &[(&str, &str)]) -> Sender {
    sent_by(&[&[("cf-connecting-ip", "192.0.2.1"), ("user-agent", agent)], purposes].concat())
}

#[test]
fn a_sender_is_dropped_for_one_reason() {
    let robot = "Examplebot/1.0";
    for (agent, purposes, expected) in [
        (BROWSER, [].as_slice(), None),
        ("", &[], None),
        ("curl/8.5.0", &[], None),
        (robot, &[], Some(Reason::Bot)),
        (BROWSER, &[("sec-purpose", "prefetch")], Some(Reason::Prefetch)),
        (BROWSER, &[("sec-purpose", "prefetch;prerender")], Some(Reason::Prefetch)),
        (BROWSER, &[("Sec-Purpose", "Prefetch;anonymous-client-ip")], Some(Reason::Prefetch)),
        (BROWSER, &[("purpose", "other"), ("x-purpose", "preview")], Some(Reason::Prefetch)),
        (BROWSER, &[("x-moz", "prefetch")], Some(Reason::Prefetch)),
        (BROWSER, &[("x-other", "prefetch")], None),
        (BROWSER, &[("purpose", "prerender")], Some(Reason::Prefetch)),
        (BROWSER, &[("purpose", ""), ("x-moz", "fetch")], None),
        (robot, &[("purpose", "prefetch")], Some(Reason::Bot)),
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 HeadlessChrome/131.0 Safari/537.36", &[], Some(Reason::Headless)),
        ("Mozilla/5.0 (Unknown) AppleWebKit/538.1 PhantomJS/2.1.1 Safari/538.1", &[], Some(Reason::Headless)),
        ("Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/25.0.1", &[], Some(Reason::Headless)),
        ("Mozilla/5.0 HeadlessChrome Examplebot", &[("purpose", "prefetch")], Some(Reason::Headless)),
    ] {
        let judged = sender(agent, purposes).reason(|agent| agent.contains("bot"));
        assert_eq!(judged, expected, "{agent} {purposes:?}");
    }
}

#[test]
fn a_sender_objects_by_global_privacy_control() {
    for (headers, expected) in [
        ([].as_slice(), false),
        (&[("sec-gpc", "1")], true),
        (&[("Sec-GPC", " 1 ")], true),
        (&[("sec-gpc", "0")], false),
        (&[("sec-gpc", "")], false),
        (&[("dnt", "1")], false),
    ] {
        assert_eq!(sender(BROWSER, headers).objects, expected, "{headers:?}");
    }
}

#[test]
fn a_user_agent_is_read_up_to_its_bound() {
    let agent = format!("{}é", "x".repeat(USER_AGENT_BYTES - 1));
    assert_eq!(sender(&agent, &[]).agent, "x".repeat(USER_AGENT_BYTES - 1));
    assert_eq!(sender(&"é".repeat(USER_AGENT_BYTES), &[]).agent.len(), USER_AGENT_BYTES);
    let forged = sent_by(&[("x-forwarded-for", "192.0.2.1"), ("x-real-ip", "192.0.2.1")]);
    assert_eq!(forged, Sender { address: Unknown, agent: String::new(), is_ahead: false, objects: false });
}

#[test]
fn reasons_are_told_once_each_in_their_order() {
    use Reason::{Bot, Headless, Prefetch};
    for (reasons, expected) in [
        ([].as_slice(), None),
        (&[Bot], Some("bot")),
        (&[Prefetch, Bot, Prefetch], Some("bot, prefetch")),
        (&[Prefetch, Headless, Bot], Some("bot, headless, prefetch")),
    ] {
        assert_eq!(header(reasons.iter().copied()).as_deref(), expected, "{reasons:?}");
    }
    for metric in Metric::ALL {
        let told = Reason::of(metric).map(Reason::name);
        let expected = match metric {
            Metric::Bot => Some("bot"),
            Metric::Headless => Some("headless"),
            Metric::Prefetch => Some("prefetch"),
            _ => None,
        };
        assert_eq!(told, expected, "{metric:?}");
    }
}

fn salt(day: i64) -> Salt {
    [u8::try_from(day - TODAY + 100).unwrap(); 32]
}

fn salts() -> Salts {
    Salts { today: TODAY, of_today: salt(TODAY), of_yesterday: salt(TODAY - 1) }
}

#[test]
fn an_event_is_digested_under_its_own_day_as_long_as_its_salt_is_there() {
    for (at_ms, day) in [
        (NOW_MS, TODAY),
        (TODAY * DAY_MS, TODAY),
        (TODAY * DAY_MS - 1, TODAY - 1),
        ((TODAY - 1) * DAY_MS, TODAY - 1),
        ((TODAY - 1) * DAY_MS - 1, TODAY - 1),
        (NOW_MS - 2 * DAY_MS, TODAY - 1),
        ((TODAY + 1) * DAY_MS, TODAY),
    ] {
        assert_eq!(salts().at(at_ms), &salt(day), "{at_ms}");
    }
}

#[test]
fn salts_are_those_of_one_day_and_of_no_other() {
    let (start, end) = (TODAY * DAY_MS, (TODAY + 1) * DAY_MS);
    for (now_ms, expected) in [(start - 1, false), (start, true), (NOW_MS, true), (end - 1, true), (end, false)] {
        assert_eq!(salts().are_of(now_ms), expected, "{now_ms}");
    }
}

/// Whose an event of `agent` at `address` is, as a pair of visitor and source.
fn origin(address: &str, agent: &str, name: Option<&str>, at_ms: i64) -> (u64, u64) {
    let sender = sent_by(&[("CF-Connecting-IP", address), ("User-Agent", agent)]);
    let origin = Digests::of(sender, salts()).at(at_ms, name);
    (origin.visitor, origin.source)
}

#[test]
fn a_visitor_is_an_address_prefix_and_a_user_agent_on_a_day() {
    let (visitor, source) = origin("192.0.2.1", BROWSER, None, NOW_MS);
    assert_eq!(origin("::ffff:192.0.2.1", BROWSER, None, NOW_MS - 1), (visitor, source));
    for (origin, same_source, what) in [
        (origin("192.0.2.1", "curl/8.5.0", None, NOW_MS), true, "another agent"),
        (origin("192.0.2.2", BROWSER, None, NOW_MS), false, "another address"),
        (origin("192.0.2.1", BROWSER, None, NOW_MS - DAY_MS), false, "another day"),
        (origin("192.0.2.1", BROWSER, Some("a"), NOW_MS), false, "a name"),
    ] {
        assert_ne!(origin.0, visitor, "{what}");
        assert_eq!(origin.1 == source, same_source, "{what}");
        assert_ne!(origin.0, origin.1, "{what}");
    }
    let network = origin("2001:db8:1:2::1", BROWSER, None, NOW_MS);
    assert_eq!(origin("2001:db8:1:2:3:4:5:6", BROWSER, None, NOW_MS), network);
    assert_ne!(origin("2001:db8:1:3::1", BROWSER, None, NOW_MS), network);
}

#[test]
fn a_name_replaces_address_and_user_agent() {
    let named = origin("192.0.2.1", BROWSER, Some("somebody"), NOW_MS);
    assert_eq!(origin("192.0.2.2", "curl/8.5.0", Some("somebody"), NOW_MS), named);
    assert_ne!(origin("192.0.2.1", BROWSER, Some("somebody else"), NOW_MS), named);
    assert_ne!(named.0, named.1);
}

#[test]
fn digests_of_one_day_stay_the_same_from_one_version_to_the_next() {
    let today = origin("192.0.2.1", BROWSER, None, NOW_MS);
    assert_eq!(today, (5_121_332_660_386_072_212, 1_881_506_002_664_628_693));
    assert_eq!(
        origin("2001:db8::1", "", Some("é"), NOW_MS - DAY_MS),
        (8_027_437_229_404_332_368, 14_563_701_259_332_416_468)
    );
}

fn event(kind: Kind, is_steered: bool) -> Event {
    let subject = Subject::Prompt(PromptEvent { prompt_id: Uuid::nil(), kind, is_steered });
    Event { id: Some("an id".to_owned()), at_ms: None, subject }
}

/// What is counted of an event of this identity, whose sender is dropped for `reason`, and what the batch tells of it.
fn increment(event: Event, identity: &Identity, reason: Option<Reason>) -> (Increment, usize, Option<String>) {
    let sender = sender(BROWSER, &[]);
    let digests = Some(Digests::of(sender, salts()));
    let attribution = Attribution { is_trusted: matches!(identity, Identity::Service(_)), reason, digests };
    let batch = Batch::admit(vec![Ok(event)], identity, &attribution, NOW_MS, Uuid::nil);
    (batch.counts[0].increment, batch.queued(), batch.dropped_header())
}

#[test]
fn views_and_copies_tell_whose_they_are() {
    let user = Identity::User(User { id: Uuid::nil(), email: None });
    let service = Identity::Service(None);
    let own = origin("192.0.2.1", BROWSER, None, NOW_MS);
    let other = origin("192.0.2.1", BROWSER, Some("v"), NOW_MS);
    for (kind, identity, expected) in [
        (Kind::View { visitor: None }, &Identity::Anonymous, Some(own)),
        (Kind::Copy { visitor: None }, &user, Some(own)),
        (Kind::View { visitor: Some("v".to_owned()) }, &Identity::Anonymous, Some(own)),
        (Kind::Copy { visitor: Some("v".to_owned()) }, &user, Some(own)),
        (Kind::View { visitor: Some("v".to_owned()) }, &service, Some(other)),
        (Kind::Copy { visitor: Some("v".to_owned()) }, &service, Some(other)),
        (Kind::View { visitor: None }, &service, Some(own)),
        (Kind::Fork { child_prompt_id: None }, &user, None),
        (Kind::CompareAdd { comparison_id: None }, &user, None),
    ] {
        let shown = format!("{kind:?} of {identity:?}");
        let (increment, queued, dropped) = increment(event(kind.clone(), false), identity, None);
        assert_eq!(increment.visitor.zip(increment.source), expected, "{shown}");
        assert_eq!((increment.metric, queued, dropped), (kind.metric(), 1, None), "{shown}");
    }
}

#[test]
fn what_a_robot_sends_is_counted_as_what_it_is_under_its_id() {
    use Reason::{Bot, Headless, Prefetch};
    let user = Identity::User(User { id: Uuid::nil(), email: None });
    let service = Identity::Service(None);
    let (view, copy) = (Kind::View { visitor: Some("v".to_owned()) }, Kind::Copy { visitor: None });
    for (kind, is_steered, identity, reason, expected) in [
        (&view, false, &Identity::Anonymous, Some(Bot), Some(Bot)),
        (&copy, false, &user, Some(Prefetch), Some(Prefetch)),
        (&copy, true, &Identity::Anonymous, None, Some(Headless)),
        (&view, true, &user, Some(Bot), Some(Headless)),
        (&view, true, &service, Some(Bot), None),
        (&Kind::Fork { child_prompt_id: None }, true, &user, Some(Bot), None),
        (&Kind::CompareAdd { comparison_id: None }, false, &user, Some(Headless), None),
    ] {
        let shown = format!("{kind:?} of {identity:?}, steered: {is_steered}, {reason:?}");
        let (increment, queued, dropped) = increment(event(kind.clone(), is_steered), identity, reason);
        let metric = expected.map_or(kind.metric(), Reason::metric);
        assert_eq!((increment.metric, queued), (metric, usize::from(expected.is_none())), "{shown}");
        assert_eq!(dropped.as_deref(), expected.map(Reason::name), "{shown}");
        let owner = kind.is_lineage().then(Uuid::nil);
        assert_eq!(increment.id, Some(kind.digest("an id", owner)), "{shown}");
        if expected.is_some() {
            assert_eq!((increment.visitor, increment.source), (None, None), "{shown}");
        }
    }
}

#[test]
fn a_dropped_event_is_dropped_however_often_it_comes_but_its_id_stays_its_own() {
    let attribution = Attribution { reason: Some(Reason::Bot), ..Attribution::default() };
    let events = vec![Ok(event(Kind::View { visitor: None }, false))];
    let batch = Batch::admit(events, &Identity::Anonymous, &attribution, NOW_MS, Uuid::nil);
    let fate = |outcome| batch.counts[0].fate(outcome);
    assert_eq!(fate(Outcome::Counted), Fate::Dropped(Reason::Bot));
    assert_eq!(fate(Outcome::Repeated), Fate::Dropped(Reason::Bot));
    assert!(matches!(fate(Outcome::Conflicting), Fate::Rejected(_)));
}
