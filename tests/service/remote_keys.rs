//! A key set that is fetched: when it is asked for, who waits, and what becomes of tokens meanwhile.

use promptmeter::http::key_set::{Algorithm, KeyName, KeySet};
use promptmeter::http::key_source::{KeySource, Step};
use promptmeter::http::remote_keys::{COOLDOWN_MS, LIFETIME_MS, LOST_MS, RETRY_MS, RemoteKeys};
use serde_json::{Value, json};

const URL: &str = "https://auth.example/jwks.json";
const NOW_MS: i64 = 1_800_000_000_000;

use Did::{Fail, Get};
use Told::{Fetch, Refuse, Unavailable, Use, Wait};

/// What a token is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Use,
    Fetch,
    Wait,
    Refuse,
    Unavailable,
}

/// How a fetch ended.
#[derive(Clone, Copy, Debug)]
enum Did {
    /// It brought keys of these names.
    Get(&'static [&'static str]),
    Fail,
}

/// One thing that happens, so many milliseconds after [`NOW_MS`].
enum Event {
    /// A token that just came asks for a key.
    Ask(i64, &'static str, Told),
    /// A token that came at the second time asks again.
    AskAgain(i64, i64, &'static str, Told),
    /// A fetch ends.
    End(i64, Did),
}
use Event::{Ask, AskAgain, End};

fn key_set(kids: &[&str]) -> KeySet {
    let coordinate = "A".repeat(43);
    let key = |kid: &&str| json!({"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate, "kid": kid});
    KeySet::parse(&json!({"keys": kids.iter().map(key).collect::<Vec<Value>>()}).to_string()).unwrap()
}

fn ask(keys: &mut RemoteKeys, kid: &str, since_ms: i64, now_ms: i64) -> Told {
    let name = KeyName { kid: kid.to_owned(), algorithm: Algorithm::Es256 };
    match keys.ask(&name, NOW_MS + since_ms, NOW_MS + now_ms) {
        Step::Use(_) => Use,
        Step::Fetch(url) => {
            assert_eq!(url, URL);
            Fetch
        }
        Step::Wait => Wait,
        Step::Refuse(_) => Refuse,
        Step::Unavailable => Unavailable,
    }
}

fn check(events: &[Event]) {
    let mut keys = RemoteKeys::at(URL);
    for (index, event) in events.iter().enumerate() {
        let (told, expected) = match *event {
            Ask(now_ms, kid, expected) => (ask(&mut keys, kid, now_ms, now_ms), expected),
            AskAgain(now_ms, since_ms, kid, expected) => (ask(&mut keys, kid, since_ms, now_ms), expected),
            End(now_ms, did) => {
                let fetched = match did {
                    Get(kids) => Some(key_set(kids)),
                    Fail => None,
                };
                keys.take(fetched, NOW_MS + now_ms);
                continue;
            }
        };
        assert_eq!(told, expected, "event {index}");
    }
}

#[test]
fn the_first_token_fetches_and_the_others_wait_for_it() {
    check(&[
        Ask(0, "a", Fetch),
        AskAgain(0, 0, "a", Wait),
        Ask(1, "a", Wait),
        Ask(1, "b", Wait),
        End(100, Get(&["a"])),
        AskAgain(101, 0, "a", Use),
        AskAgain(101, 1, "a", Use),
        AskAgain(101, 1, "b", Refuse),
        AskAgain(105, 100, "b", Refuse),
        Ask(102, "a", Use),
        Ask(LIFETIME_MS + 99, "a", Use),
    ]);
}

#[test]
fn an_unknown_key_is_fetched_for_once_a_minute() {
    let began = 1000;
    check(&[
        Ask(0, "a", Fetch),
        End(1, Get(&["a"])),
        Ask(began, "b", Fetch),
        Ask(began, "b", Wait),
        Ask(began, "c", Wait),
        Ask(began, "a", Use),
        End(began + 9, Get(&["a", "b"])),
        AskAgain(began + 10, began, "b", Use),
        AskAgain(began + 10, began, "c", Refuse),
        Ask(began + 10, "c", Refuse),
        Ask(began + COOLDOWN_MS - 1, "c", Refuse),
        Ask(began + COOLDOWN_MS - 1, "b", Use),
        Ask(began + COOLDOWN_MS, "c", Fetch),
        Ask(began + COOLDOWN_MS, "d", Wait),
        End(began + COOLDOWN_MS + 9, Get(&["c"])),
        Ask(began + COOLDOWN_MS + 10, "a", Refuse),
        Ask(began + COOLDOWN_MS + 10, "c", Use),
    ]);
}

#[test]
fn a_fetch_that_fails_leaves_the_keys_and_is_tried_again_after_a_minute() {
    check(&[
        Ask(0, "a", Fetch),
        End(1, Get(&["a"])),
        Ask(1000, "b", Fetch),
        End(1009, Fail),
        AskAgain(1010, 1000, "b", Refuse),
        Ask(1010, "a", Use),
        Ask(1000 + COOLDOWN_MS - 1, "b", Refuse),
        Ask(1000 + COOLDOWN_MS, "b", Fetch),
        End(1000 + COOLDOWN_MS + 9, Fail),
        Ask(1000 + COOLDOWN_MS + 10, "a", Use),
    ]);
}

#[test]
fn keys_that_are_ten_minutes_old_are_fetched_anew_before_they_are_relied_on() {
    let old = 1 + LIFETIME_MS;
    check(&[
        Ask(0, "a", Fetch),
        End(1, Get(&["a", "b"])),
        Ask(old - 1, "a", Use),
        Ask(old, "a", Fetch),
        AskAgain(old, old, "a", Wait),
        Ask(old + 1, "b", Wait),
        End(old + 9, Get(&["a"])),
        AskAgain(old + 10, old, "a", Use),
        AskAgain(old + 10, old + 1, "b", Refuse),
        Ask(old + 8 + LIFETIME_MS, "a", Use),
        Ask(old + 9 + LIFETIME_MS, "a", Fetch),
    ]);
}

#[test]
fn old_keys_are_relied_on_when_no_newer_ones_are_to_be_had_and_nobody_waits_for_them_twice() {
    let old = 1 + LIFETIME_MS;
    check(&[
        Ask(0, "a", Fetch),
        End(1, Get(&["a"])),
        Ask(old, "a", Fetch),
        End(old + 5000, Fail),
        AskAgain(old + 5001, old, "a", Use),
        Ask(old + 5001, "b", Refuse),
        Ask(old + COOLDOWN_MS - 1, "a", Use),
        Ask(old + COOLDOWN_MS, "a", Fetch),
        AskAgain(old + COOLDOWN_MS, old + COOLDOWN_MS, "a", Use),
        Ask(old + COOLDOWN_MS + 1, "a", Use),
        Ask(old + COOLDOWN_MS + 1, "b", Wait),
        End(old + COOLDOWN_MS + 9, Get(&["b"])),
        Ask(old + COOLDOWN_MS + 10, "a", Fetch),
    ]);
}

#[test]
fn without_any_keys_the_caller_is_told_to_come_back() {
    check(&[
        Ask(0, "a", Fetch),
        Ask(1, "a", Wait),
        End(5000, Fail),
        AskAgain(5001, 0, "a", Unavailable),
        AskAgain(5001, 1, "a", Unavailable),
        Ask(RETRY_MS - 1, "a", Unavailable),
        Ask(RETRY_MS, "a", Fetch),
        Ask(RETRY_MS, "a", Wait),
        End(RETRY_MS + 9, Get(&["a"])),
        Ask(RETRY_MS + 10, "a", Use),
    ]);
}

#[test]
fn a_fetch_that_never_ends_is_taken_for_failed() {
    check(&[
        Ask(0, "a", Fetch),
        Ask(LOST_MS - 1, "a", Wait),
        Ask(LOST_MS, "a", Unavailable),
        Ask(RETRY_MS, "a", Fetch),
        End(RETRY_MS + 1, Get(&["a"])),
        Ask(RETRY_MS + 2, "a", Use),
        Ask(RETRY_MS + 2, "b", Fetch),
        Ask(RETRY_MS + 2 + LOST_MS, "a", Use),
        Ask(RETRY_MS + 2 + LOST_MS, "b", Refuse),
        End(RETRY_MS + 3 + LOST_MS, Get(&["b"])),
        Ask(RETRY_MS + 4 + LOST_MS, "b", Use),
    ]);
}

#[test]
fn a_clock_that_is_set_back_puts_nothing_off() {
    check(&[Ask(0, "a", Fetch), Ask(-1, "a", Fetch)]);
    check(&[Ask(0, "a", Fetch), End(0, Fail), Ask(-1, "a", Fetch)]);
    check(&[Ask(0, "a", Fetch), End(0, Get(&["a"])), Ask(-1, "a", Fetch)]);
}

#[test]
fn a_known_key_of_another_algorithm_is_nothing_to_fetch_for() {
    let mut keys = RemoteKeys::at(URL);
    assert_eq!(ask(&mut keys, "a", 0, 0), Fetch);
    keys.take(Some(key_set(&["a"])), NOW_MS);
    let name = KeyName { kid: "a".to_owned(), algorithm: Algorithm::Rs256 };
    assert_eq!(keys.ask(&name, NOW_MS + 1000, NOW_MS + 1000), Step::UNKNOWN);
}

#[test]
fn a_set_from_another_address_is_not_taken() {
    let name = KeyName { kid: "a".to_owned(), algorithm: Algorithm::Es256 };
    let mut source = KeySource::parse(URL).unwrap();
    assert_eq!(source.ask(&name, NOW_MS, NOW_MS), Step::Fetch(URL.to_owned()));
    source.take("https://other.example/", Some(key_set(&["a"])), NOW_MS);
    assert_eq!(source.ask(&name, NOW_MS, NOW_MS), Step::Wait);
    source.take(URL, Some(key_set(&["a"])), NOW_MS);
    assert!(matches!(source.ask(&name, NOW_MS, NOW_MS), Step::Use(_)));
}
