//! Routes, their methods, the names of prompts, and which pages may call.

use promptmeter::data::prompt::PromptName;
use promptmeter::http::cors::{self, AllowedOrigins};
use promptmeter::http::problem::Code;
use promptmeter::http::route::{Access, Endpoint, ROUTES, Sharing, find};
use uuid::Uuid;

const ID: &str = "01234567-89ab-7def-8123-456789abcdef";

/// What answers a method and a path: the endpoint and what stood for `{id}`, or the problem and its `Allow`.
fn check(method: &str, path: &str, expected: Result<(Endpoint, &str), (Code, Option<&str>)>) {
    let actual = find(path).and_then(|found| Ok((found.with_method(method)?.endpoint, found.id)));
    let actual = actual.map_err(|problem| (problem.code, problem.allow));
    let expected = expected
        .map(|(endpoint, id)| (endpoint, id.to_owned()))
        .map_err(|(code, allow)| (code, allow.map(str::to_owned)));
    assert_eq!(actual, expected, "{method} {path}");
}

#[test]
fn every_route_is_found() {
    use Access::{Anyone, Service};
    use Sharing::{CrossOrigin, SameOrigin};
    let expected = [
        ("GET", "/healthz", Endpoint::Health, Anyone, CrossOrigin),
        ("POST", "/v1/events", Endpoint::Events, Anyone, CrossOrigin),
        ("POST", "/v1/usage", Endpoint::Usage, Anyone, CrossOrigin),
        ("POST", "/v1/prompts", Endpoint::CreatePrompt, Anyone, CrossOrigin),
        ("POST", "/v1/prompts/{id}/fork", Endpoint::Fork, Anyone, CrossOrigin),
        ("POST", "/v1/prompts/{id}/view", Endpoint::View, Anyone, CrossOrigin),
        ("POST", "/v1/prompts/{id}/copy", Endpoint::Copy, Anyone, CrossOrigin),
        ("POST", "/v1/prompts/{id}/compare", Endpoint::Compare, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/stats", Endpoint::Stats, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/badge.svg", Endpoint::Badge, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/live", Endpoint::Live, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/stats", Endpoint::StatsOfMany, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/top/{id}", Endpoint::Top, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/usage/scenes", Endpoint::Scenes, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/series", Endpoint::Series, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/funnel", Endpoint::Funnel, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/lineage", Endpoint::Lineage, Anyone, CrossOrigin),
        ("GET", "/v1/prompts/{id}/compared", Endpoint::Compared, Anyone, CrossOrigin),
        ("GET", "/v1/templates/search", Endpoint::Search, Anyone, CrossOrigin),
        ("PUT", "/v1/experiments/{id}", Endpoint::Declare, Service, SameOrigin),
        ("GET", "/v1/experiments/{id}/assignment", Endpoint::Assignment, Anyone, CrossOrigin),
        ("GET", "/v1/experiments/{id}/summary", Endpoint::Summary, Service, CrossOrigin),
        ("GET", "/v1/experiments/{id}/results", Endpoint::Results, Service, CrossOrigin),
        ("POST", "/v1/experiments/evaluate", Endpoint::Evaluate, Anyone, CrossOrigin),
        ("POST", "/v1/import", Endpoint::Import, Service, SameOrigin),
        ("GET", "/v1/export", Endpoint::Export, Service, SameOrigin),
        ("GET", "/v1/admin/verify", Endpoint::Verify, Service, SameOrigin),
        ("POST", "/v1/admin/retract", Endpoint::Retract, Service, SameOrigin),
        ("GET", "/v1/admin/runs", Endpoint::Runs, Service, SameOrigin),
        ("GET", "/v1/admin/series", Endpoint::Totals, Service, SameOrigin),
        ("GET", "/v1/admin/metrics", Endpoint::Metrics, Service, SameOrigin),
        ("GET", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        ("POST", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        ("PATCH", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        ("DELETE", "/rest/v1/{id}", Endpoint::Rows, Anyone, CrossOrigin),
        ("GET", "/rest/v1/rpc/{id}", Endpoint::Function, Anyone, CrossOrigin),
        ("POST", "/rest/v1/rpc/{id}", Endpoint::Function, Anyone, CrossOrigin),
    ];
    for (method, path, endpoint, access, sharing) in expected {
        let id = if path.contains("{id}") { ID } else { "" };
        let path = path.replace("{id}", ID);
        check(method, &path, Ok((endpoint, id)));
        let found = find(&path).unwrap();
        assert_eq!((found.with_method(method).unwrap().access, found.sharing()), (access, sharing), "{path}");
    }
    assert_eq!(ROUTES.len(), expected.len());
}

#[test]
fn a_prompt_may_be_called_top() {
    check("GET", "/v1/prompts/top/stats", Ok((Endpoint::Stats, "top")));
    check("POST", "/v1/prompts/top/view", Ok((Endpoint::View, "top")));
    check("GET", "/v1/prompts/top/view", Err((Code::MethodNotAllowed, Some("POST, OPTIONS"))));
    check("GET", "/v1/prompts/top/viewed", Ok((Endpoint::Top, "viewed")));
}

#[test]
fn an_unknown_path_is_no_route() {
    for path in [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v2/events",
        "/V1/events",
        "/v1/events/",
        "/v1//events",
        "//v1/events",
        "/v1/events/1",
        "v1/events",
        "/healthz/",
        "/v1/prompts/",
        "/v1/prompts//stats",
        "/v1/prompts/a/stats/",
        "/v1/prompts/a//stats",
        "/v1/prompts/a/b/stats",
        "/v1/prompts/a/unknown",
        "/v1/prompts/%FF/stats",
        "/v1/prompts/%C3%28/stats",
        "/v1/prompts/{id}/",
        "/v1/experiments",
        "/v1/experiments/",
        "/v1/experiments//summary",
        "/v1/experiments/evaluate/",
        "/v1/experiments//assignment",
        "/v1/experiments/a/assignments",
        "/v1/templates",
        "/v1/templates/search/",
        "/v1/events?ack=async",
    ] {
        for method in ["GET", "POST", "HEAD", "OPTIONS", "NONSENSE"] {
            check(method, path, Err((Code::UnknownRoute, None)));
        }
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "post", ""] {
        check(method, "/v1/events", Err((Code::MethodNotAllowed, Some("POST, OPTIONS"))));
        check(method, "/v1/prompts/a/view", Err((Code::MethodNotAllowed, Some("POST, OPTIONS"))));
        check(method, "/v1/import", Err((Code::MethodNotAllowed, Some("POST, OPTIONS"))));
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "head", ""] {
        check(method, "/healthz", Err((Code::MethodNotAllowed, Some("GET, HEAD, OPTIONS"))));
        check(method, "/v1/prompts/a/stats", Err((Code::MethodNotAllowed, Some("GET, HEAD, OPTIONS"))));
        check(method, "/v1/experiments/a/assignment", Err((Code::MethodNotAllowed, Some("GET, HEAD, OPTIONS"))));
    }
}

#[test]
fn an_experiment_is_declared_with_put_alone() {
    for method in ["GET", "HEAD", "POST", "PATCH", "DELETE"] {
        check(method, "/v1/experiments/a", Err((Code::MethodNotAllowed, Some("PUT, OPTIONS"))));
    }
    check("PUT", "/v1/experiments/a%2Fb%20%C3%A9", Ok((Endpoint::Declare, "a/b é")));
}

#[test]
fn head_is_answered_wherever_get_is() {
    check("HEAD", "/healthz", Ok((Endpoint::Health, "")));
    check("HEAD", "/v1/prompts/a/stats", Ok((Endpoint::Stats, "a")));
    check("HEAD", "/v1/experiments/a/assignment", Ok((Endpoint::Assignment, "a")));
    check("HEAD", "/v1/experiments/a/summary", Ok((Endpoint::Summary, "a")));
    check("HEAD", "/v1/templates/search", Ok((Endpoint::Search, "")));
    check("HEAD", "/v1/prompts/a/series", Ok((Endpoint::Series, "a")));
    check("HEAD", "/v1/prompts/a/funnel", Ok((Endpoint::Funnel, "a")));
}

#[test]
fn the_id_of_a_path_is_percent_decoded_once() {
    for (segment, id) in [
        ("a-slug", "a-slug"),
        ("caf%C3%A9", "café"),
        ("caf%c3%a9", "café"),
        ("café", "café"),
        ("%F0%9F%98%80", "😀"),
        ("a%2Fb", "a/b"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("100%25", "100%"),
        ("100%2525", "100%25"),
        ("100%", "100%"),
        ("..", ".."),
    ] {
        check("GET", &format!("/v1/prompts/{segment}/stats"), Ok((Endpoint::Stats, id)));
    }
}

#[test]
fn a_prompt_is_named_by_its_id_or_its_slug() {
    let id = Uuid::from_u128(0x0123_4567_89ab_7def_8123_4567_89ab_cdef);
    let slug = |slug: &str| Ok(PromptName::Slug(slug.to_owned()));
    let longest = "😀".repeat(128);
    for (segment, expected) in [
        (ID, Ok(PromptName::Id(id))),
        (&ID.to_uppercase(), Ok(PromptName::Id(id))),
        (&ID.replace('-', ""), slug(&ID.replace('-', ""))),
        (&format!("{{{ID}}}"), slug(&format!("{{{ID}}}"))),
        (&ID.replace('0', "g"), slug(&ID.replace('0', "g"))),
        ("a-slug", slug("a-slug")),
        (&longest, slug(&longest)),
        (&format!("{longest}x"), Err(Code::UnknownPrompt)),
    ] {
        assert_eq!(PromptName::parse(segment).map_err(|problem| problem.code), expected, "{segment}");
    }
}

#[test]
fn allowed_origins_are_read_from_the_setting() {
    let listed = |origins: &[&str]| AllowedOrigins::Listed(origins.iter().map(|&origin| origin.to_owned()).collect());
    for (setting, expected) in [
        (None, AllowedOrigins::Any),
        (Some(""), AllowedOrigins::Any),
        (Some(" , "), AllowedOrigins::Any),
        (Some("*"), AllowedOrigins::Any),
        (Some("https://a.example, *"), AllowedOrigins::Any),
        (Some("https://a.example"), listed(&["https://a.example"])),
        (Some("https://a.example/"), listed(&["https://a.example"])),
        (Some(" https://a.example ,,http://b.example:8080 "), listed(&["https://a.example", "http://b.example:8080"])),
    ] {
        assert_eq!(AllowedOrigins::parse(setting), expected, "{setting:?}");
    }
}

#[test]
fn pages_of_allowed_origins_may_read_what_is_shared() {
    const EXPOSED: (&str, &str) = (
        "Access-Control-Expose-Headers",
        "content-range, etag, location, preference-applied, retry-after, x-promptmeter-dropped, x-request-id",
    );
    const VARY: (&str, &str) = ("Vary", "Origin");
    let any = AllowedOrigins::Any;
    let listed = AllowedOrigins::parse(Some("https://a.example,https://b.example"));
    let (cross, same) = (Sharing::CrossOrigin, Sharing::SameOrigin);
    let nothing: &[(&str, &str)] = &[];
    for (sharing, allowed, origin, expected) in [
        (cross, &any, "https://a.example", [("Access-Control-Allow-Origin", "*"), EXPOSED].as_slice()),
        (cross, &any, "null", &[("Access-Control-Allow-Origin", "*"), EXPOSED]),
        (cross, &listed, "https://b.example", &[VARY, ("Access-Control-Allow-Origin", "https://b.example"), EXPOSED]),
        (cross, &listed, "https://c.example", &[VARY]),
        (cross, &listed, "http://a.example", &[VARY]),
        (cross, &listed, "https://a.example.evil.example", &[VARY]),
        (cross, &listed, "null", &[VARY]),
        (same, &any, "https://a.example", nothing),
        (same, &listed, "https://a.example", nothing),
    ] {
        let actual = cors::headers(sharing, allowed, Some(origin));
        let actual: Vec<(&str, &str)> = actual.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(actual, expected, "{sharing:?} {allowed:?} {origin}");
    }
}

#[test]
fn what_no_page_asks_for_is_shared_where_every_page_may_have_it() {
    let listed = AllowedOrigins::parse(Some("https://a.example"));
    for (sharing, allowed, expected) in [
        // It may be kept, and given to a page.
        (
            Sharing::CrossOrigin,
            AllowedOrigins::Any,
            &["Access-Control-Allow-Origin", "Access-Control-Expose-Headers"][..],
        ),
        (Sharing::CrossOrigin, listed.clone(), &["Vary"]),
        (Sharing::SameOrigin, AllowedOrigins::Any, &[]),
        (Sharing::SameOrigin, listed, &[]),
    ] {
        let names: Vec<&str> = cors::headers(sharing, &allowed, None).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected, "{sharing:?} {allowed:?}");
    }
}

fn check_preflight(path: &str, expected: &[(&str, &str)]) {
    let actual = cors::preflight_headers(&find(path).unwrap());
    let actual: Vec<(&str, &str)> = actual.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(actual, expected, "{path}");
}

#[test]
fn a_preflight_tells_methods_and_headers_of_what_is_shared() {
    const HEADERS: &str = "accept-profile, authorization, apikey, content-profile, content-type, idempotency-key, if-none-match, last-event-id, prefer, \
        range, range-unit, x-client-info, x-retry-count, x-supabase-api-version";
    for (path, methods) in [
        ("/v1/events", "POST, OPTIONS"),
        ("/v1/prompts/a/view", "POST, OPTIONS"),
        ("/v1/prompts/a/stats", "GET, HEAD, OPTIONS"),
        ("/v1/experiments/evaluate", "POST, OPTIONS"),
        ("/v1/experiments/a/assignment", "GET, HEAD, OPTIONS"),
        ("/rest/v1/prompts", "GET, POST, PATCH, DELETE, HEAD, OPTIONS"),
    ] {
        let expected = [
            ("Allow", methods),
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", HEADERS),
            ("Access-Control-Max-Age", "86400"),
        ];
        check_preflight(path, &expected);
    }
    check_preflight("/v1/import", &[("Allow", "POST, OPTIONS")]);
    check_preflight("/v1/experiments/a", &[("Allow", "PUT, OPTIONS")]);
}
