//! The head of a request, as it enters.

use promptmeter::http::head::Head;

fn check(line: &str, method: &str, path: &str, query: &str) {
    let head = Head::of(line.to_owned());
    assert_eq!((head.method(), head.path(), head.query()), (method, path, query), "{line}");
}

#[test]
fn the_first_line_is_the_method_and_the_url() {
    check("GET https://example.com/v1/x", "GET", "/v1/x", "");
    check("POST http://127.0.0.1:8787/v1/events?ack=async&a=?", "POST", "/v1/events", "ack=async&a=?");
    check("GET https://example.com", "GET", "/", "");
    check("GET https://example.com/?", "GET", "/", "");
    check("GET https://example.com/a%20b/..%2f?q=%E9#top?not", "GET", "/a%20b/..%2f", "q=%E9");
    check("GET https://example.com/a?b=http://c/d", "GET", "/a", "b=http://c/d");
    check("GET /v1/x?a=1", "GET", "/v1/x", "a=1");
    check("", "", "/", "");
    check("GET", "", "/", "");
    check("GET https://example.com/x\nhost: y/z?q", "GET", "/x", "");
}

#[test]
fn headers_are_found_by_their_names_in_any_case() {
    let head = Head::of("GET https://example.com/\naccept: a/b\nX-Time: 12:34:56\nempty:\nno colon".to_owned());
    for (name, expected) in [
        ("Accept", Some(" a/b")),
        ("x-time", Some(" 12:34:56")),
        ("Empty", Some("")),
        ("no colon", None),
        ("time", None),
        ("", None),
    ] {
        assert_eq!(head.header(name).map(str::trim), expected.map(str::trim), "{name}");
    }
    // accept: a/b, X-Time: 12:34:56, empty: — each with a colon, a blank and an end of the line.
    let bytes: usize = ["accept", "X-Time", "empty"].iter().map(|name| name.len() + 4).sum();
    let values: usize = ["Accept", "X-Time", "Empty"].iter().filter_map(|name| head.header(name)).map(str::len).sum();
    assert_eq!(head.header_bytes(), bytes + values);
    assert_eq!(Head::default().header_bytes(), 0);
}
