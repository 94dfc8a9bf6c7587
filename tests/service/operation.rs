//! Health in words, alerts and their signatures, the lines of requests.

use promptmeter::alerts::condition::{Traffic, detail};
use promptmeter::alerts::decision::{CLAIM_MS, Message, PAUSE_MS, Standing, decide};
use promptmeter::alerts::kind::Kind;
use promptmeter::alerts::webhook;
use promptmeter::health::answer::{body, http_status, status};
use promptmeter::health::check::{self, Status};
use promptmeter::health::state::{NEWEST_MIGRATION, State};
use promptmeter::http::request_log::{Costs, Logged, line, request_id};
use promptmeter::http::route::{self, RouteName};
use promptmeter::metrics::meter::Meter;
use promptmeter::metrics::readings::Readings;
use promptmeter::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use serde_json::{Value, json};

const NOW_MS: i64 = 1_800_000_000_000;

fn well() -> State {
    State {
        waiting_since_ms: None,
        cron_ms: Some(NOW_MS - 2 * MINUTE_MS),
        cron_failures: String::new(),
        storage_bytes: 1_000_000,
        storage_limit: 10_000_000_000,
    }
}

#[test]
fn the_newest_migration_is_the_one_that_health_needs() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let names = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.max().unwrap(), NEWEST_MIGRATION);
}

#[test]
fn each_check_says_what_is_wrong() {
    let check = |check: check::Check, name: &str, status: Status, detail: &str| {
        assert_eq!((check.name, check.status, check.detail.as_str()), (name, status, detail));
    };
    check(check::database(true), "database", Status::Ok, "The database answers.");
    check(check::database(false), "database", Status::Failing, "The database does not answer. The log has the reason.");
    let applied = format!("{NEWEST_MIGRATION} is applied.");
    check(check::migrations(Some(NEWEST_MIGRATION)), "migrations", Status::Ok, &applied);
    check(check::migrations(Some("9999_later.sql")), "migrations", Status::Ok, "9999_later.sql is applied.");
    let apply = format!("{NEWEST_MIGRATION} is needed. Run: npx wrangler d1 migrations apply promptmeter --remote.");
    let old = format!("0002_old.sql is applied; {apply}");
    check(check::migrations(Some("0002_old.sql")), "migrations", Status::Failing, &old);
    check(check::migrations(None), "migrations", Status::Failing, &format!("No migration is applied; {apply}"));

    let cron = |state: &State, since_ms| check::cron(state, since_ms, NOW_MS);
    check(cron(&well(), 0), "cron", Status::Ok, "The cron ran 2 minutes ago.");
    let silent = State { cron_ms: Some(NOW_MS - 3 * HOUR_MS), ..well() };
    let words = "The cron has not run for 3 hours; it should every five minutes.";
    check(cron(&silent, 0), "cron", Status::Degraded, words);
    let new = State { cron_ms: None, ..well() };
    check(cron(&new, NOW_MS - MINUTE_MS), "cron", Status::Ok, "The cron has not run yet.");
    let words = "The cron has not run for 5 days; it should every five minutes.";
    check(cron(&new, NOW_MS - 5 * DAY_MS), "cron", Status::Degraded, words);
    let failed = State { cron_failures: "rollup, salts".to_owned(), ..well() };
    let words = "In the last run of the cron failed: rollup, salts. The log has why.";
    check(cron(&failed, 0), "cron", Status::Degraded, words);

    let rollup = |lag_ms| check::rollup(&State { waiting_since_ms: Some(NOW_MS - lag_ms), ..well() }, NOW_MS);
    check(check::rollup(&well(), NOW_MS), "rollup", Status::Ok, "All experiment events are rolled up.");
    let words = "The oldest event that is not rolled up came 60 minutes ago.";
    check(rollup(HOUR_MS), "rollup", Status::Ok, words);
    check(rollup(HOUR_MS + 1), "rollup", Status::Degraded, words);

    let storage = |storage_bytes| check::storage(&State { storage_bytes, ..well() });
    check(storage(8_000_000_000), "storage", Status::Ok, "D1 uses 80.0 % of 10000 MB.");
    check(storage(8_010_000_000), "storage", Status::Degraded, "D1 uses 80.1 % of 10000 MB.");
    check(storage(9_900_000_000), "storage", Status::Failing, "D1 uses 99.0 % of 10000 MB.");

    check(check::keys(true, true, true), "keys", Status::Ok, "All keys are set.");
    let words = "Not set: SERVICE_KEY (nobody can act as the service), JWT_SECRET or JWKS (no user can be told).";
    check(check::keys(false, true, false), "keys", Status::Degraded, words);
    for (address, has_secret, lacking) in [
        (None, true, None),
        (None, false, None),
        (Some("https://hooks.example/t"), true, None),
        (Some("http://127.0.0.1:9/"), true, None),
        (Some("https://hooks.example/t"), false, Some("ALERT_WEBHOOK_SECRET")),
        (Some("hooks.example/t"), true, Some("no address")),
        (Some("htps://hooks.example/t"), true, Some("no address")),
    ] {
        let found = check::alerts(address, has_secret);
        assert!(found.as_ref().is_none_or(|check| check.status == Status::Degraded && !check.detail.contains("hooks")));
        assert_eq!(found.is_some(), lacking.is_some(), "{address:?}");
        assert!(found.zip(lacking).is_none_or(|(check, lacking)| check.detail.contains(lacking)), "{address:?}");
    }
}

#[test]
fn the_answer_is_as_the_worst_of_its_checks() {
    let checks = [check::keys(true, true, true), check::storage(&State { storage_bytes: 9_000_000_000, ..well() })];
    assert_eq!((status(&checks), http_status(&checks)), (Status::Degraded, 200));
    let told: Value = serde_json::from_str(&body(&checks)).unwrap();
    let keys = json!({"name": "keys", "status": "ok", "detail": "All keys are set."});
    let storage = json!({"name": "storage", "status": "degraded", "detail": "D1 uses 90.0 % of 10000 MB."});
    assert_eq!(told, json!({"status": "degraded", "checks": [keys, storage]}));
    assert_eq!(http_status(&[check::database(false), check::keys(true, true, true)]), 503);
    assert_eq!((body(&[]), http_status(&[])), (r#"{"status":"ok","checks":[]}"#.to_owned(), 200));
}

#[test]
fn there_is_something_to_tell_beyond_each_threshold() {
    let kinds = |state: &State, traffic: Traffic| {
        let firing = |kind: &Kind| detail(*kind, state, &traffic, NOW_MS).is_some();
        Kind::ALL.into_iter().filter(firing).map(Kind::name).collect::<Vec<_>>()
    };
    let quiet = Traffic { requests: 100, errors: 5, failed_authentications: 99 };
    assert_eq!(kinds(&well(), quiet), Vec::<&str>::new());
    assert_eq!(kinds(&State { waiting_since_ms: Some(NOW_MS - HOUR_MS), ..well() }, quiet), Vec::<&str>::new());
    assert_eq!(kinds(&State { waiting_since_ms: Some(NOW_MS - HOUR_MS - 1), ..well() }, quiet), ["rollup_lag"]);
    assert_eq!(kinds(&State { storage_bytes: 8_000_000_000, ..well() }, quiet), Vec::<&str>::new());
    assert_eq!(kinds(&State { storage_bytes: 8_010_000_000, ..well() }, quiet), ["storage"]);
    assert_eq!(kinds(&well(), Traffic { errors: 6, ..quiet }), ["errors"]);
    assert_eq!(kinds(&well(), Traffic { requests: 99, errors: 99, ..quiet }), Vec::<&str>::new());
    assert_eq!(kinds(&well(), Traffic { failed_authentications: 100, ..quiet }), ["failed_authentication"]);
}

#[test]
fn traffic_is_all_requests_but_those_for_health() {
    let mut readings = Readings::default();
    let view = RouteName { method: "POST", path: "/v1/prompts/{id}/view" };
    for (route, status) in [(view, 200), (view, 503), (view, 401), (RouteName { method: "GET", path: "/healthz" }, 503)]
    {
        readings.request(route, status, 7);
    }
    readings.add(Meter::FailedAuthentications, 4);
    readings.add(Meter::RefusedRequests, 10);
    let expected = Traffic { requests: 13, errors: 11, failed_authentications: 4 };
    assert_eq!(Traffic::of(&readings.counts()), expected);
}

/// What a receiver hears over time: the minutes of runs of the cron, whether there is something to tell, whether the receiver
/// takes it; and what it is sent.
fn check_messages(runs: &[(i64, bool, bool)], expected: &[(i64, &str, &str)]) {
    let (mut standing, mut heard): (Option<Standing>, Vec<(i64, String, String)>) = (None, Vec::new());
    for (minute, is_firing, is_taken) in runs {
        let now_ms = NOW_MS + minute * MINUTE_MS;
        let (detail, id) = (is_firing.then_some("Something."), format!("msg_{minute}"));
        let Some(mut decided) = decide(Kind::Storage, standing.as_ref(), detail, &id, now_ms) else { continue };
        assert_eq!(decided.claimed_ms, now_ms);
        if let Some(message) = decided.waiting.clone() {
            let body: Value = serde_json::from_str(&message.body).unwrap();
            assert_eq!((&body["type"], &body["data"]["kind"]), (&json!("promptmeter.alert"), &json!("storage")));
            heard.push((*minute, message.id, body["data"]["status"].as_str().unwrap().to_owned()));
            if *is_taken {
                decided.waiting = None;
                decided.told_ms = Some(now_ms);
            }
        }
        standing = Some(decided);
    }
    let heard: Vec<(i64, &str, &str)> =
        heard.iter().map(|(at, id, status)| (*at, id.as_str(), status.as_str())).collect();
    assert_eq!(heard, expected);
}

#[test]
fn a_kind_is_told_once_an_hour_and_when_it_is_over() {
    let every_five = |minutes: std::ops::Range<i64>, firing: bool| minutes.step_by(5).map(move |at| (at, firing, true));
    check_messages(&every_five(0..200, false).collect::<Vec<_>>(), &[]);
    let runs: Vec<_> = every_five(0..130, true).chain(every_five(130..300, false)).collect();
    let (first, second) = ((0, "msg_0", "firing"), (60, "msg_60", "firing"));
    check_messages(&runs, &[first, second, (120, "msg_120", "firing"), (180, "msg_180", "resolved")]);
    // What comes and goes is told once an hour, as it is then.
    let flapping: Vec<_> = (0..24).map(|n| (n * 5, n % 2 == 0, true)).collect();
    check_messages(&flapping, &[first, (60, "msg_60", "firing")]);
}

#[test]
fn a_message_that_is_not_taken_is_sent_again_until_it_is() {
    let again = [(0, true, false), (5, true, false), (10, true, true), (15, true, true), (70, true, true)];
    let same = |at| (at, "msg_0", "firing");
    check_messages(&again, &[same(0), same(5), same(10), (70, "msg_70", "firing")]);
    // Of what nobody heard of, nobody hears that it is over.
    check_messages(&[(0, true, false), (5, false, true), (10, false, true)], &[same(0)]);
    let over = [(0, true, true), (65, false, false), (70, false, true), (75, false, true)];
    check_messages(&over, &[same(0), (65, "msg_65", "resolved"), (70, "msg_65", "resolved")]);
}

#[test]
fn a_run_leaves_alone_what_another_one_is_sending() {
    let standing = Standing {
        is_firing: true,
        waiting: Some(Message { id: "msg".to_owned(), body: "{}".to_owned() }),
        claimed_ms: NOW_MS,
        told_ms: None,
    };
    let decided = |now_ms| decide(Kind::Errors, Some(&standing), Some("x"), "new", now_ms);
    assert_eq!(decided(NOW_MS + CLAIM_MS - 1), None);
    assert_eq!(decided(NOW_MS + CLAIM_MS).unwrap().waiting, standing.waiting);
    // The twelfth run after a message tells the next.
    const { assert!(PAUSE_MS > 11 * 5 * MINUTE_MS && PAUSE_MS < HOUR_MS) }
}

#[test]
fn a_message_is_signed_as_standard_webhooks_has_it() {
    let check = |secret: &str, expected: &str| {
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned();
        let message = Message { id: id.clone(), body: r#"{"test": 2432232314}"#.to_owned() };
        let headers = webhook::headers(&message, secret, 1_614_265_330);
        let expected = [
            ("Content-Type", "application/json".to_owned()),
            ("webhook-id", id),
            ("webhook-timestamp", "1614265330".to_owned()),
            ("webhook-signature", expected.to_owned()),
        ];
        assert_eq!(headers, expected);
    };
    check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    check("plain secret", "v1,gke7k785FD6W2FuaDcrvG3sQcmFE9YVaaAmarK4oi68=");
}

#[test]
fn a_request_is_one_line_without_anything_of_its_sender() {
    let found = route::find("/v1/prompts/0199a7f0-0000-7000-8000-000000000001/view").unwrap();
    let costs = Costs { rows_read: 4, rows_written: 0, object_calls: 1 };
    let text = line(route::name_of(Some(&found), "POST"), 200, 12, costs, "9f1c-AMS");
    let expected = json!({
        "level": "info", "what": "request", "method": "POST", "route": "/v1/prompts/{id}/view", "status": 200,
        "duration_ms": 12, "rows_read": 4, "rows_written": 0, "object_calls": 1, "request_id": "9f1c-AMS",
    });
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    assert!(!text.contains('\n'));
    assert_eq!(route::name_of(None, "POST"), RouteName { method: "POST", path: "unknown" });
    assert_eq!(route::name_of(Some(&found), "SECRET\"").method, "other");
}

#[test]
fn a_request_has_cloudflares_id_or_one_of_its_own() {
    let check = |ray: Option<&str>, expected: &str| assert_eq!(request_id(ray, (0xabc, 255)), expected);
    check(Some("8f2e1a7b9c0d1e2f-AMS"), "8f2e1a7b9c0d1e2f-AMS");
    let long = "a".repeat(65);
    for ray in [None, Some(""), Some("a b"), Some("a\"b"), Some("ä"), Some(long.as_str())] {
        check(ray, "00000abc-ff");
    }
}

#[test]
fn which_requests_are_logged_is_a_setting() {
    let check = |setting: Option<&str>, expected: [bool; 3]| {
        assert_eq!([200, 404, 503].map(|status| Logged::parse(setting).has(status)), expected, "{setting:?}");
    };
    check(None, [true, true, true]);
    check(Some("all"), [true, true, true]);
    check(Some("errors"), [false, false, true]);
    check(Some(" off "), [false, false, false]);
}
